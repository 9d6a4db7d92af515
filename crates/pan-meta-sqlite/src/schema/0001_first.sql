-- OpenPan's metadata: every table and what its columns mean.
--
-- Numbers of bytes are bytes, moments are Unix seconds, digests and keys are
-- raw bytes. Nothing is enforced by foreign keys: they would look up two rows
-- for every row written, and `check` proves the same from the outside.

PRAGMA application_id = 0x4f50414e; -- "OPAN"

-- The instance's own counters; one row.
CREATE TABLE instance (
  only_row     INTEGER PRIMARY KEY CHECK (only_row = 1),
  auth_epoch   INTEGER NOT NULL, -- rises with every change of a user or token
  next_content INTEGER NOT NULL  -- content ids are never given out twice
) STRICT;
INSERT INTO instance VALUES (1, 0, 1);

-- Settings by name.
CREATE TABLE setting (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Users, with the counters that every change of theirs moves.
CREATE TABLE user (
  user_no  INTEGER PRIMARY KEY,
  name     TEXT    NOT NULL UNIQUE,
  quota    INTEGER NOT NULL, -- bytes that live files may have together
  disabled INTEGER NOT NULL, -- 1: every token is refused
  created  INTEGER NOT NULL,
  used     INTEGER NOT NULL, -- bytes of live files
  recycled INTEGER NOT NULL, -- bytes in the recycle bin
  tmpfiles INTEGER NOT NULL, -- bytes of all tmpfiles
  rev      INTEGER NOT NULL, -- the last rev given out; gapless
  next_n   INTEGER NOT NULL  -- the next fs_id's number; 0 was the root
) STRICT;

-- Tokens, by the SHA-256 of each.
CREATE TABLE token (
  hash      BLOB    PRIMARY KEY,
  user_no   INTEGER NOT NULL,
  root      TEXT    NOT NULL, -- the directory it is confined to
  rules     TEXT    NOT NULL, -- the word of a PathRules
  md5_style TEXT    NOT NULL, -- the word of an Md5Style
  created   INTEGER NOT NULL,
  expires   INTEGER           -- NULL: never
) STRICT, WITHOUT ROWID;

-- The tree: one row per file or directory, live or detached.
--
-- fs_id is user_no * 2^33 + n, so that a user's rows lie together and new ones
-- are appended. A file repeats the facts of its content, so that lists need no
-- join; a directory has NULL there, and its totals in `directory`.
CREATE TABLE entry (
  fs_id     INTEGER PRIMARY KEY,
  parent    INTEGER,          -- NULL for a root and for what is detached
  name_key  TEXT    NOT NULL, -- the name in NFC: what addresses it
  name      TEXT,             -- the creator's spelling; NULL: spelt as the key
  ctime     INTEGER NOT NULL,
  mtime     INTEGER NOT NULL,
  rev       INTEGER NOT NULL, -- when it last came to its place or changed
  content   INTEGER,          -- what a file points to; NULL: a directory
  size      INTEGER,
  md5       BLOB,
  one_block INTEGER           -- 1: uploaded in one piece
) STRICT;
-- A name lives once in a directory; also the order of a listing by name.
CREATE UNIQUE INDEX entry_place ON entry (parent, name_key) WHERE parent IS NOT NULL;
-- Who points to a content.
CREATE INDEX entry_content ON entry (content) WHERE content IS NOT NULL;

-- What lies below each directory, at any depth.
CREATE TABLE directory (
  fs_id       INTEGER PRIMARY KEY,
  entries     INTEGER NOT NULL, -- files and directories
  directories INTEGER NOT NULL,
  bytes       INTEGER NOT NULL,
  video       INTEGER NOT NULL, -- files by media type
  audio       INTEGER NOT NULL,
  image       INTEGER NOT NULL,
  doc         INTEGER NOT NULL,
  rev         INTEGER NOT NULL  -- when anything below last changed
) STRICT;

-- What file entries, parts and tmpfiles point to.
CREATE TABLE content (
  id        INTEGER PRIMARY KEY,
  size      INTEGER NOT NULL,
  md5       BLOB    NOT NULL,
  slice_md5 BLOB,             -- of the first 256 KiB; NULL: equal to md5
  crc32     INTEGER NOT NULL,
  blake3    BLOB    NOT NULL,
  kind      INTEGER NOT NULL, -- 0 inline, 1 blobs, 2 superfile
  state     INTEGER NOT NULL, -- 0 present, 1 deletable, 2 deleting
  state_at  INTEGER           -- when it became deletable
) STRICT;
-- Where rapid upload and dedup look. Small contents are in no index: the rows
-- would cost every small upload a random write.
CREATE INDEX content_md5 ON content (size, md5) WHERE size > 262144;
-- Where garbage collection looks.
CREATE INDEX content_leaving ON content (state, state_at) WHERE state <> 0;

-- The bytes of inline contents.
CREATE TABLE body (
  content INTEGER PRIMARY KEY,
  bytes   BLOB NOT NULL
) STRICT;

-- The blobs of a content, in order.
CREATE TABLE blob (
  content INTEGER NOT NULL,
  seq     INTEGER NOT NULL,
  key     BLOB    NOT NULL UNIQUE, -- the hour, big-endian, and 96 random bits
  size    INTEGER NOT NULL,        -- content bytes in it
  root    BLOB    NOT NULL,        -- BLAKE3 over its check list
  PRIMARY KEY (content, seq)
) STRICT, WITHOUT ROWID;

-- The parts of a superfile, in order.
CREATE TABLE part (
  content INTEGER NOT NULL, -- the superfile
  seq     INTEGER NOT NULL,
  part    INTEGER NOT NULL, -- the content in this place
  PRIMARY KEY (content, seq)
) STRICT, WITHOUT ROWID;
-- Who points to a content.
CREATE INDEX part_part ON part (part);

-- Contents that lost a pointer and wait for garbage collection to look.
CREATE TABLE maybe_unreferenced (
  content INTEGER PRIMARY KEY
) STRICT;

-- Contents whose bytes a read found damaged: the next upload of the same
-- bytes replaces their blobs.
CREATE TABLE damaged (
  content INTEGER PRIMARY KEY
) STRICT;

-- Uploaded parts that wait for createsuperfile.
CREATE TABLE tmpfile (
  user_no INTEGER NOT NULL,
  root    TEXT    NOT NULL, -- the root of the token that uploaded it
  md5     BLOB    NOT NULL,
  content INTEGER NOT NULL,
  size    INTEGER NOT NULL,
  used_at INTEGER NOT NULL, -- last uploaded or merged
  merged  INTEGER NOT NULL, -- 1: a superfile has used it
  PRIMARY KEY (user_no, root, md5)
) STRICT, WITHOUT ROWID;
-- Who points to a content.
CREATE INDEX tmpfile_content ON tmpfile (content);
-- What has been idle for long.
CREATE INDEX tmpfile_used_at ON tmpfile (used_at);

-- The change log: one row per action, by ids.
CREATE TABLE change (
  user_no        INTEGER NOT NULL,
  rev            INTEGER NOT NULL,
  gone           INTEGER, -- the entry that left a place; the next four say which
  gone_parent    INTEGER,
  gone_name      TEXT,
  gone_directory INTEGER,
  gone_how       INTEGER, -- 0 moved, 1 recycled, 2 purged
  came           INTEGER, -- the entry that came to a place or changed there
  unfold         INTEGER NOT NULL, -- 1: came is a directory with content
  at             INTEGER NOT NULL,
  PRIMARY KEY (user_no, rev)
) STRICT, WITHOUT ROWID;

-- The recycle bin: deleted entries, with all that is below each.
CREATE TABLE recycled (
  fs_id      INTEGER PRIMARY KEY,
  user_no    INTEGER NOT NULL, -- that of fs_id, for the index
  deleted_at INTEGER NOT NULL,
  parent     INTEGER NOT NULL, -- the directory it was in
  path       TEXT    NOT NULL, -- its path when it was deleted
  bytes      INTEGER NOT NULL
) STRICT;
-- A user's bin, latest first.
CREATE INDEX recycled_deleted_at ON recycled (user_no, deleted_at);

-- Tops of trees that are being built, or removed, where nobody sees them.
CREATE TABLE staged (
  fs_id INTEGER PRIMARY KEY,
  begun INTEGER NOT NULL
) STRICT;
