-- The log, the documents made of it, and the rows that lists read.
--
-- Numbers of writers, spaces, documents, entries and codes are this device's own: they save space and are never
-- exchanged. No statement here or elsewhere reads a column under another meaning than the one given here.

-- Local settings, never exchanged. Keys beginning with "store." belong to the store itself.
CREATE TABLE settings (
    key   TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

-- Membership operations in the order in which they were added.
CREATE TABLE operations (
    number INTEGER NOT NULL PRIMARY KEY,
    hash   BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    bytes  BLOB NOT NULL
) STRICT;

CREATE TABLE spaces (
    number INTEGER NOT NULL PRIMARY KEY,
    id     BLOB NOT NULL UNIQUE CHECK (length(id) = 16)
) STRICT;

-- One row per chain; device and person are copied from its first entry.
CREATE TABLE writers (
    number INTEGER NOT NULL PRIMARY KEY,
    id     BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    space  INTEGER NOT NULL REFERENCES spaces (number),
    device BLOB NOT NULL CHECK (length(device) = 32),
    person BLOB NOT NULL CHECK (length(person) = 16)
) STRICT;

-- Sets of membership heads as entries name them: 32 bytes each, sorted, end to end.
CREATE TABLE memberships (
    number INTEGER NOT NULL PRIMARY KEY,
    heads  BLOB NOT NULL UNIQUE
) STRICT;

-- A row for every document that an entry names, applied or not. Only one space can hold its creating entry, because
-- the id covers the space.
CREATE TABLE documents (
    number     INTEGER NOT NULL PRIMARY KEY,
    id         BLOB NOT NULL CHECK (length(id) = 16),
    space      INTEGER NOT NULL REFERENCES spaces (number),
    last_entry INTEGER NOT NULL,            -- the newest entry about it, see entries.prior
    creator    INTEGER,                     -- the entry that creates it, once that is here
    kind       TEXT,                        -- these two once something is applied
    saved      BLOB,                        -- firsthand_log::compress::compress_document of its saved bytes
    UNIQUE (id, space)
) STRICT;

-- The log. Numbers rise in the order in which this device kept the entries.
CREATE TABLE entries (
    number           INTEGER NOT NULL PRIMARY KEY,
    writer           INTEGER NOT NULL REFERENCES writers (number),
    position         INTEGER NOT NULL,
    kind             INTEGER NOT NULL,
    state            INTEGER NOT NULL,      -- EntryState; 0 is applied
    document         INTEGER,
    prior            INTEGER,               -- the entry about the same document that was kept before this one
    hybrid           INTEGER NOT NULL,      -- both with the top bit flipped, so that signed order is their order
    effective        INTEGER NOT NULL,
    local_at         INTEGER NOT NULL,      -- milliseconds since 1970
    local_offset     INTEGER NOT NULL,      -- minutes
    membership       INTEGER NOT NULL REFERENCES memberships (number),
    names_membership INTEGER NOT NULL,      -- 1: the entry itself names those heads; 0: an earlier one did
    hash             BLOB NOT NULL CHECK (length(hash) = 32),
    content          BLOB NOT NULL CHECK (length(content) = 32),
    signature        BLOB,                  -- of the chain's head at this entry, where one was kept
    nonce            BLOB,
    detached         BLOB,                  -- at most one of these two
    detached_hash    BLOB,
    packed           INTEGER NOT NULL,      -- 1: body went through firsthand_log::compress::compress_document
    body             BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX entries_by_position ON entries (writer, position);
-- Eight bytes of the hash make the index a third of the size; a lookup compares the rest in the row.
CREATE INDEX entries_by_content ON entries (substr(content, 1, 8));
CREATE INDEX entries_unsettled ON entries (document) WHERE state <> 0;

-- Codes that rows of lists carry, such as categories and severities.
CREATE TABLE codes (
    number INTEGER NOT NULL PRIMARY KEY,
    code   TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE incidents (
    document     INTEGER NOT NULL PRIMARY KEY REFERENCES documents (number),
    id           BLOB NOT NULL,             -- of the document, so that a list never reads the table of documents
    effective    INTEGER NOT NULL,          -- of the entry that created it, top bit flipped
    entry        BLOB NOT NULL,             -- that entry's hash
    author       INTEGER NOT NULL,          -- its writer
    space        INTEGER NOT NULL,
    category     INTEGER,                   -- codes
    severity     INTEGER,
    status       INTEGER,
    followup     INTEGER,
    verification INTEGER,
    rumour       INTEGER,                   -- what is known of the rumour
    hidden       INTEGER NOT NULL,
    conflicts    INTEGER NOT NULL,
    flags        INTEGER NOT NULL,
    happened     INTEGER NOT NULL,          -- occurred_start, else reported, else the local time of the entry
    short_number INTEGER,
    lat          REAL,
    lon          REAL,
    short_prefix TEXT,
    title        TEXT NOT NULL,
    urgency      INTEGER,
    certainty    INTEGER,
    occurred_start INTEGER,
    occurred_end INTEGER,
    reported     INTEGER,
    accuracy     REAL,
    marks        TEXT NOT NULL,             -- the names of the rules that flag it, a space between two
    merged_into  BLOB,                      -- the incident it was merged into, which need not be here
    text_hash    BLOB NOT NULL              -- of title and text as they were queued for the full-text index
) STRICT;

-- The order of the list, with what the filters by code read, so that they decide without touching the rows.
CREATE INDEX incidents_in_order ON incidents
    (effective, entry, space, category, severity, status, followup, verification, rumour, hidden, conflicts, flags);
CREATE INDEX incidents_by_happened ON incidents (happened);
CREATE INDEX incidents_by_code ON incidents (short_number) WHERE short_number IS NOT NULL;
CREATE INDEX incidents_merged ON incidents (merged_into) WHERE merged_into IS NOT NULL;

CREATE VIRTUAL TABLE incident_places USING rtree (document, south, north, west, east);

-- Filled later than the row, from text_queue. Keeps no copy of the text.
CREATE VIRTUAL TABLE incident_text USING fts5 (
    title, body,
    content = '', contentless_delete = 1,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
);
CREATE TABLE text_queue (
    document INTEGER NOT NULL PRIMARY KEY,
    title    TEXT NOT NULL,
    body     TEXT NOT NULL
) STRICT;

CREATE TABLE evidence (
    document  INTEGER NOT NULL PRIMARY KEY REFERENCES documents (number),
    effective INTEGER NOT NULL,             -- of the entry that created it, top bit flipped
    author    INTEGER NOT NULL,             -- its writer
    incident  BLOB NOT NULL,                -- need not be here
    hash      BLOB NOT NULL,
    byte_len  INTEGER NOT NULL,
    mime      TEXT NOT NULL,
    name      TEXT NOT NULL,
    caption   TEXT NOT NULL,
    flags     INTEGER NOT NULL,             -- findings that mark it
    hidden    INTEGER NOT NULL,
    table_hash BLOB                         -- of the sealed file; absent once its key was destroyed
) STRICT;

CREATE INDEX evidence_of_incident ON evidence (incident, hidden);

-- The smaller forms of attached files whose keys stand in the entries that created their records.
CREATE TABLE evidence_forms (
    document   INTEGER NOT NULL REFERENCES documents (number),
    form       INTEGER NOT NULL,            -- 1 thumbnail, 2 preview; see form_number in src/attachment/secret.rs
    byte_len   INTEGER NOT NULL,
    hash       BLOB NOT NULL,
    table_hash BLOB NOT NULL,               -- of the sealed file
    PRIMARY KEY (document, form)
) STRICT, WITHOUT ROWID;

-- Records of people. Of one person there can be several, made while apart; the oldest names them.
CREATE TABLE people (
    document  INTEGER NOT NULL PRIMARY KEY REFERENCES documents (number),
    id        BLOB NOT NULL,                -- of the document
    effective INTEGER NOT NULL,             -- of the entry that created it, top bit flipped
    person    BLOB NOT NULL CHECK (length(person) = 16),
    name      TEXT NOT NULL,
    callsign  TEXT NOT NULL,
    status    INTEGER,                      -- codes
    languages TEXT NOT NULL,                -- language tags, a space between two
    skills    TEXT NOT NULL,                -- codes of skills, a space between two
    conflicts INTEGER NOT NULL,
    hidden    INTEGER NOT NULL
) STRICT;

CREATE INDEX people_by_person ON people (person, effective);

-- What they were trained in. Days are counted from 1970-01-01.
CREATE TABLE trainings (
    document    INTEGER NOT NULL REFERENCES people (document),
    number      INTEGER NOT NULL,           -- its place in the list of the record
    course      TEXT NOT NULL,
    template_id TEXT,                       -- the checklist that was trained on
    version     INTEGER,
    day         INTEGER NOT NULL,
    expires     INTEGER,                    -- the last day on which it counts
    trainer     BLOB,                       -- the person who trained them
    run         BLOB,                       -- the document of the run in which it was practised
    PRIMARY KEY (document, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE field_teams (
    document  INTEGER NOT NULL PRIMARY KEY REFERENCES documents (number),
    id        BLOB NOT NULL,
    effective INTEGER NOT NULL,
    name      TEXT NOT NULL,
    hidden    INTEGER NOT NULL
) STRICT;

CREATE INDEX field_teams_by_id ON field_teams (id);

-- Roles that a shift of the team must fill.
CREATE TABLE roles_required (
    document INTEGER NOT NULL REFERENCES field_teams (document),
    number   INTEGER NOT NULL,
    role     TEXT NOT NULL,
    least    INTEGER NOT NULL,
    PRIMARY KEY (document, number)
) STRICT, WITHOUT ROWID;

-- Shifts. Of what a lead decides, only what leads noted is here; the rest is counted in proposals.
CREATE TABLE shifts (
    document   INTEGER NOT NULL PRIMARY KEY REFERENCES documents (number),
    id         BLOB NOT NULL,
    effective  INTEGER NOT NULL,
    team       BLOB,                        -- the document of a field team, which need not be here
    title      TEXT NOT NULL,
    starts     INTEGER,                     -- milliseconds since 1970, as are all times here
    starts_offset INTEGER NOT NULL,         -- minutes
    ends       INTEGER,
    ends_offset INTEGER NOT NULL,
    status     INTEGER NOT NULL,            -- 0 planned, 1 briefed, 2 active, 3 standing down, 4 debriefed
    every_min  INTEGER,                     -- minutes between two check-ins
    grace_min  INTEGER,
    risk       INTEGER,                     -- codes
    place      TEXT NOT NULL,               -- in words
    conflicts  INTEGER NOT NULL,
    proposals  INTEGER NOT NULL,
    hidden     INTEGER NOT NULL             -- by a lead
) STRICT;

CREATE INDEX shifts_by_start ON shifts (starts);
CREATE INDEX shifts_running ON shifts (starts) WHERE status < 4 AND hidden = 0;

CREATE TABLE assignments (
    document INTEGER NOT NULL REFERENCES shifts (document),
    number   INTEGER NOT NULL,
    item     TEXT NOT NULL,                 -- the key of the item
    person   BLOB NOT NULL CHECK (length(person) = 16),
    role     TEXT NOT NULL,
    buddy    BLOB,
    begins   INTEGER,                       -- where not with the shift
    ends     INTEGER,
    PRIMARY KEY (document, number)
) STRICT, WITHOUT ROWID;

-- The last answer of each person.
CREATE TABLE go_no_go (
    document INTEGER NOT NULL REFERENCES shifts (document),
    person   BLOB NOT NULL CHECK (length(person) = 16),
    go       INTEGER NOT NULL,
    PRIMARY KEY (document, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE check_ins (
    document   INTEGER NOT NULL PRIMARY KEY REFERENCES documents (number),
    id         BLOB NOT NULL,
    effective  INTEGER NOT NULL,
    entry      BLOB NOT NULL,               -- the hash of the entry that created it
    author     INTEGER NOT NULL,            -- its writer
    person     BLOB NOT NULL CHECK (length(person) = 16),
    shift      BLOB,
    at         INTEGER NOT NULL,            -- as the device that made it showed it
    at_offset  INTEGER NOT NULL,
    best       INTEGER NOT NULL,            -- when, by the best that device knew
    ticks      INTEGER,                     -- milliseconds since the start of that device
    boot       TEXT,                        -- names that start
    state      INTEGER NOT NULL,            -- codes
    alarm      INTEGER NOT NULL,            -- 1: it stands until it is cleared
    by_whom    INTEGER,                     -- codes
    answers    BLOB NOT NULL,               -- the alarms that its author had seen: 16 bytes each, end to end
    lat        REAL,
    lon        REAL,
    note       TEXT NOT NULL
) STRICT;

CREATE INDEX check_ins_of_person ON check_ins (person, effective, entry);
CREATE INDEX check_ins_alarms ON check_ins (person) WHERE alarm = 1;
CREATE INDEX check_ins_answering ON check_ins (person) WHERE length(answers) > 0;

CREATE TABLE handoffs (
    document   INTEGER NOT NULL PRIMARY KEY REFERENCES documents (number),
    id         BLOB NOT NULL,
    effective  INTEGER NOT NULL,
    from_shift BLOB,
    to_shift   BLOB,
    given      INTEGER NOT NULL,            -- by a lead, as it stands
    taken      INTEGER NOT NULL,            -- over by another lead, as a whole
    items      INTEGER NOT NULL,            -- open incidents and actions
    unsettled  INTEGER NOT NULL,            -- those that nobody accepted, declined or closed
    hidden     INTEGER NOT NULL
) STRICT;

-- Versions of checklists.
CREATE TABLE templates (
    document    INTEGER NOT NULL PRIMARY KEY REFERENCES documents (number),
    id          BLOB NOT NULL,
    effective   INTEGER NOT NULL,
    author      INTEGER NOT NULL,           -- its writer
    template_id TEXT NOT NULL,              -- what all its versions are called
    version     INTEGER NOT NULL,
    title       TEXT NOT NULL,              -- by language, as JSON
    languages   TEXT NOT NULL,              -- one a line, the default first
    sha256      BLOB,                       -- of its content, as its author says
    items       INTEGER NOT NULL,
    critical    INTEGER NOT NULL,           -- of the items
    state       INTEGER NOT NULL,           -- 0 published, 1 not by a trainer, 2 misattributed, 3 unreadable, 4 not whole, 5 unsound
    hidden      INTEGER NOT NULL            -- by its author or a trainer
) STRICT;

CREATE INDEX templates_by_name ON templates (template_id, version);

-- Checklists that are, or were, worked through. Only what stands in the run itself: its checklist may come later.
CREATE TABLE runs (
    document    INTEGER NOT NULL PRIMARY KEY REFERENCES documents (number),
    id          BLOB NOT NULL,
    effective   INTEGER NOT NULL,
    author      INTEGER NOT NULL,           -- the writer that began it
    template    BLOB NOT NULL,              -- the document of a version of a checklist, which need not be here
    template_id TEXT NOT NULL,
    version     INTEGER NOT NULL,
    sha256      BLOB,                       -- of that version's content
    context     INTEGER,                    -- codes: incident, shift or training
    about       BLOB,                       -- its document
    started     INTEGER NOT NULL,
    started_offset INTEGER NOT NULL,
    completed   INTEGER,
    abandoned   INTEGER NOT NULL,
    entries     INTEGER NOT NULL,           -- answers, ticks and timers
    conflicts   INTEGER NOT NULL,
    hidden      INTEGER NOT NULL
) STRICT;

CREATE INDEX runs_by_time ON runs (completed IS NOT NULL OR abandoned, effective DESC);

-- Local, never exchanged: when this device last heard of a person, or that a shift is active, by its own steady clock, which
-- no clock that is set moves (core/node/src/ledger/steady.rs).
CREATE TABLE heard (
    subject  BLOB NOT NULL PRIMARY KEY CHECK (length(subject) = 16),  -- a person, or the document of a shift
    at       INTEGER NOT NULL,
    check_in BLOB                           -- of a person: the check-in
) STRICT, WITHOUT ROWID;

-- Check-ins and shifts that have come and are not noted in heard yet.
CREATE TABLE unheard (
    document INTEGER NOT NULL PRIMARY KEY
) STRICT;

-- The files that incidents were imported from, so that a row does not come in twice.
CREATE TABLE origins (
    document INTEGER NOT NULL PRIMARY KEY REFERENCES documents (number),
    name     BLOB NOT NULL,                 -- see origin_name in src/projection/mod.rs
    row_hash TEXT NOT NULL
) STRICT;

CREATE INDEX origins_by_name ON origins (name);

-- Attachments that were complete here, so that a file that vanishes is missed.
CREATE TABLE attachments (
    file       TEXT NOT NULL PRIMARY KEY,   -- name in attachments/
    byte_len   INTEGER NOT NULL,
    table_hash BLOB NOT NULL
) STRICT;

CREATE INDEX attachments_by_table ON attachments (table_hash);

-- Sealed files whose keys were destroyed. Whatever lies under these names is removed, now and whenever the home is opened, and
-- never counts as complete.
CREATE TABLE shredded (
    file TEXT NOT NULL PRIMARY KEY          -- name in attachments/, without its ending
) STRICT, WITHOUT ROWID;

-- Sealed files that were complete here and were let go of, since other devices said that they hold them. They are not missed.
CREATE TABLE freed (
    file       TEXT NOT NULL PRIMARY KEY,   -- name in attachments/
    table_hash BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX freed_by_table ON freed (table_hash);

-- Signed runs that are kept and are no part of the log held here: the other branch of a chain that forked, which proves
-- the fork, or what lies beyond a gap in an own chain that peers may fill.
CREATE TABLE aside (
    number  INTEGER NOT NULL PRIMARY KEY,
    reason  INTEGER NOT NULL,               -- 1: a fork, 2: beyond a gap
    space   BLOB NOT NULL CHECK (length(space) = 16),
    writer  BLOB NOT NULL CHECK (length(writer) = 16),
    first   INTEGER NOT NULL,               -- of a fork: the first position at which it says something else
    last    INTEGER NOT NULL,
    hash    BLOB NOT NULL CHECK (length(hash) = 32), -- of its last entry; of a gap's: of the run
    run     BLOB NOT NULL,                  -- a batch (docs/formats/log.md) that refers to nothing outside itself
    UNIQUE (writer, hash)
) STRICT;

-- Rows of the list that others sent ahead of the entries, until those are here. They prove nothing.
CREATE TABLE expected (
    space    BLOB NOT NULL CHECK (length(space) = 16),
    writer   BLOB NOT NULL CHECK (length(writer) = 16),  -- the entry that creates the record
    position INTEGER NOT NULL,
    teller   BLOB NOT NULL CHECK (length(teller) = 32),  -- the device that sent the row
    number   INTEGER NOT NULL,                           -- its place among the rows of that device, newest first
    short_prefix TEXT,
    short_number INTEGER,
    title    TEXT NOT NULL,
    category TEXT,
    severity TEXT,
    status   TEXT,
    happened INTEGER,
    PRIMARY KEY (space, writer, position)
) STRICT;

-- The same for people and shifts.
CREATE TABLE expected_roster (
    space    BLOB NOT NULL CHECK (length(space) = 16),
    writer   BLOB NOT NULL CHECK (length(writer) = 16),  -- the entry that creates the record
    position INTEGER NOT NULL,
    teller   BLOB NOT NULL CHECK (length(teller) = 32),
    number   INTEGER NOT NULL,                           -- its place among the rows of that device
    row      BLOB NOT NULL,                              -- as in the frame (docs/formats/sync.md), read before it was kept
    PRIMARY KEY (space, writer, position)
) STRICT;
