//! The elements of an XML file, within limits and without entities.

use encoding_rs::Encoding;
use quick_xml::NsReader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;

use super::NAMESPACES;
use crate::{ExchangeError, encoding};

/// How deep elements may be nested. CAP needs 5.
const MAX_DEPTH: usize = 16;

/// How many elements a file may have. The largest real warnings have some thousand.
const MAX_ELEMENTS: usize = 20_000;

/// How much of a file is looked at for its declaration, in bytes.
const DECLARATION: usize = 256;

/// An element of CAP. What belongs to other namespaces, such as signatures, is left out.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    /// The line it begins in, from 1.
    pub(super) line: usize,
    /// Its own text, without that of its children.
    pub(super) text: String,
    pub(super) children: Vec<Self>,
}

/// Counts lines as far as somebody asked, so that a file is gone through once.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, position: u64) -> usize {
        let to = usize::try_from(position).unwrap_or(usize::MAX).min(self.text.len());
        if to > self.at {
            self.line += self.text[self.at..to].iter().filter(|byte| **byte == b'\n').count();
            self.at = to;
        }
        self.line
    }
}

/// The text of a file, in the encoding that it declares.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, ExchangeError> {
    let declared = declared(&bytes);
    // What can be read of the declaration is not in UTF-16, whatever it says.
    let label = declared.as_deref().filter(|_| Encoding::for_bom(&bytes).is_none());
    Ok(encoding::text(bytes, label)?.0)
}

fn declared(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(DECLARATION)]).into_owned();
    let mut reader = quick_xml::Reader::from_str(&head);
    match reader.read_event() {
        Ok(Event::Decl(declaration)) => Some(declaration.encoding()?.ok()?.into_owned()),
        _ => None,
    }
}

/// Reads the elements of CAP.
pub(super) fn read(text: &str) -> Result<Element, ExchangeError> {
    // The reader lets pass what XML has no character for, and no writer could write it again.
    if let Some((at, _)) = text.char_indices().find(|(_, c)| !is_character(*c)) {
        return Err(ExchangeError::Xml { line: 1 + text[..at].matches('\n').count() });
    }
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut lines = Lines { text: text.as_bytes(), at: 0, line: 1 };
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    let (mut count, mut foreign) = (0_usize, 0_usize);
    loop {
        let event = reader.read_resolved_event();
        let (resolved, event) = match event {
            Ok((resolved, event)) => (is_cap(&resolved), event),
            Err(_) => return Err(ExchangeError::Xml { line: lines.of(reader.error_position()) }),
        };
        let line = lines.of(reader.buffer_position());
        match event {
            Event::DocType(_) => return Err(ExchangeError::DocumentType),
            Event::Start(start) => {
                count += 1;
                if count > MAX_ELEMENTS || open.len() + foreign >= MAX_DEPTH {
                    return Err(ExchangeError::TooManyElements);
                }
                if root.is_some() {
                    return Err(ExchangeError::Xml { line });
                }
                if foreign > 0 || !resolved {
                    if open.is_empty() {
                        return Err(ExchangeError::NotCap {
                            line,
                            element: "alert",
                            reason: "is not the root",
                        });
                    }
                    foreign += 1;
                    continue;
                }
                let name = start.local_name().into_inner().to_owned();
                open.push(Element { name, line, ..Element::default() });
            }
            Event::End(_) if foreign > 0 => foreign -= 1,
            Event::End(_) => {
                let Some(done) = open.pop() else { return Err(ExchangeError::Xml { line }) };
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => root = Some(done),
                }
            }
            Event::Text(said) => add(&mut open, foreign, &said.xml10_content()),
            Event::CData(said) => add(&mut open, foreign, &said.xml10_content()),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|_| ExchangeError::Xml { line })?;
                if character.is_some_and(|c| !is_character(c)) {
                    return Err(ExchangeError::Xml { line });
                }
                // As of the line ends that stand there themselves.
                let character = character.map(|c| if c == '\r' { '\n' } else { c });
                match (character, resolve_predefined_entity(&reference)) {
                    (Some(character), _) => add(&mut open, foreign, character.encode_utf8(&mut [0; 4])),
                    (None, Some(text)) => add(&mut open, foreign, text),
                    (None, None) => return Err(ExchangeError::DocumentType),
                }
            }
            Event::Eof if !open.is_empty() || foreign > 0 => return Err(ExchangeError::Xml { line }),
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    root.ok_or(ExchangeError::Xml { line: lines.line })
}

/// Whether XML 1.0 has a character.
pub(super) fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'))
}

fn is_cap(resolved: &ResolveResult<'_>) -> bool {
    match resolved {
        ResolveResult::Bound(namespace) => NAMESPACES.contains(&namespace.into_inner()),
        _ => false,
    }
}

fn add(open: &mut [Element], foreign: usize, said: &str) {
    if let (Some(element), 0) = (open.last_mut(), foreign) {
        element.text.push_str(said);
    }
}
