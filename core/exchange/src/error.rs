/// Why a file could not be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The file could not be read from the disk.
    #[error("could not be read")]
    Read(#[from] std::io::Error),
    /// Nothing in it, or only blank space.
    #[error("the file is empty")]
    Empty,
    /// More than [`crate::MAX_BYTES`].
    #[error("the file is larger than 64 MiB")]
    TooLarge,
    /// More than [`crate::MAX_ROWS`].
    #[error("the file has more than 200,000 rows")]
    TooManyRows,
    /// More than [`crate::MAX_COLUMNS`].
    #[error("the file has more than 10,000 columns")]
    TooManyColumns,
    /// Not text in UTF-8.
    #[error("line {line} is not UTF-8 text; save the file as UTF-8 and try again")]
    NotUtf8 {
        /// The first line that is not.
        line: usize,
    },
    /// A workbook or another packed file.
    #[error("this is a workbook or another packed file; save the sheet as CSV and try again")]
    Packed,
    /// Text, but none of the known formats.
    #[error("this is neither CSV, Kobo CSV, GeoJSON nor ODK Central JSON")]
    UnknownFormat,
    /// A name that is no format's.
    #[error("no such format; there are csv, kobo, geojson and odk")]
    NoSuchFormat,
    /// Not JSON.
    #[error("not JSON from line {line}, column {column}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// JSON, but not what RFC 7946 asks for.
    #[error("not GeoJSON: {0}")]
    NotGeoJson(String),
    /// JSON, but no list of submissions.
    #[error("not ODK Central JSON: there is no list of submissions")]
    NotOdk,
    /// Coordinates of another system than WGS 84.
    #[error("the coordinates are not longitude and latitude (WGS 84); convert the file and try again")]
    OtherCoordinates,
    /// The column map is not JSON of the right shape.
    #[error("the column map is not right at line {line}, column {column}")]
    Map {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// The column map leads to a field that is not there.
    #[error("the column map leads {column:?} to a field that does not exist")]
    MapField {
        /// The column.
        column: String,
    },
    /// The column map names a column that is not there.
    #[error("the column map names {column:?}, which the file does not have")]
    MapColumn {
        /// The column.
        column: String,
    },
    /// The column map leads two columns to a field that takes one.
    #[error("the column map leads two columns to {field}")]
    MapTwice {
        /// The field.
        field: &'static str,
    },
    /// The date format in the column map is not one.
    #[error("the date format in the column map is not like %d/%m/%Y %H:%M")]
    MapDateFormat,
    /// The offset in the column map is not one.
    #[error("the offset in the column map is not like +03:00")]
    MapOffset,
}
