//! People, by the names they go by.

use firsthand_node::Node;
use firsthand_node::ids::PersonId;

use crate::fail::Fail;

/// The member with this name, in any case, or whose id begins so.
pub(crate) async fn member(node: &Node, field: &str, typed: &str) -> Result<PersonId, Fail> {
    let wanted = typed.trim().to_lowercase();
    let team = node.team().await?;
    let fits = |member: &&firsthand_node::MemberView| {
        member.name.to_lowercase() == wanted
            || (wanted.len() >= 4 && member.person.to_string().starts_with(&wanted))
    };
    let found: Vec<_> = team.members.iter().filter(fits).collect();
    match found[..] {
        [member] => Ok(member.person),
        [] => Err(Fail::input(field, "is nobody of the team (firsthand team show lists them)")),
        _ => {
            let ids: Vec<String> = found.iter().map(|member| member.person.to_string()).collect();
            Err(Fail::input(field, format!("fits several people; name one by its id: {}", ids.join(", "))))
        }
    }
}
