//! The embedded byte engine: every blob is a file on the local disk.
//!
//! A blob is written straight to its final name, `<hour>/<random>` in hex
//! below the store's directory, flushed, and then its bucket's directory is
//! flushed: nothing is ever truncated or written twice, and nothing renamed but
//! what is moved into the quarantine. What is promised is in [`pan_engine::BlobStore`]; this crate knows how a file
//! system keeps such promises, and nothing about contents.
//!
//! Everything that may wait for the disk runs on tokio's blocking pool. Reads
//! of bytes that are in memory already are answered where they are asked.

mod blocking;
mod bucket;
mod buckets;
mod cached;
mod delete;
mod error;
mod list;
mod place;
mod quarantine;
mod read;
mod readers;
mod space;
mod store;
mod stored;
mod sync;
mod unfinished;
mod writer;

pub use store::{DiskOptions, DiskStore};
