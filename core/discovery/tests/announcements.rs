//! Two announcers of this machine find each other over its real networks.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use firsthand_discovery::{Announcer, Seen};

/// Longer than mDNS takes to probe a name, to announce it, and to ask again.
const LIMIT: Duration = Duration::from_secs(20);

fn await_seen(heard: &mpsc::Receiver<Seen>, wanted: impl Fn(&Seen) -> bool) -> Option<Seen> {
    let until = Instant::now() + LIMIT;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        match heard.recv_timeout(left) {
            Ok(seen) if wanted(&seen) => return Some(seen),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
    None
}

/// Whether what is sent to everybody comes back at all: some machines have no route for it.
fn multicast_works() -> bool {
    let group = std::net::Ipv4Addr::new(224, 0, 0, 251);
    let try_it = || -> std::io::Result<bool> {
        let socket = std::net::UdpSocket::bind(("0.0.0.0", 0))?;
        socket.join_multicast_v4(&group, &std::net::Ipv4Addr::UNSPECIFIED)?;
        socket.set_multicast_loop_v4(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        socket.send_to(b"firsthand", (group, socket.local_addr()?.port()))?;
        let mut heard = [0; 16];
        Ok(socket.recv_from(&mut heard).is_ok_and(|(len, _)| &heard[..len] == b"firsthand"))
    };
    try_it().unwrap_or(false)
}

#[test]
fn two_find_each_other_and_hear_when_one_goes() {
    if !multicast_works() {
        println!("skipped: this machine carries no multicast, so nobody can be found by announcements");
        return;
    }
    // Other runs on this machine are heard too; names tell them apart.
    let run = std::process::id();
    let (one, two) = (format!("{run:08x}aaaaaaaa"), format!("{run:08x}bbbbbbbb"));
    let (tell_one, at_one) = mpsc::channel();
    let (tell_two, at_two) = mpsc::channel();
    let first = Announcer::start(&one, 4701, move |seen| tell_one.send(seen).is_ok()).unwrap();
    let second = Announcer::start(&two, 4702, move |seen| tell_two.send(seen).is_ok()).unwrap();

    let here = |wanted: &str, seen: &Seen| {
        assert!(
            !matches!(seen, Seen::Here { name, .. } if *name == if wanted == one { two.clone() } else { one.clone() }),
            "it hears itself"
        );
        matches!(seen, Seen::Here { name, addresses } if name == wanted && !addresses.is_empty())
    };
    let seen = await_seen(&at_one, |seen| here(&two, seen)).expect("the first finds the second");
    let Seen::Here { addresses, .. } = seen else { panic!("it is here") };
    assert!(addresses.iter().all(|address: &SocketAddr| address.port() == 4702), "{addresses:?}");
    await_seen(&at_two, |seen| here(&one, seen)).expect("the second finds the first");

    drop(second);
    let gone = |seen: &Seen| matches!(seen, Seen::Gone { name } if *name == two);
    await_seen(&at_one, gone).expect("the first hears that the second goes");
    drop(first);
}
