//! The device's own copy of the team's records, and everything that reads or writes it.
//!
//! A [`Ledger`] owns the open [`Store`] and runs on one thread. Its public methods are what people and peers ask for;
//! all of them end in one [`Store::commit`], and only then is anything called saved. The way of an entry made here is
//! [`own`]; the way of entries that come from others is [`receive`], and from there into documents [`apply`].

mod ahead;
mod alerts;
mod answer;
mod apply;
mod attach;
mod authors;
mod board;
mod bundle;
mod check;
mod check_ins;
mod checklists;
mod clock;
mod closing;
mod copies;
mod cuts;
mod debriefs;
mod delivered;
mod destroy;
mod devices;
mod drafts;
mod epochs;
mod field_teams;
mod fork;
mod handoffs;
mod import;
mod indicators;
mod kinds;
mod manifest;
mod merge;
mod network;
mod noted;
mod order;
mod own;
mod peers;
mod people;
mod policy;
mod private;
mod project;
mod proof;
mod quarantine;
mod read;
mod receipts;
mod receive;
mod records;
mod recover;
mod relays;
mod resume;
mod retention;
mod roster;
mod runs;
mod salvage;
mod sealed;
mod shifts;
mod snapshot;
mod sniff;
mod steady;
mod transfer;
mod unkept;
mod upkeep;

pub use ahead::{
    AheadRows, ExpectedAssignment, ExpectedPerson, ExpectedPersonView, ExpectedShift, ExpectedShiftView,
    ExpectedView, RosterRow, decode_rows, encode_rows,
};
pub use alerts::{AckView, AlertView, ApprovalView};
pub use answer::Answering;
pub use attach::{AttachmentView, CustodyView, FormView, NewFile};
pub use board::{BoardLine, BoardShift, BoardView, Due, Watch};
pub use bundle::{BundleDamage, BundleError, BundleGap, BundleMade, BundleRequest, BundleTaken};
pub use check::{CheckView, Part, StateDigest};
pub use check_ins::CheckInView;
pub use checklists::{ChecklistError, TemplateView, reason as template_reason};
pub use closing::ClosedView;
pub use copies::{CopiesTold, FormSpace, FormUse, FreeRequest, FreedFile, FreedView, Kept, SpaceView};
pub use debriefs::DebriefView;
pub use delivered::OnlyHere;
pub use destroy::DestroyedView;
pub use devices::{DeviceView, RemovalView};
pub use epochs::{EpochState, EpochView, SpaceEpochs};
pub use field_teams::{FieldTeamRow, FieldTeamView};
pub use fork::ForkView;
pub use handoffs::{HandoffItem, HandoffRow, HandoffView};
pub use import::{ImportReport, ImportRow};
pub use indicators::{IndicatorView, ReadingView};
pub use kinds::Entered;
pub use manifest::ManifestState;
pub(crate) use manifest::check as check_manifest;
pub use merge::MergeView;
pub use network::{Offer, OfferedFile, SharedView};
pub use peers::{PeerRecord, Seen};
pub use people::{Decision, PersonView};
pub use policy::{Conditions, FilePolicy, Forms, LinkKind};
pub use private::{CareView, ContactView};
pub use quarantine::{HeldView, PlaceView, QuarantineView, WaitingView};
pub use read::{
    CandidateView, ConflictView, CountsView, HistoryView, IncidentView, MemberView, MissingRange,
    RecoveryView, TeamView,
};
pub use records::{Resolved, Saved};
pub use recover::RecoveryKeys;
pub use relays::{RelayAnswering, RelayDone, RelayWork};
pub use retention::DueFile;
pub use runs::{RunCounts, RunListed, RunStanding, RunStep, RunView};
pub use salvage::{LostRange, RepairView};
pub(crate) use sealed::cleaned;
pub use sealed::{FileSealer, SealedFile, StoredFile};
pub use shifts::{ProposedAssignment, ShiftRow, ShiftView};
pub use snapshot::{BlobSink, SnapshotError, SnapshotMade, SnapshotPlan, mailbox_base};
pub use transfer::{FileDone, FileWork};

use std::collections::{BTreeMap, BTreeSet};

use firsthand_channel::ExchangeSecret;
use firsthand_ids::{
    DeviceKey, DocumentId, HybridClock, HybridTime, LocalTime, PersonId, SpaceId, TeamId, WriterId,
};
use firsthand_log::{ChainId, DeviceSecret};
use firsthand_seal::EpochKeys;
use firsthand_store::{Commit, Doubt, Home, KeyVault, Receiving, SlotOptions, Store, StoreError, Unlock};
use firsthand_sync::FileId;
use firsthand_team::{Membership, Rights, person_id, team_space};
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

use crate::{Identity, NodeError};

const SIGNING_SEED: &str = "device.signing";
const EXCHANGE_SECRET: &str = "device.exchange";
const NEXT_SHORT_CODE: &str = "short_code.next";
const SHORT_CODE_PREFIX: &str = "short_code.prefix";
const CLOCK: &str = "clock.last";

/// Progress of a long job: done, of how many. Answering `false` stops the job where it can stop cleanly.
pub type ProgressFn<'a> = &'a mut dyn FnMut(u64, u64) -> bool;

/// A device's two secret keys.
pub struct DeviceKeys {
    signing: DeviceSecret,
    exchange: ExchangeSecret,
}

impl DeviceKeys {
    /// Draws new keys.
    ///
    /// # Errors
    /// [`NodeError::Inconsistent`] if the library refuses the seed.
    pub fn generate(rng: &mut dyn CryptoRng) -> Result<Self, NodeError> {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(seed.as_mut());
        Ok(Self { signing: DeviceSecret::from_seed(*seed)?, exchange: ExchangeSecret::generate(rng) })
    }

    /// The signing key pair.
    #[must_use]
    pub const fn signing(&self) -> &DeviceSecret {
        &self.signing
    }

    /// The channel key.
    #[must_use]
    pub const fn exchange(&self) -> &ExchangeSecret {
        &self.exchange
    }
}

/// What is founded in a new home.
enum Founded {
    /// A team, perhaps with keys for the day when its last lead is lost.
    Team(Option<RecoveryKeys>),
    /// A network of teams.
    Network,
}

/// How a home is made and opened.
pub struct Opening<'a> {
    /// The folder, already held.
    pub home: Home,
    /// What opens it.
    pub unlock: Unlock<'a>,
    /// The platform's key store.
    pub vault: &'a dyn KeyVault,
    /// The cost of a passphrase try, for a new home.
    pub slot: SlotOptions,
}

/// The device's copy of a team's records.
pub struct Ledger {
    store: Store,
    keys: DeviceKeys,
    membership: Membership,
    device: DeviceKey,
    person: PersonId,
    /// The keys that this device shares with others, see [`epochs`].
    group: EpochKeys,
    /// The space of the whole team.
    space: SpaceId,
    /// This device's chain in each space that it has written into.
    own: BTreeMap<SpaceId, own::OwnChain>,
    clock: HybridClock,
    clock_keeper: clock::ClockKeeper,
    /// How far each own chain is known to be held by another device.
    delivered: delivered::Delivered,
    /// How it stood with other devices.
    peers: peers::Peers,
    documents: own::DocumentCache,
    /// What was received and is not in its documents yet.
    untried: apply::Untried,
    /// Documents of which something may have come before what it builds on; `None` until entries come.
    early: Option<BTreeSet<DocumentId>>,
    /// Rows of a snapshot stand for what is not in its documents yet.
    rows_end: bool,
    /// This device's person changed the membership, of which sessions have not heard.
    renamed: bool,
    /// Files on their way here.
    receiving: BTreeMap<FileId, Receiving>,
    /// Those of them that somebody works on beside the ledger.
    working: BTreeSet<FileId>,
    /// What is kept at relays.
    relays: relays::Relays,
    /// Records whose file turned out to be another one than they say.
    untrue: BTreeSet<FileId>,
    /// Which of them are asked for.
    files: policy::Files,
    /// What is to be said of those that are here.
    telling: copies::Telling,
}

impl Ledger {
    /// Makes a home and founds a team in it.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store, [`NodeError::Team`] for a name that cannot be used.
    pub fn create_team(
        opening: Opening<'_>,
        team: &str,
        name: &str,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, NodeError> {
        Ok(Self::found(opening, (team, name), Founded::Team(None), rng)?.0)
    }

    /// Makes a home and founds a network of teams in it. A lead of each team joins it as a lead, and adds their own people.
    ///
    /// # Errors
    /// As [`Ledger::create_team`].
    pub fn create_network(
        opening: Opening<'_>,
        network: &str,
        name: &str,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, NodeError> {
        Ok(Self::found(opening, (network, name), Founded::Network, rng)?.0)
    }

    fn found(
        opening: Opening<'_>,
        (team, name): (&str, &str),
        founded: Founded,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Vec<Zeroizing<String>>), NodeError> {
        let (recovery, network) = match founded {
            Founded::Team(recovery) => (recovery, false),
            Founded::Network => (None, true),
        };
        let keys = DeviceKeys::generate(rng)?;
        let (mut discovery_secret, mut nonce) = ([0; 32], [0; 16]);
        rng.fill_bytes(&mut discovery_secret);
        rng.fill_bytes(&mut nonce);
        let exchange = keys.exchange.public()?;
        let (recovery, codes) = match recovery {
            Some(recovery) => recovery.draw(rng).map(|(quorum, codes)| (Some(quorum), codes))?,
            None => (None, Vec::new()),
        };
        let founded = Membership::found_with_recovery(
            &keys.signing,
            exchange,
            team,
            name,
            discovery_secret,
            nonce,
            recovery,
        );
        discovery_secret.zeroize();
        let mut membership = founded?;
        if network {
            membership.make_network(&keys.signing)?;
        }
        let space = team_space(membership.team());
        epochs::begin(&keys, &mut membership, &space, rng)?;
        Ok((Self::create(opening, keys, membership, rng)?, codes))
    }

    /// Makes a home for a device that was just admitted, from all membership operations, parents first.
    ///
    /// # Errors
    /// [`NodeError::Team`] where the operations are not this team's or do not admit this device.
    pub fn create_joined(
        opening: Opening<'_>,
        keys: DeviceKeys,
        team: &TeamId,
        operations: &[Vec<u8>],
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, NodeError> {
        let membership = Membership::load(operations.iter().map(Vec::as_slice))?;
        if membership.team() != team || membership.roster().member(&keys.signing.key()).is_none() {
            return Err(firsthand_team::TeamError::OtherTeam.into());
        }
        Self::create(opening, keys, membership, rng)
    }

    fn create(
        opening: Opening<'_>,
        keys: DeviceKeys,
        membership: Membership,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, NodeError> {
        let Opening { home, unlock, vault, slot } = opening;
        let mut store = Store::create(home, unlock, vault, slot, rng)?;
        let mut commit = Commit::new(team_space(membership.team()));
        commit.operations = membership.all();
        commit.membership = Some(membership.heads());
        commit.settings = vec![
            (SIGNING_SEED.to_owned(), keys.signing.seed().to_vec()),
            (EXCHANGE_SECRET.to_owned(), keys.exchange.as_bytes().to_vec()),
        ];
        let mut group = epochs::read(&store, &keys, &membership)?;
        commit.settings.extend(epochs::follow(&mut group, &membership));
        commit.claim_installation = true;
        store.commit(commit)?;
        Self::assemble(store, keys, membership)
    }

    /// Opens a home.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store; [`NodeError::Inconsistent`] where the home holds no team.
    pub fn open(opening: Opening<'_>) -> Result<Self, NodeError> {
        let store = Store::open(opening.home, opening.unlock, opening.vault)?;
        let operations = store.operations()?;
        if operations.is_empty() {
            // Nobody is told to throw a home away whose team is beyond a break in its log.
            let lost = store.doubts().iter().any(|it| matches!(it, Doubt::Behind | Doubt::LogDamaged));
            return Err(if lost {
                StoreError::Damaged { what: "the database, its team is beyond the damage" }.into()
            } else {
                NodeError::Unfinished
            });
        }
        let secret = |key: &str| -> Result<Zeroizing<[u8; 32]>, NodeError> {
            let bytes = Zeroizing::new(store.setting(key)?.unwrap_or_default());
            let bytes = bytes.as_slice().try_into().map(Zeroizing::new);
            bytes.map_err(|_| NodeError::Inconsistent("the device's keys"))
        };
        let keys = DeviceKeys {
            signing: DeviceSecret::from_seed(*secret(SIGNING_SEED)?)?,
            exchange: ExchangeSecret::from_bytes(*secret(EXCHANGE_SECRET)?),
        };
        let membership = Membership::load(operations.iter().map(|(_, bytes)| bytes.as_slice()))?;
        Self::assemble(store, keys, membership)
    }

    fn assemble(mut store: Store, keys: DeviceKeys, membership: Membership) -> Result<Self, NodeError> {
        let device = keys.signing.key();
        let space = team_space(membership.team());
        store.follow(device, membership.heads(), &salvage::kept(&keys, &membership));
        // A chain must never be continued from anywhere but its end, and where a witness disagrees, what is here may not
        // be the end.
        let mut own = BTreeMap::new();
        if !store.is_in_doubt() {
            let person = membership.signs_for(&device).unwrap_or_else(|| person_id(&device));
            for space in membership.spaces_of(&person).into_keys() {
                own.extend(own::OwnChain::find(&store, space)?.map(|chain| (space, chain)));
            }
        }
        let clock = store.setting(CLOCK)?.and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
        let mut group = epochs::read(&store, &keys, &membership)?;
        // After a repair the store lacks them; they are found again at every start then, which changes nothing on the disk.
        epochs::follow(&mut group, &membership);
        let mut ledger = Self {
            group,
            device,
            person: membership.signs_for(&device).unwrap_or_else(|| person_id(&device)),
            space,
            own,
            clock_keeper: Self::heard_clocks(&store)?,
            delivered: Self::read_delivered(&store)?,
            peers: Self::read_peers(&store)?,
            clock: HybridClock::resume(clock.map_or(HybridTime::ZERO, HybridTime::from_packed)),
            documents: own::DocumentCache::default(),
            untried: apply::Untried::default(),
            early: None,
            rows_end: false,
            renamed: false,
            receiving: BTreeMap::new(),
            working: BTreeSet::new(),
            relays: relays::Relays::default(),
            untrue: BTreeSet::new(),
            files: policy::Files::read(&store)?,
            telling: copies::Telling::default(),
            store,
            keys,
            membership,
        };
        ledger.find_rows_end()?;
        ledger.resume()?;
        ledger.end_rows()?;
        ledger.obey_what_was_saved()?;
        Ok(ledger)
    }

    /// Closes the store and wipes the keys; the home stays held.
    ///
    /// # Errors
    /// [`NodeError::Store`] where the database cannot be closed cleanly. Nothing saved is affected.
    pub fn lock(self) -> Result<Home, NodeError> {
        Ok(self.store.lock()?)
    }

    /// Who this device is towards others.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity {
            team: *self.membership.team(),
            discovery_secret: *self.membership.discovery_secret(),
            exchange: ExchangeSecret::from_bytes(*self.keys.exchange.as_bytes()),
            heads: self.membership.heads(),
        }
    }

    /// Whose device this is.
    #[must_use]
    pub const fn me(&self) -> PersonId {
        self.person
    }

    /// The space of the whole team.
    #[must_use]
    pub const fn space(&self) -> &SpaceId {
        &self.space
    }

    /// The store, for reading.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// What the person of this device may do now.
    #[must_use]
    pub fn rights(&self) -> Rights {
        self.membership.roster().rights(&self.device)
    }

    fn chain_in(&self, space: &SpaceId, writer: WriterId) -> ChainId {
        ChainId { team: *self.membership.team(), space: *space, writer }
    }

    /// Puts documents that were saved lately into the full-text index; says whether some still wait.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn index_text(&mut self) -> Result<bool, NodeError> {
        Ok(self.store.index_pending(200)? > 0)
    }

    /// Replaces the passphrase.
    ///
    /// # Errors
    /// [`NodeError::Store`] where the old one is wrong.
    pub fn change_passphrase(
        &mut self,
        old: &str,
        new: &str,
        vault: &dyn KeyVault,
        slot: SlotOptions,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), NodeError> {
        Ok(self.store.change_passphrase(Unlock::Passphrase(old), new, vault, slot, rng)?)
    }
}

/// Rights as documents know them.
const fn document_rights(rights: Rights) -> firsthand_document::Rights {
    firsthand_document::Rights {
        may_resolve: rights.resolve,
        may_close: rights.close,
        may_publish: rights.publish,
        may_destroy: rights.destroy,
    }
}

/// A moment of a call: local time, from the caller's clock.
pub type Now = LocalTime;
