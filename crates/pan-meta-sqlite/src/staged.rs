//! Trees that are being built, or removed, where nobody sees them.

use pan_engine::meta::{Result, StagedRead, StagedRow, StagedTxn};
use pan_model::FsId;
use rusqlite::{Row, params};

use crate::session::Session;
use crate::value::{Db, at_most};

impl StagedRead for Session<'_> {
    fn get_staged(&mut self, fs_id: FsId) -> Result<Option<StagedRow>> {
        self.query_row(
            "reading the note of a staged tree",
            "SELECT fs_id, begun, removing FROM staged WHERE fs_id = ?1",
            [Db(fs_id)],
            staged_row,
        )
    }

    fn list_staged(&mut self, limit: u64) -> Result<Vec<StagedRow>> {
        self.query_all(
            "listing staged trees",
            "SELECT fs_id, begun, removing FROM staged ORDER BY fs_id LIMIT ?1",
            [at_most(limit)],
            staged_row,
        )
    }
}

impl StagedTxn for Session<'_> {
    fn insert_staged(&mut self, staged: &StagedRow) -> Result<()> {
        self.execute(
            "noting a staged tree",
            "INSERT INTO staged (fs_id, begun, removing) VALUES (?1, ?2, ?3)",
            params![Db(staged.fs_id), Db(staged.begun), staged.removing],
        )?;
        Ok(())
    }

    fn remove_staged(&mut self, fs_id: FsId) -> Result<()> {
        let sql = "DELETE FROM staged WHERE fs_id = ?1";
        self.execute_one("taking back the note of a staged tree", sql, [Db(fs_id)])
    }
}

fn staged_row(row: &Row<'_>) -> rusqlite::Result<StagedRow> {
    Ok(StagedRow {
        fs_id: row.get::<_, Db<_>>(0)?.0,
        begun: row.get::<_, Db<_>>(1)?.0,
        removing: row.get(2)?,
    })
}
