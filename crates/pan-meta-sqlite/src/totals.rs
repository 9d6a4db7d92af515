//! What lies below each directory.
//!
//! Changes of totals are summed in `pending` and written at the end of a batch.

use pan_engine::meta::{Result, Totals};
use pan_model::FsId;
use rusqlite::{Row, params};

use crate::session::Session;
use crate::value::Db;

impl Session<'_> {
    /// A directory's totals as the transaction sees them.
    pub(crate) fn totals(&mut self, directory: FsId) -> Result<Option<Totals>> {
        if let Some(totals) = self.pending.totals(directory) {
            return Ok(Some(totals));
        }
        self.query_row(
            "reading the totals of a directory",
            "SELECT entries, directories, bytes, video, audio, image, doc, rev
             FROM directory WHERE fs_id = ?1",
            [Db(directory)],
            totals_row,
        )
    }

    pub(crate) fn insert_totals(&mut self, directory: FsId, totals: &Totals) -> Result<()> {
        self.write_totals_row(
            "adding the totals of a directory",
            "INSERT INTO directory (fs_id, entries, directories, bytes,
                                    video, audio, image, doc, rev)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            directory,
            totals,
        )
    }

    /// Writes a directory's totals at the end of a batch.
    pub(crate) fn write_totals(&mut self, directory: FsId, totals: &Totals) -> Result<()> {
        self.write_totals_row(
            "writing the totals of a directory",
            "UPDATE directory SET entries = ?2, directories = ?3, bytes = ?4,
                                  video = ?5, audio = ?6, image = ?7, doc = ?8, rev = ?9
             WHERE fs_id = ?1",
            directory,
            totals,
        )
    }

    /// Removes a directory's totals; what is no directory has none.
    pub(crate) fn remove_totals(&mut self, directory: FsId) -> Result<()> {
        let sql = "DELETE FROM directory WHERE fs_id = ?1";
        self.execute("removing the totals of a directory", sql, [Db(directory)])?;
        self.pending.forget_totals(directory);
        Ok(())
    }

    fn write_totals_row(
        &mut self,
        what: &'static str,
        sql: &'static str,
        directory: FsId,
        totals: &Totals,
    ) -> Result<()> {
        let [video, audio, image, doc] = totals.media.map(Db);
        self.execute_one(
            what,
            sql,
            params![
                Db(directory),
                Db(totals.entries),
                Db(totals.directories),
                Db(totals.bytes),
                video,
                audio,
                image,
                doc,
                Db(totals.rev),
            ],
        )
    }
}

fn totals_row(row: &Row<'_>) -> rusqlite::Result<Totals> {
    let count = |column| row.get::<_, Db<u64>>(column).map(|Db(count)| count);
    Ok(Totals {
        entries: count(0)?,
        directories: count(1)?,
        bytes: row.get::<_, Db<_>>(2)?.0,
        media: [count(3)?, count(4)?, count(5)?, count(6)?],
        rev: row.get::<_, Db<_>>(7)?.0,
    })
}
