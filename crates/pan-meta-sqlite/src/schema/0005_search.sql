-- Finding files by their names and by their media types.

-- The media type of a file's name: 1 video, 2 audio, 3 image, 4 doc; NULL: none
-- of these, or a directory. In the row itself, so that it cannot disagree with
-- the tree. `media_type` is a function of the connection.
ALTER TABLE entry ADD COLUMN media INTEGER;
UPDATE entry SET media = media_type(ifnull(name, name_key))
  WHERE content IS NOT NULL AND media_type(ifnull(name, name_key)) IS NOT NULL;
-- The order of a list by media type: per user, and the rowid comes last.
CREATE INDEX entry_media ON entry (fs_id >> 33, media, mtime) WHERE media IS NOT NULL;

-- Short pieces of the names of files, see `search_words`. The rowid is -fs_id:
-- FTS5 is quick in rising order only, and the newest come first here. It keeps
-- neither the names nor where in a name a piece is, and nothing is ever removed
-- from it: a hit is only a candidate until the entry itself was looked at. So it
-- grows with the names that files were ever given, about 40 bytes each, and not
-- with moves, deletions or overwrites.
CREATE VIRTUAL TABLE search_word USING fts5 (
  words, content = '', detail = none, columnsize = 0, tokenize = 'ascii'
);
-- Merging is done in steps of a known size, see `search_fold`.
INSERT INTO search_word (search_word, rank) VALUES ('automerge', 0);

-- How far each user's names are in search_word: all ids up to this one are.
-- Those above it are looked at one by one; without a row, that is all of them.
CREATE TABLE search_folded (
  user_no INTEGER PRIMARY KEY,
  fs_id   INTEGER NOT NULL
) STRICT;

-- Files up to that id whose name is not in search_word: they were renamed.
CREATE TABLE search_pending (
  fs_id INTEGER PRIMARY KEY
) STRICT;
