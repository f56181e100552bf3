-- The same tables as in SQLite. They need nothing but PostgreSQL; what TimescaleDB adds is put on top by the program
-- (timescale.rs), and the views at the end become continuous aggregates there.
CREATE TABLE election (
    id text PRIMARY KEY, name text NOT NULL, date text NOT NULL, kind text NOT NULL, test boolean NOT NULL,
    precincts bigint NOT NULL, registered bigint NOT NULL, definition text NOT NULL, sealed_at timestamptz
);

CREATE TABLE unit (
    election text NOT NULL, place bigint NOT NULL, unit text NOT NULL, kind text NOT NULL,
    PRIMARY KEY (election, place)
);
CREATE UNIQUE INDEX unit_name ON unit (election, unit);

CREATE TABLE version (
    election text NOT NULL, seq bigint NOT NULL, epoch text NOT NULL, version bigint NOT NULL,
    at timestamptz NOT NULL CHECK (isfinite(at)), status text NOT NULL, votes boolean NOT NULL,
    reported bigint NOT NULL, precincts bigint NOT NULL, identified bigint NOT NULL,
    turnout_registered bigint NOT NULL, header text NOT NULL,
    PRIMARY KEY (election, seq)
);
CREATE UNIQUE INDEX version_position ON version (election, epoch, version);
CREATE INDEX version_at ON version (election, at, seq);

-- A unique index of a hypertable must have its time column.
CREATE TABLE state (
    election text NOT NULL, seq bigint NOT NULL, unit text NOT NULL, at timestamptz NOT NULL CHECK (isfinite(at)),
    precincts bigint NOT NULL, registered bigint NOT NULL, reported bigint NOT NULL,
    reported_registered bigint NOT NULL, identified bigint NOT NULL, turnout_precincts bigint NOT NULL,
    turnout_registered bigint NOT NULL, body bytea NOT NULL,
    PRIMARY KEY (election, unit, at, seq)
);
-- A body is read whole or not at all: it is kept as it comes. TimescaleDB compresses what has ended (timescale.rs).
ALTER TABLE state ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE report (
    election text NOT NULL, place bigint NOT NULL, arrival timestamptz NOT NULL CHECK (isfinite(arrival)),
    at timestamptz CHECK (isfinite(at)), device text NOT NULL, precinct bigint NOT NULL, seq bigint NOT NULL,
    type text NOT NULL, digest bytea NOT NULL, envelope bytea NOT NULL,
    PRIMARY KEY (election, place, arrival)
);
CREATE INDEX report_device ON report (election, device, place);
CREATE INDEX report_precinct ON report (election, precinct, place);

CREATE TABLE decision (
    election text NOT NULL, place bigint NOT NULL, arrival timestamptz NOT NULL, precinct bigint,
    act text NOT NULL, person text NOT NULL, reason text NOT NULL, content text NOT NULL,
    PRIMARY KEY (election, place)
);

CREATE TABLE observation (
    election text NOT NULL, place bigint NOT NULL, arrival timestamptz NOT NULL CHECK (isfinite(arrival)),
    kind text NOT NULL, precinct bigint, device text, code text, raised boolean, content text NOT NULL,
    PRIMARY KEY (election, place, arrival)
);
CREATE INDEX observation_device ON observation (election, device, place);

-- How far each outbox's versions, and an election's records, have come: moved in the transaction that brings them.
CREATE TABLE outbox (
    election text NOT NULL, source text NOT NULL, base bigint NOT NULL, versions bigint NOT NULL,
    PRIMARY KEY (election, source)
);
CREATE TABLE follower (election text PRIMARY KEY, records bigint NOT NULL);

-- Rows that a table refused, and why.
CREATE TABLE dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, election text NOT NULL, of text NOT NULL,
    place bigint NOT NULL, reason text NOT NULL, content text NOT NULL
);

-- For analysts. What a unit's turnout was at the end of each five minutes in which it changed.
CREATE VIEW turnout_5m AS
SELECT DISTINCT ON (election, unit, bucket) election, unit,
    date_bin(interval '5 minutes', at, timestamptz '1970-01-01 00:00:00Z') AS bucket,
    identified, turnout_precincts, turnout_registered, reported
FROM state ORDER BY election, unit, bucket, seq DESC;

-- How many reports arrived in each minute.
CREATE VIEW reports_1m AS
SELECT election, date_bin(interval '1 minute', arrival, timestamptz '1970-01-01 00:00:00Z') AS bucket, type,
    count(*) AS reports, sum(length(envelope)) AS bytes
FROM report GROUP BY election, bucket, type;

-- How often each device fell silent, and was heard again, in each hour.
CREATE VIEW availability_1h AS
SELECT election, device, date_bin(interval '1 hour', arrival, timestamptz '1970-01-01 00:00:00Z') AS bucket,
    count(*) FILTER (WHERE raised) AS fell_silent, count(*) FILTER (WHERE NOT raised) AS came_back
FROM observation WHERE code = 'W09' GROUP BY election, device, bucket;

-- What is sealed stays as it is.
CREATE FUNCTION refuse_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    which text;
BEGIN
    IF TG_OP = 'INSERT' THEN which := NEW.election; ELSE which := OLD.election; END IF;
    IF EXISTS (SELECT 1 FROM election WHERE id = which AND sealed_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the election is sealed' USING ERRCODE = 'read_only_sql_transaction';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION refuse_unsealing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the election is sealed' USING ERRCODE = 'read_only_sql_transaction';
END $$;

CREATE TRIGGER unit_sealed BEFORE INSERT OR UPDATE OR DELETE ON unit
    FOR EACH ROW EXECUTE FUNCTION refuse_sealed();
CREATE TRIGGER version_sealed BEFORE INSERT OR UPDATE OR DELETE ON version
    FOR EACH ROW EXECUTE FUNCTION refuse_sealed();
CREATE TRIGGER state_sealed BEFORE INSERT OR UPDATE OR DELETE ON state
    FOR EACH ROW EXECUTE FUNCTION refuse_sealed();
CREATE TRIGGER report_sealed BEFORE INSERT OR UPDATE OR DELETE ON report
    FOR EACH ROW EXECUTE FUNCTION refuse_sealed();
CREATE TRIGGER decision_sealed BEFORE INSERT OR UPDATE OR DELETE ON decision
    FOR EACH ROW EXECUTE FUNCTION refuse_sealed();
CREATE TRIGGER observation_sealed BEFORE INSERT OR UPDATE OR DELETE ON observation
    FOR EACH ROW EXECUTE FUNCTION refuse_sealed();
CREATE TRIGGER election_sealed BEFORE UPDATE OR DELETE ON election
    FOR EACH ROW WHEN (OLD.sealed_at IS NOT NULL) EXECUTE FUNCTION refuse_unsealing();
