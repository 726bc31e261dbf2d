//! Checklists that were loaded from a file here and are not published: on this device alone, one of each name.

use firsthand_record::checklist::Template;
use firsthand_store::Commit;

use super::Ledger;
use crate::NodeError;

/// The setting that lists the drafts, one name a line.
const DRAFTS: &str = "checklist.drafts";
/// How many are kept; the oldest go first.
const KEPT: usize = 100;

fn setting(template_id: &str) -> String {
    format!("checklist.draft.{template_id}")
}

impl Ledger {
    /// Keeps checklists to publish later, each in place of an earlier draft of its name.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the disk; none of them is kept then.
    pub fn keep_drafts(&mut self, templates: &[Template]) -> Result<(), NodeError> {
        let mut names = self.draft_names()?;
        let mut commit = Commit::new(self.space);
        for template in templates {
            let json = serde_json::to_vec(template).map_err(|_| NodeError::Inconsistent("a draft's JSON"))?;
            names.retain(|name| *name != template.template_id);
            names.push(template.template_id.clone());
            commit.settings.push((setting(&template.template_id), json));
        }
        let over = names.len().saturating_sub(KEPT);
        commit.settings.extend(names.drain(..over).map(|name| (setting(&name), Vec::new())));
        commit.settings.push((DRAFTS.to_owned(), names.join("\n").into_bytes()));
        self.keep(commit)?;
        Ok(())
    }

    /// Drops a draft, once it is published.
    pub(super) fn drop_draft(&mut self, template_id: &str) -> Result<(), NodeError> {
        let mut names = self.draft_names()?;
        if names.iter().any(|name| name == template_id) {
            names.retain(|name| name != template_id);
            let mut commit = Commit::new(self.space);
            commit.settings.push((setting(template_id), Vec::new()));
            commit.settings.push((DRAFTS.to_owned(), names.join("\n").into_bytes()));
            self.keep(commit)?;
        }
        Ok(())
    }

    /// The drafts, those that were loaded last first.
    ///
    /// # Errors
    /// [`NodeError::Store`] from the store.
    pub fn drafts(&self) -> Result<Vec<Template>, NodeError> {
        let mut drafts = Vec::new();
        for name in self.draft_names()?.into_iter().rev() {
            let kept = self.store.setting(&setting(&name))?;
            // One that a later version wrote may not read; it is loaded from its file again.
            drafts.extend(kept.and_then(|json| serde_json::from_slice(&json).ok()));
        }
        Ok(drafts)
    }

    fn draft_names(&self) -> Result<Vec<String>, NodeError> {
        let names = self.store.setting(DRAFTS)?.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(names.unwrap_or_default().lines().map(str::to_owned).collect())
    }
}
