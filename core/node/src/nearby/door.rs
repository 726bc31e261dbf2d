use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::LinkId;

/// Connections that may be open without having shown a member. A handshake takes under a second on a hotspot, so a team of dozens
/// who all arrive at once passes.
const MAX_STRANGERS: usize = 32;
/// The same from one address: a team of six behind one address, who all dial the seventh at once.
const MAX_OF_ADDRESS: usize = 8;

/// What to do with somebody who knocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Let them in.
    Open,
    /// Let them in; close this connection, which has not shown a member either.
    Instead(LinkId),
    /// Close at once.
    Shut,
}

/// Who may come in: a machine that opens a thousand connections and says nothing keeps nobody else out.
#[derive(Debug, Default)]
pub struct Door {
    strangers: BTreeMap<LinkId, IpAddr>,
}

impl Door {
    /// Somebody knocks, and is noted where let in.
    pub fn knock(&mut self, link: LinkId, from: IpAddr) -> Entry {
        let from = whose(from);
        let of = |address: IpAddr, all: &BTreeMap<LinkId, IpAddr>| {
            all.values().filter(|it| **it == address).count()
        };
        if of(from, &self.strangers) >= MAX_OF_ADDRESS {
            return Entry::Shut;
        }
        let entry = if self.strangers.len() < MAX_STRANGERS {
            Entry::Open
        } else {
            // Of those who crowd most, the one that has had the longest time.
            let crowd = |(link, address): &(&LinkId, &IpAddr)| {
                (of(**address, &self.strangers), std::cmp::Reverse(**link))
            };
            let out = self.strangers.iter().max_by_key(crowd).map(|(link, _)| *link);
            out.map_or(Entry::Shut, Entry::Instead)
        };
        if let Entry::Instead(out) = entry {
            self.strangers.remove(&out);
        }
        if entry != Entry::Shut {
            self.strangers.insert(link, from);
        }
        entry
    }

    /// A connection has shown a member, or is gone.
    pub fn forget(&mut self, link: LinkId) {
        self.strangers.remove(&link);
    }
}

/// Whose an address is: of the global ones of IPv6 everybody has as many as they like within one network.
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(it) if !it.is_unicast_link_local() && !it.is_loopback() => {
            IpAddr::V6((it.to_bits() >> 64 << 64).into())
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_thousand_connections_of_one_machine_leave_the_door_open() {
        let mut door = Door::default();
        let entries: Vec<_> = (0..1000).map(|link| door.knock(link, ip("192.168.43.66"))).collect();
        assert_eq!(entries.iter().filter(|entry| **entry == Entry::Open).count(), MAX_OF_ADDRESS);
        assert_eq!(entries.iter().filter(|entry| **entry == Entry::Shut).count(), 1000 - MAX_OF_ADDRESS);
        assert_eq!(door.knock(1000, ip("192.168.43.2")), Entry::Open);
    }

    #[test]
    fn a_thousand_of_many_addresses_push_each_other_out() {
        let mut door = Door::default();
        for link in 0..1000_u32 {
            let entry = door.knock(link.into(), IpAddr::V4((0x0a00_0000 + link).into()));
            assert_ne!(entry, Entry::Shut);
            assert!(door.strangers.len() <= MAX_STRANGERS);
        }
        // Who crowds goes first: the third pushes the first of its own out.
        let entries = [2000, 2001, 2002].map(|link| door.knock(link, ip("192.168.43.66")));
        assert_eq!(entries[2], Entry::Instead(2000));
        assert_eq!(door.knock(3000, ip("192.168.43.2")), Entry::Instead(2001));
        door.forget(2002);
        assert_eq!(door.knock(3001, ip("192.168.43.3")), Entry::Open);
    }

    #[test]
    fn a_network_of_ipv6_is_one_machine_as_far_as_anybody_knows() {
        let mut door = Door::default();
        for link in 0..MAX_OF_ADDRESS as u64 {
            assert_eq!(door.knock(link, ip(&format!("2001:db8::{link:x}"))), Entry::Open);
        }
        assert_eq!(door.knock(9, ip("2001:db8::ffff")), Entry::Shut);
        assert_eq!(door.knock(10, ip("fe80::1")), Entry::Open);
    }
}
