//! A device that fails under a commit: nobody is acknowledged, nothing more is
//! written, and the next process finds what was acknowledged before.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::given::{add_body, put};
use pan_engine::{ErrorKind, MetaStoreExt, ReadCost, Scope};
use pan_meta_sqlite::{Options, SqliteStore};
use pan_model::{ContentId, UserNo};

const A: Scope = Scope::User(UserNo(1));
const DIRECTORY: &str = "PAN_TEST_DEVICE_FAILURE";

/// Runs [`the_failing_process`] under a limit on the size of files. Beyond it
/// every write is an I/O error, to SQLite as to anybody.
#[tokio::test]
async fn a_failing_device_ends_the_writer() {
    let directory = tempfile::tempdir().unwrap();
    let limited = "trap '' XFSZ; ulimit -f 4000; exec \"$0\" --exact device_failure::the_failing_process --ignored";
    let child = Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .env(DIRECTORY, directory.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));

    let acknowledged = std::fs::read_to_string(directory.path().join("acknowledged")).unwrap();
    let store = open(directory.path(), Options::default());
    let last = ContentId(acknowledged.parse().unwrap());
    assert!(last > ContentId(10));
    for id in 1..=last.0 {
        let body = store.read(ReadCost::Bounded, move |rows| rows.get_body(ContentId(id)));
        let body: Result<_, pan_engine::EngineError> = body.await;
        assert_eq!(body.unwrap().unwrap().len(), 50_000);
    }
    store.write(A, put(1)).await.unwrap();
}

#[tokio::test]
#[ignore = "run by a_failing_device_ends_the_writer"]
async fn the_failing_process() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let (tell, told) = std::sync::mpsc::channel();
    let on_device_failure = Arc::new(move |error: &pan_engine::EngineError| {
        let _ = tell.send(error.to_string());
    });
    let store = open(&directory, Options { on_device_failure, ..Options::default() });
    let mut acknowledged = ContentId(0);
    let failed = loop {
        match store.write(A, add_body(50_000)).await {
            Ok(id) => acknowledged = id,
            Err(error) => break error,
        }
    };
    // Not that it did not fit: that it is unknown.
    assert_eq!(failed.kind(), ErrorKind::Failed);
    assert!(told.recv_timeout(Duration::from_secs(10)).unwrap().contains("committing"));
    // Nobody is told anything but that the engine has stopped.
    assert_eq!(store.write(A, put(1)).await.unwrap_err().kind(), ErrorKind::Failed);
    std::fs::write(directory.join("acknowledged"), acknowledged.0.to_string()).unwrap();
}

fn open(directory: &Path, options: Options) -> SqliteStore {
    SqliteStore::open(&directory.join("meta.db"), options).unwrap()
}
