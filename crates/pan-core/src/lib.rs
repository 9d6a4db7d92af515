//! The rules of OpenPan: what each PCS verb means.
//!
//! [`Pan`] is the façade, one method per verb, one file per feature. Rules
//! that touch rows are synchronous functions over a transaction; only bytes
//! are asynchronous. Nothing here knows HTTP, SQL, JSON or a file system;
//! time and randomness are handed in.

mod account;
mod content;
mod copy;
mod delete;
mod download;
mod dump;
mod error;
mod ledger;
mod list;
mod maintenance;
mod meta;
mod mkdir;
mod move_entry;
mod newcopy;
mod pan;
mod pool;
mod quota;
mod read;
mod receive;
mod superfile;
mod tmpfile;
mod tree;
mod upload;
mod worker;

pub use account::TokenSpec;
pub use download::Download;
pub use dump::{DUMP_SLICE, Dump, DumpRow};
pub use error::{BodyError, Error, Result};
pub use list::Listing;
pub use maintenance::{BackupReport, CheckReport, CollectReport, Damage, Progress, ScrubReport};
pub use meta::Described;
pub use pan::{Engines, Pan, Settings};
pub use pan_engine::ErrorKind as EngineErrorKind;
pub use pan_engine::meta::{
    ColumnKind, DUMP_TABLES, DumpColumn, DumpTable, DumpValue, Entry, UserRow,
};
pub use quota::QuotaInfo;
pub use read::ContentReader;
pub use receive::Received;
pub use superfile::Merge;
pub use tree::Located;
pub use upload::MAX_UPLOAD;
pub use worker::{Worker, WorkerStatus, run_workers};
