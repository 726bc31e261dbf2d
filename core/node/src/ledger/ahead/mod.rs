//! Rows that go ahead of the entries, and those that came ahead: people, the shifts that run or come next, and incidents.
//!
//! A device that lacks much sees what is on its way as soon as the meeting has begun. What it sees so far is somebody's
//! word: it is shown apart, and replaced by the record once that has come and verified.

mod roster;
mod rows;

use firsthand_ids::{DeviceKey, DocumentId, LocalTime, PersonId, SpaceId, UnixMillis};
use firsthand_log::Vector;
use firsthand_log::compress::{compress_document, decompress_document};
use firsthand_record::ShortCode;
use firsthand_record::roster::PersonStatus;
use firsthand_store::{ExpectedRosterRow, Listed, ShiftProjection};
use firsthand_sync::MAX_ROWS_BYTES;

pub use roster::{ExpectedAssignment, ExpectedPerson, ExpectedShift, RosterRow};
pub use rows::{AheadRows, decode_rows, encode_rows};

use super::{Ledger, Now};
use crate::NodeError;

/// What the rows of one frame may take when they are not compressed.
const MAX_PLAIN_BYTES: usize = 8 * MAX_ROWS_BYTES;
/// People of whom a row goes ahead: more than any team that shares one shift.
const MAX_PEOPLE: usize = 512;
/// Shifts that run, and as many that come next: one for each of several teams in the field.
const MAX_SHIFTS: usize = 4;

/// An incident that is on its way here, as somebody who holds it tells. Not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedView {
    /// Its short code, as it is shown where no other one clashes.
    pub short_code: Option<String>,
    /// One line.
    pub title: String,
    /// The code of the category.
    pub category: Option<String>,
    /// The code of the severity.
    pub severity: Option<String>,
    /// The code of the status.
    pub status: Option<String>,
    /// When it began, or else when the team was told.
    pub happened: Option<UnixMillis>,
    /// Who told.
    pub told_by: String,
}

/// Somebody of whom a record is on its way here. Not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedPersonView {
    /// What is told.
    pub told: ExpectedPerson,
    /// Who told.
    pub told_by: String,
}

/// A shift that is on its way here. Not verified.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedShiftView {
    /// What is told.
    pub told: ExpectedShift,
    /// The names of everybody on it, in the order of the assignments.
    pub names: Vec<String>,
    /// Who told.
    pub told_by: String,
}

impl Ledger {
    /// Incidents that are on their way here and have not come yet: open ones first, and newest first among those. At most
    /// `limit`.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn expected(&self, limit: usize) -> Result<Vec<ExpectedView>, NodeError> {
        let rows = self.store.expected(limit)?.into_iter().map(|(row, teller)| ExpectedView {
            short_code: row.short_code.map(|(prefix, number)| ShortCode { prefix, number }.to_string()),
            title: row.title,
            category: row.category,
            severity: row.severity,
            status: row.status,
            happened: row.happened,
            told_by: self.teller(&teller),
        });
        Ok(rows.collect())
    }

    /// People of whom a record is on its way here and has not come yet.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn expected_people(&self) -> Result<Vec<ExpectedPersonView>, NodeError> {
        let told = self.expected_roster()?.into_iter().filter_map(|(row, teller)| match row {
            RosterRow::Person(told) => Some(ExpectedPersonView { told, told_by: self.teller(&teller) }),
            RosterRow::Shift(_) => None,
        });
        Ok(told.collect())
    }

    /// Shifts that are on their way here and have not come yet: those that run, then those that come next.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn expected_shifts(&self) -> Result<Vec<ExpectedShiftView>, NodeError> {
        let roster = self.expected_roster()?;
        let names = self.names()?;
        let told_name = |person: &PersonId| {
            roster.iter().find_map(|(row, _)| match row {
                RosterRow::Person(told) if told.person == *person => Some(told.name.clone()),
                _ => None,
            })
        };
        let name = |person: &PersonId| match names.known(person) {
            Some(name) => name,
            None => told_name(person).unwrap_or_else(|| person.short()),
        };
        let told = roster.iter().filter_map(|(row, teller)| match row {
            RosterRow::Shift(told) => Some(ExpectedShiftView {
                names: told.assignments.iter().map(|it| name(&it.person)).collect(),
                told: told.clone(),
                told_by: self.teller(teller),
            }),
            RosterRow::Person(_) => None,
        });
        Ok(told.collect())
    }

    fn expected_roster(&self) -> Result<Vec<(RosterRow, DeviceKey)>, NodeError> {
        let rows = self.store.expected_roster()?.into_iter();
        // They were read before they were kept.
        Ok(rows.filter_map(|(row, teller)| Some((RosterRow::decode(&row.row).ok()?, teller))).collect())
    }

    fn teller(&self, device: &DeviceKey) -> String {
        let member = self.membership.roster().member(device);
        member.map_or_else(|| device.short(), |(_, member)| member.name.clone())
    }

    /// Rows for a receiver, compressed; fewer incidents where they would take too much.
    pub(super) fn load_rows(
        &mut self,
        space: &SpaceId,
        receiver: &Vector,
        limit: usize,
        now: Now,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        let roster = if *space == self.space { self.roster_ahead(space, receiver, now)? } else { Vec::new() };
        let incidents = self.store.rows_ahead(space, receiver, limit.min(rows::MAX_INCIDENTS))?;
        let mut rows = AheadRows { roster, incidents };
        while !rows.is_empty() {
            let plain = encode_rows(&rows);
            if plain.len() <= MAX_PLAIN_BYTES {
                let packed = compress_document(&plain)?;
                if packed.len() <= MAX_ROWS_BYTES {
                    return Ok(Some(packed));
                }
            }
            if rows.incidents.is_empty() {
                rows.roster.truncate(rows.roster.len() / 2);
            }
            rows.incidents.truncate(rows.incidents.len() / 2);
        }
        Ok(None)
    }

    /// Shifts that run, shifts that come next, and people who have not left, as far as the receiver lacks their records.
    fn roster_ahead(
        &mut self,
        space: &SpaceId,
        receiver: &Vector,
        now: Now,
    ) -> Result<Vec<ExpectedRosterRow>, NodeError> {
        let mut rows = Vec::new();
        let running = self.store.running_shifts()?;
        let (runs, next): (Vec<_>, Vec<_>) = running.into_iter().partition(|it| runs(&it.row, now.at));
        // A shift that was planned for a time that is over and never begun is of no use to anybody.
        let next = next.into_iter().filter(|it| it.row.starts.is_none_or(|at| at.at >= now.at));
        for shift in runs.into_iter().rev().take(MAX_SHIFTS).chain(next.take(MAX_SHIFTS)) {
            if let Some((writer, position)) = self.lacking(space, receiver, &shift.id)? {
                let row = RosterRow::Shift(self.shift_ahead(shift)?).encode();
                rows.push(ExpectedRosterRow { writer, position, row });
            }
        }
        for person in self.store.people(false)? {
            if rows.len() >= MAX_PEOPLE {
                break;
            }
            let (id, person) = (person.id, person.row);
            if person.hidden || person.status.as_deref() == Some(PersonStatus::Left.code()) {
                continue;
            }
            if let Some((writer, position)) = self.lacking(space, receiver, &id)? {
                let told = ExpectedPerson {
                    person: person.person,
                    name: person.name,
                    callsign: person.callsign,
                    status: person.status,
                    languages: person.languages,
                    skills: person.skills,
                };
                let row = RosterRow::Person(told).encode();
                rows.push(ExpectedRosterRow { writer, position, row });
            }
        }
        Ok(rows)
    }

    /// The entry that creates a record, where it is of a space and a receiver lacks it.
    fn lacking(
        &self,
        space: &SpaceId,
        receiver: &Vector,
        id: &DocumentId,
    ) -> Result<Option<(firsthand_ids::WriterId, firsthand_ids::Position)>, NodeError> {
        let creator = self.store.creator(id)?;
        Ok(creator.filter(|(writer, position)| {
            self.store.tip(space, writer).is_some() && *position > receiver.position(writer)
        }))
    }

    fn shift_ahead(&mut self, shift: Listed<ShiftProjection>) -> Result<ExpectedShift, NodeError> {
        let row = shift.row;
        let team = match row.team {
            // It need not be here.
            Some(team) => self.field_team(team).ok(),
            None => None,
        };
        let record = team.map(|team| team.record);
        let area = record.as_ref().and_then(|team| team.area.as_ref()).map(|area| {
            let corner = |corner: &firsthand_record::roster::Corner| (corner.lat.0, corner.lon.0);
            area.0.iter().map(corner).collect()
        });
        Ok(ExpectedShift {
            title: row.title,
            team: record.and_then(|team| team.name).unwrap_or_default(),
            area: area.unwrap_or_default(),
            place: row.place,
            risk: row.risk,
            status: row.status,
            starts: row.starts,
            ends: row.ends,
            rule: row.rule,
            assignments: row
                .assignments
                .into_iter()
                .map(|it| ExpectedAssignment { person: it.person, role: it.role, buddy: it.buddy })
                .collect(),
        })
    }

    /// Keeps rows that a member sent. Rows that cannot be read are left out, all of them.
    pub(super) fn keep_rows(
        &mut self,
        space: &SpaceId,
        teller: &DeviceKey,
        packed: &[u8],
    ) -> Result<(), NodeError> {
        let rows = decode_rows(&decompress_document(packed, MAX_PLAIN_BYTES)?)?;
        Ok(self.store.expect(space, teller, &rows.incidents, &rows.roster)?)
    }

    /// Whatever a device told of and did not bring is no longer on its way.
    pub(super) fn forget_rows(&mut self, teller: &DeviceKey) -> Result<(), NodeError> {
        let space = self.space;
        if self.store.expects() { Ok(self.store.expect(&space, teller, &[], &[])?) } else { Ok(()) }
    }
}

/// Whether a shift has begun: somebody moved it on, or its time has come and is not over.
fn runs(shift: &ShiftProjection, now: UnixMillis) -> bool {
    let reached = |time: Option<LocalTime>| time.is_some_and(|time| time.at <= now);
    shift.status > 0 || reached(shift.starts) && !reached(shift.ends)
}
