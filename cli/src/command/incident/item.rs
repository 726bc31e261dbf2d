//! Items of an incident's lists, as a person names them.

use firsthand_node::Edit;
use firsthand_record::{ConsentWithdrawn, Grading, Incident, Source};
use serde_json::Value;

use crate::args::EditArgs;
use crate::fail::{Detail, Fail};
use crate::read::field::json;
use crate::read::{items, time};
use crate::show::text;

/// The members of an item that hold its least and its greatest number.
const RANGES: &[(&str, &str)] = &[("low", "high"), ("count_low", "count_high")];

/// Whether an edit names items that are there already.
pub(super) fn are_named(args: &EditArgs) -> bool {
    [&args.withdraw, &args.swap, &args.grade, &args.withdraw_consent].iter().any(|named| !named.is_empty())
}

/// The edits that concern items that are there already.
pub(super) fn edits(record: &Incident, args: &EditArgs) -> Result<Vec<Edit>, Fail> {
    let mut edits = Vec::new();
    for typed in &args.withdraw {
        let key = match find(record, typed) {
            Some((_, item)) => key(&item),
            // Marks on other items have keys too and stand in no list of the record.
            None if typed.contains('|') => typed.clone(),
            None => return Err(unknown("withdraw")),
        };
        edits.push(Edit::Withdraw { key, reason: args.reason.clone() });
    }
    for typed in &args.swap {
        edits.extend(swap(record, typed)?);
    }
    for typed in &args.grade {
        edits.push(grade(record, typed)?);
    }
    for typed in &args.withdraw_consent {
        let source = source(record, typed).ok_or_else(|| unknown_source("withdraw_consent"))?;
        let at = time::moment("now").map_err(|reason| Fail::input("withdraw_consent", reason))?;
        let withdrawn = ConsentWithdrawn { key: String::new(), source: source.key.clone(), at, by: None };
        edits.push(add("consent_withdrawn", &withdrawn)?);
    }
    Ok(edits)
}

fn add(list: &str, item: &impl serde::Serialize) -> Result<Edit, Fail> {
    let value = json(item).map_err(|reason| Fail::input(list, reason))?;
    Ok(Edit::Add { list: list.to_owned(), value })
}

fn unknown(field: &str) -> Fail {
    Fail::input(
        field,
        "names no item: give its list and number as `show` numbers them, such as counts:2, or its key",
    )
}

fn unknown_source(field: &str) -> Fail {
    Fail::input(field, "names no source: give its number as `show` numbers them, its pseudonym, or its key")
}

fn key(item: &Value) -> String {
    item["key"].as_str().unwrap_or_default().to_owned()
}

/// An item by list and number, `counts:2`, or by its key; and the list it is in.
fn find(record: &Incident, typed: &str) -> Option<(&'static str, Value)> {
    let Ok(Value::Object(json)) = serde_json::to_value(record) else { return None };
    let items = |list: &str| json.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some((list, number)) = typed.split_once(':') {
        let wanted = list.trim().replace('-', "_");
        let list = Incident::LISTS.iter().find(|list| **list == wanted)?;
        let at = number.trim().parse::<usize>().ok()?.checked_sub(1)?;
        return Some((list, items(list).into_iter().nth(at)?));
    }
    let in_list = |list: &&'static str| {
        let item = items(list).into_iter().find(|item| item["key"].as_str() == Some(typed))?;
        Some((*list, item))
    };
    Incident::LISTS.iter().find_map(in_list)
}

/// Takes an item back and adds it again with its numbers exchanged.
fn swap(record: &Incident, typed: &str) -> Result<[Edit; 2], Fail> {
    let (list, mut item) = find(record, typed).ok_or_else(|| unknown("swap"))?;
    let key = key(&item);
    let range = RANGES.iter().find(|(low, high)| !item[*low].is_null() && !item[*high].is_null());
    let Some((low, high)) = range else {
        return Err(Fail::input("swap", "names an item that has not both a least and a greatest number"));
    };
    let numbers = (item[*low].take(), item[*high].take());
    (item[*high], item[*low]) = numbers;
    let reason = String::from("the numbers were exchanged");
    Ok([Edit::Withdraw { key, reason }, Edit::Add { list: list.to_owned(), value: item }])
}

fn grade(record: &Incident, typed: &str) -> Result<Edit, Fail> {
    let (named, grade) = typed
        .rsplit_once('=')
        .ok_or_else(|| Fail::input("grade", "is not like 1=B2: a source, then its grade"))?;
    let source = source(record, named).ok_or_else(|| unknown_source("grade"))?;
    let wrong = |reason| Fail::inputs(vec![Detail { field: String::from("grade"), reason }]);
    let (reliability, credibility) = items::grade(grade).map_err(wrong)?;
    let grading = Grading {
        source: source.key.clone(),
        reliability: Some(reliability),
        credibility: Some(credibility),
        ..Grading::default()
    };
    add("graded_by", &grading)
}

/// A source by its number, its pseudonym or its key. A pseudonym that two sources have names neither.
fn source<'a>(record: &'a Incident, typed: &str) -> Option<&'a Source> {
    let typed = typed.trim();
    let number = typed.strip_prefix("source:").unwrap_or(typed).parse::<usize>().ok();
    if let Some(source) = number.and_then(|number| record.source.get(number.checked_sub(1)?)) {
        return Some(source);
    }
    let called = |source: &&Source| {
        let called = !source.pseudonym.is_empty() && text::line(&source.pseudonym) == text::line(typed);
        source.key == typed || called
    };
    let mut found = record.source.iter().filter(called);
    found.next().filter(|_| found.next().is_none())
}
