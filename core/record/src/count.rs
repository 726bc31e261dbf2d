use std::collections::BTreeMap;

use firsthand_ids::PersonId;
use serde::{Deserialize, Serialize};

use crate::{CountKind, Moment};

/// One count of people, as one source gave it at one time. Counts are added, never edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Count {
    /// `writer|counter`; empty until saved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: String,
    /// What was counted.
    pub what: CountKind,
    /// The least number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub low: Option<u32>,
    /// The greatest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub high: Option<u32>,
    /// Who gave the number: the key of an item of `source`, or words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub source: String,
    /// When it was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub at: Option<Moment>,
    /// Who of the team noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub by: Option<PersonId>,
}

impl Count {
    /// A count without source and time.
    #[must_use]
    pub const fn new(what: CountKind, low: Option<u32>, high: Option<u32>) -> Self {
        Self { key: String::new(), what, low, high, source: String::new(), at: None, by: None }
    }
}

/// What the counts of one kind say together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountSummary<'a> {
    /// The newest count of each source.
    pub newest: BTreeMap<&'a str, &'a Count>,
    /// The least that any of those says; `None` where one of them names none ("up to 5").
    pub low: Option<u32>,
    /// The most that any of those says; `None` where one of them names none ("40 or more").
    pub high: Option<u32>,
}

/// Sums counts up: the newest per source, and the range over the sources.
///
/// "Newest" is the later in the list, which a document gives in the order of its entries; the time a person
/// noted does not decide, since clocks are wrong.
#[must_use]
pub fn summarise(counts: &[Count]) -> BTreeMap<CountKind, CountSummary<'_>> {
    let mut out: BTreeMap<CountKind, CountSummary<'_>> = BTreeMap::new();
    for count in counts {
        out.entry(count.what).or_default().newest.insert(&count.source, count);
    }
    for summary in out.values_mut() {
        // Typed the wrong way round, a range is still that range.
        let ends = || summary.newest.values().map(|count| (count.low, count.high));
        let lows = ends().map(|(low, high)| low.map(|low| high.map_or(low, |high| low.min(high))));
        let highs = ends().map(|(low, high)| high.map(|high| low.map_or(high, |low| low.max(high))));
        let lows: Option<Vec<u32>> = lows.collect();
        let highs: Option<Vec<u32>> = highs.collect();
        summary.low = lows.and_then(|lows| lows.into_iter().min());
        summary.high = highs.and_then(|highs| highs.into_iter().max());
    }
    out
}
