//! What PCS promises over HTTP, as functions: run them against any server.
//!
//! A promise is a small named function that gets a server and a fresh user.
//! It panics when the promise is broken. Section numbers are those of the
//! protocol book; expected values come from it, and digests from libraries
//! that the server does not use, so that nothing is checked against itself.
//! Starting a server and running the promises is the caller's part.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a promise is kept, or it panics")]

mod authority;
mod batch;
mod bodies;
mod bulk_body;
mod bulk_upload;
mod call;
mod client;
mod content_md5;
mod copying;
mod deleting;
mod diffing;
pub mod digest;
mod downloading;
mod encoding;
mod golden;
mod headers;
mod limits;
mod listing;
mod md5_style;
mod media_lists;
mod meta;
mod moving;
mod names;
mod ondup;
mod parts;
mod paths;
mod pattern;
mod quota;
mod ranges;
mod rapid_probe;
mod rapid_upload;
mod recycle;
mod reply;
mod searching;
mod smuggling;
mod stories;
mod streaming;
mod superfile;
mod target;
mod thumbnails;
mod tokens;
mod told_digests;
mod transport;
mod twins;
pub mod wire;

pub use bulk_body::{BulkItem, bulk_body};
pub use call::{Call, Carrier, Credential};
pub use client::{Client, name_of};
pub use encoding::{BOUNDARY, Part, encode};
pub use reply::Reply;
pub use target::{Accounts, DEMO, Target, TokenSpec};

/// One promise.
pub struct Promise {
    /// `module::name`, as it shows in the output of a test run.
    pub name: String,
    /// Keeps quiet, or panics.
    pub run: Box<dyn Fn(&Target<'_>) + Send + Sync>,
}

/// Names the promises of a module. One that is not named here is dead code,
/// and the compiler says so.
macro_rules! keep {
    ($($promise:ident),* $(,)?) => {
        pub(super) fn promises() -> Vec<super::Promise> {
            let module = module_path!().rsplit("::").next().unwrap_or_default();
            vec![$(super::Promise {
                name: format!("{module}::{}", stringify!($promise)),
                run: Box::new($promise),
            }),*]
        }
    };
}
use keep;

/// All promises.
pub fn promises() -> Vec<Promise> {
    let modules = [
        authority::promises,
        batch::promises,
        bodies::promises,
        bulk_upload::promises,
        content_md5::promises,
        copying::promises,
        deleting::promises,
        diffing::promises,
        downloading::promises,
        headers::promises,
        limits::promises,
        listing::promises,
        md5_style::promises,
        media_lists::promises,
        meta::promises,
        moving::promises,
        names::promises,
        ondup::promises,
        parts::promises,
        paths::promises,
        quota::promises,
        ranges::promises,
        rapid_probe::promises,
        rapid_upload::promises,
        recycle::promises,
        searching::promises,
        smuggling::promises,
        stories::promises,
        streaming::promises,
        superfile::promises,
        thumbnails::promises,
        told_digests::promises,
        tokens::promises,
        transport::promises,
        twins::promises,
    ];
    modules.iter().flat_map(|module| module()).collect()
}
