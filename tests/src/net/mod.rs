//! Several hosts on one machine, and between them a network as it is in the field.
//!
//! Each [`Host`] has a network namespace of its own: real sockets, real addresses, real multicast. Its only way out is an Ethernet
//! device whose other end a [`Switch`] in this process holds. The switch carries frames as a [`Link`] says: late, at a rate, with losses
//! that are drawn from a seed, or not at all. So nothing but root and `/dev/net/tun` is needed: not every kernel brings `netem`, and its
//! losses cannot be drawn again.

mod host;
mod switch;
mod tap;

pub use host::{Begun, Host};
pub use switch::{Carried, Link, Switch};

/// Whether hosts can be made here; otherwise why not, in words for the person at the terminal.
///
/// # Errors
/// What is missing.
pub fn available() -> Result<(), String> {
    // SAFETY: it only asks who runs this.
    #[allow(unsafe_code, reason = "the C library's way to ask")]
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        return Err("network namespaces are made by root alone; run it with sudo".to_owned());
    }
    std::thread::spawn(|| {
        tap::enter_new_namespace()
            .map_err(|error| format!("no network namespace can be made here: {error}"))?;
        tap::open("trial").map_err(|error| format!("/dev/net/tun cannot be used here: {error}"))?;
        let ip = std::process::Command::new("ip").arg("-V").output();
        ip.map(drop).map_err(|error| format!("the program `ip` (Debian: iproute2) is missing: {error}"))
    })
    .join()
    .unwrap()
}
