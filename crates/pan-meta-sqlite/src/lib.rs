//! The embedded metadata engine: SQLite.
//!
//! One thread writes, in groups: all closures that wait run in one
//! transaction, which is committed once, with a full sync, before any of them
//! is answered. Reads are snapshots on connections of their own and never wait
//! for the writer.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `store` | [`SqliteStore`], its options, what it promises |
//! | `queue` `writer` `batch` `log` | how closures that write are run |
//! | `copy` | a copy of the whole database while it is in use |
//! | `reader` | how closures that read are run |
//! | `session` `pending` `known` | one connection at work: its statements, its unwritten sums, what it remembers |
//! | `connection` `schema` | opening a database and bringing it up to date |
//! | `value` `error` | the words of `pan-model` as columns, SQLite's errors as ours |
//! | the others | one feature of the seam each, statement by statement; `listing` and `totals` help `entry`, `search_words` and `search_fold` `search` |
//!
//! No rule lives here: what is allowed, counted or logged is decided in
//! `pan-core`.

mod account;
mod batch;
mod change;
mod connection;
mod content;
mod copy;
mod dump;
mod entry;
mod error;
mod instance;
mod known;
mod listing;
mod log;
mod media;
mod pending;
mod queue;
mod reader;
mod recycle;
mod schema;
mod search;
mod search_fold;
mod search_words;
mod session;
mod staged;
mod store;
mod tmpfile;
mod totals;
mod value;
mod writer;

pub use store::{Options, SqliteStore};
