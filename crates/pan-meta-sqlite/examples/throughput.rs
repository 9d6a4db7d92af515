//! How fast the engine is, on the disk that holds the directory given (by
//! default the current one):
//!
//! `cargo run --release -p pan-meta-sqlite --example throughput -- [DIR [SUBMITTERS]]`
//!
//! Uploads are what `pan-core` does for a new file of 4 KiB three directories
//! down, without HTTP and hashing; every one is durable when it is counted.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pan_engine::meta::{
    ChangeRow, ChildrenQuery, ContentKind, Entry, EntryKind, FileFacts, ListedAfter, MetaTxn,
    NewContent, NewUser, Result, Totals, TotalsDelta, UsageDelta,
};
use pan_engine::{EngineError, ErrorKind, MetaStoreExt, ReadCost, Scope};
use pan_meta_sqlite::{Options, SqliteStore};
use pan_model::{
    Blake3, ByteSize, ContentId, Crc32, Fingerprint, FsId, ListBy, ListOrder, Md5, NameKey, Rev,
    Timestamp, UserNo,
};

const NOW: Timestamp = Timestamp(1_800_000_000);
const RUN: Duration = Duration::from_secs(4);

#[tokio::main]
async fn main() -> Result<()> {
    let directory = std::env::args_os().nth(1).map_or_else(|| ".".into(), PathBuf::from);
    let file = directory.join(format!("throughput-{}.db", std::process::id()));
    let submitters = std::env::args().nth(2).and_then(|number| number.parse().ok());
    let outcome = measure(&file, submitters).await;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    outcome
}

/// Measures everything, or only uploads from so many tasks at once.
async fn measure(file: &Path, only: Option<usize>) -> Result<()> {
    let store = Arc::new(SqliteStore::open(file, Options::default())?);
    let user = NewUser { name: "a".into(), quota: ByteSize::UNLIMITED, created: NOW };
    let user = store.write(Scope::Instance, move |tx| tx.insert_user(&user)).await?;
    let path = make_path(&store, user).await?;

    let all = [1, 4, 16, 64, 256];
    for submitters in only.as_ref().map_or(&all[..], std::slice::from_ref).iter().copied() {
        let path = path.clone();
        rate(&store, "uploads of 4 KiB", submitters, move |tx, name| {
            upload(tx, user, &path, &name)
        })
        .await?;
    }
    if only.is_some() {
        return Ok(());
    }
    rate(&store, "mkdirs", 64, move |tx, name| mkdir(tx, user, FsId::root(user), &name)).await?;
    lookups(&store, &path, 1).await?;
    lookups(&store, &path, 2).await?;
    listings(&store, user).await?;
    let bytes = std::fs::metadata(file).map(|file| file.len()).unwrap_or(0);
    println!("the database has {}", ByteSize(bytes));
    Ok(())
}

async fn make_path(store: &Arc<SqliteStore>, user: UserNo) -> Result<Vec<String>> {
    let names: Vec<String> = ["apps", "camera", "2026"].map(String::from).into();
    let path = names.clone();
    store
        .write(Scope::User(user), move |tx| {
            let mut parent = FsId::root(user);
            for name in &names {
                parent = mkdir(tx, user, parent, name)?;
            }
            Ok::<_, EngineError>(())
        })
        .await?;
    Ok(path)
}

/// Runs a closure from so many tasks at once, each with names of its own.
async fn rate<T: Send + 'static>(
    store: &Arc<SqliteStore>,
    what: &str,
    submitters: usize,
    closure: impl Fn(&mut dyn MetaTxn, String) -> Result<T> + Clone + Send + Sync + 'static,
) -> Result<()> {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..submitters)
        .map(|submitter| {
            let (store, closure) = (Arc::clone(store), closure.clone());
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while begun.elapsed() < RUN {
                    let name = format!("IMG_{submitters}_{submitter}_{}.jpg", latencies.len());
                    let closure = closure.clone();
                    let at = Instant::now();
                    let write = move |tx: &mut dyn MetaTxn| closure(tx, name.clone());
                    store.write(Scope::User(UserNo(1)), write).await?;
                    latencies.push(at.elapsed());
                }
                Ok::<_, EngineError>(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.map_err(|error| failed(&error.to_string()))??);
    }
    let seconds = begun.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let percentile = |p: usize| latencies[(latencies.len() - 1) * p / 100].as_secs_f64() * 1e3;
    println!(
        "{what}, {submitters:3} at once: {:7.0}/s   p50 {:6.2} ms   p99 {:6.2} ms",
        latencies.len() as f64 / seconds,
        percentile(50),
        percentile(99),
    );
    Ok(())
}

fn upload(tx: &mut dyn MetaTxn, user: UserNo, path: &[String], name: &str) -> Result<FsId> {
    let mut above = vec![FsId::root(user)];
    for name in path {
        let parent = above[above.len() - 1];
        let child = tx.get_child(parent, &NameKey::of(name))?;
        above.push(child.ok_or_else(|| failed("no such directory"))?.fs_id);
    }
    let parent = above[above.len() - 1];
    if tx.get_child(parent, &NameKey::of(name))?.is_some() {
        return Err(failed("the file is there already"));
    }
    let body = Bytes::from(vec![b'x'; 4096]);
    let size = ByteSize(4096);
    let content = tx.insert_content(&NewContent {
        fingerprint: fingerprint(size, name),
        kind: ContentKind::Inline,
    })?;
    tx.insert_body(content, &body)?;
    let facts = FileFacts { content, size, md5: fingerprint(size, name).md5, one_block: true };
    let used = UsageDelta { used: 4096, ..UsageDelta::default() };
    tx.add_usage(user, &used)?;
    insert(tx, user, &above, name, EntryKind::File(facts))
}

fn mkdir(tx: &mut dyn MetaTxn, user: UserNo, parent: FsId, name: &str) -> Result<FsId> {
    if tx.get_child(parent, &NameKey::of(name))?.is_some() {
        return Err(failed("the directory is there already"));
    }
    insert(tx, user, &[parent], name, EntryKind::Directory { has_subdirectory: false })
}

fn insert(
    tx: &mut dyn MetaTxn,
    user: UserNo,
    above: &[FsId],
    name: &str,
    kind: EntryKind,
) -> Result<FsId> {
    let (fs_id, rev) = (tx.next_fs_id(user)?, tx.next_rev(user)?);
    let parent = above.last().copied();
    let entry = Entry { fs_id, parent, name: name.into(), kind, ctime: NOW, mtime: NOW, rev };
    tx.insert_entry(&entry, &Totals::default())?;
    let delta = TotalsDelta::of(&entry, &Totals::default());
    for directory in above {
        tx.add_totals(*directory, &delta, rev)?;
    }
    let change = ChangeRow { rev, gone: None, came: Some(fs_id), unfold: false, at: NOW };
    tx.append_change(user, &change)?;
    Ok(fs_id)
}

async fn lookups(store: &Arc<SqliteStore>, path: &[String], tasks: usize) -> Result<()> {
    let begun = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let (store, path) = (Arc::clone(store), path.to_vec());
            tokio::spawn(async move {
                let mut done = 0u64;
                while begun.elapsed() < Duration::from_secs(2) {
                    let name = path[0].clone();
                    store
                        .read(ReadCost::Bounded, move |snapshot| {
                            let root = FsId::root(UserNo(1));
                            snapshot.get_child(root, &NameKey::of(&name))
                        })
                        .await?;
                    done += 1;
                }
                Ok::<_, EngineError>(done)
            })
        })
        .collect();
    let mut done = 0;
    for task in running {
        done += task.await.map_err(|error| failed(&error.to_string()))??;
    }
    let each = begun.elapsed().as_secs_f64() / done as f64 * 1e6;
    println!("lookups, {tasks} at once: {:.0}/s, one every {each:.2} us", 1e6 / each);
    Ok(())
}

async fn listings(store: &Arc<SqliteStore>, user: UserNo) -> Result<()> {
    const ENTRIES: u64 = 100_000;
    for shuffled in [false, true] {
        let name = format!("list-{shuffled}");
        let write = move |tx: &mut dyn MetaTxn| mkdir(tx, user, FsId::root(user), &name);
        let directory = store.write(Scope::User(user), write).await?;
        for from in (0..ENTRIES).step_by(500) {
            store
                .write(Scope::User(user), move |tx| fill(tx, user, directory, from, shuffled))
                .await?;
        }
        for by in [ListBy::Name, ListBy::FileType, ListBy::Time, ListBy::Size] {
            for limit in [5_000, 100] {
                list(store, directory, by, limit, shuffled, ENTRIES).await?;
            }
        }
    }
    Ok(())
}

fn fill(
    tx: &mut dyn MetaTxn,
    user: UserNo,
    directory: FsId,
    from: u64,
    shuffled: bool,
) -> Result<()> {
    for n in from..from + 500 {
        let number = if shuffled { n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 } else { n };
        let name = format!("file {number:010}.{}", ["jpg", "txt", "mp4"][n as usize % 3]);
        let size = ByteSize(n * 7919 % 100_000);
        let md5 = fingerprint(size, &name).md5;
        let content = ContentId(1_000_000_000 + n as i64);
        let entry = Entry {
            fs_id: tx.next_fs_id(user)?,
            parent: Some(directory),
            name,
            kind: EntryKind::File(FileFacts { content, size, md5, one_block: true }),
            ctime: NOW,
            mtime: Timestamp(NOW.0 + (n * 31 % 5000) as i64),
            rev: Rev(1),
        };
        tx.insert_entry(&entry, &Totals::default())?;
    }
    Ok(())
}

async fn list(
    store: &Arc<SqliteStore>,
    directory: FsId,
    by: ListBy,
    limit: u64,
    shuffled: bool,
    entries: u64,
) -> Result<()> {
    let begun = Instant::now();
    let mut query =
        ChildrenQuery { order: ListOrder { by, descending: false }, after: None, skip: 0, limit };
    let mut windows = 0;
    let mut rows = 0;
    // Whole, or, where a window costs a sort, the first twenty windows.
    while rows < entries && windows < 20 {
        let asked = query.clone();
        let (count, last) = store
            .read(ReadCost::Bounded, move |snapshot| {
                let (mut count, mut last) = (0, None);
                snapshot.list_children(directory, &asked, &mut |entry| {
                    count += 1;
                    last = Some(entry);
                    ControlFlow::Continue(())
                })?;
                Ok::<_, EngineError>((count, last))
            })
            .await?;
        rows += count;
        windows += 1;
        query.after = last.as_ref().map(ListedAfter::entry);
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "listing {entries} by {by:?}{}, windows of {limit}: {:.2} ms a window, {:.2} us a row",
        if shuffled { ", shuffled" } else { "" },
        seconds * 1e3 / f64::from(windows),
        seconds * 1e6 / rows as f64,
    );
    Ok(())
}

fn fingerprint(size: ByteSize, name: &str) -> Fingerprint {
    let mut digest = [0; 32];
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    digest.chunks_exact_mut(8).zip(1..).for_each(|(chunk, n)| {
        chunk.copy_from_slice(&seed.wrapping_mul(0x9e37_79b9_7f4a_7c15 + n).to_le_bytes());
    });
    let md5 = Md5(std::array::from_fn(|index| digest[index]));
    Fingerprint { size, md5, slice_md5: md5, crc32: Crc32(seed as u32), blake3: Blake3(digest) }
}

fn failed(reason: &str) -> EngineError {
    EngineError::new(ErrorKind::Failed, reason)
}
