//! Uploaded parts that wait for createsuperfile.

use pan_engine::meta::{Result, TmpfileKey, TmpfileRead, TmpfileRow, TmpfileTxn};
use pan_model::Timestamp;
use rusqlite::{Row, params};

use crate::session::Session;
use crate::value::{Db, at_most};

impl TmpfileRead for Session<'_> {
    fn get_tmpfile(&mut self, key: &TmpfileKey) -> Result<Option<TmpfileRow>> {
        self.query_row(
            "reading a tmpfile",
            "SELECT content, size, used_at, merged FROM tmpfile
             WHERE user_no = ?1 AND root = ?2 AND md5 = ?3",
            params![Db(key.user), Db(&key.root), Db(key.md5)],
            tmpfile_row,
        )
    }

    fn list_idle_tmpfiles(
        &mut self,
        until: Timestamp,
        limit: u64,
    ) -> Result<Vec<(TmpfileKey, TmpfileRow)>> {
        self.query_all(
            "listing idle tmpfiles",
            "SELECT content, size, used_at, merged, user_no, root, md5 FROM tmpfile
             WHERE used_at <= ?1 ORDER BY used_at LIMIT ?2",
            params![Db(until), at_most(limit)],
            |row| Ok((tmpfile_key(row)?, tmpfile_row(row)?)),
        )
    }
}

impl TmpfileTxn for Session<'_> {
    fn put_tmpfile(&mut self, key: &TmpfileKey, tmpfile: &TmpfileRow) -> Result<()> {
        self.execute(
            "writing a tmpfile",
            "INSERT INTO tmpfile (user_no, root, md5, content, size, used_at, merged)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (user_no, root, md5) DO UPDATE SET
               content = excluded.content, size = excluded.size,
               used_at = excluded.used_at, merged = excluded.merged",
            params![
                Db(key.user),
                Db(&key.root),
                Db(key.md5),
                Db(tmpfile.content),
                Db(tmpfile.size),
                Db(tmpfile.used_at),
                tmpfile.merged,
            ],
        )?;
        Ok(())
    }

    fn remove_tmpfile(&mut self, key: &TmpfileKey) -> Result<()> {
        self.execute(
            "removing a tmpfile",
            "DELETE FROM tmpfile WHERE user_no = ?1 AND root = ?2 AND md5 = ?3",
            params![Db(key.user), Db(&key.root), Db(key.md5)],
        )?;
        Ok(())
    }
}

fn tmpfile_key(row: &Row<'_>) -> rusqlite::Result<TmpfileKey> {
    Ok(TmpfileKey {
        user: row.get::<_, Db<_>>(4)?.0,
        root: row.get::<_, Db<_>>(5)?.0,
        md5: row.get::<_, Db<_>>(6)?.0,
    })
}

fn tmpfile_row(row: &Row<'_>) -> rusqlite::Result<TmpfileRow> {
    Ok(TmpfileRow {
        content: row.get::<_, Db<_>>(0)?.0,
        size: row.get::<_, Db<_>>(1)?.0,
        used_at: row.get::<_, Db<_>>(2)?.0,
        merged: row.get(3)?,
    })
}
