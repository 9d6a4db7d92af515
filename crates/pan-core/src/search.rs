//! Searching files by their names (pcs-rest 4.13), newest first.
//!
//! The engine's index is asked first. When it has more to look at than the
//! directory has entries, the directory is gone through instead.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use pan_engine::meta::{Entry, SearchQuery};
use pan_engine::{MetaRead, MetaStoreExt, ReadCost};
use pan_model::{Caller, FsId, PanPath, SearchKey, Window};

use crate::below::Below;
use crate::gather::GATHERED_MAX;
use crate::tree::{Located, authorize, find, look_up};
use crate::{Error, Pan, Result};

/// Names that one snapshot looks at.
const WINDOW_NAMES: u64 = 5_000;
/// Hits that the first one takes at least: some of them may lie elsewhere.
const FIRST_HITS_MIN: u64 = 100;
/// After so many windows without a hit a search is given up: two million names.
const FRUITLESS_WINDOWS_MAX: u32 = 400;
/// After so long without a hit, on a machine that is slow or busy.
const FRUITLESS_TIME_MAX: Duration = Duration::from_secs(10);

/// A search under way. Each window is one snapshot.
pub struct Search {
    pan: Pan,
    caller: Caller,
    scope: Option<Scope>,
    keyword: SearchKey,
    plan: Plan,
    skip: u64,
    left: u64,
    fruitless: u32,
    /// When there was the last hit, or the beginning, by the uptime.
    last_hit: Duration,
}

/// Where to search.
#[derive(Clone, Copy)]
struct Scope {
    directory: FsId,
    /// Not only among its direct children.
    deep: bool,
    /// How much lies below it.
    entries: u64,
}

/// How to find what is below `before`.
enum Plan {
    /// By the index; `is_first` until it is known whether that is the best.
    Index { before: Option<FsId>, is_first: bool },
    /// These were hits when the directory was gone through; the next is last.
    Gathered(Vec<FsId>),
}

/// What one window found, and where the next begins.
struct Found {
    hits: Vec<Located>,
    rest: Option<Plan>,
}

impl Pan {
    /// Begins a search for files below a directory, or, unless `deep`, in it.
    /// A file has none; the caller's own root is empty when it was never made.
    ///
    /// # Errors
    /// [`Error::OutsideRoot`], [`Error::NameInvalid`], [`Error::NotFound`].
    pub async fn search(
        &self,
        caller: &Caller,
        path: &PanPath,
        keyword: &str,
        deep: bool,
        window: Window,
    ) -> Result<Search> {
        let (asking, path) = (caller.clone(), path.clone());
        let look = move |read: &mut dyn MetaRead| {
            authorize(&asking, &path)?;
            let is_own_root = path.depth() == asking.root.depth();
            if is_own_root && find(read, asking.user, &path)?.is_none() {
                return Ok(None);
            }
            let entry = look_up(read, &asking, &path)?.entry;
            if !entry.is_directory() {
                return Ok(None);
            }
            let (directory, entries) = (entry.fs_id, read.get_totals(entry.fs_id)?.entries);
            Ok::<_, Error>(Some(Scope { directory, deep, entries }))
        };
        let keyword = SearchKey::of(keyword);
        let scope = match keyword.as_str() {
            "" => None,
            _ => self.meta().read(ReadCost::Bounded, look).await?,
        };
        Ok(Search {
            pan: self.clone(),
            caller: caller.clone(),
            scope,
            keyword,
            plan: Plan::Index { before: None, is_first: true },
            skip: window.start,
            left: window.len(),
            fruitless: 0,
            last_hit: self.clock().uptime(),
        })
    }
}

impl Search {
    /// The next files; none at the end.
    ///
    /// # Errors
    /// [`Error::SearchTooLong`], and those of the engine.
    pub async fn next_window(&mut self) -> Result<Vec<Located>> {
        while let (Some(scope), 1..) = (self.scope, self.left) {
            let plan = std::mem::replace(&mut self.plan, Plan::Gathered(Vec::new()));
            let mut found = match plan {
                Plan::Index { before, is_first } => self.ask_index(scope, before, is_first).await?,
                Plan::Gathered(ids) => self.look_again(scope, ids).await?,
            };
            self.count(found.hits.len())?;
            match found.rest.take() {
                Some(rest) => self.plan = rest,
                None => self.scope = None,
            }
            let skipped = self.skip.min(found.hits.len() as u64);
            self.skip -= skipped;
            let hits: Vec<_> = found.hits.drain(skipped as usize..).collect();
            self.left -= hits.len() as u64;
            if !hits.is_empty() {
                return Ok(hits);
            }
        }
        Ok(Vec::new())
    }

    /// How many more hits the caller wants, those to skip included.
    fn wanted(&self) -> u64 {
        self.skip.saturating_add(self.left).min(WINDOW_NAMES)
    }

    fn count(&mut self, hits: usize) -> Result<()> {
        let now = self.pan.clock().uptime();
        if hits > 0 {
            (self.fruitless, self.last_hit) = (0, now);
            return Ok(());
        }
        self.fruitless += 1;
        let is_slow = now.saturating_sub(self.last_hit) > FRUITLESS_TIME_MAX;
        match self.fruitless > FRUITLESS_WINDOWS_MAX || is_slow {
            true => Err(Error::SearchTooLong),
            false => Ok(()),
        }
    }

    async fn ask_index(&self, scope: Scope, before: Option<FsId>, is_first: bool) -> Result<Found> {
        let (caller, keyword) = (self.caller.clone(), self.keyword.clone());
        let wanted = self.wanted();
        let enough = if is_first { wanted.max(FIRST_HITS_MIN) } else { WINDOW_NAMES };
        let user = caller.user;
        let look = move |read: &mut dyn MetaRead| {
            let Some(mut below) = Below::new(read, &caller, scope.directory, "")? else {
                return Ok(None);
            };
            let query = SearchQuery { user, keyword, before, limit: WINDOW_NAMES };
            let mut candidates = Vec::new();
            let mut rest = read.search_files(&query, &mut |entry| {
                if scope.deep || entry.parent == Some(scope.directory) {
                    candidates.push(entry);
                }
                let is_enough = candidates.len() as u64 >= enough;
                if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            let mut hits = Vec::new();
            for entry in candidates {
                let fs_id = entry.fs_id;
                let path = below.locate(read, &entry)?;
                hits.extend(path.map(|path| Located { path, entry }));
                if hits.len() as u64 == wanted {
                    rest = Some(fs_id);
                    break;
                }
            }
            Ok::<_, Error>(Some((hits, rest)))
        };
        let Some((hits, rest)) = self.pan.meta().read(ReadCost::Long, look).await? else {
            return Ok(Found { hits: Vec::new(), rest: None });
        };
        let Some(before) = rest else { return Ok(Found { hits, rest: None }) };
        let is_done = hits.len() as u64 == wanted;
        let gathered = match is_first && !is_done {
            true => self.gather_instead(scope, before).await?,
            false => None,
        };
        let on = Plan::Index { before: Some(before), is_first: is_first && is_done };
        Ok(Found { hits, rest: Some(gathered.map_or(on, Plan::Gathered)) })
    }

    /// Goes through the directory when that is less work than the rest of the
    /// index.
    async fn gather_instead(&self, scope: Scope, before: FsId) -> Result<Option<Vec<FsId>>> {
        if scope.deep && scope.entries > GATHERED_MAX {
            return Ok(None);
        }
        // Its children are no more than all that lies below it.
        let at_most = scope.entries.min(GATHERED_MAX);
        let (user, keyword) = (self.caller.user, self.keyword.clone());
        let count =
            move |read: &mut dyn MetaRead| Ok(read.count_searched(user, &keyword, at_most)?);
        let searched = self.pan.meta().read::<_, Error, _>(ReadCost::Long, count).await?;
        if searched < at_most && scope.deep {
            return Ok(None);
        }
        let keyword = self.keyword.clone();
        let pick = Arc::new(move |file: &Entry| {
            (file.fs_id < before && keyword.is_in(&file.name)).then_some(file.fs_id)
        });
        let rows_max = if scope.deep { 2 * GATHERED_MAX } else { searched + 1 };
        let gathered = self.pan.gather(scope.directory, scope.deep, rows_max, pick).await?;
        Ok(gathered.map(|mut ids| {
            ids.sort_unstable();
            ids.dedup();
            ids
        }))
    }

    /// Looks at the next of the gathered hits: whether they still are.
    async fn look_again(&self, scope: Scope, mut ids: Vec<FsId>) -> Result<Found> {
        let rest = ids.len().saturating_sub(self.wanted() as usize);
        let next = ids.split_off(rest);
        let (caller, keyword) = (self.caller.clone(), self.keyword.clone());
        let look = move |read: &mut dyn MetaRead| {
            let mut hits = Vec::new();
            let Some(mut below) = Below::new(read, &caller, scope.directory, "")? else {
                return Ok(hits);
            };
            for fs_id in next.into_iter().rev() {
                let Some(entry) = read.get_entry(fs_id)? else { continue };
                let is_near = scope.deep || entry.parent == Some(scope.directory);
                if is_near && keyword.is_in(&entry.name) {
                    let path = below.locate(read, &entry)?;
                    hits.extend(path.map(|path| Located { path, entry }));
                }
            }
            Ok::<_, Error>(hits)
        };
        let hits = self.pan.meta().read(ReadCost::Long, look).await?;
        Ok(Found { hits, rest: (!ids.is_empty()).then_some(Plan::Gathered(ids)) })
    }
}
