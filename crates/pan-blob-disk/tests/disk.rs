//! What the file system has to do with it.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use pan_blob_disk::{DiskOptions, DiskStore};
use pan_engine::{BlobStore, ErrorKind};
use pan_model::{BlobKey, ByteSize};
use tempfile::TempDir;

const HOUR: u32 = 490_000;

fn store() -> (DiskStore, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    (open(directory.path(), DiskOptions::default()), directory)
}

fn open(directory: &Path, options: DiskOptions) -> DiskStore {
    DiskStore::open(directory, options).expect("a store")
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

fn key(number: u8) -> BlobKey {
    BlobKey { hour: HOUR, random: [number; 12] }
}

fn path(directory: &Path, key: BlobKey) -> PathBuf {
    directory.join(key.to_string().replace('-', "/"))
}

async fn put(store: &DiskStore, key: BlobKey, bytes: &'static [u8]) {
    let mut writer = store.create(key).await.expect("a new blob");
    writer.write(Bytes::from_static(bytes)).await.expect("a chunk");
    writer.finish().await.expect("a finished blob");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("something there").permissions().mode() & 0o777
}

#[test]
fn a_blob_is_a_file_that_nobody_else_may_read() {
    let (store, directory) = store();
    block_on(put(&store, key(0xab), b"abc"));
    let file = directory.path().join("00077a10/abababababababababababab");
    assert_eq!(fs::read(&file).unwrap(), b"abc");
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);
}

#[test]
fn what_is_moved_aside_keeps_its_bytes() {
    let (store, directory) = store();
    block_on(async {
        put(&store, key(0xab), b"suspect").await;
        store.quarantine(&[key(0xab)]).await.unwrap();
    });
    let aside = directory.path().join("quarantine");
    let file = aside.join("00077a10-abababababababababababab");
    assert_eq!(fs::read(&file).unwrap(), b"suspect");
    assert_eq!((mode(&aside), mode(&file)), (0o700, 0o600));
    // It is no bucket, and stays when the store is opened again.
    let hours = block_on(open(directory.path(), DiskOptions::default()).hours()).unwrap();
    assert_eq!(hours.len(), 3, "this hour, the next, and the one it came from: {hours:?}");
    assert!(file.exists());
}

/// What the disk has counts, not what is open.
#[test]
fn what_is_stored_is_read_past_open_files() {
    let (store, directory) = store();
    block_on(async {
        put(&store, key(1), b"right").await;
        assert_eq!(store.get(key(1), 0..5).await.unwrap(), "right");
        let file = path(directory.path(), key(1));
        fs::remove_file(&file).unwrap();
        fs::write(&file, b"wrong!").unwrap();
        assert_eq!(store.get_stored(key(1)).await.unwrap(), "wrong!");
        assert_eq!(store.head(key(1)).await.unwrap(), Some(6));
        fs::remove_file(&file).unwrap();
        let error = store.get_stored(key(1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Missing);
        assert_eq!(store.head(key(1)).await.unwrap(), None);
        fs::write(&file, vec![0; 5 << 20]).unwrap();
        let error = store.get_stored(key(1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    });
}

#[test]
fn blobs_are_there_after_opening_again() {
    let (store, directory) = store();
    block_on(async {
        put(&store, key(1), b"one").await;
        store.sync(&[key(1)]).await.unwrap();
        drop(store);
        let store = open(directory.path(), DiskOptions::default());
        assert_eq!(store.get(key(1), 0..3).await.unwrap(), "one");
        assert!(store.create(key(1)).await.is_err());
    });
}

#[test]
fn this_hour_and_the_next_are_made_ahead() {
    let (store, _directory) = store();
    let hours = block_on(store.hours()).unwrap();
    assert_eq!(hours.len(), 2);
    assert_eq!(hours[0] + 1, hours[1]);
}

#[test]
fn names_that_are_not_ours_are_left_alone() {
    let (store, directory) = store();
    block_on(async {
        put(&store, key(1), b"one").await;
        let bucket = directory.path().join("00077a10");
        fs::write(bucket.join("README"), "").unwrap();
        fs::write(bucket.join("ABABABABABABABABABABABAB"), "").unwrap();
        fs::create_dir(directory.path().join("lost+found")).unwrap();
        assert_eq!(store.list(HOUR, None, 10).await.unwrap(), [key(1)]);
        assert_eq!(store.hours().await.unwrap().len(), 3);
    });
}

#[test]
fn an_old_bucket_goes_with_its_last_blob() {
    let (store, directory) = store();
    block_on(async {
        put(&store, key(1), b"one").await;
        put(&store, key(2), b"two").await;
        store.delete(&[key(1)]).await.unwrap();
        assert!(directory.path().join("00077a10").exists());
        store.delete(&[key(2)]).await.unwrap();
        assert!(!directory.path().join("00077a10").exists());
        // The buckets of today stay.
        assert_eq!(store.hours().await.unwrap().len(), 2);
    });
}

#[test]
fn a_full_disk_refuses_blobs_and_serves_the_rest() {
    let (store, directory) = store();
    block_on(async {
        put(&store, key(1), b"one").await;
        drop(store);
        let everything = DiskOptions { reserve: Some(ByteSize(u64::MAX)), ..Default::default() };
        let store = open(directory.path(), everything);
        let error = store.create(key(2)).await.err().expect("no room");
        assert_eq!(error.kind(), ErrorKind::Full, "{error}");
        assert_eq!(store.list(HOUR, None, 10).await.unwrap(), [key(1)]);
        assert_eq!(store.get(key(1), 0..3).await.unwrap(), "one");
        store.delete(&[key(1)]).await.unwrap();
    });
}

#[test]
fn a_truncated_blob_is_corrupt() {
    let (store, directory) = store();
    block_on(async {
        for number in [1, 2] {
            put(&store, key(number), b"some bytes").await;
        }
        // One is open for reading already, the other is not.
        assert_eq!(store.head(key(1)).await.unwrap(), Some(10));
        for number in [1, 2] {
            let file = fs::File::options().write(true).open(path(directory.path(), key(number)));
            file.unwrap().set_len(5).unwrap();
            let error = store.get(key(number), 0..10).await.expect_err("bytes that are gone");
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        }
    });
}

#[test]
fn few_descriptors_are_enough() {
    let directory = tempfile::tempdir().unwrap();
    let options = DiskOptions { open_blobs_max: 3, ..Default::default() };
    let store = open(directory.path(), options);
    block_on(async {
        for number in 0..40 {
            put(&store, key(number), b"bytes").await;
        }
        for round in 0..3 {
            for number in 0..40 {
                let number = (number * 3 + round) % 40;
                assert_eq!(store.get(key(number), 0..5).await.unwrap(), "bytes");
            }
        }
        let mine = |entry: std::io::Result<fs::DirEntry>| {
            let target = fs::read_link(entry.ok()?.path()).ok()?;
            target.starts_with(directory.path()).then_some(())
        };
        let held = fs::read_dir("/proc/self/fd").unwrap().filter_map(mine).count();
        // The blobs, the store's directory and three buckets.
        assert_eq!(held, 3 + 1 + 3);
    });
}

/// S10: whatever lies in the place of a blob, only a blob's bytes are served.
#[test]
fn sec_symlink_blob() {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        let (store, directory) = store();
        block_on(async {
            put(&store, key(0), b"a blob").await;
            plant(directory.path());
            for number in 1..=8 {
                for range in [0..0, 0..1] {
                    let error = store.get(key(number), range).await.expect_err("no byte");
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "{number}: {error}");
                }
                assert!(store.head(key(number)).await.is_err(), "{number}");
                assert!(store.create(key(number)).await.is_err(), "{number}");
            }
            // A link to a bucket is none.
            let linked = BlobKey { hour: 9, ..key(0) };
            assert!(store.get(linked, 0..1).await.is_err());
            assert!(store.create(BlobKey { hour: 9, ..key(9) }).await.is_err());
            // A planted link can be deleted, and its target stays.
            store.delete(&[key(1)]).await.unwrap();
            assert_eq!(fs::read(directory.path().join("target")).unwrap(), b"secret");
        });
        done.send(()).expect("somebody waits");
    });
    is_done.recv_timeout(Duration::from_secs(20)).expect("nothing hangs and nothing is served");
}

fn plant(root: &Path) {
    let target = root.join("target");
    fs::write(&target, "secret").unwrap();
    symlink(&target, path(root, key(1))).unwrap();
    symlink(path(root, key(0)), path(root, key(2))).unwrap();
    symlink("/dev/zero", path(root, key(3))).unwrap();
    symlink("/nowhere", path(root, key(4))).unwrap();
    fs::create_dir(path(root, key(5))).unwrap();
    let fifo = Command::new("mkfifo").arg(path(root, key(6))).status().unwrap();
    assert!(fifo.success());
    // The name of a socket stays when the socket is gone.
    drop(UnixListener::bind(path(root, key(7))).unwrap());
    // /dev/zero, if we are root; otherwise another link to it.
    let device = Command::new("mknod").arg(path(root, key(8))).args(["c", "1", "5"]).status();
    if !device.unwrap().success() {
        symlink("/dev/zero", path(root, key(8))).unwrap();
    }
    symlink(path(root, key(0)).parent().unwrap(), root.join("00000009")).unwrap();
}
