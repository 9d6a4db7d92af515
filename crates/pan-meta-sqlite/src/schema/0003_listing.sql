-- The index of places also has what listings are sorted by, so that sorting a
-- large directory reads no rows but those of its page.
--
-- It can no longer be unique: before an entry is put somewhere, the engine looks
-- whether the name is free.
DROP INDEX entry_place;
CREATE INDEX entry_place ON entry (parent, name_key, mtime, size) WHERE parent IS NOT NULL;
