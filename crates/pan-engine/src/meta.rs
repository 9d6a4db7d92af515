//! The seam to rows: transactions that are shipped to the engine.
//!
//! A rule is a synchronous closure over a transaction. The engine decides
//! where and with whom it runs: SQLite runs all waiting closures in one
//! transaction on its writer thread and commits once. Every method is one
//! statement that returns rows; the stories are in `pan-core`.

mod account;
mod change;
mod content;
mod dump;
mod entry;
mod instance;
mod job;
mod media;
mod recycle;
mod search;
mod staged;
mod tmpfile;

pub use account::{
    AccountRead, AccountTxn, NewUser, TokenHash, TokenRow, Usage, UsageDelta, UserRow,
};
pub use change::{ChangeRead, ChangeRow, ChangeTxn, Gone, GoneHow};
pub use content::{
    BlobRow, ContentKind, ContentRead, ContentRow, ContentState, ContentTxn, NewContent,
};
pub use dump::{ColumnKind, DUMP_TABLES, DumpColumn, DumpRead, DumpTable, DumpTxn, DumpValue};
pub use entry::{
    ChildrenQuery, Entry, EntryKind, EntryRead, EntryTxn, FileFacts, ListedAfter, Totals,
    TotalsDelta,
};
pub use instance::{InstanceRead, InstanceTxn};
pub use job::{Job, JobEnd, MetaStore, MetaStoreExt, ReadCost, ReadJob, Scope};
pub use media::{MediaPlace, MediaRead};
pub use recycle::{RecycleRead, RecycleTxn, Recycled};
pub use search::{SearchQuery, SearchRead};
pub use staged::{StagedRead, StagedRow, StagedTxn};
pub use tmpfile::{TmpfileKey, TmpfileRead, TmpfileRow, TmpfileTxn};

use crate::EngineError;

/// What every method of this seam returns.
pub type Result<T> = std::result::Result<T, EngineError>;

/// Everything that can be read in one snapshot.
///
/// Rows come out owned; long lists come through a callback that can stop.
pub trait MetaRead:
    AccountRead
    + ChangeRead
    + ContentRead
    + DumpRead
    + EntryRead
    + InstanceRead
    + MediaRead
    + RecycleRead
    + SearchRead
    + StagedRead
    + TmpfileRead
{
}

/// Everything that can be done in one transaction. It sees its own writes.
pub trait MetaTxn:
    MetaRead
    + AccountTxn
    + ChangeTxn
    + ContentTxn
    + DumpTxn
    + EntryTxn
    + InstanceTxn
    + RecycleTxn
    + StagedTxn
    + TmpfileTxn
{
    /// The trait object for code that only reads.
    fn as_read(&mut self) -> &mut dyn MetaRead;
}
