use serde_json::{Map, Value as Json};

use super::{ItemType, TemplateItem};
use crate::expression::Value;
use crate::{Place, PlaceSource};

/// Whole numbers up to here are exact in every program that reads them.
const EXACT: i64 = 9_007_199_254_740_992;

/// Why something is no answer to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WrongAnswer {
    /// A number where text belongs, and the like.
    #[error("this is not what the item asks for")]
    Kind,
    /// A choice that the item does not have.
    #[error("this is not one of the choices")]
    Choice,
}

/// What an answer means in expressions: empty where it says nothing.
pub fn answer_value(item: &TemplateItem, answer: &Json) -> Result<Value, WrongAnswer> {
    let text = || answer.as_str().ok_or(WrongAnswer::Kind);
    if answer.is_null() {
        return Ok(Value::EMPTY);
    }
    Ok(match item.item_type {
        ItemType::Note => return Err(WrongAnswer::Kind),
        ItemType::Check | ItemType::Timer => match answer.as_bool().ok_or(WrongAnswer::Kind)? {
            true => Value::Truth(true),
            false => Value::EMPTY,
        },
        ItemType::Text | ItemType::Image | ItemType::Audio => Value::Text(text()?.to_owned()),
        ItemType::SelectOne => Value::Text(choice(item, text()?)?.to_owned()),
        ItemType::SelectMultiple => {
            let names = answer.as_array().ok_or(WrongAnswer::Kind)?;
            let names = names.iter().map(|name| choice(item, name.as_str().ok_or(WrongAnswer::Kind)?));
            Value::Text(names.collect::<Result<Vec<_>, _>>()?.join(" "))
        }
        ItemType::Integer => {
            let number = answer.as_i64().filter(|number| (-EXACT..=EXACT).contains(number));
            Value::Number(number.ok_or(WrongAnswer::Kind)? as f64)
        }
        ItemType::Decimal => Value::Number(answer.as_f64().ok_or(WrongAnswer::Kind)?),
        ItemType::Date | ItemType::Time => match Value::time(text()?) {
            value @ Value::Time { .. } if is_day(&value) == (item.item_type == ItemType::Date) => value,
            _ => return Err(WrongAnswer::Kind),
        },
        ItemType::Geopoint => Value::Text(point(&place(answer).ok_or(WrongAnswer::Kind)?)),
    })
}

/// What a person typed as an answer, in the form that a run keeps: a choice by its name or by what it says in any language,
/// several between commas, a place as latitude and longitude in degrees.
pub fn typed_answer(item: &TemplateItem, typed: &str) -> Result<Json, WrongAnswer> {
    let typed = typed.trim();
    let named = |typed: &str| -> Result<Json, WrongAnswer> {
        let says = |label: &str| label.trim().to_lowercase() == typed.to_lowercase();
        let exact = item.choices.iter().find(|choice| choice.name == typed);
        let found = exact
            .or_else(|| item.choices.iter().find(|choice| choice.label.0.values().any(|label| says(label))));
        found.map(|choice| Json::from(choice.name.as_str())).ok_or(WrongAnswer::Choice)
    };
    let answer = match item.item_type {
        ItemType::SelectOne => named(typed)?,
        ItemType::SelectMultiple => {
            let parts = typed.split(',').map(str::trim).filter(|part| !part.is_empty());
            parts.map(named).collect::<Result<Vec<_>, _>>()?.into()
        }
        ItemType::Integer => Json::from(typed.parse::<i64>().map_err(|_| WrongAnswer::Kind)?),
        ItemType::Decimal => {
            let number: f64 = typed.parse().map_err(|_| WrongAnswer::Kind)?;
            serde_json::Number::from_f64(number).ok_or(WrongAnswer::Kind)?.into()
        }
        ItemType::Check | ItemType::Timer => match typed {
            "true" | "yes" => Json::from(true),
            "false" | "no" => Json::from(false),
            _ => return Err(WrongAnswer::Kind),
        },
        ItemType::Geopoint => {
            let mut numbers = typed.split([' ', ',']).filter(|part| !part.is_empty()).map(str::parse::<f64>);
            let (Some(Ok(lat)), Some(Ok(lon)), None) = (numbers.next(), numbers.next(), numbers.next())
            else {
                return Err(WrongAnswer::Kind);
            };
            serde_json::to_value(Place::new(lat, lon, PlaceSource::Description))
                .map_err(|_| WrongAnswer::Kind)?
        }
        _ => Json::from(typed),
    };
    answer_value(item, &answer).map(|_| answer)
}

fn choice<'a>(item: &TemplateItem, name: &'a str) -> Result<&'a str, WrongAnswer> {
    let known = item.choices.iter().any(|choice| choice.name == name);
    if known { Ok(name) } else { Err(WrongAnswer::Choice) }
}

fn is_day(value: &Value) -> bool {
    // A time of day has colons; of what is read as a time, only those with a day have a minus this far to the left.
    value.text().as_bytes().get(4) == Some(&b'-')
}

/// A place on the Earth.
pub(crate) fn place(answer: &Json) -> Option<Place> {
    let members: &Map<String, Json> = answer.as_object()?;
    let place: Place = serde_json::from_value(Json::Object(members.clone())).ok()?;
    let fits = place.lat.0.abs() <= 90.0 && place.lon.0.abs() <= 180.0;
    fits.then_some(place)
}

/// A place as ODK writes one.
fn point(place: &Place) -> String {
    let (alt, accuracy) = (place.alt.map_or(0.0, |it| it.0), place.accuracy_m.map_or(0.0, |it| it.0));
    format!("{} {} {alt} {accuracy}", place.lat.0, place.lon.0)
}
