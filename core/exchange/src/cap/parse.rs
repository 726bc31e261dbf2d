//! From the elements of a file to a message.

use std::io::Read;

use firsthand_ids::Metres;
use firsthand_record::roster::Corner;
use firsthand_record::validate::limits::RADIUS_KM;
use firsthand_record::{Circle, CodeList, Degrees, Moment};

use super::message::is_tag;
use super::tree::{self, Element};
use super::{ANY_TYPE, CapArea, Info, MAX_CAP_BYTES, Message, Named, Reference, Resource};
use crate::ExchangeError;

/// Reads a message of CAP 1.1 or 1.2.
///
/// # Errors
///
/// [`ExchangeError::TooLarge`] beyond [`MAX_CAP_BYTES`], [`ExchangeError::DocumentType`] for document types and entities of the
/// file's own, [`ExchangeError::TooManyElements`], [`ExchangeError::Xml`] for what is no XML, and [`ExchangeError::NotCap`] with line
/// and element for what the protocol does not allow: an element that is missing, a code that is none, a time without an offset, a
/// corner that is not on Earth, an update or cancellation that refers to nothing.
pub fn read(input: impl Read) -> Result<Message, ExchangeError> {
    let mut bytes = Vec::new();
    input.take(MAX_CAP_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_CAP_BYTES {
        return Err(ExchangeError::CapTooLarge);
    }
    let text = tree::text(bytes)?;
    message(&tree::read(&text)?)
}

fn wrong(of: &Element, element: &'static str, reason: &'static str) -> ExchangeError {
    ExchangeError::NotCap { line: of.line, element, reason }
}

impl Element {
    /// The children of a name, in their order.
    fn all(&self, name: &'static str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The one child of a name.
    fn one(&self, name: &'static str) -> Result<Option<&Self>, ExchangeError> {
        let mut all = self.all(name);
        match (all.next(), all.next()) {
            (_, Some(second)) => Err(wrong(second, name, "stands twice")),
            (first, None) => Ok(first),
        }
    }

    /// The text of the one child of a name; `None` where it says nothing.
    fn text(&self, name: &'static str) -> Result<Option<String>, ExchangeError> {
        let text = self.one(name)?.map(|child| child.text.trim().to_owned());
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// The same of a child that must be there.
    fn must(&self, name: &'static str) -> Result<String, ExchangeError> {
        self.text(name)?.ok_or_else(|| wrong(self, name, "is missing"))
    }

    fn texts(&self, name: &'static str) -> Vec<String> {
        let texts = self.all(name).map(|child| child.text.trim().to_owned());
        texts.filter(|text| !text.is_empty()).collect()
    }

    fn time(&self, name: &'static str) -> Result<Option<Moment>, ExchangeError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        time(&text).map(Some).ok_or_else(|| wrong(self, name, "is not a time with an offset"))
    }

    fn named(&self, name: &'static str) -> Result<Vec<Named>, ExchangeError> {
        let one = |child: &Self| {
            // A value may be empty, and then says that.
            let value = child.one("value")?.ok_or_else(|| wrong(child, "value", "is missing"))?;
            Ok(Named { name: child.must("valueName")?, value: value.text.trim().to_owned() })
        };
        self.all(name).map(one).collect()
    }
}

fn code<C: CodeList>(of: &Element, name: &'static str, text: &str) -> Result<C, ExchangeError> {
    let found = C::ALL.iter().copied().find(|code| code.code() == text);
    found.ok_or_else(|| wrong(of, name, "is not a code of its list"))
}

fn must_code<C: CodeList>(of: &Element, name: &'static str) -> Result<C, ExchangeError> {
    code(of, name, &of.must(name)?)
}

fn codes<C: CodeList>(of: &Element, name: &'static str) -> Result<Vec<C>, ExchangeError> {
    of.all(name).map(|child| code(child, name, child.text.trim())).collect()
}

/// A time with its offset; parts of a second, which CAP 1.2 does not know, are left out.
fn time(text: &str) -> Option<Moment> {
    let moment: Moment = text.trim().parse().ok()?;
    let millis = firsthand_ids::UnixMillis(moment.millis().0.div_euclid(1_000).checked_mul(1_000)?);
    Moment::new(millis, moment.offset_minutes())
}

fn message(root: &Element) -> Result<Message, ExchangeError> {
    if root.name != "alert" {
        return Err(wrong(root, "alert", "is not the root"));
    }
    let msg_type = must_code(root, "msgType")?;
    let references = references(root)?;
    let first = msg_type == firsthand_record::warning::MsgType::Alert;
    if !first && references.is_empty() {
        return Err(wrong(root, "references", "is missing: it does not say which message it is about"));
    }
    Ok(Message {
        identifier: root.must("identifier")?,
        sender: root.must("sender")?,
        sent: root.time("sent")?.ok_or_else(|| wrong(root, "sent", "is missing"))?,
        status: must_code(root, "status")?,
        msg_type,
        source: root.text("source")?,
        scope: must_code(root, "scope")?,
        restriction: root.text("restriction")?,
        addresses: root.text("addresses")?,
        codes: root.texts("code"),
        note: root.text("note")?,
        references,
        incidents: root.text("incidents")?,
        infos: root.all("info").map(info).collect::<Result<_, _>>()?,
    })
}

/// `sender,identifier,sent`, with spaces between several.
fn references(root: &Element) -> Result<Vec<Reference>, ExchangeError> {
    let text = root.text("references")?.unwrap_or_default();
    let one = |triple: &str| {
        let parts: Vec<&str> = triple.split(',').collect();
        let [sender, identifier, sent] = parts[..] else { return None };
        let sent = time(sent)?;
        let said = !sender.is_empty() && !identifier.is_empty();
        said.then(|| Reference { sender: sender.to_owned(), identifier: identifier.to_owned(), sent })
    };
    let reason = "is not a list of sender,identifier,sent";
    text.split_whitespace().map(|it| one(it).ok_or_else(|| wrong(root, "references", reason))).collect()
}

fn info(of: &Element) -> Result<Info, ExchangeError> {
    let categories: Vec<_> = codes(of, "category")?;
    if categories.is_empty() {
        return Err(wrong(of, "category", "is missing"));
    }
    Ok(Info {
        language: of.text("language")?.filter(|tag| is_tag(tag)),
        categories,
        event: of.must("event")?,
        response_types: codes(of, "responseType")?,
        urgency: must_code(of, "urgency")?,
        severity: must_code(of, "severity")?,
        certainty: must_code(of, "certainty")?,
        audience: of.text("audience")?,
        event_codes: of.named("eventCode")?,
        effective: of.time("effective")?,
        onset: of.time("onset")?,
        expires: of.time("expires")?,
        sender_name: of.text("senderName")?,
        headline: of.text("headline")?,
        description: of.text("description")?,
        instruction: of.text("instruction")?,
        web: of.text("web")?,
        contact: of.text("contact")?,
        parameters: of.named("parameter")?,
        resources: of.all("resource").map(resource).collect::<Result<_, _>>()?,
        areas: of.all("area").map(area).collect::<Result<_, _>>()?,
    })
}

fn resource(of: &Element) -> Result<Resource, ExchangeError> {
    let size = of.text("size")?;
    if size.as_ref().is_some_and(|size| size.parse::<u64>().is_err()) {
        return Err(wrong(of, "size", "is not a number of bytes"));
    }
    Ok(Resource {
        text: of.must("resourceDesc")?,
        mime: of.text("mimeType")?.unwrap_or_else(|| ANY_TYPE.to_owned()),
        size,
        uri: of.text("uri")?,
        deref_uri: of.text("derefUri")?,
        digest: of.text("digest")?,
    })
}

fn area(of: &Element) -> Result<CapArea, ExchangeError> {
    let feet = |name: &'static str| {
        let text = of.text(name)?;
        let plain = |text: &String| text.bytes().all(|it| it.is_ascii_digit() || b"+-.".contains(&it));
        let is_number = |text: &String| plain(text) && text.parse::<f64>().is_ok_and(f64::is_finite);
        if text.as_ref().is_none_or(is_number) {
            Ok(text)
        } else {
            Err(wrong(of, name, "is not a number of feet"))
        }
    };
    // An empty shape is none.
    let said = |child: &&Element| !child.text.trim().is_empty();
    Ok(CapArea {
        text: of.must("areaDesc")?,
        polygons: of.all("polygon").filter(said).map(polygon).collect::<Result<_, _>>()?,
        circles: of.all("circle").filter(said).map(circle).collect::<Result<_, _>>()?,
        geocodes: of.named("geocode")?,
        altitude: feet("altitude")?,
        ceiling: feet("ceiling")?,
    })
}

/// A number of XML's decimals or doubles; words such as NaN are none.
fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|it| it.is_ascii_digit() || b"+-.eE".contains(&it));
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

/// `lat,lon`: latitude first, unlike GeoJSON.
fn corner(of: &Element, element: &'static str, text: &str) -> Result<Corner, ExchangeError> {
    let parts = text.split_once(',').and_then(|(lat, lon)| Some((number(lat)?, number(lon)?)));
    let (lat, lon) = parts.ok_or_else(|| wrong(of, element, "is not made of latitude,longitude"))?;
    let within = |degrees: f64, limit: f64| (-limit..=limit).contains(&degrees);
    if within(lat, 90.0) && within(lon, 180.0) {
        Ok(Corner { lat: Degrees(lat), lon: Degrees(lon) })
    } else if within(lat, 180.0) && within(lon, 90.0) {
        Err(wrong(of, element, "has a latitude outside -90 to 90; latitude and longitude look swapped"))
    } else {
        Err(wrong(of, element, "is not on Earth"))
    }
}

fn polygon(of: &Element) -> Result<Vec<Corner>, ExchangeError> {
    let corners = of.text.split_whitespace().map(|text| corner(of, "polygon", text));
    let mut corners: Vec<Corner> = corners.collect::<Result<_, _>>()?;
    if corners.len() < 4 {
        return Err(wrong(of, "polygon", "has fewer than four corners"));
    }
    if corners.first() != corners.last() {
        return Err(wrong(of, "polygon", "does not end where it begins"));
    }
    corners.pop();
    Ok(corners)
}

fn circle(of: &Element) -> Result<Circle, ExchangeError> {
    let parts: Vec<&str> = of.text.split_whitespace().collect();
    let [middle, radius] = parts[..] else {
        return Err(wrong(of, "circle", "is not latitude,longitude and kilometres"));
    };
    let middle = corner(of, "circle", middle)?;
    let km = number(radius).filter(|km| (0.0..=RADIUS_KM).contains(km));
    let km = km.ok_or_else(|| wrong(of, "circle", "has no radius in kilometres that is on Earth"))?;
    // To the millimetre: a number of kilometres times a thousand is not always the number that was meant.
    Ok(Circle { lat: middle.lat, lon: middle.lon, radius: Metres((km * 1e6).round() / 1e3) })
}
