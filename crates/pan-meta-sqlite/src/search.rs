//! Finding files by their names.
//!
//! Ids above `search_folded` are looked at one by one; below it, the index and
//! the list of renamed files say which to look at. The name of the entry itself
//! decides, so that what the index has from former names and purged files does
//! no harm.

use std::ops::ControlFlow;

use pan_engine::meta::{Entry, Result, SearchQuery, SearchRead};
use pan_model::{FsId, SearchKey, UserNo};
use rusqlite::{Row, params};

use crate::entry::{entry_columns, entry_row};
use crate::search_words::WordsQuery;
use crate::session::Session;
use crate::value::{Db, at_most, ids_per_user};

/// So many of the newest names are looked at before the index gathers all hits
/// of a short keyword, which takes up to 70 ms among a million.
const NEWEST_FIRST: u64 = 1_000;
/// With so many hits among them, looking on is the faster way.
const NEWEST_HITS: u64 = 20;

impl SearchRead for Session<'_> {
    fn search_files(
        &mut self,
        query: &SearchQuery,
        each: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<Option<FsId>> {
        let folded = self.folded_up_to(query.user)?.get();
        let (root, end) = range(query);
        let mut window = Window::new(&query.keyword, query.limit, each);
        self.scan_names(folded + 1, end, &mut window)?;
        if window.is_full() {
            return Ok(window.last);
        }
        let mut end = end.min(folded + 1);
        let words = WordsQuery::of(&query.keyword);
        if words.is_beginning {
            let mut newest = window.narrowed(NEWEST_FIRST);
            self.scan_names(root, end, &mut newest)?;
            let (is_full, is_dense) = (newest.is_full(), newest.hits >= NEWEST_HITS);
            let (last, is_stopped) = (newest.last, newest.is_stopped);
            if !is_full {
                return Ok(None);
            }
            if is_dense || is_stopped {
                return Ok(last);
            }
            end = last.map_or(end, FsId::get);
        }
        self.search_index(&words, root, end, &mut window)?;
        Ok(window.last.filter(|_| window.is_full()))
    }

    fn count_searched(&mut self, user: UserNo, keyword: &SearchKey, most: u64) -> Result<u64> {
        let words = WordsQuery::of(keyword);
        if words.is_beginning {
            // Counting would cost as much as gathering.
            return Ok(most);
        }
        let folded = self.folded_up_to(user)?.get();
        let root = FsId::root(user).get();
        let unfolded = self.query_row(
            "counting names",
            "SELECT count(*) FROM
             (SELECT 1 FROM entry WHERE fs_id > ?1 AND fs_id < ?2 LIMIT ?3)",
            params![Db(folded), Db(root + ids_per_user()), at_most(most)],
            |row| row.get::<_, Db<u64>>(0),
        )?;
        let unfolded = unfolded.map_or(0, |Db(count)| count);
        let indexed = self.query_row(
            "counting names in the index",
            "SELECT count(*) FROM
             (SELECT 1 FROM search_word WHERE search_word MATCH ?1
              AND rowid <= -?2 AND rowid > -?3 LIMIT ?4)",
            params![
                words.expression,
                Db(root),
                Db(root + ids_per_user()),
                at_most(most.saturating_sub(unfolded))
            ],
            |row| row.get::<_, Db<u64>>(0),
        )?;
        Ok(unfolded + indexed.map_or(0, |Db(count)| count))
    }
}

/// The ids to search among: from the first on, below the second.
fn range(query: &SearchQuery) -> (u64, u64) {
    let root = FsId::root(query.user).get();
    let end = root + ids_per_user();
    (root, query.before.map_or(end, |before| before.get().min(end)))
}

impl Session<'_> {
    /// Looks at the entries of a range one by one, the newest first.
    fn scan_names(&mut self, from: u64, end: u64, window: &mut Window<'_>) -> Result<()> {
        if from >= end || window.is_full() {
            return Ok(());
        }
        let keyword = window.keyword;
        self.query_each(
            "looking for a name among the newest",
            concat!(
                "SELECT ",
                entry_columns!(),
                ", entry.fs_id FROM entry
                 WHERE fs_id >= ?1 AND fs_id < ?2 ORDER BY fs_id DESC LIMIT ?3"
            ),
            params![Db(from), Db(end), at_most(window.left())],
            |row| candidate(row, keyword),
            |(fs_id, hit), _| window.look_at(fs_id, hit),
        )
    }

    /// Looks at the entries that the index and the list of renamed files name,
    /// both the newest first.
    fn search_index(
        &mut self,
        words: &WordsQuery,
        from: u64,
        end: u64,
        window: &mut Window<'_>,
    ) -> Result<()> {
        let keyword = window.keyword;
        let mut renamed = self.renamed_hits(from, end, keyword)?.into_iter().peekable();
        self.query_each(
            "looking for a name in the index",
            concat!(
                "SELECT ",
                entry_columns!(),
                ", -search_word.rowid FROM search_word
                 LEFT JOIN entry ON entry.fs_id = -search_word.rowid
                 WHERE search_word MATCH ?1
                 AND search_word.rowid <= -?2 AND search_word.rowid > -?3
                 ORDER BY search_word.rowid LIMIT ?4"
            ),
            params![words.expression, Db(from), Db(end), at_most(window.left())],
            |row| candidate(row, keyword),
            |(fs_id, hit), _| {
                while let Some(newer) = renamed.next_if(|entry| entry.fs_id > fs_id) {
                    window.look_at(newer.fs_id, Some(newer))?;
                }
                renamed.next_if(|entry| entry.fs_id == fs_id);
                window.look_at(fs_id, hit)
            },
        )?;
        for entry in renamed {
            if window.is_full() || window.look_at(entry.fs_id, Some(entry)).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The hits among renamed files; the writer keeps their number small.
    fn renamed_hits(&mut self, from: u64, end: u64, keyword: &SearchKey) -> Result<Vec<Entry>> {
        let looked_at = self.query_all(
            "looking for a name among renamed files",
            concat!(
                "SELECT ",
                entry_columns!(),
                ", entry.fs_id FROM search_pending JOIN entry USING (fs_id)
                 WHERE search_pending.fs_id >= ?1 AND search_pending.fs_id < ?2
                 ORDER BY search_pending.fs_id DESC"
            ),
            [Db(from), Db(end)],
            |row| candidate(row, keyword),
        )?;
        Ok(looked_at.into_iter().filter_map(|(_, hit)| hit).collect())
    }
}

/// One row: its id, and the entry when it is there, a file, and a hit.
fn candidate(row: &Row<'_>, keyword: &SearchKey) -> rusqlite::Result<(FsId, Option<Entry>)> {
    let Db(fs_id) = row.get::<_, Db<FsId>>(12)?;
    if row.get_ref(7)?.as_i64_or_null()?.is_none() {
        return Ok((fs_id, None));
    }
    let name = match row.get_ref(3)?.as_str_or_null()? {
        Some(spelling) => spelling,
        None => row.get_ref(2)?.as_str()?,
    };
    Ok((fs_id, if keyword.is_in(name) { Some(entry_row(row)?) } else { None }))
}

/// A window under way.
struct Window<'a> {
    keyword: &'a SearchKey,
    limit: u64,
    looked_at: u64,
    hits: u64,
    /// The last entry that was looked at: the next window begins below it.
    last: Option<FsId>,
    is_stopped: bool,
    each: &'a mut dyn FnMut(Entry) -> ControlFlow<()>,
}

impl<'a> Window<'a> {
    fn new(
        keyword: &'a SearchKey,
        limit: u64,
        each: &'a mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Self {
        Self { keyword, limit, looked_at: 0, hits: 0, last: None, is_stopped: false, each }
    }

    /// The same with a smaller limit.
    fn narrowed(&mut self, limit: u64) -> Window<'_> {
        Window::new(self.keyword, limit.min(self.left()), self.each)
    }

    fn left(&self) -> u64 {
        self.limit.saturating_sub(self.looked_at)
    }

    fn is_full(&self) -> bool {
        self.is_stopped || self.left() == 0
    }

    fn look_at(&mut self, fs_id: FsId, hit: Option<Entry>) -> ControlFlow<()> {
        self.looked_at += 1;
        self.last = Some(fs_id);
        let Some(entry) = hit else { return ControlFlow::Continue(()) };
        self.hits += 1;
        let end = (self.each)(entry);
        self.is_stopped = end.is_break();
        end
    }
}
