//! The recycle bin's records.

use std::ops::ControlFlow;

use pan_engine::meta::{RecycleRead, RecycleTxn, Recycled, Result};
use pan_model::{FsId, UserNo};
use rusqlite::{Row, params};

use crate::session::Session;
use crate::value::Db;

impl RecycleRead for Session<'_> {
    fn get_recycled(&mut self, fs_id: FsId) -> Result<Option<Recycled>> {
        self.query_row(
            "reading a bin record",
            "SELECT fs_id, deleted_at, parent, path, bytes FROM recycled WHERE fs_id = ?1",
            [Db(fs_id)],
            recycled_row,
        )
    }

    fn list_recycled(
        &mut self,
        user: UserNo,
        each: &mut dyn FnMut(Recycled) -> ControlFlow<()>,
    ) -> Result<()> {
        self.query_each(
            "listing the recycle bin",
            "SELECT fs_id, deleted_at, parent, path, bytes FROM recycled
             WHERE user_no = ?1 ORDER BY deleted_at DESC, fs_id DESC",
            [Db(user)],
            recycled_row,
            |recycled, _| each(recycled),
        )
    }
}

impl RecycleTxn for Session<'_> {
    fn insert_recycled(&mut self, recycled: &Recycled) -> Result<()> {
        self.execute(
            "adding a bin record",
            "INSERT INTO recycled (fs_id, user_no, deleted_at, parent, path, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                Db(recycled.fs_id),
                Db(recycled.fs_id.user()),
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
        deleted_at: row.get::<_, Db<_>>(1)?.0,
        parent: row.get::<_, Db<_>>(2)?.0,
        path: row.get::<_, Db<_>>(3)?.0,
        bytes: row.get::<_, Db<_>>(4)?.0,
    })
}
