//! The promises of `pan-conformance` on one server, each with a user of its own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use libtest_mimic::Trial;
use pan_conformance::pcs::{self, Target};
use tempfile::TempDir;

use crate::server::{CommandLine, Server, empty_directory};

struct Shared {
    directory: TempDir,
    server: Server,
}

/// Started by the first test that asks for it.
static SHARED: Mutex<Option<Shared>> = Mutex::new(None);
static USERS: AtomicU64 = AtomicU64::new(1);

/// A trial for every promise.
pub(crate) fn tests() -> Vec<Trial> {
    let promises = pcs::promises().into_iter();
    promises
        .map(|promise| {
            let run = promise.run;
            Trial::test(format!("pcs::{}", promise.name), move || {
                with_target(|target| run(target));
                Ok(())
            })
        })
        .collect()
}

/// Runs a test on the shared server, with a user of its own.
pub(crate) fn with_target(test: impl FnOnce(&Target<'_>)) {
    with_quota(None, test);
}

/// The same, and the user has a quota.
pub(crate) fn with_quota(quota: Option<u64>, test: impl FnOnce(&Target<'_>)) {
    let (data, address) = {
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let shared = shared.get_or_insert_with(|| {
            let directory = empty_directory();
            Shared { server: Server::start(&directory.path().join("data")), directory }
        });
        (shared.directory.path().join("data"), shared.server.address.clone())
    };
    let accounts = CommandLine(&data);
    let user = format!("user{}", USERS.fetch_add(1, Ordering::Relaxed));
    test(&Target::with_quota(&address, &accounts, &user, quota));
}

/// After all tests: whatever they did, everything still holds.
pub(crate) fn check_and_stop() {
    let shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    if let Some(Shared { server, directory }) = shared {
        server.check();
        server.stop();
        drop(directory);
    }
}
