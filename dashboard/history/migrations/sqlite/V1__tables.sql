-- Moments are milliseconds since 1970. `place` is a record's offset in the journal.
CREATE TABLE election (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, date TEXT NOT NULL, kind TEXT NOT NULL, test INTEGER NOT NULL,
    precincts INTEGER NOT NULL, registered INTEGER NOT NULL, definition TEXT NOT NULL, sealed_at INTEGER
) STRICT;

CREATE TABLE unit (
    election TEXT NOT NULL, place INTEGER NOT NULL, unit TEXT NOT NULL, kind TEXT NOT NULL,
    PRIMARY KEY (election, place)
) STRICT;
CREATE UNIQUE INDEX unit_name ON unit (election, unit);

CREATE TABLE version (
    election TEXT NOT NULL, seq INTEGER NOT NULL, epoch TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL,
    status TEXT NOT NULL, votes INTEGER NOT NULL, reported INTEGER NOT NULL, precincts INTEGER NOT NULL,
    identified INTEGER NOT NULL, turnout_registered INTEGER NOT NULL, header TEXT NOT NULL,
    PRIMARY KEY (election, seq)
) STRICT;
CREATE UNIQUE INDEX version_position ON version (election, epoch, version);
CREATE INDEX version_at ON version (election, at, seq);

CREATE TABLE state (
    election TEXT NOT NULL, seq INTEGER NOT NULL, unit TEXT NOT NULL, at INTEGER NOT NULL, precincts INTEGER NOT NULL,
    registered INTEGER NOT NULL, reported INTEGER NOT NULL, reported_registered INTEGER NOT NULL,
    identified INTEGER NOT NULL, turnout_precincts INTEGER NOT NULL, turnout_registered INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX state_line ON state (election, unit, at, seq);
CREATE INDEX state_seq ON state (election, seq);

CREATE TABLE report (
    election TEXT NOT NULL, place INTEGER NOT NULL, arrival INTEGER NOT NULL, at INTEGER, device TEXT NOT NULL,
    precinct INTEGER NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, digest BLOB NOT NULL, envelope BLOB NOT NULL,
    PRIMARY KEY (election, place)
) STRICT;
CREATE INDEX report_device ON report (election, device, place);
CREATE INDEX report_precinct ON report (election, precinct, place);

CREATE TABLE decision (
    election TEXT NOT NULL, place INTEGER NOT NULL, arrival INTEGER NOT NULL, precinct INTEGER,
    act TEXT NOT NULL, person TEXT NOT NULL, reason TEXT NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (election, place)
) STRICT;

CREATE TABLE observation (
    election TEXT NOT NULL, place INTEGER NOT NULL, arrival INTEGER NOT NULL, kind TEXT NOT NULL, precinct INTEGER,
    device TEXT, code TEXT, raised INTEGER, content TEXT NOT NULL,
    PRIMARY KEY (election, place)
) STRICT;
CREATE INDEX observation_device ON observation (election, device, place);

-- How far the journal has been read.
CREATE TABLE follower (election TEXT PRIMARY KEY, records INTEGER NOT NULL) STRICT;

-- Which outbox this is, and how far a database has its rows, as far as this side knows.
CREATE TABLE outbox (source TEXT NOT NULL) STRICT;
INSERT INTO outbox (source) VALUES (lower(hex(randomblob(16))));

-- Rows that the database refused, and why.
CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY, election TEXT NOT NULL, of TEXT NOT NULL, place INTEGER NOT NULL, reason TEXT NOT NULL,
    content TEXT NOT NULL
) STRICT;

-- What is sealed stays as it is.
CREATE TRIGGER unit_sealed_insert BEFORE INSERT ON unit
WHEN EXISTS (SELECT 1 FROM election WHERE id = NEW.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER unit_sealed_update BEFORE UPDATE ON unit
WHEN EXISTS (SELECT 1 FROM election WHERE id = OLD.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER unit_sealed_delete BEFORE DELETE ON unit
WHEN EXISTS (SELECT 1 FROM election WHERE id = OLD.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER version_sealed_insert BEFORE INSERT ON version
WHEN EXISTS (SELECT 1 FROM election WHERE id = NEW.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER version_sealed_update BEFORE UPDATE ON version
WHEN EXISTS (SELECT 1 FROM election WHERE id = OLD.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER version_sealed_delete BEFORE DELETE ON version
WHEN EXISTS (SELECT 1 FROM election WHERE id = OLD.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER state_sealed_insert BEFORE INSERT ON state
WHEN EXISTS (SELECT 1 FROM election WHERE id = NEW.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER state_sealed_update BEFORE UPDATE ON state
WHEN EXISTS (SELECT 1 FROM election WHERE id = OLD.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER state_sealed_delete BEFORE DELETE ON state
WHEN EXISTS (SELECT 1 FROM election WHERE id = OLD.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER report_sealed_insert BEFORE INSERT ON report
WHEN EXISTS (SELECT 1 FROM election WHERE id = NEW.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER report_sealed_update BEFORE UPDATE ON report
WHEN EXISTS (SELECT 1 FROM election WHERE id = OLD.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER report_sealed_delete BEFORE DELETE ON report
WHEN EXISTS (SELECT 1 FROM election WHERE id = OLD.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER decision_sealed_insert BEFORE INSERT ON decision
WHEN EXISTS (SELECT 1 FROM election WHERE id = NEW.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER decision_sealed_update BEFORE UPDATE ON decision
WHEN EXISTS (SELECT 1 FROM election WHERE id = OLD.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER decision_sealed_delete BEFORE DELETE ON decision
WHEN EXISTS (SELECT 1 FROM election WHERE id = OLD.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER observation_sealed_insert BEFORE INSERT ON observation
WHEN EXISTS (SELECT 1 FROM election WHERE id = NEW.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER observation_sealed_update BEFORE UPDATE ON observation
WHEN EXISTS (SELECT 1 FROM election WHERE id = OLD.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER observation_sealed_delete BEFORE DELETE ON observation
WHEN EXISTS (SELECT 1 FROM election WHERE id = OLD.election AND sealed_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER election_sealed_update BEFORE UPDATE ON election WHEN OLD.sealed_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
CREATE TRIGGER election_sealed_delete BEFORE DELETE ON election WHEN OLD.sealed_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'the election is sealed'); END;
