//! How it stood with each other device when it was last met, and where it was reached.
//!
//! It is kept on this device only. It says what was seen then: what either side has written since is not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use firsthand_ids::{DeviceKey, ExchangeKey, PersonId, UnixMillis};
use firsthand_log::LogError;
use firsthand_log::codec::{Reader, Writer};
use firsthand_store::{Commit, Store};
use firsthand_sync::Pending;

use super::Ledger;
use crate::NodeError;

const PEERS: &str = "peers";
const VERSION: u8 = 1;
/// The most devices that are kept: more than a team has, those that left included. The ones met longest ago are forgotten.
const MAX_PEERS: usize = 512;
/// The most addresses of one device: one for each network that it is met in, and some.
const MAX_ADDRESSES: usize = 4;
const MAX_ADDRESS_LEN: usize = 64;

/// How two devices stood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Both held the same, and missed nothing.
    pub complete: bool,
    /// Entries that the other device held, as far as it had told.
    pub has: u64,
    /// Entries that it lacked of what this device held.
    pub lacks: u64,
    /// Entries that this device lacked of what it held.
    pub we_lack: u64,
    /// Files that it had not in full, or not verified.
    pub files: u64,
}

/// What is remembered of another device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerRecord {
    /// When it was last met, by this device's clock.
    pub met: Option<UnixMillis>,
    /// How it stood then.
    pub seen: Seen,
    /// When both last held the same and missed nothing, by this device's clock.
    pub complete: Option<UnixMillis>,
    /// Where it was last reached, the newest first.
    pub addresses: Vec<SocketAddr>,
}

/// What is remembered of all.
pub(super) type Peers = BTreeMap<DeviceKey, PeerRecord>;

impl Ledger {
    pub(super) fn read_peers(store: &Store) -> Result<Peers, NodeError> {
        // What cannot be read is seen again at the next meeting.
        Ok(store.setting(PEERS)?.and_then(|bytes| decode(&bytes).ok()).unwrap_or_default())
    }

    /// What is remembered of other devices that belong to the team.
    #[must_use]
    pub fn peers(&self) -> BTreeMap<DeviceKey, PeerRecord> {
        let devices = &self.membership.roster().devices;
        let belongs = |(device, _): &(&DeviceKey, &PeerRecord)| devices.contains_key(*device);
        self.peers.iter().filter(belongs).map(|(device, record)| (*device, record.clone())).collect()
    }

    /// How many entries are here, of all spaces, and what is missing besides those that only others have.
    ///
    /// # Errors
    /// From the store.
    pub fn holding(&self) -> Result<(u64, Pending), NodeError> {
        let has = self.store.spaces().map(|space| self.store.vector(&space).entries()).sum();
        Ok((has, self.missing()?.0))
    }

    /// This device.
    #[must_use]
    pub const fn device(&self) -> DeviceKey {
        self.device
    }

    /// The devices of the team, each with its person and their name.
    #[must_use]
    pub fn team_devices(&self) -> BTreeMap<DeviceKey, (PersonId, String)> {
        let roster = self.membership.roster();
        let named = |(key, device): (&DeviceKey, &firsthand_team::Device)| {
            Some((*key, (device.person, roster.members.get(&device.person)?.name.clone())))
        };
        roster.devices.iter().filter_map(named).collect()
    }

    /// Notes how it stands with a device, at the end of a meeting or when both hold the same.
    pub(super) fn note_meeting(
        &mut self,
        peer: &ExchangeKey,
        seen: Seen,
        now: UnixMillis,
    ) -> Result<(), NodeError> {
        let Some(device) = self.membership.roster().device_by_exchange(peer) else { return Ok(()) };
        let mut record = self.peers.get(&device).cloned().unwrap_or_default();
        (record.met, record.seen) = (Some(now), seen);
        if seen.complete {
            record.complete = Some(now);
        }
        self.keep_peer(device, record)
    }

    /// Notes where a device was reached.
    ///
    /// # Errors
    /// From the disk.
    pub fn keep_addresses(&mut self, device: DeviceKey, addresses: &[SocketAddr]) -> Result<(), NodeError> {
        if device == self.device || !self.membership.roster().devices.contains_key(&device) {
            return Ok(());
        }
        let mut record = self.peers.get(&device).cloned().unwrap_or_default();
        let known = std::mem::take(&mut record.addresses);
        // A link-local address of IPv6 names an interface by a number that is another one tomorrow.
        let lasting =
            |address: &&SocketAddr| !matches!(address, SocketAddr::V6(it) if it.ip().is_unicast_link_local());
        let mut once = BTreeSet::new();
        let all = addresses.iter().chain(&known).filter(lasting).filter(|address| once.insert(**address));
        record.addresses = all.take(MAX_ADDRESSES).copied().collect();
        if record.addresses == known {
            return Ok(());
        }
        self.keep_peer(device, record)
    }

    fn keep_peer(&mut self, device: DeviceKey, record: PeerRecord) -> Result<(), NodeError> {
        let mut peers = self.peers.clone();
        peers.insert(device, record);
        while peers.len() > MAX_PEERS {
            let oldest = peers.iter().min_by_key(|(_, record)| record.met).map(|(device, _)| *device);
            oldest.and_then(|device| peers.remove(&device));
        }
        let mut commit = Commit::new(self.space);
        commit.settings.push((PEERS.to_owned(), encode(&peers)));
        commit.tried = self.untried.is_empty();
        commit.derived = true;
        self.store.commit(commit)?;
        self.peers = peers;
        Ok(())
    }
}

fn encode(peers: &Peers) -> Vec<u8> {
    let mut out = Writer::new();
    out.byte(VERSION).number(peers.len() as u64);
    for (device, record) in peers {
        out.fixed(device);
        for time in [record.met, record.complete] {
            out.byte(u8::from(time.is_some())).signed(time.unwrap_or(UnixMillis(0)).0);
        }
        let Seen { complete, has, lacks, we_lack, files } = record.seen;
        out.byte(u8::from(complete)).number(has).number(lacks).number(we_lack).number(files);
        out.number(record.addresses.len() as u64);
        for address in &record.addresses {
            out.sized(address.to_string().as_bytes());
        }
    }
    out.into_bytes()
}

fn decode(bytes: &[u8]) -> Result<Peers, LogError> {
    let mut reader = Reader::new(bytes);
    if reader.byte("version")? != VERSION {
        return Err(LogError::Newer { what: "peers" });
    }
    let mut peers = Peers::new();
    for _ in 0..reader.count(MAX_PEERS, "peers")? {
        let device = DeviceKey::new(reader.array("device")?);
        let mut times = [None; 2];
        for time in &mut times {
            let is = reader.byte("flag")? != 0;
            *time = Some(UnixMillis(reader.signed("time")?)).filter(|_| is);
        }
        let seen = Seen {
            complete: reader.byte("flag")? != 0,
            has: reader.number("entries")?,
            lacks: reader.number("entries")?,
            we_lack: reader.number("entries")?,
            files: reader.number("files")?,
        };
        let mut addresses = Vec::new();
        for _ in 0..reader.count(MAX_ADDRESSES, "addresses")? {
            let address = reader.text(MAX_ADDRESS_LEN, "address")?;
            addresses.push(address.parse().map_err(|_| reader.malformed("address"))?);
        }
        peers.insert(device, PeerRecord { met: times[0], seen, complete: times[1], addresses });
    }
    reader.finish("peers")?;
    Ok(peers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_read_again() {
        let full = PeerRecord {
            met: Some(UnixMillis(1_795_161_600_000)),
            seen: Seen { complete: false, has: 812, lacks: 3, we_lack: 40, files: 2 },
            complete: Some(UnixMillis(1_795_161_500_000)),
            addresses: vec!["192.168.43.1:4700".parse().unwrap(), "[2001:db8::1]:4700".parse().unwrap()],
        };
        let peers =
            Peers::from([(DeviceKey::new([1; 32]), full), (DeviceKey::new([2; 32]), PeerRecord::default())]);
        let bytes = encode(&peers);
        assert_eq!(decode(&bytes).unwrap(), peers);
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len]).is_err());
        }
    }
}
