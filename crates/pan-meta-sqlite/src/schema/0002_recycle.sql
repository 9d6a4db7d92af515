-- The recycle bin can be listed, restored from and purged.

-- The rev of the deletion: the order of the bin. The wall clock may jump, and
-- many entries can be deleted in one second.
ALTER TABLE recycled ADD COLUMN rev INTEGER NOT NULL DEFAULT 0;
UPDATE recycled SET rev = deletion.rev
  FROM (SELECT gone, max(rev) AS rev FROM change WHERE gone_how = 1 GROUP BY gone) AS deletion
  WHERE deletion.gone = recycled.fs_id;

DROP INDEX recycled_deleted_at;
-- A user's bin, latest first.
CREATE INDEX recycled_order ON recycled (user_no, rev);
-- What has been in the bin for long, whoever deleted it.
CREATE INDEX recycled_age ON recycled (deleted_at);

-- 1: being removed; 0: being built, perhaps by somebody who is still at it.
ALTER TABLE staged ADD COLUMN removing INTEGER NOT NULL DEFAULT 0;
