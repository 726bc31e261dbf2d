//! A message as XML, in the order that the schema asks for.

use std::io;

use firsthand_record::roster::Corner;
use firsthand_record::{Circle, CodeList, Moment};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::message::is_tag;
use super::tree::is_character;
use super::{CapArea, Info, Message, NAMESPACES, Named, Resource};

type Xml = Writer<Vec<u8>>;

/// Writes a message as CAP 1.2 in UTF-8. Characters that XML has no place for are left out.
///
/// # Errors
///
/// None in practice: it writes into memory, and the type is that of the writer.
pub fn write(message: &Message) -> io::Result<String> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("alert")
        .with_attribute(("xmlns", NAMESPACES[1]))
        .write_inner_content(|xml| alert(xml, message))?;
    let mut bytes = xml.into_inner();
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn element(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(&clean(text)))?;
    Ok(())
}

/// Text without what XML 1.0 has no character for. A reader makes one line end of all kinds.
fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| is_character(*c)).collect()
}

fn said(xml: &mut Xml, name: &str, text: Option<&String>) -> io::Result<()> {
    text.map_or(Ok(()), |text| element(xml, name, text))
}

fn code<C: CodeList>(xml: &mut Xml, name: &str, code: C) -> io::Result<()> {
    element(xml, name, code.code())
}

/// A time as the schema has it: whole seconds and a numeric offset.
pub(super) fn time(moment: Moment) -> String {
    moment.chrono().format("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn at(xml: &mut Xml, name: &str, moment: Option<Moment>) -> io::Result<()> {
    moment.map_or(Ok(()), |moment| element(xml, name, &time(moment)))
}

fn named(xml: &mut Xml, name: &str, values: &[Named]) -> io::Result<()> {
    for it in values {
        xml.create_element(name).write_inner_content(|xml| {
            element(xml, "valueName", &it.name)?;
            element(xml, "value", &it.value)
        })?;
    }
    Ok(())
}

fn alert(xml: &mut Xml, message: &Message) -> io::Result<()> {
    element(xml, "identifier", &message.identifier)?;
    element(xml, "sender", &message.sender)?;
    at(xml, "sent", Some(message.sent))?;
    code(xml, "status", message.status)?;
    code(xml, "msgType", message.msg_type)?;
    said(xml, "source", message.source.as_ref())?;
    code(xml, "scope", message.scope)?;
    said(xml, "restriction", message.restriction.as_ref())?;
    said(xml, "addresses", message.addresses.as_ref())?;
    message.codes.iter().try_for_each(|code| element(xml, "code", code))?;
    said(xml, "note", message.note.as_ref())?;
    if !message.references.is_empty() {
        let triple = |it: &super::Reference| format!("{},{},{}", it.sender, it.identifier, time(it.sent));
        let triples: Vec<String> = message.references.iter().map(triple).collect();
        element(xml, "references", &triples.join(" "))?;
    }
    said(xml, "incidents", message.incidents.as_ref())?;
    for it in &message.infos {
        xml.create_element("info").write_inner_content(|xml| info(xml, it))?;
    }
    Ok(())
}

fn info(xml: &mut Xml, info: &Info) -> io::Result<()> {
    said(xml, "language", info.language.as_ref().filter(|tag| is_tag(tag)))?;
    info.categories.iter().try_for_each(|it| code(xml, "category", *it))?;
    element(xml, "event", &info.event)?;
    info.response_types.iter().try_for_each(|it| code(xml, "responseType", *it))?;
    code(xml, "urgency", info.urgency)?;
    code(xml, "severity", info.severity)?;
    code(xml, "certainty", info.certainty)?;
    said(xml, "audience", info.audience.as_ref())?;
    named(xml, "eventCode", &info.event_codes)?;
    at(xml, "effective", info.effective)?;
    at(xml, "onset", info.onset)?;
    at(xml, "expires", info.expires)?;
    said(xml, "senderName", info.sender_name.as_ref())?;
    said(xml, "headline", info.headline.as_ref())?;
    said(xml, "description", info.description.as_ref())?;
    said(xml, "instruction", info.instruction.as_ref())?;
    said(xml, "web", info.web.as_ref())?;
    said(xml, "contact", info.contact.as_ref())?;
    named(xml, "parameter", &info.parameters)?;
    for it in &info.resources {
        xml.create_element("resource").write_inner_content(|xml| resource(xml, it))?;
    }
    for it in &info.areas {
        xml.create_element("area").write_inner_content(|xml| area(xml, it))?;
    }
    Ok(())
}

fn resource(xml: &mut Xml, resource: &Resource) -> io::Result<()> {
    element(xml, "resourceDesc", &resource.text)?;
    element(xml, "mimeType", &resource.mime)?;
    said(xml, "size", resource.size.as_ref())?;
    said(xml, "uri", resource.uri.as_ref())?;
    said(xml, "derefUri", resource.deref_uri.as_ref())?;
    said(xml, "digest", resource.digest.as_ref())
}

fn area(xml: &mut Xml, area: &CapArea) -> io::Result<()> {
    let corner = |it: &Corner| format!("{},{}", it.lat.0, it.lon.0);
    element(xml, "areaDesc", &area.text)?;
    for ring in &area.polygons {
        let closed = ring.iter().chain(ring.first());
        element(xml, "polygon", &closed.map(corner).collect::<Vec<_>>().join(" "))?;
    }
    for Circle { lat, lon, radius } in &area.circles {
        // To the millimetre, as it is read, so that it stays the same number.
        let km = (radius.0 * 1_000.0).round() / 1e6;
        element(xml, "circle", &format!("{},{} {km}", lat.0, lon.0))?;
    }
    named(xml, "geocode", &area.geocodes)?;
    said(xml, "altitude", area.altitude.as_ref())?;
    said(xml, "ceiling", area.ceiling.as_ref())
}
