-- An upload of any size heals what is damaged: it finds it by its md5.
ALTER TABLE damaged ADD COLUMN md5 BLOB; -- that of the content
UPDATE damaged SET md5 = (SELECT md5 FROM content WHERE content.id = damaged.content);
CREATE INDEX damaged_md5 ON damaged (md5);
