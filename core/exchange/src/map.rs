use std::collections::BTreeMap;

use chrono::FixedOffset;
use serde::Deserialize;

use crate::fields::Field;
use crate::grid::clean;
use crate::{ExchangeError, when};

/// Which column of a file is which field of an incident, as a person writes it down:
///
/// ```json
/// {
///   "columns": {"¿Qué pasó?": "narrative", "Fecha": "occurred_start", "Teléfono": "ignore"},
///   "date_format": "%d/%m/%Y %H:%M",
///   "offset": "-05:00"
/// }
/// ```
///
/// [`crate::field_names`] lists the fields. A column that is ignored is left out altogether, even from `imported`.
/// `date_format` is tried on every date, then ISO 8601. `offset` is that of times which do not name their own;
/// without it they are taken as UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnMap {
    pub(crate) columns: BTreeMap<String, Target>,
    pub(crate) date_format: Option<String>,
    pub(crate) offset: Option<FixedOffset>,
}

/// Where a column leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Field(Field),
    Ignore,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    columns: BTreeMap<String, String>,
    date_format: Option<String>,
    offset: Option<String>,
}

impl ColumnMap {
    /// Reads a column map.
    ///
    /// # Errors
    ///
    /// When it is not JSON of this shape, or a field, the date format or the offset in it does not exist.
    pub fn from_json(json: &[u8]) -> Result<Self, ExchangeError> {
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let written: Written = serde_json::from_slice(json)
            .map_err(|error| ExchangeError::Map { line: error.line(), column: error.column() })?;
        let mut map = Self::default();
        for (column, path) in written.columns {
            let target = match path.as_str() {
                "ignore" => Target::Ignore,
                path => match Field::from_path(path) {
                    Some(field) => Target::Field(field),
                    None => return Err(ExchangeError::MapField { column }),
                },
            };
            map.columns.insert(clean(&column), target);
        }
        if written.date_format.as_deref().is_some_and(|format| !when::is_format(format)) {
            return Err(ExchangeError::MapDateFormat);
        }
        map.date_format = written.date_format;
        if let Some(offset) = written.offset {
            map.offset = Some(when::fixed(&offset).ok_or(ExchangeError::MapOffset)?);
        }
        Ok(map)
    }
}
