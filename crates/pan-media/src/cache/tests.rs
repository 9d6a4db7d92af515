use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bytes::Bytes;
use pan_model::{Blake3, ByteSize};

use super::{Cache, Key};

const KIB: usize = 1024;

fn key(number: u8) -> Key {
    Blake3([number; 32])
}

fn value(number: u8, size: usize) -> Bytes {
    vec![number; size].into()
}

/// A cache that has counted what is there.
fn open(directory: &Path, size_max: usize) -> Cache {
    let cache = Cache::open(directory, ByteSize(size_max as u64)).unwrap();
    cache.shared.surveyed.wait();
    cache
}

fn size_of(directory: &Path) -> u64 {
    let of = |entry: fs::DirEntry| match entry.file_type().unwrap().is_dir() {
        true => size_of(&entry.path()),
        false => entry.metadata().unwrap().len(),
    };
    fs::read_dir(directory).unwrap().map(|entry| of(entry.unwrap())).sum()
}

async fn kept(cache: &Cache, numbers: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    for number in numbers {
        if cache.get(&key(*number)).await.is_some() {
            kept.push(*number);
        }
    }
    kept
}

#[tokio::test]
async fn the_least_recently_used_goes() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(directory.path(), 64 * KIB);
    for number in 1..=4 {
        cache.put(key(number), value(number, 15 * KIB)).await;
    }
    assert_eq!(cache.get(&key(1)).await, Some(value(1, 15 * KIB)));
    cache.put(key(5), value(5, 15 * KIB)).await;
    cache.put(key(5), value(5, 15 * KIB)).await;
    cache.put(key(6), value(6, 65 * KIB)).await;
    assert_eq!(kept(&cache, &[1, 2, 3, 4, 5, 6]).await, [1, 3, 4, 5]);
    assert!(size_of(directory.path()) <= 64 * KIB as u64);
    assert!(cache.contains(&key(1)) && !cache.contains(&key(2)));
}

#[tokio::test]
async fn what_an_earlier_cache_left_counts() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(directory.path(), 64 * KIB);
    for number in 1..=4 {
        cache.put(key(number), value(number, 10 * KIB)).await;
        let file = fs::File::open(cache.shared.path(&key(number))).unwrap();
        let time =
            std::time::SystemTime::now() - std::time::Duration::from_hours(10 - u64::from(number));
        file.set_times(fs::FileTimes::new().set_accessed(time).set_modified(time)).unwrap();
    }
    let unfinished = cache.shared.unfinished_path(&key(1));
    fs::write(&unfinished, "cut").unwrap();
    let foreign = directory.path().join("notes.txt");
    fs::write(&foreign, "not ours").unwrap();

    let smaller = open(directory.path(), 30 * KIB);
    assert_eq!(kept(&smaller, &[1, 2, 3, 4]).await, [3, 4]);
    assert!(!unfinished.exists() && foreign.exists());
    smaller.put(key(5), value(5, 10 * KIB)).await;
    assert_eq!(kept(&smaller, &[3, 4, 5]).await, [4, 5]);
}

#[tokio::test]
async fn a_file_that_was_changed_is_a_miss_and_removed() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(directory.path(), 64 * KIB);
    let path = cache.shared.path(&key(1));
    let other = cache.shared.path(&key(2));
    cache.put(key(2), value(2, KIB)).await;
    let damages: [&dyn Fn(); 5] = [
        &|| fs::write(&path, "").unwrap(),
        &|| fs::write(&path, &fs::read(&path).unwrap()[..KIB]).unwrap(),
        &|| {
            let mut bytes = fs::read(&path).unwrap();
            bytes[KIB / 2] ^= 1;
            fs::write(&path, bytes).unwrap();
        },
        // The value of another key, in itself whole.
        &|| fs::write(&path, fs::read(&other).unwrap()).unwrap(),
        &|| {
            fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink(&other, &path).unwrap();
        },
    ];
    for damage in damages {
        cache.put(key(1), value(1, KIB)).await;
        assert_eq!(cache.get(&key(1)).await, Some(value(1, KIB)));
        damage();
        assert_eq!(cache.get(&key(1)).await, None);
        assert!(fs::symlink_metadata(&path).is_err() && !cache.contains(&key(1)));
    }
    assert_eq!(kept(&cache, &[2]).await, [2]);
}

#[tokio::test]
async fn the_directory_can_be_removed_at_any_time() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(&directory.path().join("media"), 64 * KIB);
    cache.put(key(1), value(1, KIB)).await;
    fs::remove_dir_all(directory.path().join("media")).unwrap();
    assert_eq!(cache.get(&key(1)).await, None);
    assert!(!cache.contains(&key(1)));
    cache.put(key(1), value(1, KIB)).await;
    assert_eq!(cache.get(&key(1)).await, Some(value(1, KIB)));
    let about = fs::metadata(directory.path().join("media")).unwrap();
    assert_eq!(about.permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_disk_that_fails_costs_the_value_alone() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(directory.path(), 64 * KIB);
    // Where the bucket would be there is a file.
    fs::write(cache.shared.bucket(&key(1)), "").unwrap();
    cache.put(key(1), value(1, KIB)).await;
    assert_eq!(cache.get(&key(1)).await, None);
    cache.put(key(2), value(2, KIB)).await;
    assert_eq!(kept(&cache, &[2]).await, [2]);
}

#[tokio::test]
async fn the_bound_holds_among_many_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(directory.path(), 64 * KIB);
    let puts = (0..40).map(|number| cache.put(key(number % 20), value(number % 20, 8 * KIB)));
    futures_util::future::join_all(puts).await;
    assert!(size_of(directory.path()) <= 64 * KIB as u64);
    let listed: Vec<u8> = (0..20).filter(|number| cache.contains(&key(*number))).collect();
    assert_eq!(kept(&cache, &(0..20).collect::<Vec<u8>>()).await, listed);
    assert_eq!(listed.len(), 5);
}
