//! The programs a build needs beside Rust, and what to install when one is missing.

use std::env;
use std::process::{Command, Stdio};

use crate::Failure;

/// A program, how to see that it works, what needs it, and the Debian package that brings it.
struct Tool {
    program: &'static str,
    arguments: &'static [&'static str],
    needed_for: &'static str,
    package: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        program: "cc",
        arguments: &["--version"],
        needed_for: "linking, SQLCipher, ring and zstd",
        package: "build-essential",
    },
    Tool {
        program: "make",
        arguments: &["--version"],
        needed_for: "OpenSSL, which SQLCipher links",
        package: "make",
    },
    Tool {
        // Debian's perl-base is there always and lacks the modules that OpenSSL's Configure loads.
        program: "perl",
        arguments: &["-MFindBin", "-MIPC::Cmd", "-MFile::Compare", "-MFile::Copy", "-e", "1"],
        needed_for: "OpenSSL's configuration, with the modules of the full package",
        package: "perl",
    },
];

/// Fails with one line per missing program and the command that installs them.
pub(crate) fn check() -> Result<(), Failure> {
    let missing: Vec<&Tool> = TOOLS.iter().filter(|tool| !works(tool)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut message = String::from("the build needs programs that are missing\n");
    for tool in &missing {
        message +=
            &format!("  {:<5} for {} (Debian package {})\n", tool.program, tool.needed_for, tool.package);
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    message += &format!("on Debian and Ubuntu: apt-get install {}", packages.join(" "));
    Err(message.into())
}

fn works(tool: &Tool) -> bool {
    // The cc crate takes another compiler from CC.
    let other = if tool.program == "cc" { env::var("CC").ok() } else { None };
    let program = other.as_deref().unwrap_or(tool.program);
    let status =
        Command::new(program).args(tool.arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_noticed() {
        let tool = |program, arguments| Tool { program, arguments, needed_for: "", package: "" };
        assert!(!works(&tool("firsthand-no-such-program", &[])));
        assert!(works(&tool("cargo", &["--version"])));
        assert!(!works(&tool("cargo", &["no-such-command"])));
    }
}
