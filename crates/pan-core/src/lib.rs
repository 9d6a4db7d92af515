//! The rules of OpenPan: what each PCS verb means.
//!
//! [`Pan`] is the façade, one method per verb, one file per feature. Rules
//! that touch rows are synchronous functions over a transaction; only bytes
//! are asynchronous. Nothing here knows HTTP, SQL, JSON or a file system;
//! time and randomness are handed in.

mod account;
mod below;
mod bulk_upload;
mod content;
mod copy;
mod delete;
mod diff;
mod download;
mod dump;
mod error;
mod gather;
mod ledger;
mod list;
mod maintenance;
mod media;
mod media_source;
mod meta;
mod mkdir;
mod move_entry;
mod newcopy;
mod pan;
mod pool;
mod quota;
mod rapid_upload;
mod read;
mod receive;
mod recycle;
mod seal;
mod search;
mod streaming;
mod superfile;
mod thumbnail;
mod tmpfile;
mod tree;
mod upload;
mod worker;

pub use account::TokenSpec;
pub use bulk_upload::PendingUpload;
pub use diff::{Change, Departure, DiffPage};
pub use download::Download;
pub use dump::{DUMP_SLICE, Dump, DumpRow};
pub use error::{BodyError, Error, Result};
pub use list::Listing;
pub use maintenance::{
    BackupReport, CheckReport, CollectReport, Damage, Damages, Progress, ScrubReport,
};
pub use media::{MEDIA_PAGE_MAX, MediaPage};
pub use meta::Described;
pub use pan::{Engines, Pan, RapidUploadScope, Settings};
pub use pan_engine::ErrorKind as EngineErrorKind;
pub use pan_engine::meta::{
    ColumnKind, DUMP_TABLES, DumpColumn, DumpTable, DumpValue, Entry, GoneHow, UserRow,
};
pub use pan_engine::{ImageKind, MediaError, Timeline};
pub use quota::QuotaInfo;
pub use read::ContentReader;
pub use receive::Received;
pub use recycle::{RecycleListing, RecycledEntry};
pub use search::Search;
pub use streaming::Stream;
pub use superfile::{Merge, Merged};
pub use thumbnail::MadeThumbnail;
pub use tree::Located;
pub use upload::MAX_UPLOAD;
pub use worker::{Worker, WorkerStatus, run_workers};
