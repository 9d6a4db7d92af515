//! The change log.

use std::ops::ControlFlow;

use pan_engine::meta::{ChangeRead, ChangeRow, ChangeTxn, Gone, Result};
use pan_model::{FsId, Rev, Timestamp, UserNo};
use rusqlite::{Row, params};

use crate::session::Session;
use crate::value::{Db, at_most};

impl ChangeRead for Session<'_> {
    fn list_changes(
        &mut self,
        user: UserNo,
        after: Rev,
        limit: u64,
        each: &mut dyn FnMut(ChangeRow) -> ControlFlow<()>,
    ) -> Result<()> {
        self.query_each(
            "reading the change log",
            "SELECT rev, gone, gone_parent, gone_name, gone_directory, gone_how, came, unfold, at
             FROM change WHERE user_no = ?1 AND rev > ?2 ORDER BY rev LIMIT ?3",
            params![Db(user), Db(after), at_most(limit)],
            change_row,
            |change, _| each(change),
        )
    }
}

impl ChangeTxn for Session<'_> {
    fn append_change(&mut self, user: UserNo, change: &ChangeRow) -> Result<()> {
        let gone = change.gone.as_ref();
        self.execute(
            "appending to the change log",
            "INSERT INTO change (user_no, rev, gone, gone_parent, gone_name, gone_directory,
                                 gone_how, came, unfold, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                Db(user),
                Db(change.rev),
                gone.map(|gone| Db(gone.fs_id)),
                gone.map(|gone| Db(gone.parent)),
                gone.map(|gone| gone.name.as_str()),
                gone.map(|gone| gone.directory),
                gone.map(|gone| Db(gone.how)),
                change.came.map(Db),
                change.unfold,
                Db(change.at),
            ],
        )?;
        Ok(())
    }

    fn trim_changes(&mut self, user: UserNo, before: Timestamp, limit: u64) -> Result<u64> {
        let trimmed = self.execute(
            "trimming the change log",
            "DELETE FROM change WHERE user_no = ?1 AND rev < (
               SELECT coalesce(min(CASE WHEN at >= ?2 THEN rev END), max(rev) + 1)
               FROM (SELECT rev, at FROM change WHERE user_no = ?1 ORDER BY rev LIMIT ?3)
             )",
            params![Db(user), Db(before), at_most(limit)],
        )?;
        Ok(trimmed as u64)
    }
}

fn change_row(row: &Row<'_>) -> rusqlite::Result<ChangeRow> {
    Ok(ChangeRow {
        rev: row.get::<_, Db<_>>(0)?.0,
        gone: row
            .get::<_, Option<Db<FsId>>>(1)?
            .map(|Db(fs_id)| gone_row(row, fs_id))
            .transpose()?,
        came: row.get::<_, Option<Db<_>>>(6)?.map(|Db(came)| came),
        unfold: row.get(7)?,
        at: row.get::<_, Db<_>>(8)?.0,
    })
}

fn gone_row(row: &Row<'_>, fs_id: FsId) -> rusqlite::Result<Gone> {
    Ok(Gone {
        fs_id,
        parent: row.get::<_, Db<_>>(2)?.0,
        name: row.get(3)?,
        directory: row.get(4)?,
        how: row.get::<_, Db<_>>(5)?.0,
    })
}
