use std::ops::ControlFlow;

use pan_model::{FsId, SearchKey, UserNo};

use super::{Entry, Result};

/// What a window of a search wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchQuery {
    /// Whose files.
    pub user: UserNo,
    /// What their names contain, see [`SearchKey::is_in`]. Not empty.
    pub keyword: SearchKey,
    /// Only ids below this one.
    pub before: Option<FsId>,
    /// How many entries to look at, hits or not, about.
    pub limit: u64,
}

/// Finding files by their names.
pub trait SearchRead {
    /// A user's files, live and detached, whose name contains the keyword,
    /// in descending order of their ids: exactly those of this snapshot.
    ///
    /// Returns where the next window begins, as its `before`: `Some` when
    /// `limit` entries were looked at or `each` had enough, `None` when there
    /// is nothing below.
    fn search_files(
        &mut self,
        query: &SearchQuery,
        each: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<Option<FsId>>;

    /// How many entries a whole search would look at, counted up to
    /// `at_most`. An estimate from above.
    fn count_searched(&mut self, user: UserNo, keyword: &SearchKey, at_most: u64) -> Result<u64>;
}
