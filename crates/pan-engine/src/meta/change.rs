use std::ops::ControlFlow;

use pan_model::{FsId, Rev, Timestamp, UserNo};

use super::Result;

/// How an entry went from a place, as `isdelete` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoneHow {
    /// Moved or renamed away: 1.
    Moved,
    /// Into the recycle bin: −1.
    Recycled,
    /// For good, out of the recycle bin: 1, where nothing lives there now.
    Purged,
}

/// An entry that left a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// The directory it left.
    pub parent: FsId,
    /// The name it had there.
    pub name: String,
    /// The entry.
    pub fs_id: FsId,
    /// Whether it is a directory.
    pub directory: bool,
    /// How it went.
    pub how: GoneHow,
}

/// One row per action: ids, never path strings, so that a row stays true when
/// directories above it move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its place in the user's sequence.
    pub rev: Rev,
    /// What left a place.
    pub gone: Option<Gone>,
    /// What came to a place or changed there.
    pub came: Option<FsId>,
    /// Whether what came is a directory that arrived with content.
    pub unfold: bool,
    /// When; for retention only.
    pub at: Timestamp,
}

/// Reading the change log.
pub trait ChangeRead {
    /// A user's changes after `after`, in order of rev, at most `limit`.
    fn list_changes(
        &mut self,
        user: UserNo,
        after: Rev,
        limit: u64,
        each: &mut dyn FnMut(ChangeRow) -> ControlFlow<()>,
    ) -> Result<()>;
}

/// Writing the change log. Only `ledger` calls this.
pub trait ChangeTxn {
    /// Appends a row; its rev came from `next_rev` in this transaction.
    fn append_change(&mut self, user: UserNo, change: &ChangeRow) -> Result<()>;

    /// Removes changes of a user from the beginning of the log on, until one
    /// that is not older than `before`, at most `limit`. Returns how many. What
    /// is left has no gap, also when the clock has jumped.
    fn trim_changes(&mut self, user: UserNo, before: Timestamp, limit: u64) -> Result<u64>;
}
