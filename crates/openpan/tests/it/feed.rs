//! The change feed: pages that are applied in order end in exactly what a
//! recursive listing gives, whatever happens meanwhile (G13, T7).
//!
//! `program` runs random programs with readers of several roots on any
//! `Storage`: in one process, with pages of one to six entries, and over HTTP.
//! The same programs catch a feed that lacks one of its rules, so that what
//! they prove means something.

mod crowd;
mod in_process;
mod limits;
mod over_http;
mod program;
mod sabotage;
mod storage;

pub(crate) fn tests() -> Vec<libtest_mimic::Trial> {
    [crowd::tests(), limits::tests(), over_http::tests(), program::tests(), sabotage::tests()]
        .into_iter()
        .flatten()
        .collect()
}
