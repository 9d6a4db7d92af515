//! Trees that are being built, or removed, where nobody sees them.

use pan_engine::meta::{Result, StagedRead, StagedRow, StagedTxn};
use pan_model::FsId;
use rusqlite::params;

use crate::session::Session;
use crate::value::{Db, at_most};

impl StagedRead for Session<'_> {
    fn list_staged(&mut self, limit: u64) -> Result<Vec<StagedRow>> {
        self.query_all(
            "listing staged trees",
            "SELECT fs_id, begun FROM staged ORDER BY fs_id LIMIT ?1",
            [at_most(limit)],
            |row| {
                Ok(StagedRow { fs_id: row.get::<_, Db<_>>(0)?.0, begun: row.get::<_, Db<_>>(1)?.0 })
            },
        )
    }
}

impl StagedTxn for Session<'_> {
    fn insert_staged(&mut self, staged: &StagedRow) -> Result<()> {
        self.execute(
            "noting a staged tree",
            "INSERT INTO staged (fs_id, begun) VALUES (?1, ?2)",
            params![Db(staged.fs_id), Db(staged.begun)],
        )?;
        Ok(())
    }

    fn remove_staged(&mut self, fs_id: FsId) -> Result<()> {
        let sql = "DELETE FROM staged WHERE fs_id = ?1";
        self.execute_one("taking back the note of a staged tree", sql, [Db(fs_id)])
    }
}
