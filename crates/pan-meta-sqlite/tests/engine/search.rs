//! The index of names: what is in it changes nothing but the speed.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::given::Opened;
use pan_engine::meta::{
    Entry, EntryKind, FileFacts, MetaTxn, NewUser, Result, SearchQuery, Totals,
};
use pan_engine::{EngineError, MetaStoreExt, ReadCost, Scope};
use pan_meta_sqlite::{Options, SqliteStore};
use pan_model::{ByteSize, ContentId, FsId, Md5, Rev, SearchKey, Timestamp, UserNo};
use rusqlite::Connection;

const A: UserNo = UserNo(1);

async fn add_user(store: &SqliteStore) {
    let user = NewUser { name: "a".into(), quota: ByteSize(1 << 40), created: Timestamp(1) };
    let add = move |tx: &mut dyn MetaTxn| tx.insert_user(&user);
    assert_eq!(store.write::<_, EngineError, _>(Scope::Instance, add).await.unwrap(), A);
}

/// Adds so many detached files, 500 at a time, called `new` and their number.
async fn add_files(store: &SqliteStore, count: u64) {
    for from in (0..count).step_by(500) {
        let add = move |tx: &mut dyn MetaTxn| {
            (from..count.min(from + 500)).try_for_each(|n| add_file(tx, &format!("new {n}.jpg")))
        };
        store.write::<_, EngineError, _>(Scope::User(A), add).await.unwrap();
    }
}

fn add_file(tx: &mut dyn MetaTxn, name: &str) -> Result<()> {
    let (content, md5) = (ContentId(1), Md5::EMPTY);
    let facts = FileFacts { content, size: ByteSize(1), md5, one_block: true };
    add_entry(tx, name, EntryKind::File(facts))
}

fn add_directory(tx: &mut dyn MetaTxn) -> Result<()> {
    add_entry(tx, "directory", EntryKind::Directory { has_subdirectory: false })
}

fn add_entry(tx: &mut dyn MetaTxn, name: &str, kind: EntryKind) -> Result<()> {
    let file = Entry {
        fs_id: tx.next_fs_id(A)?,
        parent: None,
        name: name.into(),
        kind,
        ctime: Timestamp(1),
        mtime: Timestamp(1),
        rev: Rev(1),
    };
    tx.insert_entry(&file, &Totals::default())
}

async fn rename(store: &SqliteStore, fs_id: FsId, name: &'static str) {
    let rename = move |tx: &mut dyn MetaTxn| {
        let mut entry = tx.get_entry(fs_id)?.unwrap();
        entry.name = name.into();
        tx.update_entry(&entry)
    };
    store.write::<_, EngineError, _>(Scope::User(A), rename).await.unwrap();
}

async fn find(store: &SqliteStore, keyword: &str) -> Vec<FsId> {
    let keyword = SearchKey::of(keyword);
    let find = move |snapshot: &mut dyn pan_engine::MetaRead| {
        let mut found = Vec::new();
        let mut query = SearchQuery { user: A, keyword, before: None, limit: u64::MAX };
        loop {
            query.before = snapshot.search_files(&query, &mut |entry| {
                found.push(entry.fs_id);
                ControlFlow::Continue(())
            })?;
            if query.before.is_none() {
                return Ok::<_, EngineError>(found);
            }
        }
    };
    store.read(ReadCost::Long, find).await.unwrap()
}

/// How many ids and how many renamed files are not in the index.
fn unfolded(path: &std::path::Path) -> (i64, i64) {
    let conn = Connection::open(path).unwrap();
    let number = |sql| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let above = "SELECT count(*) FROM entry WHERE content IS NOT NULL
                 AND fs_id > ifnull((SELECT fs_id FROM search_folded), 0)";
    (number(above), number("SELECT count(*) FROM search_pending"))
}

async fn wait_until_folded(opened: &Opened) {
    let begun = Instant::now();
    while unfolded(&opened.path()).0 >= 500 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the writer never folds");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Ids of directories are in the way of the names behind them.
#[tokio::test]
async fn directories_do_not_stop_the_folding() {
    let opened = Opened::new();
    add_user(&opened).await;
    for round in 0..6 {
        let add = move |tx: &mut dyn MetaTxn| {
            (0..200).try_for_each(|n| {
                add_directory(tx)?;
                add_file(tx, &format!("new {round} {n}"))
            })
        };
        opened.write::<_, EngineError, _>(Scope::User(A), add).await.unwrap();
    }
    let begun = Instant::now();
    while unfolded(&opened.path()).0 >= 250 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the writer stopped");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A writer with nothing to do folds; what it folds is found all the time,
/// and only once.
#[tokio::test]
async fn names_are_folded_when_nobody_wants_anything() {
    let opened = Opened::new();
    add_user(&opened).await;
    add_files(&opened, 3_200).await;
    let begun = Instant::now();
    while unfolded(&opened.path()).0 >= 500 {
        assert_eq!(find(&opened, "NEW 1").await.len(), 1_111);
        assert_eq!(find(&opened, "new 3199.").await.len(), 1);
        assert!(begun.elapsed() < Duration::from_secs(60), "the writer never folds");
    }
    let all = find(&opened, "w").await;
    assert_eq!(all.len(), 3_200);
    assert!(all.is_sorted_by(|a, b| a > b));
    assert_eq!(find(&opened, "ne 1").await, []);
}

/// Files that were renamed after they were folded are found by their new
/// names at once, and stay so when those are folded too.
#[tokio::test]
async fn renamed_files_are_found_by_their_new_names_only() {
    let opened = Opened::new();
    add_user(&opened).await;
    add_files(&opened, 1_000).await;
    wait_until_folded(&opened).await;
    let seven = find(&opened, "new 77.jpg").await;
    rename(&opened, seven[0], "旧照片.jpg").await;
    assert_eq!(unfolded(&opened.path()).1, 1);
    for round in 0..2 {
        for keyword in ["旧照片", "照片", "照", "旧照片.jpg"] {
            assert_eq!(find(&opened, keyword).await, seven, "{keyword} in round {round}");
        }
        assert!(!find(&opened, "new 77.jpg").await.contains(&seven[0]));
        assert_eq!(find(&opened, "jpg").await.len(), 1_000 + round * 600);
        // The same name again is no new name.
        rename(&opened, seven[0], "旧照片.jpg").await;
        if round == 0 {
            add_files(&opened, 600).await;
            wait_until_folded(&opened).await;
            assert_eq!(unfolded(&opened.path()).1, 0);
        }
    }
}

/// A search looks at all of them: restarts must not let their number grow.
#[tokio::test]
async fn renamed_files_are_folded_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("meta.db");
    let open = || SqliteStore::open(&path, Options::default()).unwrap();
    let store = open();
    add_user(&store).await;
    add_files(&store, 1_500).await;
    let begun = Instant::now();
    while unfolded(&path).0 > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the writer never folds");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let files = find(&store, "new").await;
    drop(store);
    for files in files[..900].chunks(300) {
        let store = open();
        for &file in files {
            rename(&store, file, "renamed.jpg").await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let begun = Instant::now();
    let store = open();
    while unfolded(&path).1 >= 500 {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", unfolded(&path));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(find(&store, "renamed").await, files[..900]);
}

/// Uploads that never pause do not make the backlog long.
#[tokio::test]
async fn the_backlog_has_an_end() {
    let opened = Opened::new();
    add_user(&opened).await;
    let mut waiting = Vec::new();
    for n in 0..20_000u32 {
        let add = move |tx: &mut dyn MetaTxn| add_file(tx, &format!("f{n}"));
        waiting.push(opened.write::<_, EngineError, _>(Scope::User(A), add));
        if waiting.len() == 1_000 {
            // The next ones come before these are answered.
            for answer in waiting.drain(..500) {
                answer.await.unwrap();
            }
        }
        if n % 5_000 == 4_999 {
            assert!(unfolded(&opened.path()).0 < 5_000 + 1_024, "after {n}");
        }
    }
}

/// A process that is killed between an upload and the folding of its name
/// loses nothing: the files as they are then are a whole database.
#[tokio::test]
async fn a_kill_before_folding_loses_no_name() {
    let opened = Opened::new();
    add_user(&opened).await;
    add_files(&opened, 1_700).await;
    wait_until_folded(&opened).await;
    let old = find(&opened, "new 5.jpg").await;
    rename(&opened, old[0], "renamed.jpg").await;
    add_files(&opened, 100).await;

    let after_kill = tempfile::tempdir().unwrap();
    for end in ["db", "db-wal"] {
        let from = opened.path().with_extension(end);
        std::fs::copy(from, after_kill.path().join("meta.db").with_extension(end)).unwrap();
    }
    let path = after_kill.path().join("meta.db");
    let store = SqliteStore::open(&path, Options::default()).unwrap();
    assert_eq!(find(&store, "new").await.len(), 1_799);
    assert_eq!(find(&store, "renamed").await, old);
    assert_eq!(find(&store, "new 99.jpg").await.len(), 2);
    add_files(&store, 400).await;
    assert_eq!(find(&store, "new").await.len(), 2_199);
}

/// Files of a database that knew no search are found at once, folded later,
/// and have their media types.
#[tokio::test]
async fn an_older_database_is_searched_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("meta.db");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(include_str!("../../src/schema/0001_first.sql")).unwrap();
    conn.execute_batch(
        "PRAGMA user_version = 1;
         INSERT INTO user VALUES (1, 'a', 1, 0, 1, 0, 0, 0, 0, 5001);
         INSERT INTO entry (fs_id, name_key, ctime, mtime, rev)
           VALUES (8589934592, '', 1, 1, 1);
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5000)
         INSERT INTO entry (fs_id, name_key, ctime, mtime, rev, content, size, md5, one_block)
           SELECT 8589934592 + n, 'old ' || n || iif(n % 2, '.JPG', ''), 1, n, 1, 1, 1,
                  zeroblob(16), 1 FROM n;",
    )
    .unwrap();
    drop(conn);
    let store = SqliteStore::open(&path, Options::default()).unwrap();
    assert_eq!(find(&store, "old 4999").await.len(), 1);
    assert_eq!(find(&store, ".jpg").await.len(), 2_500);
    let begun = Instant::now();
    while unfolded(&path).0 >= 500 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the writer never folds");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(find(&store, ".jpg").await.len(), 2_500);
    let conn = Connection::open(&path).unwrap();
    let images = "SELECT count(*) FROM entry WHERE media = 3";
    assert_eq!(conn.query_row(images, [], |row| row.get::<_, i64>(0)).unwrap(), 2_500);
}

/// The statements of media lists and searches run on their indexes.
#[test]
fn lists_by_media_type_are_not_sorted() {
    let opened = Opened::new();
    let conn = Connection::open(opened.path()).unwrap();
    let sql = "EXPLAIN QUERY PLAN SELECT name_key FROM entry
               WHERE fs_id >> 33 = 1 AND media = 3 AND (mtime, fs_id) < (9, 9)
               ORDER BY mtime DESC, fs_id DESC LIMIT 9";
    let mut statement = conn.prepare(sql).unwrap();
    let plan: Vec<String> = statement
        .query_map([], |row| row.get(3))
        .unwrap()
        .map(std::result::Result::unwrap)
        .collect();
    assert_eq!(plan.len(), 1, "{plan:?}");
    assert!(plan[0].contains("entry_media (<expr>=? AND media=? AND mtime<?)"), "{plan:?}");
}
