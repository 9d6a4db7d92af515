//! OpenPan as its users meet it: the server binary, over HTTP and the command
//! line.
//!
//! One binary with a runner of its own, so that the promises of
//! `pan-conformance` show by name and share one server. Everything that ran
//! on that server ends in `openpan check --read-data`.
//!
//! `OPENPAN_TEST_UPDATE` writes `docs/tour.md` anew, as it is seen now.
//! `OPENPAN_TEST_SEED` repeats the programs of the model and the crash test,
//! `OPENPAN_TEST_MODEL_PROGRAMS` and `OPENPAN_TEST_CRASH_ROUNDS` ask for more
//! of them (`OPENPAN_TEST_SYNC_SEEDS` of `pan sync`); `OPENPAN_TEST_PYTHON` and `OPENPAN_TEST_BAIDUPCS` say where the
//! old clients are (`cargo xtask test` puts them into `target/pyenv`),
//! `OPENPAN_TEST_HLS_JS` where hls.js is (`target/hlsjs`).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test passes, or it panics")]

mod admin;
mod backup;
mod bad_input;
mod bad_network;
mod browser;
mod check_trees;
mod cli;
mod clients;
mod commands;
mod completion;
mod configuration;
mod cors;
mod crash;
mod damage;
mod dump;
mod examples;
mod faults;
mod feed;
mod filters;
mod globs;
mod going_on;
mod hands;
mod in_hand;
mod invariants;
mod link;
mod man;
mod many_files;
mod media_commands;
mod mistakes;
mod model;
mod person;
mod proxy;
mod purge;
mod put_get;
mod rapid_put;
mod relay;
mod resume;
mod running_download;
mod scrub;
mod security;
mod server;
mod shared;
mod stream_links;
mod streaming;
mod sync;
mod terminal;
mod thumb_play;
mod tour;
mod tree_du_df;
mod trust;
mod workers;
mod workload;
mod world;

use libtest_mimic::{Arguments, Trial};

/// Names the tests of a module. One that is not named here is dead code, and
/// the compiler says so.
macro_rules! tests {
    ($($test:ident),* $(,)?) => {
        pub(crate) fn tests() -> Vec<libtest_mimic::Trial> {
            let module = module_path!().trim_start_matches("it::");
            vec![$(libtest_mimic::Trial::test(
                format!("{module}::{}", stringify!($test)),
                || { $test(); Ok(()) },
            )),*]
        }
    };
}
pub(crate) use tests;

fn main() {
    let mut arguments = Arguments::from_args();
    // Much of the time is spent waiting for the disk and for timeouts.
    arguments.test_threads.get_or_insert(4);
    let modules: &[fn() -> Vec<Trial>] = &[
        // The longest first: it waits for timeouts.
        security::tests,
        crash::tests,
        streaming::tests,
        browser::tests,
        many_files::tests,
        clients::tests,
        faults::tests,
        going_on::tests,
        model::tests,
        feed::tests,
        sync::tests,
        admin::tests,
        backup::tests,
        bad_input::tests,
        check_trees::tests,
        cli::tests,
        commands::tests,
        completion::tests,
        configuration::tests,
        cors::tests,
        damage::tests,
        dump::tests,
        examples::tests,
        filters::tests,
        globs::tests,
        invariants::tests,
        man::tests,
        media_commands::tests,
        mistakes::tests,
        purge::tests,
        put_get::tests,
        rapid_put::tests,
        resume::tests,
        running_download::tests,
        scrub::tests,
        stream_links::tests,
        terminal::tests,
        thumb_play::tests,
        tour::tests,
        tree_du_df::tests,
        trust::tests,
        workers::tests,
        shared::tests,
    ];
    let trials = modules.iter().flat_map(|tests| tests()).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    shared::check_and_stop();
    conclusion.exit();
}
