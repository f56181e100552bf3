-- This file was begun when something was on record already. Versions before `late` may be in the database alone: it is
-- empty again when the database has said whether. Records are whole here when all up to `late_records` were read.
ALTER TABLE cut ADD COLUMN late INTEGER;
ALTER TABLE cut ADD COLUMN late_records INTEGER;
