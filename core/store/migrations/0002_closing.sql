-- Closed periods: the contents of old entries and the documents made of them, many compressed together. Whatever else is known of an
-- entry stays in its row, and so does its detached part, whose bytes can be destroyed.

-- Each time that somebody closed a period. Local, never exchanged.
CREATE TABLE closings (
    number          INTEGER NOT NULL PRIMARY KEY,
    until           INTEGER NOT NULL,       -- everything about a closed document is earlier; milliseconds since 1970
    begun           INTEGER NOT NULL,       -- by this device's clock, milliseconds since 1970
    documents       INTEGER NOT NULL,
    entries         INTEGER NOT NULL,
    content_before  INTEGER NOT NULL,       -- bytes that the contents took in rows
    database_before INTEGER NOT NULL,       -- bytes of the whole database
    database_after  INTEGER                 -- once it is finished
) STRICT;

-- docs/formats/home.md has the bytes. A section never changes.
CREATE TABLE sections (
    number  INTEGER NOT NULL PRIMARY KEY,
    closing INTEGER NOT NULL REFERENCES closings (number),
    bytes   BLOB NOT NULL
) STRICT;

CREATE INDEX sections_of_closing ON sections (closing);

-- The section that holds the body; entries.body is empty then.
ALTER TABLE entries ADD COLUMN section INTEGER REFERENCES sections (number);
-- The section that holds the saved bytes; documents.saved is absent then.
ALTER TABLE documents ADD COLUMN section INTEGER REFERENCES sections (number);
