//! What OpenPan asks of an engine.
//!
//! Three seams: [`BlobStore`] keeps bytes, [`MetaStore`] keeps rows,
//! [`MediaEngine`] makes smaller pictures and watchable video of them. An engine
//! answers one statement at a time and knows no rule; the rules live in
//! `pan-core` and know no engine. What a seam promises is executable in
//! `pan-conformance`, which every engine must pass.

mod backup;
mod blob;
mod clock;
mod error;
mod media_engine;
pub mod meta;

pub use backup::{BackupPlace, Backups, StoreId};
pub use blob::{BlobStore, BlobWriter, BoxFuture, MAX_BLOB_BYTES, MAX_CHUNK_BYTES};
pub use clock::{Clock, Entropy, LocalTime};
pub use error::{EngineError, ErrorKind};
pub use media_engine::{
    ImageKind, MediaEngine, MediaError, MediaSource, NoMedia, Piece, SourceKey, Thumbnail,
    Timeline, Viewer,
};
pub use meta::{Job, MetaRead, MetaStore, MetaStoreExt, MetaTxn, ReadCost, ReadJob, Scope};
