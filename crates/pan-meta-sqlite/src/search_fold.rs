//! Putting names into the index, in slices between the batches of the writer.
//!
//! An upload only makes its user's backlog one longer: the ids above
//! `search_folded`, whose names a search looks at one by one. A slice costs
//! about 9 us a name and holds others up for 5 ms, 20 at most, so that a search
//! is exact at once and uploads hardly notice. `docs/decisions/0006` has the
//! measurements.

use std::collections::HashMap;

use pan_engine::meta::{Entry, Result};
use pan_model::{FsId, SearchKey, UserNo};
use rusqlite::params;

use crate::search_words::write_words;
use crate::session::Session;
use crate::value::{Db, ids_per_user};

/// Names of one slice, and the least that a slice is worth: fewer are looked
/// at in a tenth of a millisecond.
pub(crate) const SLICE_NAMES: u64 = 500;

/// With a longer backlog the writer folds although closures are waiting.
const BACKLOG_NAMES_MAX: u64 = 5_000;

/// Pages of the index that a slice merges at most. It keeps up with what the
/// slices add, at every size; FTS5 itself would now and then merge for 60 ms.
const MERGED_PAGES: i64 = 100;

/// What the writer knows about ids that are not in the index yet, those of
/// directories among them. The number is never too small.
#[derive(Default)]
pub(crate) struct Backlog(HashMap<UserNo, UserBacklog>);

#[derive(Default)]
struct UserBacklog {
    /// See `search_folded`; `None` when it was not read yet.
    folded: Option<FsId>,
    names: u64,
}

impl Backlog {
    /// A user with enough names for a slice.
    pub(crate) fn next(&self) -> Option<UserNo> {
        self.at_least(SLICE_NAMES)
    }

    /// A user with so many names that waiting closures must wait for a slice.
    pub(crate) fn overdue(&self) -> Option<UserNo> {
        self.at_least(BACKLOG_NAMES_MAX)
    }

    fn at_least(&self, names: u64) -> Option<UserNo> {
        self.0.iter().find(|(_, backlog)| backlog.names >= names).map(|(&user, _)| user)
    }

    /// Forgets a user's backlog until there are new names: folding it failed.
    pub(crate) fn give_up(&mut self, user: UserNo) {
        self.0.remove(&user);
    }
}

/// What a slice did, to be remembered once it is committed.
pub(crate) struct Slice {
    user: UserNo,
    folded: FsId,
    names: u64,
}

impl Session<'_> {
    /// Learns the backlog of all users: the writer has just begun.
    pub(crate) fn load_backlog(&mut self) -> Result<()> {
        let users = self.query_all(
            "reading how far names are in the index",
            "SELECT user_no, next_n, (SELECT fs_id FROM search_folded WHERE user_no = user.user_no),
               (SELECT count(*) FROM search_pending
                WHERE fs_id > user_no << 33 AND fs_id < (user_no + 1) << 33)
             FROM user",
            [],
            |row| {
                let Db(user) = row.get::<_, Db<UserNo>>(0)?;
                let Db(next_n) = row.get::<_, Db<u64>>(1)?;
                let root = FsId::root(user);
                let folded = row.get::<_, Option<Db<FsId>>>(2)?.map_or(root, |Db(folded)| folded);
                let Db(renamed) = row.get::<_, Db<u64>>(3)?;
                let names = next_n.saturating_sub(folded.get() - root.get() + 1) + renamed;
                Ok((user, UserBacklog { folded: Some(folded), names }))
            },
        )?;
        self.backlog = Backlog(users.into_iter().collect());
        Ok(())
    }

    /// How far a user's names are in the index.
    pub(crate) fn folded_up_to(&mut self, user: UserNo) -> Result<FsId> {
        if let Some(folded) = self.backlog.0.get(&user).and_then(|backlog| backlog.folded) {
            return Ok(folded);
        }
        let found = self.query_row(
            "reading how far names are in the index",
            "SELECT fs_id FROM search_folded WHERE user_no = ?1",
            [Db(user)],
            |row| row.get::<_, Db<FsId>>(0),
        )?;
        Ok(found.map_or(FsId::root(user), |Db(folded)| folded))
    }

    /// Notes an entry that was added. A directory has no name to be found by,
    /// but slices have to get past its id.
    pub(crate) fn note_new_entry(&mut self, entry: &Entry) -> Result<()> {
        let folded = self.note_name(entry.fs_id)?;
        if entry.is_directory() || entry.fs_id > folded {
            return Ok(());
        }
        let sql = "INSERT OR IGNORE INTO search_pending (fs_id) VALUES (?1)";
        self.execute("noting a name for the index", sql, [Db(entry.fs_id)]).map(drop)
    }

    /// Notes a file that is about to be changed, if that is a new name.
    pub(crate) fn note_changed_name(&mut self, fs_id: FsId, name: &str) -> Result<()> {
        if fs_id > self.folded_up_to(fs_id.user())? {
            return Ok(());
        }
        let noted = self.execute(
            "noting a name for the index",
            "INSERT OR IGNORE INTO search_pending (fs_id)
             SELECT fs_id FROM entry WHERE fs_id = ?1 AND ifnull(name, name_key) <> ?2",
            params![Db(fs_id), name],
        )?;
        if noted > 0 {
            self.note_name(fs_id)?;
        }
        Ok(())
    }

    fn note_name(&mut self, fs_id: FsId) -> Result<FsId> {
        let folded = self.folded_up_to(fs_id.user())?;
        let backlog = self.backlog.0.entry(fs_id.user()).or_default();
        backlog.folded = Some(folded);
        backlog.names += 1;
        Ok(folded)
    }

    /// Folds one slice of a user's backlog in the open transaction.
    pub(crate) fn fold_slice(&mut self, user: UserNo) -> Result<Slice> {
        let folded = self.folded_up_to(user)?;
        let renamed = self.renamed_names(user)?;
        let limit = SLICE_NAMES.saturating_sub(renamed.len() as u64);
        let new = self.names_above(folded, user, limit)?;
        let names = (renamed.len() + new.len()) as u64;
        let mut words = String::new();
        // In the order of rowids: what FTS5 can do in one go.
        for (fs_id, name) in renamed.iter().chain(&new).rev() {
            let Some(name) = name else { continue };
            words.clear();
            write_words(&SearchKey::of(name), &mut words);
            self.execute(
                "adding a name to the index",
                "INSERT INTO search_word (rowid, words) VALUES (-?1, ?2)",
                params![Db(*fs_id), words],
            )?;
        }
        if let (Some((first, _)), Some((last, _))) = (renamed.first(), renamed.last()) {
            let sql = "DELETE FROM search_pending WHERE fs_id BETWEEN ?1 AND ?2";
            self.execute("noting names as indexed", sql, [Db(*first), Db(*last)])?;
        }
        let folded = new.last().map_or(folded, |(fs_id, _)| *fs_id);
        self.execute(
            "noting names as indexed",
            "INSERT INTO search_folded (user_no, fs_id) VALUES (?1, ?2)
             ON CONFLICT (user_no) DO UPDATE SET fs_id = excluded.fs_id",
            params![Db(user), Db(folded)],
        )?;
        let merge = "INSERT INTO search_word (search_word, rank) VALUES ('merge', ?1)";
        self.execute("merging the index of names", merge, [MERGED_PAGES])?;
        Ok(Slice { user, folded, names })
    }

    /// Remembers a slice that was committed.
    pub(crate) fn has_folded(&mut self, slice: &Slice) {
        let backlog = self.backlog.0.entry(slice.user).or_default();
        backlog.folded = Some(slice.folded);
        let is_last = slice.names < SLICE_NAMES;
        backlog.names = if is_last { 0 } else { backlog.names.saturating_sub(slice.names) };
    }

    fn renamed_names(&mut self, user: UserNo) -> Result<Vec<(FsId, Option<String>)>> {
        let root = FsId::root(user).get();
        self.query_all(
            "reading names for the index",
            "SELECT pending.fs_id, ifnull(entry.name, entry.name_key)
             FROM search_pending AS pending LEFT JOIN entry USING (fs_id)
             WHERE pending.fs_id > ?1 AND pending.fs_id < ?2 ORDER BY pending.fs_id LIMIT ?3",
            [Db(root), Db(root + ids_per_user()), Db(SLICE_NAMES)],
            |row| Ok((row.get::<_, Db<FsId>>(0)?.0, row.get(1)?)),
        )
    }

    /// Entries above an id, of a directory without its name.
    fn names_above(
        &mut self,
        folded: FsId,
        user: UserNo,
        limit: u64,
    ) -> Result<Vec<(FsId, Option<String>)>> {
        self.query_all(
            "reading names for the index",
            "SELECT fs_id, CASE WHEN content IS NOT NULL THEN ifnull(name, name_key) END
             FROM entry WHERE fs_id > ?1 AND fs_id < ?2 ORDER BY fs_id LIMIT ?3",
            [Db(folded.get()), Db(FsId::root(user).get() + ids_per_user()), Db(limit)],
            |row| Ok((row.get::<_, Db<FsId>>(0)?.0, row.get(1)?)),
        )
    }
}
