//! Teams in the field: where each works, how it talks, and whom a shift of it needs.

use firsthand_document::{DocumentKind, Edit};
use firsthand_ids::{DocumentId, PersonId};
use firsthand_record::roster::{FieldTeam, RoleNeed, role_needs};
use firsthand_store::{FieldTeamProjection, Listed};
use rand_core::CryptoRng;

use super::{Ledger, Now, Saved, roster};
use crate::NodeError;

/// One team in the field with everything.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldTeamView {
    /// The document.
    pub id: DocumentId,
    /// The team as it counts: of the roles that a shift must fill, those that leads noted.
    pub record: FieldTeam,
    /// Fields whose values conflict.
    pub conflicts: Vec<String>,
    /// Whether a mark hides it.
    pub hidden: bool,
}

/// A team in a list.
pub type FieldTeamRow = Listed<FieldTeamProjection>;

impl Ledger {
    /// Saves a team in the field. Leads do that.
    ///
    /// # Errors
    /// [`NodeError::Team`] for who does not lead; [`NodeError::Rejected`] with every field to put right.
    pub fn add_field_team(
        &mut self,
        team: &FieldTeam,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        self.must_lead()?;
        self.add(team, now, rng)
    }

    /// Edits what a team says. Leads do that.
    ///
    /// # Errors
    /// As [`Ledger::edit`]; [`NodeError::Team`] for who does not lead.
    pub fn edit_field_team(
        &mut self,
        id: DocumentId,
        edits: &[Edit],
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Saved, NodeError> {
        self.must_lead()?;
        self.edit_of(id, &DocumentKind::Team, edits, now, rng)
    }

    /// All teams in the field, oldest first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn field_teams(&mut self) -> Result<Vec<FieldTeamRow>, NodeError> {
        self.apply_untried()?;
        Ok(self.store.field_teams()?)
    }

    /// One team in the field with everything.
    ///
    /// # Errors
    /// [`NodeError::NotFound`] where it is not here, or is something else.
    pub fn field_team(&mut self, id: DocumentId) -> Result<FieldTeamView, NodeError> {
        let view = self.read_view(&id)?;
        if view.kind != DocumentKind::Team {
            return Err(NodeError::NotFound(id.short()));
        }
        let conflicts = view.conflicts().map(|(field, _)| field.to_owned()).collect();
        Ok(FieldTeamView { id, record: roster::field_team(&view), conflicts, hidden: view.is_hidden() })
    }

    /// The team that is meant: its name, the beginning of its name, or the beginning of its id. One that is hidden is found
    /// where no other fits.
    ///
    /// # Errors
    /// [`NodeError::NotFound`], or [`NodeError::Ambiguous`] with the names that fit.
    pub fn find_field_team(&mut self, typed: &str) -> Result<DocumentId, NodeError> {
        let wanted = typed.trim().to_lowercase();
        let teams = self.field_teams()?;
        let is = |it: &&FieldTeamRow| it.row.name.to_lowercase() == wanted;
        let begins =
            |it: &&FieldTeamRow| !wanted.is_empty() && it.row.name.to_lowercase().starts_with(&wanted);
        let id = |it: &&FieldTeamRow| wanted.len() >= 4 && it.id.to_string().starts_with(&wanted);
        let (shown, hidden): (Vec<_>, Vec<_>) = teams.iter().partition(|it| !it.row.hidden);
        for of in [shown, hidden] {
            let tries: [Vec<&FieldTeamRow>; 3] = [
                of.iter().copied().filter(is).collect(),
                of.iter().copied().filter(begins).collect(),
                of.iter().copied().filter(id).collect(),
            ];
            match tries.iter().find(|found| !found.is_empty()).map(Vec::as_slice) {
                None | Some([]) => {}
                Some([one]) => return Ok(one.id),
                Some(several) => {
                    let candidates = several.iter().map(|it| format!("{} ({})", it.row.name, it.id.short()));
                    let candidates = candidates.collect();
                    return Err(NodeError::Ambiguous { typed: typed.to_owned(), candidates });
                }
            }
        }
        Err(NodeError::NotFound(typed.to_owned()))
    }
}

/// The roles of its team that too few people of a shift have.
pub(super) fn needs<'a>(
    team: Option<&'a FieldTeamRow>,
    assigned: impl IntoIterator<Item = (&'a str, PersonId)>,
) -> Vec<RoleNeed> {
    let required = team.into_iter().flat_map(|team| &team.row.roles_required);
    role_needs(required.map(|(role, min)| (role.as_str(), *min)), assigned)
}
