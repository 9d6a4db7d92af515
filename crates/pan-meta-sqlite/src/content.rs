//! Contents: bodies, blobs, parts, and their way out.

use std::ops::ControlFlow;

use bytes::Bytes;
use pan_engine::meta::{
    BlobRow, ContentKind, ContentRead, ContentRow, ContentState, ContentTxn, NewContent, Result,
};
use pan_model::{BlobKey, ByteSize, ContentId, Fingerprint, FsId, Md5, SLICE_BYTES, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Row, params};

use crate::error::{corrupt, missing};
use crate::session::Session;
use crate::value::{Db, at_most};

/// Content ids that are reserved at once.
const IDS_AT_ONCE: i64 = 1_000;

const PRESENT: u8 = 0;
const DELETABLE: u8 = 1;
const DELETING: u8 = 2;

/// The columns that [`content_row`] reads, in its order.
macro_rules! content_columns {
    () => {
        "content.id, content.size, content.md5, content.slice_md5, content.crc32, content.blake3,
         content.kind, content.state, content.state_at"
    };
}

impl ContentRead for Session<'_> {
    fn get_content(&mut self, id: ContentId) -> Result<Option<ContentRow>> {
        self.query_row(
            "reading a content",
            concat!("SELECT ", content_columns!(), " FROM content WHERE id = ?1"),
            [Db(id)],
            content_row,
        )
    }

    fn find_contents(
        &mut self,
        size: ByteSize,
        md5: Md5,
        each: &mut dyn FnMut(ContentRow) -> ControlFlow<()>,
    ) -> Result<()> {
        // The constant is that of the index: without it SQLite would not use it.
        self.query_each(
            "looking for contents",
            concat!(
                "SELECT ",
                content_columns!(),
                " FROM content WHERE size > 262144 AND size = ?1 AND md5 = ?2 ORDER BY id"
            ),
            params![Db(size), Db(md5)],
            content_row,
            |content, _| each(content),
        )
    }

    fn find_contents_by_slice(
        &mut self,
        size: ByteSize,
        slice_md5: Md5,
        each: &mut dyn FnMut(ContentRow) -> ControlFlow<()>,
    ) -> Result<()> {
        // The constant is that of the index, as above. A slice that is equal to
        // the whole is not repeated, but what is larger than it never is.
        self.query_each(
            "looking for contents that begin so",
            concat!(
                "SELECT ",
                content_columns!(),
                " FROM content WHERE size > 262144 AND size = ?1 AND slice_md5 = ?2 ORDER BY id"
            ),
            params![Db(size), Db(slice_md5)],
            content_row,
            |content, _| each(content),
        )
    }

    fn find_damaged(
        &mut self,
        size: ByteSize,
        md5: Md5,
        each: &mut dyn FnMut(ContentRow) -> ControlFlow<()>,
    ) -> Result<()> {
        if self.known.nothing_is_damaged {
            return Ok(());
        }
        self.query_each(
            "looking for damaged contents",
            concat!(
                "SELECT ",
                content_columns!(),
                " FROM damaged JOIN content ON content.id = damaged.content
                  WHERE damaged.md5 = ?1 AND content.size = ?2 ORDER BY content.id"
            ),
            params![Db(md5), Db(size)],
            content_row,
            |content, _| each(content),
        )?;
        let sql = "SELECT 1 FROM damaged LIMIT 1";
        let any = self.query_row("looking for damaged contents", sql, [], |_| Ok(()))?;
        self.known.learn_damage(any.is_some());
        Ok(())
    }

    fn get_body(&mut self, id: ContentId) -> Result<Option<Bytes>> {
        self.query_row(
            "reading a body",
            "SELECT bytes FROM body WHERE content = ?1",
            [Db(id)],
            |row| row.get::<_, Vec<u8>>(0).map(Bytes::from),
        )
    }

    fn list_blobs(&mut self, id: ContentId, from_seq: u32, limit: u64) -> Result<Vec<BlobRow>> {
        self.query_all(
            "listing the blobs of a content",
            "SELECT seq, key, size, root FROM blob
             WHERE content = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
            params![Db(id), from_seq, at_most(limit)],
            blob_row,
        )
    }

    fn list_parts(&mut self, id: ContentId) -> Result<Vec<ContentRow>> {
        // LEFT JOIN: a part without its content must not be skipped silently.
        let parts = self.query_all(
            "listing the parts of a superfile",
            concat!(
                "SELECT ",
                content_columns!(),
                " FROM part LEFT JOIN content ON content.id = part.part
                  WHERE part.content = ?1 ORDER BY part.seq"
            ),
            [Db(id)],
            |row| match row.get_ref(0)?.data_type() {
                Type::Null => Ok(None),
                _ => content_row(row).map(Some),
            },
        )?;
        let whole: Option<Vec<_>> = parts.into_iter().collect();
        whole.ok_or_else(|| corrupt("a part of a superfile has no content"))
    }

    fn is_referenced(&mut self, id: ContentId) -> Result<bool> {
        let found = self.query_row(
            "looking for pointers to a content",
            "SELECT EXISTS (SELECT 1 FROM entry WHERE content = ?1)
                 OR EXISTS (SELECT 1 FROM part WHERE part = ?1)
                 OR EXISTS (SELECT 1 FROM tmpfile WHERE content = ?1)",
            [Db(id)],
            |row| row.get(0),
        )?;
        Ok(found.unwrap_or(false))
    }

    fn list_maybe_unreferenced(&mut self, limit: u64) -> Result<Vec<ContentId>> {
        self.query_all(
            "listing contents that lost a pointer",
            "SELECT content FROM maybe_unreferenced ORDER BY content LIMIT ?1",
            [at_most(limit)],
            content_id,
        )
    }

    fn list_pointers(&mut self, id: ContentId, limit: u64) -> Result<Vec<FsId>> {
        self.query_all(
            "listing pointers to a content",
            "SELECT fs_id FROM entry WHERE content = ?1
             UNION
             SELECT fs_id FROM part JOIN entry ON entry.content = part.content WHERE part.part = ?1
             ORDER BY 1 LIMIT ?2",
            params![Db(id), at_most(limit)],
            |row| row.get::<_, Db<_>>(0).map(|Db(id)| id),
        )
    }

    fn is_damaged(&mut self, id: ContentId) -> Result<bool> {
        let sql = "SELECT 1 FROM damaged WHERE content = ?1";
        let found = self.query_row("looking for the note of damage", sql, [Db(id)], |_| Ok(()))?;
        Ok(found.is_some())
    }

    fn list_damaged(&mut self, after: Option<ContentId>, limit: u64) -> Result<Vec<ContentId>> {
        self.query_all(
            "listing damaged contents",
            "SELECT content FROM damaged WHERE content > ?1 ORDER BY content LIMIT ?2",
            params![after.map_or(0, |id| id.0), at_most(limit)],
            content_id,
        )
    }

    fn last_content_id(&mut self) -> Result<ContentId> {
        let sql = "SELECT next_content FROM instance";
        let next = self.query_row("reading the last content id", sql, [], |row| row.get(0))?;
        let next: i64 = next.ok_or_else(|| missing("the instance's counters"))?;
        Ok(ContentId(next - 1))
    }

    fn is_maybe_unreferenced(&mut self, id: ContentId) -> Result<bool> {
        let sql = "SELECT 1 FROM maybe_unreferenced WHERE content = ?1";
        let found =
            self.query_row("looking for the note of a lost pointer", sql, [Db(id)], |_| Ok(()))?;
        Ok(found.is_some())
    }

    fn list_deletable(&mut self, until: Timestamp, limit: u64) -> Result<Vec<ContentId>> {
        self.query_all(
            "listing deletable contents",
            "SELECT id FROM content WHERE state <> 0 AND state = 1 AND state_at <= ?1
             ORDER BY state_at, id LIMIT ?2",
            params![Db(until), at_most(limit)],
            content_id,
        )
    }

    fn list_deleting(&mut self, limit: u64) -> Result<Vec<ContentId>> {
        self.query_all(
            "listing contents whose deletion began",
            "SELECT id FROM content WHERE state <> 0 AND state = 2 ORDER BY state_at, id LIMIT ?1",
            [at_most(limit)],
            content_id,
        )
    }

    fn is_blob_known(&mut self, key: BlobKey) -> Result<bool> {
        let found = self.query_row(
            "looking for a blob",
            "SELECT 1 FROM blob WHERE key = ?1",
            [Db(key)],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }

    fn scan_contents(
        &mut self,
        after: Option<ContentId>,
        limit: u64,
        each: &mut dyn FnMut(ContentRow) -> ControlFlow<()>,
    ) -> Result<()> {
        self.query_each(
            "reading all contents",
            concat!(
                "SELECT ",
                content_columns!(),
                " FROM content WHERE id > ?1 ORDER BY id LIMIT ?2"
            ),
            params![after.map_or(0, |id| id.0), at_most(limit)],
            content_row,
            |content, _| each(content),
        )
    }
}

impl ContentTxn for Session<'_> {
    fn insert_content(&mut self, content: &NewContent) -> Result<ContentId> {
        let id = self.next_content_id()?;
        let print = &content.fingerprint;
        let slice_md5 = (print.slice_md5 != print.md5).then_some(print.slice_md5);
        self.execute(
            "adding a content",
            "INSERT INTO content (id, size, md5, slice_md5, crc32, blake3, kind, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)",
            params![
                Db(id),
                Db(print.size),
                Db(print.md5),
                slice_md5.map(Db),
                Db(print.crc32),
                Db(print.blake3),
                Db(content.kind),
            ],
        )?;
        Ok(id)
    }

    fn insert_body(&mut self, id: ContentId, body: &Bytes) -> Result<()> {
        self.execute(
            "adding a body",
            "INSERT INTO body (content, bytes) VALUES (?1, ?2)",
            params![Db(id), body.as_ref()],
        )?;
        Ok(())
    }

    fn replace_body(&mut self, id: ContentId, body: &Bytes) -> Result<()> {
        self.execute(
            "replacing a body",
            "INSERT INTO body (content, bytes) VALUES (?1, ?2)
             ON CONFLICT (content) DO UPDATE SET bytes = excluded.bytes",
            params![Db(id), body.as_ref()],
        )?;
        Ok(())
    }

    fn insert_blob(&mut self, id: ContentId, blob: &BlobRow) -> Result<()> {
        self.execute(
            "adding a blob",
            "INSERT INTO blob (content, seq, key, size, root) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![Db(id), blob.seq, Db(blob.key), Db(blob.size), Db(blob.root)],
        )?;
        Ok(())
    }

    fn remove_blobs(&mut self, id: ContentId) -> Result<()> {
        self.execute("removing blobs", "DELETE FROM blob WHERE content = ?1", [Db(id)])?;
        Ok(())
    }

    fn set_damaged(&mut self, id: ContentId, damaged: bool) -> Result<()> {
        let (what, sql) = match damaged {
            true => (
                "noting damage",
                "INSERT OR IGNORE INTO damaged (content, md5)
                 SELECT id, md5 FROM content WHERE id = ?1",
            ),
            false => ("taking back damage", "DELETE FROM damaged WHERE content = ?1"),
        };
        if damaged {
            self.known.nothing_is_damaged = false;
        }
        self.execute(what, sql, [Db(id)])?;
        Ok(())
    }

    fn insert_part(&mut self, id: ContentId, seq: u32, part: ContentId) -> Result<()> {
        self.execute(
            "adding a part",
            "INSERT INTO part (content, seq, part) VALUES (?1, ?2, ?3)",
            params![Db(id), seq, Db(part)],
        )?;
        Ok(())
    }

    fn remove_parts(&mut self, id: ContentId, from_seq: u32) -> Result<()> {
        let sql = "DELETE FROM part WHERE content = ?1 AND seq >= ?2";
        self.execute("removing parts", sql, params![Db(id), from_seq])?;
        Ok(())
    }

    fn set_content_state(&mut self, id: ContentId, state: ContentState) -> Result<()> {
        let (number, at) = match state {
            ContentState::Present => (PRESENT, None),
            ContentState::Deletable(at) => (DELETABLE, Some(Db(at))),
            ContentState::Deleting => (DELETING, None),
        };
        self.execute_one(
            "moving a content along its states",
            "UPDATE content SET state = ?2, state_at = ?3 WHERE id = ?1",
            params![Db(id), number, at],
        )
    }

    fn add_maybe_unreferenced(&mut self, id: ContentId) -> Result<()> {
        self.execute(
            "noting a lost pointer",
            "INSERT OR IGNORE INTO maybe_unreferenced (content) VALUES (?1)",
            [Db(id)],
        )?;
        Ok(())
    }

    fn remove_maybe_unreferenced(&mut self, id: ContentId) -> Result<()> {
        let sql = "DELETE FROM maybe_unreferenced WHERE content = ?1";
        self.execute("taking back the note of a lost pointer", sql, [Db(id)])?;
        Ok(())
    }

    fn remove_content(&mut self, id: ContentId) -> Result<()> {
        self.execute("removing a body", "DELETE FROM body WHERE content = ?1", [Db(id)])?;
        self.remove_blobs(id)?;
        self.set_damaged(id, false)?;
        self.remove_parts(id, 0)?;
        self.remove_maybe_unreferenced(id)?;
        self.execute_one("removing a content", "DELETE FROM content WHERE id = ?1", [Db(id)])
    }
}

impl Session<'_> {
    /// Ids are taken from the database a thousand at a time: a page less to
    /// write for every upload. A rollback or a restart leaves a gap.
    fn next_content_id(&mut self) -> Result<ContentId> {
        if self.known.content_ids.is_empty() {
            let sql = "UPDATE instance SET next_content = next_content + ?1
                       RETURNING next_content";
            let next = self.query_row("reserving content ids", sql, [IDS_AT_ONCE], |row| {
                row.get::<_, i64>(0)
            })?;
            let end = next.ok_or_else(|| missing("the instance's counters"))?;
            self.known.content_ids = end - IDS_AT_ONCE..end;
        }
        let next = self.known.content_ids.next();
        next.map(ContentId).ok_or_else(|| missing("a content id"))
    }
}

fn content_row(row: &Row<'_>) -> rusqlite::Result<ContentRow> {
    let Db(md5) = row.get(2)?;
    Ok(ContentRow {
        id: row.get::<_, Db<_>>(0)?.0,
        fingerprint: Fingerprint {
            size: row.get::<_, Db<_>>(1)?.0,
            md5,
            slice_md5: row.get::<_, Option<Db<_>>>(3)?.map_or(md5, |Db(slice_md5)| slice_md5),
            crc32: row.get::<_, Db<_>>(4)?.0,
            blake3: row.get::<_, Db<_>>(5)?.0,
        },
        kind: row.get::<_, Db<ContentKind>>(6)?.0,
        state: content_state(row)?,
    })
}

fn content_state(row: &Row<'_>) -> rusqlite::Result<ContentState> {
    match row.get::<_, u8>(7)? {
        PRESENT => Ok(ContentState::Present),
        DELETABLE => Ok(ContentState::Deletable(row.get::<_, Db<_>>(8)?.0)),
        DELETING => Ok(ContentState::Deleting),
        other => Err(rusqlite::Error::IntegralValueOutOfRange(7, other.into())),
    }
}

fn blob_row(row: &Row<'_>) -> rusqlite::Result<BlobRow> {
    Ok(BlobRow {
        seq: row.get(0)?,
        key: row.get::<_, Db<_>>(1)?.0,
        size: row.get::<_, Db<_>>(2)?.0,
        root: row.get::<_, Db<_>>(3)?.0,
    })
}

fn content_id(row: &Row<'_>) -> rusqlite::Result<ContentId> {
    row.get::<_, Db<_>>(0).map(|Db(id)| id)
}

// The index of contents by md5 begins where the slice of rapid upload ends.
const _: () = assert!(SLICE_BYTES == 262_144);
