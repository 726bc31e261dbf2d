//! A new lead, by the codes that were handed out when the team was made.

use std::io::{BufRead, IsTerminal};

use firsthand_node::Node;
use zeroize::Zeroizing;

use super::removal::reason;
use super::team::print;
use crate::args::RecoverArgs;
use crate::fail::Fail;
use crate::home::{Session, ask};

/// The longest line with a code; more is no code.
const MAX_CODE_BYTES: u64 = 400;

/// Makes somebody the lead.
pub(super) async fn run(session: &Session, args: &RecoverArgs) -> Result<(), Fail> {
    session
        .with_node(async |node| {
            let none = || {
                Fail::other(
                    "no_recovery",
                    "this team was made without recovery codes, so nobody can be made its lead with any",
                )
                .hint("Make a new team, with `firsthand team create --recovery 3-of-5`.")
            };
            let keys = node.recovery_keys().await?.ok_or_else(none)?;
            // Nobody types codes for somebody whom the team does not know.
            for who in std::iter::once(&args.who).chain(&args.remove) {
                node.find_to_revoke(Some(who.clone()), None).await?;
            }
            let codes = codes(node, keys.needed).await?;
            let remove = args.remove.clone().zip(args.reason.as_deref().map(reason));
            let removal = node.recover(args.who.clone(), remove, codes).await?;
            print(session, node).await?;
            let also = if removal.is_some() { " The removal stands before all others." } else { "" };
            session.out.note(&format!("Done.{also} Others hear of it when they meet this device."));
            Ok(())
        })
        .await
}

/// Takes codes until there are enough, each looked at as it comes.
async fn codes(node: &Node, needed: u8) -> Result<Vec<Zeroizing<String>>, Fail> {
    let mut codes: Vec<Zeroizing<String>> = Vec::new();
    let mut lines = 0;
    while codes.len() < needed.into() {
        let number = codes.len() + 1;
        let typed = tokio::task::spawn_blocking(move || next(number, needed)).await;
        let typed = typed.map_err(|_| Fail::other("stopped", "stopped"))??;
        let Some(code) = typed else {
            return Err(Fail::input(
                "codes",
                format!("are too few: {needed} are needed, and {} came", codes.len()),
            ));
        };
        lines += 1;
        if code.trim().is_empty() {
            continue;
        }
        let known = codes.iter().any(|other| plain(other) == plain(&code));
        if known || !node.is_recovery_code(code.clone()).await? {
            let what = if known { "was given already" } else { "is mistyped, or of another team" };
            if std::io::stdin().is_terminal() {
                crate::show::to_stderr(&format!("This code {what}."));
                continue;
            }
            return Err(Fail::input(&format!("line {lines}"), what));
        }
        codes.push(code);
    }
    Ok(codes)
}

/// A code without what people put between its groups.
fn plain(code: &str) -> Zeroizing<String> {
    let kept = code.chars().filter(|c| !c.is_whitespace() && *c != '-');
    Zeroizing::new(kept.map(|c| c.to_ascii_uppercase()).collect())
}

/// The next line; `None` at the end.
fn next(number: usize, needed: u8) -> Result<Option<Zeroizing<String>>, Fail> {
    if std::io::stdin().is_terminal() {
        return ask(&format!("Recovery code {number} of {needed}: ")).map(Some);
    }
    let mut line = Zeroizing::new(String::with_capacity(MAX_CODE_BYTES as usize));
    let mut input = std::io::Read::take(std::io::stdin().lock(), MAX_CODE_BYTES);
    let read = input
        .read_line(&mut line)
        .map_err(|error| Fail::other("input", format!("failed to read standard input: {}", error.kind())))?;
    Ok((read > 0).then_some(line))
}
