-- One file holds everything a relay keeps; `docs/relay.md` says what its operator can see in it.

-- The relay's own key.
CREATE TABLE relay (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    secret BLOB NOT NULL
) STRICT;

CREATE TABLE tokens (
    kept BLOB NOT NULL PRIMARY KEY,
    mailboxes INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT;

CREATE TABLE mailboxes (
    id INTEGER PRIMARY KEY,
    name BLOB NOT NULL UNIQUE,
    token BLOB NOT NULL,
    leads BLOB NOT NULL,
    quota INTEGER NOT NULL,
    used INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    serial INTEGER NOT NULL,
    -- Over the list up to `serial`.
    list BLOB NOT NULL,
    snapshot BLOB,
    snapshot_at INTEGER
) STRICT;
CREATE INDEX mailboxes_by_token ON mailboxes (token);

CREATE TABLE proposals (
    mailbox INTEGER PRIMARY KEY,
    proposal BLOB NOT NULL,
    snapshot BLOB NOT NULL,
    -- As on the wire.
    base BLOB NOT NULL,
    uploader INTEGER NOT NULL,
    at INTEGER NOT NULL,
    due INTEGER
) STRICT;

CREATE TABLE uploaders (
    id INTEGER PRIMARY KEY,
    mailbox INTEGER NOT NULL,
    name BLOB NOT NULL,
    first_seen INTEGER NOT NULL,
    used INTEGER NOT NULL,
    UNIQUE (mailbox, name)
) STRICT;

CREATE TABLE writers (
    id INTEGER PRIMARY KEY,
    mailbox INTEGER NOT NULL,
    pseudonym BLOB NOT NULL,
    -- Behind which position ranges begin.
    base INTEGER NOT NULL,
    UNIQUE (mailbox, pseudonym)
) STRICT;

-- `place` is the mailbox and, in its lower 32 bits, the serial: a list is a run of rows, and needs no index.
CREATE TABLE ranges (
    place INTEGER PRIMARY KEY,
    writer INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    uploader INTEGER NOT NULL,
    -- Of large ranges. Small ones lie beside their row, and are hashed when it is read.
    digest BLOB,
    -- The digest of the list up to here, in some rows.
    list BLOB,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX ranges_by_first ON ranges (writer, first);

-- Where ranges end behind which none begins. Where one begins, another ended: that one needs no index.
CREATE TABLE ends (
    writer INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (writer, last)
) STRICT, WITHOUT ROWID;

CREATE TABLE blobs (
    id INTEGER PRIMARY KEY,
    mailbox INTEGER NOT NULL,
    hash BLOB NOT NULL,
    kind INTEGER NOT NULL,
    uploader INTEGER NOT NULL,
    at INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    UNIQUE (mailbox, hash)
) STRICT;
CREATE INDEX blobs_by_age ON blobs (kind, at);
