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
    /// UTF-8 for the most part, and broken in one line.
    #[error("line {line} is not UTF-8 text, and the rest is; repair the line or save the file anew")]
    NotUtf8 {
        /// The first line that is not.
        line: usize,
    },
    /// Bytes that mean nothing in the encoding they seem to be in.
    #[error("this is not text, or not in the encoding {encoding}; save it as UTF-8 and try again")]
    NotText {
        /// The encoding that was tried.
        encoding: &'static str,
    },
    /// A name that is no encoding's.
    #[error("no such encoding; there are utf-8, utf-16le, windows-1252, windows-1256 and others of the web")]
    NoSuchEncoding,
    /// A packed file that is no workbook.
    #[error("this is a packed file and no workbook; unpack it and import what is inside")]
    Packed,
    /// A workbook of before 2007, or one under a password.
    #[error("this is a workbook of before 2007 or under a password; save it as XLSX without one")]
    OldWorkbook,
    /// A workbook that cannot be read.
    #[error("the workbook is broken; save it anew and try again")]
    NotWorkbook,
    /// A workbook larger than may be unpacked.
    #[error(
        "the workbook unpacks to more than 50 MB or 100 times its size; save the sheet as CSV and try again"
    )]
    Expands,
    /// A workbook with definitions in its XML that no spreadsheet program writes.
    #[error("the workbook defines document types or entities of its own and is not read")]
    Entities,
    /// More cells than are read.
    #[error("the workbook has more than 2,000,000 filled cells; save the sheet as CSV and try again")]
    TooManyCells,
    /// No sheet has the name that was asked for.
    #[error("the workbook has no sheet of this name with rows in it")]
    NoSuchSheet,
    /// Text, but none of the known formats.
    #[error("this is neither CSV, a workbook (XLSX), GeoJSON, nor JSON of ODK Central, CoMapeo or HXL")]
    UnknownFormat,
    /// A name that is no format's.
    #[error("no such format; there are csv, kobo, xlsx, hxl, geojson, odk and comapeo")]
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
    /// A table or JSON without a row of hashtags.
    #[error("not HXL: there is no row of hashtags among the first 25")]
    NotHxl,
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
    /// The column map leads a question of a repeated group to a field that is no list.
    #[error(
        "the column map leads {column:?} to a field that is not counts or actors; repeated answers fit nowhere else"
    )]
    MapRepeated {
        /// The question, behind its group.
        column: String,
    },
    /// The date format in the column map is not one.
    #[error("the date format in the column map is not like %d/%m/%Y %H:%M")]
    MapDateFormat,
    /// The offset in the column map is not one.
    #[error("the offset in the column map is not like +03:00")]
    MapOffset,
    /// A warning of more than [`crate::cap::MAX_CAP_BYTES`].
    #[error("the warning is larger than 1 MiB")]
    CapTooLarge,
    /// No XML, or XML that is broken.
    #[error("not XML from line {line}")]
    Xml {
        /// Line, from 1.
        line: usize,
    },
    /// XML that defines document types or uses entities of its own.
    #[error("the file defines document types or entities of its own and is not read")]
    DocumentType,
    /// XML that is deeper or has more elements than any warning.
    #[error("the file has more than 20,000 elements or nests them more than 16 deep")]
    TooManyElements,
    /// XML, but not what the Common Alerting Protocol asks for.
    #[error("not CAP in line {line}: {element} {reason}")]
    NotCap {
        /// The line of the element that it is in, from 1.
        line: usize,
        /// The element, named as in CAP.
        element: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A warning that lacks what a message needs.
    #[error("the warning cannot be written as CAP yet: {field} is missing")]
    Unfinished {
        /// The field.
        field: &'static str,
    },
}
