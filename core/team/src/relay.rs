//! The relays of a team: leads say which carry its entries, and where they are.

use std::collections::BTreeMap;
use std::fmt;

use firsthand_ids::{DeviceKey, ExchangeKey, OperationHash};
use firsthand_log::codec::{Reader, Writer};

use crate::TeamError;
use crate::membership::Placed;
use crate::past::Past;

/// The kind of an operation that adds a relay.
pub(crate) const ADD_RELAY: u8 = 12;
/// The kind of one that drops a relay.
pub(crate) const DROP_RELAY: u8 = 13;

/// The most relays of a team: each device keeps a connection to every one of them.
pub const MAX_RELAYS: usize = 4;
/// The longest address.
const MAX_ADDRESS_BYTES: usize = 256;
/// The longest name of a host (RFC 1035).
const MAX_HOST_BYTES: usize = 253;

/// A relay, as its operator told the team.
#[derive(Clone, PartialEq, Eq)]
pub struct TeamRelay {
    /// Where it is: see [`RelayAddress`].
    pub address: String,
    /// Its static key. Channels are opened to this key alone, whatever certificate stands before it.
    pub key: ExchangeKey,
    /// What the operator gave the team, so that it may register mailboxes. Every member knows it.
    pub token: [u8; 16],
}

impl TeamRelay {
    pub(crate) fn encode(&self, out: &mut Writer) {
        out.sized(self.address.as_bytes()).fixed(self.key).fixed(self.token);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, TeamError> {
        let address = reader.text(MAX_ADDRESS_BYTES, "relay's address")?.to_owned();
        RelayAddress::parse(&address)?;
        let key = ExchangeKey::new(reader.array("relay's key")?);
        Ok(Self { address, key, token: reader.array("relay's token")? })
    }
}

impl fmt::Debug for TeamRelay {
    // Addresses and tokens stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TeamRelay({:?})", self.key)
    }
}

/// The parts of an address: `ws://` or `wss://`, a host, perhaps a port, and a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayAddress {
    /// Whether TLS stands around it. Nothing rests on it: the relay's key is checked within.
    pub tls: bool,
    /// A name or an address; one of version 6 without its brackets.
    pub host: String,
    /// The port; 80 and 443 where none is written.
    pub port: u16,
    /// The path, from its slash on.
    pub path: String,
}

impl RelayAddress {
    /// Reads an address of at most 256 bytes. It holds visible ASCII and no user, question or fragment; scheme and host are
    /// in lower case, so that one address has one form.
    ///
    /// # Errors
    /// [`TeamError::RelayAddress`].
    pub fn parse(address: &str) -> Result<Self, TeamError> {
        Self::read(address).ok_or(TeamError::RelayAddress { max: MAX_ADDRESS_BYTES })
    }

    fn read(address: &str) -> Option<Self> {
        if address.len() > MAX_ADDRESS_BYTES {
            return None;
        }
        let (tls, rest) = match (address.strip_prefix("wss://"), address.strip_prefix("ws://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return None,
        };
        let (authority, path) = rest.split_at(rest.find('/')?);
        let in_path = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:@".contains(&byte);
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']')?;
                host.parse::<std::net::Ipv6Addr>().ok()?;
                (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let in_host = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte) || byte == b':'
        };
        let port = match port {
            Some(digits) if digits.len() <= 5 && !digits.starts_with('0') => digits
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| digits.parse::<u16>().ok())
                .flatten()?,
            Some(_) => return None,
            None if tls => 443,
            None => 80,
        };
        let fits = !host.is_empty() && host.len() <= MAX_HOST_BYTES && host.bytes().all(in_host);
        if !fits || !path.bytes().all(in_path) {
            return None;
        }
        Some(Self { tls, host: host.to_owned(), port, path: path.to_owned() })
    }
}

/// An operation that counts and adds a relay.
#[derive(Debug, Clone)]
struct Added {
    order: (u32, OperationHash),
    index: usize,
    relay: TeamRelay,
    leads: DeviceKey,
}

/// What operations that count say of relays.
#[derive(Debug, Clone, Default)]
pub(crate) struct Relays {
    added: BTreeMap<ExchangeKey, Vec<Added>>,
    dropped: BTreeMap<ExchangeKey, Vec<usize>>,
}

impl Relays {
    pub(crate) fn add(
        &mut self,
        order: (u32, OperationHash),
        index: usize,
        (relay, leads): (TeamRelay, DeviceKey),
    ) {
        self.added.entry(relay.key).or_default().push(Added { order, index, relay, leads });
    }

    pub(crate) fn drop_all(&mut self, key: ExchangeKey, index: usize) {
        self.dropped.entry(key).or_default().push(index);
    }

    /// The relays as far as `past` goes: of each key the operation that no dropping and no other adding follows, of several the
    /// first in the common order; and of all keys the first few in that order. With each the leads' key there.
    pub(crate) fn standing(&self, all: &[Placed], past: &Past) -> Vec<(TeamRelay, DeviceKey)> {
        let mut standing: Vec<&Added> = self
            .added
            .iter()
            .filter_map(|(key, added)| {
                let dropped = self.dropped.get(key).map_or(&[][..], Vec::as_slice);
                let followed = |it: &Added| {
                    let mut drops = dropped.iter().filter(|by| past.contains(**by));
                    drops.any(|by| all[*by].past.contains(it.index))
                };
                let left: Vec<&Added> =
                    added.iter().filter(|it| past.contains(it.index) && !followed(it)).collect();
                let replaced = |it: &Added| {
                    left.iter().any(|by| by.index != it.index && all[by.index].past.contains(it.index))
                };
                left.iter().filter(|it| !replaced(it)).min_by_key(|it| it.order).copied()
            })
            .collect();
        standing.sort_unstable_by_key(|it| it.order);
        standing.truncate(MAX_RELAYS);
        standing.into_iter().map(|it| (it.relay.clone(), it.leads)).collect()
    }
}
