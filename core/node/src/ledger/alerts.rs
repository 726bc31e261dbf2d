//! Warnings: who raises, approves and acknowledges them, and how each stands on this device.
//!
//! Whether an approval counts is judged at the membership heads that its entry names, and how a warning stands is worked out from
//! what is here, so devices that hold the same show the same. Only the time until a warning ends is each device's own.

use std::collections::{BTreeMap, BTreeSet};

use firsthand_document::{Author, Decided, DocumentKind, Edit, Item, View};
use firsthand_ids::{ContentHash, DocumentId, LocalTime, PersonId, UnixMillis};
use firsthand_record::validate::{self, Finding, Rule};
use firsthand_record::warning::{
    AckKind, Acknowledgement, Alert, AlertStanding, Approval, MsgType, Replaced, approvals_needed, standing,
};
use firsthand_record::{ClockEvidence, Moment};
use rand_core::CryptoRng;

use super::people::{Decision, Names, is_active};
use super::records::object;
use super::shifts::add;
use super::{Ledger, Now, Saved};
use crate::NodeError;

/// A warning with everything.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertView {
    /// The document.
    pub id: DocumentId,
    /// The name of who raised it.
    pub author: String,
    /// When, by the clock of their device.
    pub local: LocalTime,
    /// The warning. Of its approvals and acknowledgements see below, which of them count.
    pub record: Alert,
    /// How it stands now.
    pub standing: AlertStanding,
    /// How many have to approve it.
    pub approvals_needed: u32,
    /// Who approved it with the right to, each once, in the order in which they did.
    pub approvals: Vec<ApprovalView>,
    /// How many may approve it as the team is now.
    pub approvers: u32,
    /// Approvals that do not count, because their author had not the right to.
    pub proposals: u32,
    /// Everything that people said to it, in order.
    pub acks: Vec<AckView>,
    /// Who is of the team, active, and neither raised, approved nor acknowledged it, by the order of their names.
    pub unacknowledged: Vec<(PersonId, String)>,
    /// The warnings here that it replaces or calls off, were it approved.
    pub replaces: Vec<DocumentId>,
    /// The approved warning that took its place or called it off.
    pub replaced_by: Option<DocumentId>,
    /// What a person should look at.
    pub findings: Vec<Finding>,
    /// Fields whose values conflict.
    pub conflicts: Vec<String>,
    /// Whether a mark hides it.
    pub hidden: bool,
}

/// Somebody's approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalView {
    /// The key of the item.
    pub key: String,
    /// Who.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// Their role at the time.
    pub role: String,
    /// When.
    pub at: Moment,
    /// Whether the warning still says what they approved, and nothing else beside it: of what people changed while apart nobody
    /// approved both. Otherwise it does not count until that is settled, or they approve it again.
    pub of_this: bool,
}

/// What somebody said to a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckView {
    /// Who.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// What.
    pub kind: AckKind,
    /// When.
    pub at: Moment,
    /// A word more.
    pub note: String,
    /// The name of who noted it, where that is somebody else.
    pub noted_by: Option<String>,
    /// Whether it counts: it is from themselves, or a lead noted it.
    pub counts: bool,
}

/// What all warnings here need to know of each other.
struct Known {
    id: DocumentId,
    record: Alert,
    approvals: Vec<ApprovalView>,
    proposals: u32,
    acks: Vec<AckView>,
    author: PersonId,
    local: LocalTime,
    conflicts: Vec<String>,
    hidden: bool,
}

impl Known {
    /// How many approve of what it says.
    fn approved(&self) -> u32 {
        self.approvals.iter().filter(|it| it.of_this).count() as u32
    }

    /// What it does to an earlier warning. An exercise calls nothing off that is meant, and the other way round.
    fn does_to(&self, earlier: &Self) -> Option<Replaced> {
        let does = Replaced::by(self.record.msg_type?)?;
        let holds = self.approved() >= approvals_needed(&self.record) && self.id != earlier.id;
        let same = self.record.status == earlier.record.status;
        (holds && same && earlier.record.is_referred_to_by(&self.record)).then_some(does)
    }
}

impl Ledger {
    /// Raises a warning. What it does not say is filled in: who sends it and when, what it is called, that it ends after
    /// [`Alert::HOLDS_MS`], and how many have to approve it, which are never fewer than the rules of the teams in the field ask
    /// for. Whether it is meant is never filled in. Who has the right to approve it does so by raising it; where the disk takes the
    /// warning and not the approval, the warning waits.
    ///
    /// # Errors
    /// [`NodeError::Rejected`] with every field to put right.
    pub fn raise_alert(
        &mut self,
        alert: Alert,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        let saved = self.propose_alert(alert, now, rng)?;
        if self.rights().close
            && let Err(error) = self.approve_alert(saved.id, now, rng)
        {
            tracing::warn!(%error, "a warning was saved and not approved");
        }
        Ok(saved)
    }

    /// The same without an approval: for what comes from a file or from data. Such a warning proposes, and a person raises it.
    ///
    /// # Errors
    /// [`NodeError::Rejected`] with every field to put right.
    pub fn propose_alert(
        &mut self,
        mut alert: Alert,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        let least = self.alert_approvals()?;
        if alert.approvals_required.is_some_and(|asked| asked < least) {
            let finding = Finding::new("approvals_required", Rule::FewerThanRule);
            return Err(NodeError::Rejected(vec![finding]));
        }
        alert.approvals_required.get_or_insert(least);
        alert.sent = alert.sent.or_else(|| Moment::from_local(now));
        alert.msg_type.get_or_insert(MsgType::Alert);
        alert.expires = alert.expires.or_else(|| alert.sent.and_then(Alert::default_expires));
        alert.sender.get_or_insert_with(|| self.alert_sender());
        // What others approved or said elsewhere is theirs to say here.
        alert.approvals.clear();
        alert.acks.clear();
        self.add_record(DocumentKind::Alert, object(&alert)?, now, rng)
    }

    /// The name under which this team sends warnings: the beginning of the hash that its founding made, which names nobody.
    #[must_use]
    pub fn alert_sender(&self) -> String {
        let team = self.membership.team().to_string();
        format!("firsthand-{}", team.get(..16).unwrap_or(&team))
    }

    /// How many people have to approve a new warning: the greatest number that a team in the field asks for, and else one.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn alert_approvals(&mut self) -> Result<u32, NodeError> {
        let mut least = 1;
        for team in self.field_teams()? {
            if !team.row.hidden {
                let rule = self.field_team(team.id)?.record.approvals_required();
                least = least.max(rule.unwrap_or(1));
            }
        }
        Ok(least.min(validate::limits::APPROVALS))
    }

    /// Approves a warning as it stands. It counts from who may close incidents, and for what the warning says now: an edit
    /// asks for it anew. Who approves twice approves once.
    ///
    /// # Errors
    /// As [`Ledger::edit`].
    pub fn approve_alert(
        &mut self,
        id: DocumentId,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Decision, NodeError> {
        let names = self.names()?;
        let known = self.known_alert(id, &names)?;
        let counts = self.rights().close;
        let at = moment(now)?;
        let own = |it: &ApprovalView| it.of_this && it.person == self.person;
        if counts && known.approvals.iter().any(own) {
            let saved = Saved { id, short_code: id.short(), findings: Vec::new() };
            return Ok(Decision { saved, counts });
        }
        let role = self.membership.roster().members.get(&self.person).map_or("", |it| it.role.code());
        let content_sha256 = known.record.content_sha256();
        let (key, by, role) = (String::new(), self.person, role.to_owned());
        let approval = Approval { key, by, role, at, content_sha256 };
        let saved = self.edit_of(id, &DocumentKind::Alert, &[add("approvals", &approval)?], now, rng)?;
        Ok(Decision { saved, counts })
    }

    /// Takes one's own approval of a warning back.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where this person did not approve it; as [`Ledger::edit`].
    pub fn unapprove_alert(
        &mut self,
        id: DocumentId,
        reason: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Decision, NodeError> {
        let names = self.names()?;
        let known = self.known_alert(id, &names)?;
        let own = known.approvals.into_iter().filter(|it| it.person == self.person);
        let edits: Vec<Edit> =
            own.map(|it| Edit::Withdraw { key: it.key, reason: reason.to_owned() }).collect();
        if edits.is_empty() {
            return Err(NodeError::NotFound(id.short()));
        }
        let saved = self.edit_of(id, &DocumentKind::Alert, &edits, now, rng)?;
        Ok(Decision { saved, counts: true })
    }

    /// Says something to a warning, for oneself or, as a lead, for somebody who said it by radio. It is never taken away.
    ///
    /// # Errors
    /// As [`Ledger::edit`].
    pub fn acknowledge_alert(
        &mut self,
        id: DocumentId,
        person: Option<PersonId>,
        kind: AckKind,
        note: &str,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Decision, NodeError> {
        let person = person.unwrap_or(self.person);
        let counts = person == self.person || self.rights().close;
        let ack =
            Acknowledgement { key: String::new(), person, kind, at: moment(now)?, note: note.to_owned() };
        let saved = self.edit_of(id, &DocumentKind::Alert, &[add("acks", &ack)?], now, rng)?;
        Ok(Decision { saved, counts })
    }

    /// All warnings, those that came last first, hidden ones included.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn alerts(&mut self, now: Now) -> Result<Vec<AlertView>, NodeError> {
        let known = self.known_alerts()?;
        let at = self.best_now(now);
        let (names, people) = (self.names()?, self.expected_to_acknowledge()?);
        let mut views: Vec<AlertView> =
            known.iter().map(|it| self.alert_view(it, &known, &names, &people, at)).collect();
        views.reverse();
        Ok(views)
    }

    /// One warning with everything.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where it is not here, or is something else.
    pub fn alert(&mut self, id: DocumentId, now: Now) -> Result<AlertView, NodeError> {
        let view = self.alerts(now)?.into_iter().find(|it| it.id == id);
        view.ok_or_else(|| NodeError::NotFound(id.short()))
    }

    /// The warning of a sender under a name, where it is here: one that is imported twice is there once.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn alert_named(&mut self, sender: &str, identifier: &str) -> Result<Option<DocumentId>, NodeError> {
        let is = |it: &Known| {
            it.record.sender.as_deref() == Some(sender) && it.record.identifier.as_deref() == Some(identifier)
        };
        Ok(self.known_alerts()?.iter().find(|it| is(it)).map(|it| it.id))
    }

    /// The best clock there is.
    fn best_now(&mut self, now: Now) -> UnixMillis {
        self.clock_evidence(now).as_ref().and_then(ClockEvidence::best).unwrap_or(now.at)
    }

    fn known_alerts(&mut self) -> Result<Vec<Known>, NodeError> {
        self.apply_untried()?;
        let ids = self.store.documents_of_kind(&self.space, DocumentKind::Alert.name())?;
        let names = self.names()?;
        ids.into_iter().map(|(_, id)| self.known_alert(id, &names)).collect()
    }

    fn known_alert(&mut self, id: DocumentId, names: &Names) -> Result<Known, NodeError> {
        let info = self.created(&id)?.info;
        let view = self.read_view(&id)?;
        if view.kind != DocumentKind::Alert {
            return Err(NodeError::NotFound(id.short()));
        }
        let record = Alert::read(view.shown()).record;
        let conflicts: Vec<String> = view.conflicts().map(|(field, _)| field.to_owned()).collect();
        let content = (!conflicts.iter().any(|field| Alert::tells(field))).then(|| record.content_sha256());
        let (approvals, proposals) = approvals(&view, content, names);
        Ok(Known {
            id,
            approvals,
            proposals,
            acks: acks(&view, names),
            author: info.person,
            local: info.local,
            conflicts,
            hidden: view.is_hidden(),
            record,
        })
    }

    /// Everybody who is to acknowledge warnings: of the team, and neither paused nor gone.
    fn expected_to_acknowledge(&self) -> Result<Vec<(PersonId, String)>, NodeError> {
        let former = &self.membership.roster().former;
        let mut seen = BTreeSet::new();
        let mut people = Vec::new();
        for it in self.people()? {
            let gone = former.contains_key(&it.person) && !it.member;
            if !it.hidden && !gone && is_active(Some(&it.status)) && seen.insert(it.person) {
                people.push((it.person, it.name));
            }
        }
        people.sort_by_cached_key(|(person, name)| (name.to_lowercase(), *person));
        Ok(people)
    }

    fn alert_view(
        &self,
        known: &Known,
        all: &[Known],
        names: &Names,
        people: &[(PersonId, String)],
        at: UnixMillis,
    ) -> AlertView {
        // A cancellation counts over an update, and of several the one that was sent last. The order in which they came is each
        // device's own.
        let by = all.iter().filter_map(|other| {
            let does = other.does_to(known)?;
            Some((does, other.record.sent.map(Moment::millis), other.id))
        });
        let replaced = by.max().map(|(does, _, id)| (does, id));
        let heard: BTreeSet<PersonId> = known
            .acks
            .iter()
            .filter(|it| it.counts)
            .map(|it| it.person)
            .chain(known.approvals.iter().map(|it| it.person))
            .chain([known.author])
            .collect();
        let rights = |person: &PersonId| self.membership.roster().rights_of(person);
        AlertView {
            id: known.id,
            author: names.of(&known.author),
            local: known.local,
            standing: standing(&known.record, known.approved(), replaced.map(|(does, _)| does), at),
            approvals_needed: approvals_needed(&known.record),
            approvals: known.approvals.clone(),
            approvers: self.membership.roster().members.keys().filter(|it| rights(it).close).count() as u32,
            proposals: known.proposals,
            acks: known.acks.clone(),
            unacknowledged: people.iter().filter(|(person, _)| !heard.contains(person)).cloned().collect(),
            replaces: all
                .iter()
                .filter(|it| it.record.is_referred_to_by(&known.record))
                .map(|it| it.id)
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            replaced_by: replaced.map(|(_, id)| id),
            findings: validate::warning::alert(&known.record),
            conflicts: known.conflicts.clone(),
            hidden: known.hidden,
            record: known.record.clone(),
        }
    }
}

/// Whether somebody had the right to approve when they did, in their own name.
fn approves(author: &Author, item: &Item) -> bool {
    author.rights.may_close && item.value["by"].as_str() == Some(&author.person.to_string())
}

/// The approvals that count or counted of what the warning said, each person once, and how many do not. `content` is what it says,
/// where it says one thing.
fn approvals(view: &View, content: Option<ContentHash>, names: &Names) -> (Vec<ApprovalView>, u32) {
    let Decided { counted, proposed } = view.decided("approvals", approves);
    let mut by_person: BTreeMap<PersonId, ApprovalView> = BTreeMap::new();
    let mut order = Vec::new();
    for item in counted {
        let Ok(approval) = serde_json::from_value::<Approval>(item.value.clone()) else { continue };
        let of_this = Some(approval.content_sha256) == content;
        // An approval of what it says now stands over one of what it said.
        if by_person.get(&approval.by).is_some_and(|it| it.of_this && !of_this) {
            continue;
        }
        order.retain(|person| *person != approval.by);
        order.push(approval.by);
        let Approval { by: person, role, at, .. } = approval;
        let view = ApprovalView { key: item.key.clone(), person, name: names.of(&person), role, at, of_this };
        by_person.insert(person, view);
    }
    let approvals = order.iter().filter_map(|person| by_person.remove(person)).collect();
    (approvals, proposed.len() as u32)
}

/// What people said, also what somebody tried to take back: an acknowledgement is never removed.
fn acks(view: &View, names: &Names) -> Vec<AckView> {
    let read = |item: &Item| {
        let ack: Acknowledgement = serde_json::from_value(item.value.clone()).ok()?;
        let author = view.author(&item.change)?;
        let own = author.person == ack.person;
        Some(AckView {
            person: ack.person,
            name: names.of(&ack.person),
            kind: ack.kind,
            at: ack.at,
            note: ack.note,
            noted_by: (!own).then(|| names.of(&author.person)),
            counts: own || author.rights.may_close,
        })
    };
    view.items("acks").iter().filter_map(read).collect()
}

fn moment(now: Now) -> Result<Moment, NodeError> {
    Moment::from_local(now).ok_or(NodeError::Inconsistent("the clock of this device"))
}
