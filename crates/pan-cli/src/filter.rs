//! Which files a transfer takes: `--include`, `--exclude`, `--filter-from` and
//! `.openpanignore`, in the words of gitignore.
//!
//! The command line decides first: the last of its patterns that matches
//! wins. What none of them matches is left to the ignore files of the local
//! directories, of which deeper ones win. What is decided nowhere is taken,
//! unless the first option was `--include`, as with `grep`.

mod args;
mod patterns;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use self::args::FilterArgs;
use self::args::Rule;
use self::patterns::Patterns;
use crate::failure::Failure;

/// The name of the files that say what is left out of a local directory and
/// all below it.
pub(crate) const IGNORE_FILE: &str = ".openpanignore";

/// The patterns of one transfer.
#[derive(Debug)]
pub(crate) struct Filter {
    command_line: Patterns,
    /// Whether only what is included is taken.
    is_selective: bool,
    /// Where ignore files are looked for; `None` when nowhere.
    root: Option<PathBuf>,
    /// What is known about directories, by their paths from the root. An
    /// ignore file is read once, before anything of its directory moves: one
    /// that is itself downloaded does not change what the command takes.
    known: Mutex<HashMap<Box<str>, Ignores>>,
    problems: Mutex<Vec<Failure>>,
}

/// The ignore files that count in a directory.
#[derive(Debug, Clone)]
enum Ignores {
    /// There are none.
    None,
    /// The nearest, and what is above it.
    Some(Arc<Level>),
    /// One of them cannot be understood: then nothing is taken.
    Unusable,
}

/// An ignore file.
#[derive(Debug)]
struct Level {
    patterns: Patterns,
    /// How much of a path from the root is the way to the file's directory.
    prefix_bytes: usize,
    above: Ignores,
}

impl Filter {
    /// The filter of a transfer whose local side is `root`, in which ignore
    /// files are looked for.
    pub(crate) fn new(args: &FilterArgs, root: &Path) -> Result<Self, Failure> {
        Ok(Self { root: Some(root.to_owned()), ..Self::without_files(args)? })
    }

    /// The filter of things that have no local directory: of the command line only.
    pub(crate) fn without_files(args: &FilterArgs) -> Result<Self, Failure> {
        Ok(Self {
            command_line: args.patterns()?,
            is_selective: matches!(args.rules.first(), Some(Rule::Include(_))),
            root: None,
            known: Mutex::default(),
            problems: Mutex::default(),
        })
    }

    /// Whether something is taken; of a directory, whether it is looked into.
    /// `path` is seen from the root, with `/` between its names, on both sides.
    /// What is below a directory that is left out must not be asked about: it
    /// is left out too.
    pub(crate) fn takes(&self, path: &str, is_dir: bool) -> bool {
        match self.decided(path, is_dir) {
            Some(taken) => taken,
            None => is_dir || !self.is_selective || self.is_below_included(path),
        }
    }

    /// Whether a directory that is looked into is taken also when nothing in
    /// it is.
    pub(crate) fn takes_empty(&self, path: &str) -> bool {
        !self.is_selective
            || self.command_line.decide(path, true) == Some(true)
            || self.is_below_included(path)
    }

    /// Reads the ignore file of a directory that is spelt differently on the
    /// disk. Its parents were entered, or are spelt as in `directory`.
    pub(crate) fn enter(&self, directory: &str, path: &Path) {
        let Some(root) = self.root.as_ref().filter(|root| root.join(directory) != path) else {
            return;
        };
        if lock(&self.known).contains_key(directory) {
            return;
        }
        let above = match parent(directory) {
            Some(parent) => self.ignores_of(root, parent),
            None => Ignores::None,
        };
        let found = self.read_ignores(path, directory, above);
        lock(&self.known).entry(directory.into()).or_insert(found);
    }

    /// Forgets what the ignore files say: they are read again.
    pub(crate) fn forget_files(&self) {
        lock(&self.known).clear();
    }

    /// The ignore files that could not be understood since the last call.
    /// Nothing in their directories was taken.
    pub(crate) fn take_problems(&self) -> Vec<Failure> {
        std::mem::take(&mut *lock(&self.problems))
    }

    fn decided(&self, path: &str, is_dir: bool) -> Option<bool> {
        let ignores = match &self.root {
            Some(root) => self.ignores_of(root, parent(path).unwrap_or_default()),
            None => Ignores::None,
        };
        if matches!(ignores, Ignores::Unusable) {
            return Some(false);
        }
        self.command_line.decide(path, is_dir).or_else(|| ignores.decide(path, is_dir))
    }

    /// Whether a directory on the way to the path is included.
    fn is_below_included(&self, path: &str) -> bool {
        let above = std::iter::successors(parent(path), |path| parent(path));
        above
            .filter(|path| !path.is_empty())
            .find_map(|path| self.command_line.decide(path, true))
            .unwrap_or(false)
    }

    /// What counts in a directory; reads what was not read yet.
    fn ignores_of(&self, root: &Path, directory: &str) -> Ignores {
        if let Some(known) = lock(&self.known).get(directory) {
            return known.clone();
        }
        let above = match parent(directory) {
            Some(parent) => self.ignores_of(root, parent),
            None => Ignores::None,
        };
        let found = self.read_ignores(&root.join(directory), directory, above);
        lock(&self.known).entry(directory.into()).or_insert(found).clone()
    }

    fn read_ignores(&self, place: &Path, directory: &str, above: Ignores) -> Ignores {
        if matches!(above, Ignores::Unusable) {
            return Ignores::Unusable;
        }
        let path = place.join(IGNORE_FILE);
        let read = match fs::read(&path) {
            Ok(bytes) => Patterns::of_file(&path, &bytes),
            Err(error) if is_absent(&error) => return above,
            Err(error) => {
                let path = path.display();
                Err(Failure::other(format!("{path}: cannot be read: {error}")))
            }
        };
        let prefix_bytes = if directory.is_empty() { 0 } else { directory.len() + 1 };
        match read {
            Ok(patterns) => Ignores::Some(Arc::new(Level { patterns, prefix_bytes, above })),
            Err(failure) => {
                let hint = "nothing beside it is transferred until it is right";
                lock(&self.problems).push(failure.hint(hint));
                Ignores::Unusable
            }
        }
    }
}

impl Ignores {
    /// What the nearest file says that says anything.
    fn decide(&self, path: &str, is_dir: bool) -> Option<bool> {
        let mut next = self;
        while let Self::Some(level) = next {
            let decided = level.patterns.decide(&path[level.prefix_bytes..], is_dir);
            if decided.is_some() {
                return decided;
            }
            next = &level.above;
        }
        None
    }
}

/// The directory of a path from the root: `""` is the root itself, which has none.
fn parent(path: &str) -> Option<&str> {
    match path.rsplit_once('/') {
        Some((parent, _)) => Some(parent),
        None => (!path.is_empty()).then_some(""),
    }
}

/// Whether there is no such file. What is not even a directory here, or has a
/// name that cannot be here, has no ignore file either.
fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | InvalidFilename)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
