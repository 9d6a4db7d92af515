use pan_model::{FsId, Timestamp};

use super::Result;

/// The top of a tree that is being built where nobody sees it, or that is
/// invisible and being removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StagedRow {
    /// The detached top entry.
    pub fs_id: FsId,
    /// When the work began.
    pub begun: Timestamp,
    /// Whether it is being removed; otherwise it is being built.
    pub removing: bool,
}

/// Reading staged trees.
pub trait StagedRead {
    /// The note of one staged tree, by its top.
    fn get_staged(&mut self, fs_id: FsId) -> Result<Option<StagedRow>>;

    /// All staged trees, by id, at most `limit`.
    fn list_staged(&mut self, limit: u64) -> Result<Vec<StagedRow>>;
}

/// Changing staged trees.
pub trait StagedTxn {
    /// Notes a detached entry as the top of a staged tree.
    fn insert_staged(&mut self, staged: &StagedRow) -> Result<()>;

    /// Takes the note back: the tree was linked or is gone.
    fn remove_staged(&mut self, fs_id: FsId) -> Result<()>;
}
