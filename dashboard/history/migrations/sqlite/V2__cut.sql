-- What a database has and this file has not: versions and records before these moments may be missing here.
CREATE TABLE cut (
    election TEXT PRIMARY KEY,
    versions INTEGER,
    records INTEGER
) STRICT;
