//! The recycle bin's records.

use std::ops::ControlFlow;

use pan_engine::meta::{RecycleRead, RecycleTxn, Recycled, Result};
use pan_model::{FsId, Rev, Timestamp, UserNo};
use rusqlite::{Row, params};

use crate::session::Session;
use crate::value::{Db, at_most};

/// The columns that [`recycled_row`] reads, in its order.
macro_rules! recycled_columns {
    () => {
        "fs_id, rev, deleted_at, parent, path, bytes"
    };
}

impl RecycleRead for Session<'_> {
    fn get_recycled(&mut self, fs_id: FsId) -> Result<Option<Recycled>> {
        self.query_row(
            "reading a bin record",
            concat!("SELECT ", recycled_columns!(), " FROM recycled WHERE fs_id = ?1"),
            [Db(fs_id)],
            recycled_row,
        )
    }

    fn list_recycled(
        &mut self,
        user: UserNo,
        before: Rev,
        limit: u64,
        each: &mut dyn FnMut(Recycled) -> ControlFlow<()>,
    ) -> Result<()> {
        // Revs that were given out are far below the largest integer.
        let before = i64::try_from(before.0).unwrap_or(i64::MAX);
        self.query_each(
            "listing the recycle bin",
            concat!(
                "SELECT ",
                recycled_columns!(),
                " FROM recycled WHERE user_no = ?1 AND rev < ?2 ORDER BY rev DESC LIMIT ?3"
            ),
            params![Db(user), before, at_most(limit)],
            recycled_row,
            |recycled, _| each(recycled),
        )
    }

    fn list_expired_recycled(&mut self, until: Timestamp, limit: u64) -> Result<Vec<Recycled>> {
        self.query_all(
            "looking for what has been in the recycle bin for long",
            concat!(
                "SELECT ",
                recycled_columns!(),
                " FROM recycled WHERE deleted_at <= ?1 ORDER BY deleted_at, fs_id LIMIT ?2"
            ),
            params![Db(until), at_most(limit)],
            recycled_row,
        )
    }
}

impl RecycleTxn for Session<'_> {
    fn insert_recycled(&mut self, recycled: &Recycled) -> Result<()> {
        self.execute(
            "adding a bin record",
            "INSERT INTO recycled (fs_id, user_no, rev, deleted_at, parent, path, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                Db(recycled.fs_id),
                Db(recycled.fs_id.user()),
                Db(recycled.rev),
                Db(recycled.deleted_at),
                Db(recycled.parent),
                Db(&recycled.path),
                Db(recycled.bytes),
            ],
        )?;
        Ok(())
    }

    fn remove_recycled(&mut self, fs_id: FsId) -> Result<()> {
        let sql = "DELETE FROM recycled WHERE fs_id = ?1";
        self.execute_one("removing a bin record", sql, [Db(fs_id)])
    }
}

fn recycled_row(row: &Row<'_>) -> rusqlite::Result<Recycled> {
    Ok(Recycled {
        fs_id: row.get::<_, Db<_>>(0)?.0,
        rev: row.get::<_, Db<_>>(1)?.0,
        deleted_at: row.get::<_, Db<_>>(2)?.0,
        parent: row.get::<_, Db<_>>(3)?.0,
        path: row.get::<_, Db<_>>(4)?.0,
        bytes: row.get::<_, Db<_>>(5)?.0,
    })
}
