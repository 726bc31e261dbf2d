use std::collections::BTreeMap;

use firsthand_ids::{ContentHash, PersonId, WriterId, sha256};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{ItemType, Localised, TemplateKind};
use crate::{Fields, Tombstone, canonical};

/// Why fields are no template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnreadTemplate {
    /// A field or an item that this version cannot read: a protocol with a step left out would be another protocol.
    #[error("the checklist has something that this version cannot read")]
    Unreadable,
    /// Not what its author published: something is missing, or was added.
    #[error("the checklist is not, or not yet, what its author published")]
    NotWhole,
}

/// What a template says, whatever file it came from and whoever published it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct TemplateContent {
    /// What it is called.
    pub title: Localised,
    /// The languages it is written in, as language tags; the default language first.
    pub languages: Vec<String>,
    /// Under which licence it may be used, such as `CC-BY-4.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub licence: Option<String>,
    /// What it was written from, for people to look up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub attribution: Option<String>,
    /// Its items, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub items: Vec<TemplateItem>,
}

impl TemplateContent {
    /// The language that a reader gets where there is no better one.
    #[must_use]
    pub fn default_language(&self) -> &str {
        self.languages.first().map_or(super::UNDETERMINED, String::as_str)
    }

    /// The item of an id.
    #[must_use]
    pub fn item(&self, item_id: &str) -> Option<&TemplateItem> {
        self.items.iter().find(|item| item.item_id == item_id)
    }

    /// Numbers the items as they stand.
    pub fn renumber(&mut self) {
        for (item, order) in self.items.iter_mut().zip(0..) {
            item.order = order;
        }
    }

    /// SHA-256 of the content as canonical JSON: members sorted by key, no spaces, what is absent or empty left out. The
    /// items count in their order; their keys and numbers, which a document gives them, do not.
    #[must_use]
    pub fn sha256(&self) -> ContentHash {
        let mut value = json!(self);
        if let Some(items) = value.get_mut("items").and_then(Value::as_array_mut) {
            for item in items.iter_mut().filter_map(Value::as_object_mut) {
                item.remove("key");
                item.remove("order");
            }
        }
        ContentHash::new(sha256(canonical(&value).as_bytes()))
    }
}

/// One version of a checklist, as its author published it. Every field is written once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Template {
    /// What all versions of it are called by programs.
    pub template_id: String,
    /// Its version; a higher one is newer.
    pub version: u32,
    /// What it says.
    #[serde(flatten)]
    pub content: TemplateContent,
    /// [`TemplateContent::sha256`] when it was published.
    pub content_sha256: ContentHash,
    /// The file it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub source: Option<TemplateSource>,
    /// The trainer who published it. The entry that creates the record carries the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub signed_by: Option<PersonId>,
    /// The version of the types it was written with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub schema_version: Option<u32>,
    /// Marks that hide it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub tombstone: Vec<Tombstone>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub extra: Fields,
}

impl Template {
    /// A template to publish.
    #[must_use]
    pub fn new(
        template_id: impl Into<String>,
        version: u32,
        mut content: TemplateContent,
        source: Option<TemplateSource>,
    ) -> Self {
        content.renumber();
        Self {
            template_id: template_id.into(),
            version,
            content_sha256: content.sha256(),
            content,
            source,
            signed_by: None,
            schema_version: None,
            tombstone: Vec::new(),
            extra: BTreeMap::new(),
        }
    }

    /// Reads a template from a document's fields.
    ///
    /// Items of others than `author`, the writer of the document's first entry, are left out: a list takes in what anybody
    /// adds, and nobody can change what somebody else published. What is left must be what the author hashed.
    pub fn read(mut fields: Map<String, Value>, author: WriterId) -> Result<Self, UnreadTemplate> {
        let own = format!("{author}|");
        if let Some(Value::Array(items)) = fields.get_mut("items") {
            let key = |item: &Value| item.get("key").and_then(Value::as_str).map(str::to_owned);
            items.retain(|item| key(item).is_some_and(|key| key.starts_with(&own)));
        }
        let mut template =
            Self::deserialize(Value::Object(fields)).map_err(|_| UnreadTemplate::Unreadable)?;
        template.content.items.sort_by(|a, b| (a.order, &a.key).cmp(&(b.order, &b.key)));
        if template.is_whole() { Ok(template) } else { Err(UnreadTemplate::NotWhole) }
    }

    /// Whether the content is what was hashed when it was published.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.content.sha256() == self.content_sha256
    }
}

/// The file a template came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct TemplateSource {
    /// What kind of file.
    pub kind: TemplateKind,
    /// SHA-256 of its bytes.
    pub sha256: ContentHash,
}

/// One step or question of a checklist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct TemplateItem {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// Its place among the items, from 0.
    #[serde(default)]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub order: u32,
    /// What answers and expressions call it.
    pub item_id: String,
    /// What it asks for.
    #[serde(rename = "type")]
    pub item_type: ItemType,
    /// What it says.
    #[serde(default, skip_serializing_if = "Localised::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub label: Localised,
    /// What helps to do or answer it.
    #[serde(default, skip_serializing_if = "Localised::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub hint: Localised,
    /// The sections it stands in, the outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub section: Vec<Section>,
    /// Whether lives may depend on it: it is shown first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub critical: bool,
    /// Whether the checklist is not complete without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub required: bool,
    /// When it is asked at all, as an [expression](crate::expression); always where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub relevant: Option<String>,
    /// What an answer must fulfil, as an [expression](crate::expression) in which `.` is the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub constraint: Option<String>,
    /// What to say of an answer that does not.
    #[serde(default, skip_serializing_if = "Localised::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub constraint_message: Localised,
    /// What can be chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub choices: Vec<Choice>,
    /// How long a timer runs, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub timer_s: Option<u32>,
    /// Keys that this version does not know. They are part of the content.
    #[serde(flatten)]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub extra: Fields,
}

impl TemplateItem {
    /// An item with nothing but a name and a type.
    #[must_use]
    pub fn new(item_id: impl Into<String>, item_type: ItemType) -> Self {
        Self {
            key: String::new(),
            order: 0,
            item_id: item_id.into(),
            item_type,
            label: Localised::default(),
            hint: Localised::default(),
            section: Vec::new(),
            critical: false,
            required: false,
            relevant: None,
            constraint: None,
            constraint_message: Localised::default(),
            choices: Vec::new(),
            timer_s: None,
            extra: BTreeMap::new(),
        }
    }
}

/// A part of a checklist with a heading.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Section {
    /// What programs call it.
    pub name: String,
    /// Its heading; without one it is shown as no heading of its own.
    #[serde(default, skip_serializing_if = "Localised::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub label: Localised,
}

/// Something that can be chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Choice {
    /// What answers and expressions call it.
    pub name: String,
    /// What it says.
    #[serde(default, skip_serializing_if = "Localised::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub label: Localised,
}
