//! The local side: a tree as it lies on the disk, not a byte of it read.

use std::collections::{HashMap, HashSet};
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

use super::model::{Kind, Local, Stat};
use super::names::{is_ours, join, key_of};
use crate::filter::Filter;
use crate::links::leads_back;

/// More do not help: the kernel's directory cache is what is waited for.
const THREADS: usize = 2;

/// How a tree is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Scan<'a> {
    pub(crate) root: &'a Path,
    pub(crate) filter: &'a Filter,
    /// Whether symbolic links stand for what they point to.
    pub(crate) follow: bool,
    /// Where `pan` keeps what it knows. That is of this machine, and changes
    /// with every action.
    pub(crate) state: &'a Path,
}

/// A tree.
#[derive(Default)]
pub(crate) struct Tree {
    /// By their keys, in order.
    pub(crate) entries: Vec<(String, Local)>,
    /// How names are spelt whose key is another text, by their keys.
    pub(crate) spellings: HashMap<String, String>,
    /// What could not be seen, by key, and why. Nothing is known of it nor of
    /// anything below it.
    pub(crate) blind: Vec<Blind>,
    /// Entries whose name the storage takes for that of another.
    pub(crate) twins: Vec<Twin>,
}

/// Something that could not be seen.
#[derive(Debug)]
pub(crate) struct Blind {
    /// `None` when its name has no key: then there is nothing to protect.
    pub(crate) key: Option<String>,
    pub(crate) why: String,
    /// Whether that is a failure, and not just how things are.
    pub(crate) is_failure: bool,
}

/// A name that only its spelling tells from another one.
#[derive(Debug)]
pub(crate) struct Twin {
    /// The directory, as a key.
    pub(crate) directory: String,
    /// The name, as it is spelt.
    pub(crate) name: String,
}

impl Tree {
    /// Where a place is on the disk.
    pub(crate) fn path_of(&self, root: &Path, key: &str) -> PathBuf {
        if self.spellings.is_empty() {
            return root.join(key);
        }
        let mut path = root.to_owned();
        let mut above = String::new();
        for name in key.split('/') {
            above = join(&above, name);
            path.push(self.spellings.get(&above).map_or(name, String::as_str));
        }
        path
    }

    fn absorb(&mut self, other: Self) {
        self.entries.extend(other.entries);
        self.spellings.extend(other.spellings);
        self.blind.extend(other.blind);
        self.twins.extend(other.twins);
    }
}

/// A directory to be read.
struct Directory {
    key: String,
    path: PathBuf,
}

/// An entry of a directory.
struct Seen {
    key: String,
    /// The name, when it is not its own key.
    spelling: Option<String>,
    stat: Stat,
    /// Where it is, when it is a directory.
    path: Option<PathBuf>,
}

impl Seen {
    fn enter(self, tree: &mut Tree, inside: &mut Vec<Directory>) {
        if let Some(path) = self.path {
            inside.push(Directory { key: self.key.clone(), path });
        }
        tree.entries.push((self.key, Local { stat: self.stat, md5: None }));
    }
}

/// The directories that nobody has read yet.
struct Queue {
    waiting: Vec<Directory>,
    /// Directories that are being read; each may add to those that wait.
    busy: usize,
}

impl Scan<'_> {
    /// Looks at the whole tree.
    ///
    /// # Errors
    /// When the root cannot be read. Anything else is blind.
    pub(crate) fn run(&self) -> io::Result<Tree> {
        fs::read_dir(self.root)?;
        let root = Directory { key: String::new(), path: self.root.to_owned() };
        let queue = Mutex::new(Queue { waiting: vec![root], busy: 0 });
        let changed = Condvar::new();
        let mut tree = Tree::default();
        std::thread::scope(|scope| {
            let work = || self.work(&queue, &changed);
            let others: Vec<_> = (1..THREADS).map(|_| scope.spawn(work)).collect();
            tree = work();
            for other in others {
                match other.join() {
                    Ok(part) => tree.absorb(part),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
        tree.entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(tree)
    }

    fn work(&self, queue: &Mutex<Queue>, changed: &Condvar) -> Tree {
        let mut tree = Tree::default();
        let mut inside = Vec::new();
        let lock = || queue.lock().unwrap_or_else(PoisonError::into_inner);
        let mut guard = lock();
        loop {
            if let Some(directory) = guard.waiting.pop() {
                guard.busy += 1;
                drop(guard);
                self.look_into(&directory, &mut tree, &mut inside);
                guard = lock();
                guard.waiting.append(&mut inside);
                guard.busy -= 1;
                changed.notify_all();
            } else if guard.busy == 0 {
                return tree;
            } else {
                guard = changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn look_into(&self, directory: &Directory, tree: &mut Tree, inside: &mut Vec<Directory>) {
        self.filter.enter(&directory.key, &directory.path);
        let first = tree.entries.len();
        let mut decomposed = Vec::new();
        let mut read = || -> io::Result<()> {
            for entry in fs::read_dir(&directory.path)? {
                match self.look_at(directory, &entry?, tree) {
                    Some(seen) if seen.spelling.is_some() => decomposed.push(seen),
                    Some(seen) => seen.enter(tree, inside),
                    None => {}
                }
            }
            Ok(())
        };
        if let Err(error) = read() {
            // What was seen of it is part of what cannot be trusted now.
            tree.entries.truncate(first);
            inside.clear();
            let why = format!("{}: cannot be read: {error}", directory.path.display());
            tree.blind.push(Blind { key: Some(directory.key.clone()), why, is_failure: true });
            return;
        }
        let mut taken: HashSet<String> = match decomposed.is_empty() {
            true => HashSet::new(),
            false => tree.entries[first..].iter().map(|(key, _)| key.clone()).collect(),
        };
        for mut seen in decomposed {
            let Some(name) = seen.spelling.take() else { continue };
            if taken.insert(seen.key.clone()) {
                tree.spellings.insert(seen.key.clone(), name);
                seen.enter(tree, inside);
            } else {
                tree.twins.push(Twin { directory: directory.key.clone(), name });
            }
        }
    }

    /// Looks at one entry of a directory; `None` when it is left out.
    fn look_at(&self, directory: &Directory, entry: &DirEntry, tree: &mut Tree) -> Option<Seen> {
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            let why = format!("{}: its name is not UTF-8", entry.path().display());
            tree.blind.push(Blind { key: None, why, is_failure: true });
            return None;
        };
        if is_ours(name) {
            return None;
        }
        let composed = key_of(name);
        let spelling = (composed != name).then(|| name.to_owned());
        let key = join(&directory.key, &composed);
        let (why, is_failure) = match self.stat(entry) {
            Ok(Ok(stat)) if stat.kind == Kind::Dir && self.is_state(entry) => {
                ("left out, it is where `pan` keeps its state".to_owned(), false)
            }
            Ok(Ok(stat)) => {
                let path = (stat.kind == Kind::Dir).then(|| entry.path());
                let is_taken = self.filter.takes(&key, stat.kind == Kind::Dir);
                return is_taken.then_some(Seen { key, spelling, stat, path });
            }
            // It was there a moment ago.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Ok(Err(why)) => (why.to_owned(), false),
            Err(error) => (format!("cannot be read: {error}"), true),
        };
        if self.filter.takes(&key, false) {
            let why = format!("{}: {why}", entry.path().display());
            tree.blind.push(Blind { key: Some(key), why, is_failure });
        }
        None
    }

    fn is_state(&self, directory: &DirEntry) -> bool {
        (self.state.file_name() == Some(&directory.file_name()) || directory.path().is_symlink())
            && directory.path().canonicalize().is_ok_and(|path| path == self.state)
    }

    /// How an entry looks, or why it is left out.
    fn stat(&self, entry: &DirEntry) -> io::Result<Result<Stat, &'static str>> {
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            if !self.follow {
                return Ok(Err("left out, it is a symbolic link (--follow)"));
            }
            // What it points to may be on a disk that is not there at the moment.
            let behind = stat_at(&entry.path())
                .and_then(|stat| Ok((stat, leads_back(&entry.path())?)))
                .map_err(|error| io::Error::other(format!("what it points to: {error}")))?;
            return Ok(match behind {
                (_, true) => Err("left out, the link leads back to a directory above it"),
                (stat, false) => stat.ok_or("left out, it is not a regular file"),
            });
        }
        if !kind.is_file() && !kind.is_dir() {
            return Ok(Err("left out, it is not a regular file"));
        }
        Ok(stat_of(&entry.metadata()?).ok_or("left out, it is not a regular file"))
    }
}

/// How a file or directory looks; `None` when it is neither.
pub(crate) fn stat_of(metadata: &Metadata) -> Option<Stat> {
    if metadata.is_dir() {
        let inode = identity(metadata).1;
        return Some(Stat { kind: Kind::Dir, size: 0, mtime: 0, ctime: 0, inode });
    }
    if !metadata.is_file() {
        return None;
    }
    let (mtime, inode, ctime) = identity(metadata);
    Some(Stat { kind: Kind::File, size: metadata.len(), mtime, ctime, inode })
}

/// How the entry at a path looks now; `None` when nothing, or something
/// special, is there. Links are followed.
pub(crate) fn stat_at(path: &Path) -> io::Result<Option<Stat>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(stat_of(&metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The modification time, the inode and the change time.
#[cfg(unix)]
fn identity(metadata: &Metadata) -> (i64, u64, i64) {
    use std::os::unix::fs::MetadataExt;
    let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000) + rest;
    let mtime = nanoseconds(metadata.mtime(), metadata.mtime_nsec());
    (mtime, metadata.ino(), nanoseconds(metadata.ctime(), metadata.ctime_nsec()))
}

#[cfg(not(unix))]
fn identity(metadata: &Metadata) -> (i64, u64, i64) {
    let since =
        metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let mtime = since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0);
    (mtime, 0, mtime)
}
