//! The tree. `listing` has the orders of a directory, `totals` what lies below.

use std::ops::ControlFlow;

use pan_engine::meta::{
    ChildrenQuery, Entry, EntryKind, EntryRead, EntryTxn, FileFacts, Result, Totals, TotalsDelta,
};
use pan_engine::{EngineError, ErrorKind};
use pan_model::{ContentId, FsId, MediaType, NameKey, Rev, UserNo};
use rusqlite::{Row, params};

use crate::error::missing;
use crate::media::media_number;
use crate::pending::Pending;
use crate::session::Session;
use crate::value::{Db, at_most, ids_per_user};

/// The columns that [`entry_row`] reads, in its order. Only a directory pays
/// for looking up its totals.
macro_rules! entry_columns {
    () => {
        "entry.fs_id, entry.parent, entry.name_key, entry.name, entry.ctime, entry.mtime,
         entry.rev, entry.content, entry.size, entry.md5, entry.one_block,
         CASE WHEN entry.content IS NULL THEN
           (SELECT directories FROM directory WHERE directory.fs_id = entry.fs_id)
         END"
    };
}
pub(crate) use entry_columns;

impl EntryRead for Session<'_> {
    fn get_entry(&mut self, fs_id: FsId) -> Result<Option<Entry>> {
        if let Some(entry) = self.known.directory(fs_id) {
            return Ok(Some(entry.clone()));
        }
        let found = self.query_row(
            "reading an entry",
            concat!("SELECT ", entry_columns!(), " FROM entry WHERE fs_id = ?1"),
            [Db(fs_id)],
            entry_row,
        )?;
        let found = found.map(|entry| as_pending(entry, &self.pending));
        found.iter().for_each(|entry| self.known.learn(entry));
        Ok(found)
    }

    fn get_child(&mut self, parent: FsId, key: &NameKey<'_>) -> Result<Option<Entry>> {
        if let Some(entry) = self.known.child_directory(parent, key.as_str()) {
            return Ok(Some(entry.clone()));
        }
        let found = self.query_row(
            "looking for a name in a directory",
            concat!("SELECT ", entry_columns!(), " FROM entry WHERE parent = ?1 AND name_key = ?2"),
            params![Db(parent), key.as_str()],
            entry_row,
        )?;
        let found = found.map(|entry| as_pending(entry, &self.pending));
        found.iter().for_each(|entry| self.known.learn_child(parent, key.as_str(), entry));
        Ok(found)
    }

    fn list_children(
        &mut self,
        parent: FsId,
        query: &ChildrenQuery,
        each: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<()> {
        self.list_window(parent, query, each)
    }

    fn list_entries_of(
        &mut self,
        content: ContentId,
        user: UserNo,
        after: Option<FsId>,
        limit: u64,
    ) -> Result<Vec<Entry>> {
        // An index on a column has the rowid behind it, which is the fs_id.
        let first = FsId::root(user).get();
        let from = after.map_or(first, |after| first.max(after.get() + 1));
        self.query_all(
            "looking for a user's entries of a content",
            concat!(
                "SELECT ",
                entry_columns!(),
                " FROM entry WHERE content = ?1 AND fs_id >= ?2 AND fs_id < ?3
                 ORDER BY fs_id LIMIT ?4"
            ),
            params![Db(content), Db(from), Db(first + ids_per_user()), at_most(limit)],
            entry_row,
        )
    }

    fn get_totals(&mut self, directory: FsId) -> Result<Totals> {
        Ok(self.totals(directory)?.unwrap_or_default())
    }

    fn scan_entries(
        &mut self,
        user: UserNo,
        after: Option<FsId>,
        limit: u64,
        each: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<()> {
        let first = FsId::root(user).get();
        let from = after.map_or(first, |after| first.max(after.get() + 1));
        self.query_each(
            "reading all entries of a user",
            concat!(
                "SELECT ",
                entry_columns!(),
                " FROM entry WHERE fs_id >= ?1 AND fs_id < ?2 ORDER BY fs_id LIMIT ?3"
            ),
            params![Db(from), Db(first + ids_per_user()), at_most(limit)],
            entry_row,
            |entry, pending| each(as_pending(entry, pending)),
        )
    }
}

impl EntryTxn for Session<'_> {
    fn insert_entry(&mut self, entry: &Entry, totals: &Totals) -> Result<()> {
        self.write_entry(
            "adding an entry",
            "INSERT INTO entry (fs_id, parent, name_key, name, ctime, mtime, rev,
                                content, size, md5, one_block, media)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            entry,
        )?;
        self.note_new_entry(entry)?;
        if entry.is_directory() { self.insert_totals(entry.fs_id, totals) } else { Ok(()) }
    }

    fn update_entry(&mut self, entry: &Entry) -> Result<()> {
        match entry.kind {
            EntryKind::Directory { .. } => self.known.forget_directories(),
            EntryKind::File(_) => self.note_changed_name(entry.fs_id, &entry.name)?,
        }
        self.write_entry(
            "changing an entry",
            "UPDATE entry SET parent = ?2, name_key = ?3, name = ?4, ctime = ?5, mtime = ?6,
                              rev = ?7, content = ?8, size = ?9, md5 = ?10, one_block = ?11,
                              media = ?12
             WHERE fs_id = ?1",
            entry,
        )
    }

    fn remove_entry(&mut self, fs_id: FsId) -> Result<()> {
        let what = "removing an entry that is there and has no children";
        let removed = self.execute(
            what,
            "DELETE FROM entry WHERE fs_id = ?1
             AND NOT EXISTS (SELECT 1 FROM entry AS child WHERE child.parent = ?1)",
            [Db(fs_id)],
        )?;
        if removed == 0 {
            return Err(EngineError::new(ErrorKind::Failed, what));
        }
        self.known.forget_directories();
        self.remove_totals(fs_id)
    }

    fn add_totals(&mut self, directory: FsId, delta: &TotalsDelta, rev: Rev) -> Result<()> {
        if delta.directories != 0 {
            // Whether it has a subdirectory may change.
            self.known.forget_directories();
        }
        let before = self
            .totals(directory)?
            .ok_or_else(|| missing("adding to the totals of a directory that is not there"))?;
        self.pending.set_totals(directory, before.changed(delta, rev));
        Ok(())
    }
}

impl Session<'_> {
    /// Inserts or updates: the columns have the same numbers in both.
    fn write_entry(&mut self, what: &'static str, sql: &'static str, entry: &Entry) -> Result<()> {
        let key = NameKey::of(&entry.name);
        let file = entry.file();
        self.refuse_taken_name(entry, key.as_str())?;
        self.execute_one(
            what,
            sql,
            params![
                Db(entry.fs_id),
                entry.parent.map(Db),
                key.as_str(),
                key.differing().map(|_| entry.name.as_str()),
                Db(entry.ctime),
                Db(entry.mtime),
                Db(entry.rev),
                file.map(|file| Db(file.content)),
                file.map(|file| Db(file.size)),
                file.map(|file| Db(file.md5)),
                file.map(|file| file.one_block),
                file.and_then(|_| media_number(MediaType::of_name(&entry.name))),
            ],
        )
    }

    /// A statement of its own: asked in the one that writes, it would make
    /// SQLite keep a journal for that, at a tenth of the cost of an upload.
    fn refuse_taken_name(&mut self, entry: &Entry, key: &str) -> Result<()> {
        let Some(parent) = entry.parent else { return Ok(()) };
        let what = "looking whether a name is free";
        let sql = "SELECT fs_id FROM entry WHERE parent = ?1 AND name_key = ?2 AND fs_id <> ?3";
        let params = params![Db(parent), key, Db(entry.fs_id)];
        match self.query_row(what, sql, params, |row| row.get::<_, Db<FsId>>(0))? {
            None => Ok(()),
            Some(Db(other)) => {
                let what = format!("entry {} has the name of {other}", entry.fs_id);
                Err(self.poison(EngineError::new(ErrorKind::Failed, what)))
            }
        }
    }
}

/// An entry as the transaction sees it, with totals that are not written yet.
pub(crate) fn as_pending(mut entry: Entry, pending: &Pending) -> Entry {
    if let EntryKind::Directory { has_subdirectory } = &mut entry.kind
        && let Some(totals) = pending.totals(entry.fs_id)
    {
        *has_subdirectory = totals.directories > 0;
    }
    entry
}

pub(crate) fn entry_row(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let name = match row.get(3)? {
        Some(spelling) => spelling,
        None => row.get(2)?,
    };
    Ok(Entry {
        fs_id: row.get::<_, Db<_>>(0)?.0,
        parent: row.get::<_, Option<Db<_>>>(1)?.map(|Db(parent)| parent),
        name,
        ctime: row.get::<_, Db<_>>(4)?.0,
        mtime: row.get::<_, Db<_>>(5)?.0,
        rev: row.get::<_, Db<_>>(6)?.0,
        kind: entry_kind(row)?,
    })
}

fn entry_kind(row: &Row<'_>) -> rusqlite::Result<EntryKind> {
    let Some(Db(content)) = row.get::<_, Option<Db<ContentId>>>(7)? else {
        let Db(directories) = row.get::<_, Db<u64>>(11)?;
        return Ok(EntryKind::Directory { has_subdirectory: directories > 0 });
    };
    Ok(EntryKind::File(FileFacts {
        content,
        size: row.get::<_, Db<_>>(8)?.0,
        md5: row.get::<_, Db<_>>(9)?.0,
        one_block: row.get(10)?,
    }))
}
