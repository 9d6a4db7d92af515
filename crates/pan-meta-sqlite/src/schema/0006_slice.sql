-- A client asks whether a content may be there before it reads all of a file:
-- by the size and the md5 of the first 256 KiB. Sizes alone would not do: many
-- blocks of superfiles have the same.
CREATE INDEX content_slice ON content (size, slice_md5) WHERE size > 262144;
