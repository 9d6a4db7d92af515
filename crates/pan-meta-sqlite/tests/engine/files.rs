//! The database as a file: closed, opened again, damaged, full.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::given::{Opened, add_body, put};
use pan_engine::meta::MetaTxn;
use pan_engine::{EngineError, ErrorKind, MetaStoreExt, ReadCost, Scope};
use pan_meta_sqlite::{Options, SqliteStore};
use pan_model::{ByteSize, FsId, Rev, UserNo};
use rusqlite::Connection;

const A: Scope = Scope::User(UserNo(1));

/// Closing runs what was submitted, and everything is there afterwards.
#[tokio::test]
async fn reopening_keeps_everything() {
    let opened = Opened::new();
    let directories = opened.add_directories(10).await;
    let last = opened.write(A, add_body(100_000)).await.unwrap();
    for n in 0..500 {
        drop(opened.write(A, put(n)));
    }
    let opened = opened.reopen();
    assert_eq!(opened.count_settings(), 500);
    let root = FsId::root(UserNo(1));
    opened
        .read::<_, EngineError, _>(ReadCost::Bounded, move |snapshot| {
            assert_eq!(snapshot.get_body(last)?.unwrap().len(), 100_000);
            let mut found = Vec::new();
            snapshot.scan_entries(UserNo(1), Some(root), 100, &mut |entry| {
                found.push(entry.fs_id);
                ControlFlow::Continue(())
            })?;
            assert_eq!(found, directories);
            Ok(())
        })
        .await
        .unwrap();
    // Counters go on where they were.
    let next = opened.write(A, |tx| Ok::<_, EngineError>(tx.next_fs_id(UserNo(1))?.get()));
    assert_eq!(next.await.unwrap(), root.get() + 11);
    assert!(opened.write(A, add_body(1)).await.unwrap() > last);
}

/// A closed store leaves one file and no log that a copy could forget.
#[tokio::test]
async fn closing_empties_the_log() {
    let opened = Opened::new();
    opened.write(A, put(1)).await.unwrap();
    opened.read::<_, EngineError, _>(ReadCost::Bounded, |_| Ok(())).await.unwrap();
    let (directory, _) = opened.close();
    let names: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, ["meta.db"]);
}

/// A database that this program does not understand is left alone, and the
/// error says why.
#[test]
fn what_is_not_ours_is_refused() {
    let refusal = |damage: &dyn Fn(&std::path::Path)| {
        let (_directory, path) = Opened::new().close();
        damage(&path);
        let before = std::fs::read(&path).unwrap();
        let error = SqliteStore::open(&path, Options::default()).err().expect("a refusal");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        error
    };
    let newer = refusal(&|path| {
        Connection::open(path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    });
    assert!(newer.to_string().contains("newer OpenPan"), "{newer}");
    let foreign = refusal(&|path| {
        Connection::open(path).unwrap().pragma_update(None, "application_id", 7).unwrap();
    });
    assert!(foreign.to_string().contains("another program"), "{foreign}");
    let noise = refusal(&|path| std::fs::write(path, "not a database ".repeat(999)).unwrap());
    assert_eq!(noise.kind(), ErrorKind::Corrupt);
}

/// A row that makes no sense is an error that says so, for that row alone.
#[tokio::test]
async fn a_wrong_row_is_corrupt() {
    let opened = Opened::new();
    let directories = opened.add_directories(2).await;
    let id = opened.write(A, add_body(5)).await.unwrap();
    let (_directory, path) = opened.close();
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("UPDATE content SET md5 = x'00'; UPDATE user SET used = -1;").unwrap();
    conn.execute("DELETE FROM directory WHERE fs_id = ?1", [directories[0].get() as i64]).unwrap();
    drop(conn);
    let store = SqliteStore::open(&path, Options::default()).unwrap();
    store
        .read::<_, EngineError, _>(ReadCost::Bounded, move |snapshot| {
            let kind = |error: EngineError| error.kind();
            assert_eq!(snapshot.get_content(id).map_err(kind), Err(ErrorKind::Corrupt));
            assert_eq!(snapshot.get_usage(UserNo(1)).map_err(kind), Err(ErrorKind::Corrupt));
            assert_eq!(snapshot.get_entry(directories[0]).map_err(kind), Err(ErrorKind::Corrupt));
            assert!(snapshot.get_entry(directories[1])?.is_some());
            Ok(())
        })
        .await
        .unwrap();
}

/// When there is no space, what does not fit says so, what fits is committed,
/// and space that comes back is used without a restart.
#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let opened = Opened::with(Options { size_max: Some(ByteSize(2 << 20)), ..Options::default() });
    let mut kept = Vec::new();
    let full = loop {
        match opened.write(A, add_body(60_000)).await {
            Ok(id) => kept.push(id),
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), ErrorKind::Full);
    assert!(kept.len() > 10);

    // A batch in which two do not fit: they alone are refused.
    let gate = opened.hold_writer().await;
    let small = opened.write(A, put(1));
    // The first statement of this one is the one that fails.
    let large = opened.write::<_, EngineError, _>(A, |tx| tx.put_setting("large", &[0; 60_000]));
    let stubborn = opened.write::<_, EngineError, _>(A, |tx: &mut dyn MetaTxn| {
        // It hides the failure and goes on, where SQLite has already ended the
        // transaction: nothing of that may remain.
        let _ = add_body(60_000)(tx);
        let _ = put(2)(tx);
        Ok(())
    });
    let remove = kept.pop().unwrap();
    let removed = opened.write::<_, EngineError, _>(A, move |tx| tx.remove_content(remove));
    gate.open();
    small.await.unwrap();
    assert_eq!(large.await.unwrap_err().kind(), ErrorKind::Full);
    assert_eq!(stubborn.await.unwrap_err().kind(), ErrorKind::Full);
    removed.await.unwrap();
    assert_eq!(opened.count_settings(), 1);

    kept.push(opened.write(A, add_body(50_000)).await.unwrap());
    for id in kept {
        let body = opened.read(ReadCost::Bounded, move |snapshot| snapshot.get_body(id));
        assert!(body.await.unwrap().is_some());
    }
}

/// The log starts again from its beginning, though somebody always reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_small_under_readers() {
    let opened = Arc::new(Opened::new());
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (opened, done) = (Arc::clone(&opened), Arc::clone(&done));
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let read = opened.read::<_, EngineError, _>(ReadCost::Long, |snapshot| {
                        let found = snapshot.get_setting("none");
                        std::thread::sleep(std::time::Duration::from_millis(3));
                        found
                    });
                    read.await.unwrap();
                }
            })
        })
        .collect();
    // 160 MiB in all.
    for _ in 0..160 {
        opened.write(A, add_body(1 << 20)).await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(opened.log_bytes() < 80 << 20, "the log has {} bytes", opened.log_bytes());
}

/// What was deleted before the bin had an order of its own gets one.
#[tokio::test]
async fn an_older_bin_is_put_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("meta.db");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(include_str!("../../src/schema/0001_first.sql")).unwrap();
    conn.execute_batch(
        "INSERT INTO recycled (fs_id, user_no, deleted_at, parent, path, bytes)
         VALUES (8589934595, 1, 50, 8589934592, '/c', 0), (8589934594, 1, 50, 8589934592, '/b', 0);
         INSERT INTO change (user_no, rev, gone, gone_how, unfold, at)
         VALUES (1, 4, 8589934594, 1, 0, 10), (1, 5, 8589934594, 0, 0, 11),
                (1, 6, 8589934595, 1, 0, 50), (1, 7, 8589934594, 1, 0, 50);",
    )
    .unwrap();
    conn.pragma_update(None, "user_version", 1).unwrap();
    drop(conn);
    let store = SqliteStore::open(&path, Options::default()).unwrap();
    let list = |snapshot: &mut dyn pan_engine::MetaRead| {
        let mut order = Vec::new();
        snapshot.list_recycled(UserNo(1), Rev(100), 10, &mut |record| {
            order.push((record.path.as_str().to_owned(), record.rev.0));
            ControlFlow::Continue(())
        })?;
        Ok(order)
    };
    let order = store.read::<_, EngineError, _>(ReadCost::Bounded, list).await.unwrap();
    assert_eq!(order, [("/b".to_owned(), 7), ("/c".to_owned(), 6)]);
}
