//! What OpenPan asks of an engine.
//!
//! Two seams: [`BlobStore`] keeps bytes, [`MetaStore`] keeps rows. An engine
//! answers one statement at a time and knows no rule; the rules live in
//! `pan-core` and know no engine. What a seam promises is executable in
//! `pan-conformance`, which every engine must pass.

mod backup;
mod blob;
mod clock;
mod error;
pub mod meta;

pub use backup::{BackupPlace, Backups, StoreId};
pub use blob::{BlobStore, BlobWriter, BoxFuture, MAX_BLOB_BYTES, MAX_CHUNK_BYTES};
pub use clock::{Clock, Entropy, LocalTime};
pub use error::{EngineError, ErrorKind};
pub use meta::{Job, MetaRead, MetaStore, MetaStoreExt, MetaTxn, ReadCost, ReadJob, Scope};
