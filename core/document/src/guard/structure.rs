//! What can be said of a change before Automerge sees it.

use std::collections::BTreeMap;

use super::graph::{Graph, Past};
use super::operations::{Action, Key, Operation, Parsed};
use super::{MAX_START_GAP, Rule};
use crate::layout::{Layout, MapName};
use crate::{GuardError, Incoming, OpId};

/// Reads a change and checks what the entry that carries it must agree with.
pub(crate) fn read<'a>(incoming: &Incoming<'a>) -> Result<Parsed<'a>, GuardError> {
    let parsed = Parsed::read(incoming.change)?;
    if parsed.writer != incoming.writer {
        return Err(Rule::Actor.broken("another writer's actor"));
    }
    if parsed.dependencies.is_empty() != incoming.create {
        return Err(Rule::Dependencies.broken("none, or some in a creating change"));
    }
    Ok(parsed)
}

/// A change that is sound in itself.
pub(crate) struct Sound {
    /// What it builds on.
    pub(crate) past: Past,
    /// The texts it makes, and their fields.
    pub(crate) texts: Vec<(OpId, String)>,
    /// For the creating change: the layout it makes.
    layout: Option<Layout>,
}

impl Sound {
    /// Takes the change in: into the graph, and its texts into the layout.
    pub(crate) fn take(self, parsed: &Parsed<'_>, graph: &mut Graph, layout: &mut Option<Layout>) {
        if self.layout.is_some() {
            *layout = self.layout;
        }
        if let Some(layout) = layout {
            layout.texts.extend(self.texts);
        }
        graph.add(parsed.hash, parsed.writer, parsed.start_op..=parsed.last_op(), &self.past);
    }
}

/// Checks a change whose dependencies are all in `graph`. The creating change makes the layout.
pub(crate) fn check(
    parsed: &Parsed<'_>,
    graph: &Graph,
    layout: Option<&Layout>,
) -> Result<Sound, GuardError> {
    let create = parsed.dependencies.is_empty();
    if create && layout.is_some() {
        return Err(Rule::Creation.broken("a second creating change"));
    }
    // The maps are known by the counters of the operations that make them.
    if create && parsed.start_op != 1 {
        return Err(Rule::Creation.broken("not from the first counter"));
    }
    let past = graph.past(&parsed.dependencies);
    let sequence = graph.sequence(&past, parsed.writer) + 1;
    if parsed.sequence != sequence {
        return Err(Rule::Sequence.broken("not the next of its writer"));
    }
    if graph.length(parsed.writer) + 1 != sequence {
        return Err(Rule::Fork.broken("another change has the number"));
    }
    if parsed.start_op <= past.top || parsed.start_op - past.top - 1 > MAX_START_GAP {
        return Err(Rule::StartOp.broken("not after what it builds on, or too far"));
    }

    let new = create.then(|| Layout::new(parsed.writer));
    let known = new.as_ref().or(layout).ok_or(Rule::Dependencies.broken("nothing is created"))?;
    let mut check = Check { parsed, create, graph, past: &past, layout: known, made: BTreeMap::new() };
    for (index, operation) in parsed.operations.iter().enumerate() {
        check.operation(index, operation)?;
    }
    if create && parsed.operations.len() < MapName::ALL.len() {
        return Err(Rule::Creation.broken("not all five maps"));
    }
    let texts = check.made.iter().map(|(id, field)| (*id, (*field).to_owned())).collect();
    Ok(Sound { past, texts, layout: new })
}

struct Check<'a> {
    parsed: &'a Parsed<'a>,
    create: bool,
    graph: &'a Graph,
    past: &'a Past,
    layout: &'a Layout,
    /// The texts that the change makes.
    made: BTreeMap<OpId, &'a str>,
}

impl<'a> Check<'a> {
    fn operation(&mut self, index: usize, operation: &Operation<'a>) -> Result<(), GuardError> {
        // The first five operations of a document make its maps; nothing else ever touches the root.
        let making = if self.create { MapName::ALL.get(index) } else { None };
        match (making, operation.object) {
            (Some(map), None)
                if operation.key == Key::Map(map.key())
                    && operation.action == Action::MakeMap
                    && !operation.insert
                    && operation.replaced.is_empty() =>
            {
                Ok(())
            }
            (Some(_), _) => Err(Rule::Creation.broken("not the five maps first")),
            (None, None) => Err(Rule::Creation.broken("a change at the root")),
            (None, Some(object)) => {
                let map = MapName::from_counter(object.counter);
                if let Some(map) = map.filter(|_| object.writer == self.layout.creator) {
                    self.in_map(map, operation)
                } else if self.made.contains_key(&object)
                    || (self.layout.texts.contains_key(&object) && self.graph.covers(self.past, object))
                {
                    self.in_text(operation)
                } else {
                    Err(Rule::Reference.broken("an object that is not there"))
                }
            }
        }
    }

    fn in_map(&mut self, map: MapName, operation: &Operation<'a>) -> Result<(), GuardError> {
        let rule = rule_of(map);
        let Key::Map(key) = operation.key else { return Err(rule.broken("no key of a map")) };
        if operation.insert {
            return Err(rule.broken("an insertion into a map"));
        }
        match (map, operation.action) {
            (MapName::Once, Action::Put(_)) if self.create => {}
            (MapName::Once, _) => return Err(rule.broken("a later write")),
            (MapName::Add, Action::Put(_)) => {
                let counter = key.strip_prefix(&format!("{}|", self.parsed.writer));
                let number = counter.and_then(|counter| counter.parse::<u64>().ok());
                if number.is_none_or(|number| number == 0 || Some(number.to_string().as_str()) != counter) {
                    return Err(rule.broken("a key that is not the writer's"));
                }
            }
            (MapName::Text, Action::MakeText) => {
                self.made.insert(operation.id, key);
            }
            (MapName::Register | MapName::Safe, Action::Put(_)) => return Ok(()),
            _ => return Err(rule.broken("an action that the letter does not have")),
        }
        if operation.replaced.is_empty() { Ok(()) } else { Err(rule.broken("a replacement")) }
    }

    fn in_text(&self, operation: &Operation<'a>) -> Result<(), GuardError> {
        let at = match operation.key {
            Key::Map(_) => return Err(Rule::Text.broken("a key of a map")),
            Key::Front => None,
            Key::Character(id) => Some(id),
        };
        if let Some(id) = at {
            let mine = id.writer == self.parsed.writer
                && id.counter >= self.parsed.start_op
                && id.counter < operation.id.counter;
            if !mine && !self.graph.covers(self.past, id) {
                return Err(Rule::Reference.broken("a character that is not there"));
            }
        }
        match (operation.insert, operation.action, at) {
            (true, Action::Put(text), _) if operation.replaced.is_empty() => {
                let mut chars = text.chars();
                if chars.next().is_some() && chars.next().is_none() {
                    Ok(())
                } else {
                    Err(Rule::Text.broken("not one character"))
                }
            }
            (false, Action::Delete, Some(id)) if operation.replaced == [id] => Ok(()),
            _ => Err(Rule::Text.broken("neither an insertion nor a deletion")),
        }
    }
}

/// The rule that an operation in a map must keep.
pub(crate) const fn rule_of(map: MapName) -> Rule {
    match map {
        MapName::Once => Rule::Once,
        MapName::Add => Rule::Add,
        MapName::Text => Rule::Text,
        MapName::Register | MapName::Safe => Rule::Register,
    }
}
