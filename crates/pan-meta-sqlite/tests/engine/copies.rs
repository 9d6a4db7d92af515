//! Copies of a database in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pan_engine::{EngineError, MetaStoreExt, MetaTxn, Scope};
use pan_meta_sqlite::{Options, SqliteStore};
use pan_model::UserNo;
use tokio::task::JoinSet;

use crate::given::{Opened, add_body, put};

const A: Scope = Scope::User(UserNo(1));

/// Everything that was acknowledged before is in it, and who writes meanwhile
/// waits for steps only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_made_beside_changes() {
    let opened = Opened::new();
    opened.add_directories(10).await;
    for _ in 0..60 {
        opened.write(A, add_body(1_000_000)).await.unwrap();
    }
    let (done, written) = (AtomicBool::new(false), AtomicU64::new(0));
    let copy = opened.path().with_file_name("copy.db");
    let writing = async {
        let mut longest = Duration::ZERO;
        while !done.load(Ordering::SeqCst) {
            let number = written.fetch_add(1, Ordering::SeqCst);
            let begun = Instant::now();
            opened.write(A, put(number as u32)).await.unwrap();
            longest = longest.max(begun.elapsed());
        }
        longest
    };
    let copying = async {
        while written.load(Ordering::SeqCst) < 20 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let before = written.load(Ordering::SeqCst) - 1;
        opened.copy_to(copy.clone()).await.unwrap();
        let after = written.load(Ordering::SeqCst);
        done.store(true, Ordering::SeqCst);
        (before, after)
    };
    let (longest, (before, after)) = tokio::join!(writing, copying);
    assert!(longest < Duration::from_secs(1), "a change waited for {longest:?}");
    assert!(after > before + 1, "changes went on");
    let conn = rusqlite::Connection::open(&copy).unwrap();
    let count: i64 = conn.query_row("SELECT count(*) FROM setting", [], |row| row.get(0)).unwrap();
    assert!((before..=after).contains(&count.unsigned_abs()), "{before} <= {count} <= {after}");
    let whole: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    drop(conn);
    let store = SqliteStore::open(&copy, Options::default()).unwrap();
    store.write(A, put(1_000_000)).await.unwrap();
}

/// However many changes come, a copy gets its turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_without_a_pause_do_not_put_off_a_copy() {
    let opened = Arc::new(Opened::new());
    let done = Arc::new(AtomicBool::new(false));
    let copy = opened.path().with_file_name("copy.db");
    let mut writing = JoinSet::new();
    for number in 0..300 {
        let (opened, done) = (opened.clone(), done.clone());
        writing.spawn(async move {
            while !done.load(Ordering::SeqCst) {
                // More than a batch may take.
                let (mut put, pause) = (put(number), Duration::from_micros(100));
                let slowly = move |tx: &mut dyn MetaTxn| {
                    std::thread::sleep(pause);
                    put(tx)
                };
                opened.write(A, slowly).await.unwrap();
            }
        });
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let copied = tokio::time::timeout(Duration::from_secs(10), opened.copy_to(copy)).await;
    done.store(true, Ordering::SeqCst);
    writing.join_all().await;
    copied.expect("it begins").unwrap();
}

/// A copy that cannot be made is told, and the writer goes on.
#[tokio::test]
async fn a_copy_that_fails_harms_nobody() {
    let opened = Opened::new();
    opened.write(A, put(1)).await.unwrap();
    for place in [opened.path(), opened.path().join("no/directory")] {
        opened.copy_to(place).await.unwrap_err();
        opened.write(A, put(2)).await.unwrap();
    }
    opened.write::<_, EngineError, _>(A, |_| Ok(())).await.unwrap();
}
