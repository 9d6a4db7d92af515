//! What a transfer has done so far, in a file that survives it.
//!
//! A line for each fact, with a checksum in front. Lines are only appended: a
//! line that was being written when everything stopped is no line, and what
//! was written behind it does not count. The open file is locked, so that a
//! transfer runs once at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::Duration;

use md5::{Digest, Md5 as Hasher};
use pan_model::{Md5, PanPath};
use serde::{Deserialize, Serialize};
use tracing::{debug, warn};

use super::sweep::sweep;
use crate::local_file::Looks;
use crate::{Client, Error};

/// A transfer that was given up may still be letting go of its journal.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);
const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// More than a hundred thousand facts; what is behind them is not known.
const MAX_BYTES: u64 = 8 << 20;
/// The extension of the files.
pub(super) const EXTENSION: &str = "journal";

/// What a line says. Md5s are 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fact {
    /// The first line of an upload: what is uploaded, and how it is cut.
    Upload { file: Looks, part_bytes: u64 },
    /// The service has this part.
    Part { index: usize, md5: String },
    /// The md5 of the whole file, and that the service has no such content.
    Whole { md5: String },
    /// The first line of a download: what is downloaded, and where to.
    /// BLAKE3 is told where that is what its bytes are compared with.
    Download {
        size: u64,
        md5: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blake3: Option<String>,
        part_file: Option<String>,
    },
    /// These bytes are in the part file.
    Range { start: u64, end: u64 },
}

/// Which transfer it is: the same arguments, the same name.
#[derive(Debug, Clone)]
pub(super) struct TransferName {
    directory: PathBuf,
    hash: Md5,
}

impl TransferName {
    /// The name of a transfer between a local path and a remote one.
    /// `direction` keeps the two apart.
    pub(super) fn new(
        directory: &Path,
        client: &Client,
        direction: &str,
        local: &Path,
        remote: &PanPath,
    ) -> Self {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.into());
        let mut hasher = Hasher::new();
        for part in [
            direction.as_bytes(),
            client.endpoint().as_str().as_bytes(),
            // Of the token no more than what its hash adds to that of all.
            client.token().reveal().as_bytes(),
            absolute(local).as_os_str().as_encoded_bytes(),
            remote.as_str().as_bytes(),
            // Two journals of one download would otherwise share its part file.
            absolute(directory).as_os_str().as_encoded_bytes(),
        ] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self { directory: directory.to_owned(), hash: Md5(hasher.finalize().into()) }
    }

    /// A name for what else belongs to the transfer.
    pub(super) fn hash(&self) -> Md5 {
        self.hash
    }

    fn path(&self) -> PathBuf {
        self.directory.join(format!("{}.{EXTENSION}", self.hash))
    }

    /// Whether there is a journal, at a glance.
    pub(super) fn is_known(&self) -> bool {
        self.path().exists()
    }
}

/// The journal of one transfer, locked.
#[derive(Debug)]
pub(super) struct Journal {
    file: Mutex<File>,
    path: PathBuf,
}

impl Journal {
    /// Opens the journal of a transfer, and reads what is in it: nothing when
    /// it is new. `None`, and a warning, where no journal can be kept: that
    /// is no reason not to transfer.
    ///
    /// # Errors
    /// [`Error::Local`] when the same transfer is running already.
    pub(super) fn open(name: &TransferName) -> Result<Option<(Self, Vec<Fact>)>, Error> {
        match Self::try_open(name) {
            Ok(opened) => Ok(Some(opened)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let text = "it is running already, in another process: wait for that one";
                let error = io::Error::new(io::ErrorKind::WouldBlock, text);
                Err(Error::local("cannot begin the same transfer twice", error))
            }
            Err(error) => {
                let path = name.directory.display();
                warn!("transfers cannot be continued later: no journal in `{path}`: {error}");
                Ok(None)
            }
        }
    }

    fn try_open(name: &TransferName) -> io::Result<(Self, Vec<Fact>)> {
        make_private_directory(&name.directory)?;
        let path = name.path();
        if !name.is_known() {
            sweep(&name.directory);
        }
        let mut file = open_locked(&path)?;
        let mut text = Vec::new();
        (&mut file).take(MAX_BYTES).read_to_end(&mut text)?;
        let (records, length) = read_records(&text);
        file.set_len(length as u64)?;
        file.seek(SeekFrom::End(0))?;
        Ok((Self { file: Mutex::new(file), path }, records))
    }

    /// Adds a fact. Where that fails, less is remembered, and that is all.
    pub(super) fn record(&self, fact: &Fact) {
        let written = line_of(fact).and_then(|line| self.locked(|file| file.write_all(&line)));
        if let Err(error) = written {
            debug!("a journal cannot be written: {error}");
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        let cleared = self.locked(|file| {
            file.set_len(0)?;
            file.rewind()
        });
        if let Err(error) = cleared {
            debug!("a journal cannot be cleared: {error}");
        }
    }

    /// The transfer is done: there is nothing to go on with.
    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            debug!("a journal cannot be removed: {error}");
        }
    }

    fn locked<T>(&self, work: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
        let mut file = self.file.lock().map_err(|_| io::Error::other("a writer panicked"))?;
        work(&mut file)
    }
}

/// Opens a file for this process alone.
fn open_locked(path: &Path) -> io::Result<File> {
    let mut waited = Duration::ZERO;
    loop {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        match file.try_lock() {
            // Another may have removed it between opening and locking.
            Ok(()) if is_at(&file, path) => return Ok(file),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if waited < LOCK_PATIENCE => {
                sleep(LOCK_PAUSE);
                waited += LOCK_PAUSE;
            }
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity =
        |found: io::Result<fs::Metadata>| found.map(|file| (file.dev(), file.ino())).ok();
    identity(file.metadata()) == identity(fs::metadata(path))
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// The paths in journals are nobody else's business.
fn make_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

pub(super) fn line_of(fact: &Fact) -> io::Result<Vec<u8>> {
    let json = serde_json::to_string(fact)?;
    Ok(format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes())).into_bytes())
}

/// The records at the beginning that are whole, and their length in bytes.
pub(super) fn read_records(text: &[u8]) -> (Vec<Fact>, usize) {
    let mut records = Vec::new();
    let mut length = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let Some(record) = read_record(line) else { break };
        records.push(record);
        length += line.len();
    }
    (records, length)
}

fn read_record(line: &[u8]) -> Option<Fact> {
    let (sum, json) = line.strip_suffix(b"\n")?.split_at_checked(9)?;
    let sum = std::str::from_utf8(sum).ok()?.strip_suffix(' ')?;
    let sum = u32::from_str_radix(sum, 16).ok()?;
    if sum != crc32fast::hash(json) { None } else { serde_json::from_slice(json).ok() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use pan_model::PanPath;
    use proptest::prelude::*;

    use super::{Fact, Journal, TransferName, line_of, read_records};
    use crate::{Client, Endpoint, Error};

    fn name(directory: &std::path::Path, token: &str, local: &str) -> TransferName {
        let client = Client::new(Endpoint::single("http://h").unwrap(), token).unwrap();
        let remote = PanPath::parse("/a").unwrap();
        TransferName::new(directory, &client, "upload", local.as_ref(), &remote)
    }

    fn facts(count: usize) -> Vec<Fact> {
        (0..count).map(|index| Fact::Part { index, md5: format!("{index:032x}") }).collect()
    }

    #[test]
    fn what_was_recorded_is_there_afterwards_and_can_be_added_to() {
        let home = tempfile::tempdir().unwrap();
        let name = name(&home.path().join("new/directory"), "t", "a");
        for count in 0..4 {
            let (journal, found) = Journal::open(&name).unwrap().unwrap();
            assert_eq!(found, facts(count));
            journal.record(&facts(4)[count]);
        }
        let (journal, _) = Journal::open(&name).unwrap().unwrap();
        journal.clear();
        journal.record(&facts(1)[0]);
        drop(journal);
        let (journal, found) = Journal::open(&name).unwrap().unwrap();
        assert_eq!(found, facts(1));
        journal.remove();
        assert!(!name.is_known());
    }

    #[test]
    fn the_same_transfer_does_not_run_twice_and_others_do() {
        let home = tempfile::tempdir().unwrap();
        let (one, same) = (name(home.path(), "t", "a"), name(home.path(), "t", "a"));
        let _open = Journal::open(&one).unwrap().unwrap();
        let twice = Journal::open(&same);
        assert!(matches!(twice, Err(Error::Local { .. })), "{twice:?}");
        for other in [name(home.path(), "u", "a"), name(home.path(), "t", "b")] {
            assert!(Journal::open(&other).unwrap().is_some());
        }
    }

    #[test]
    fn a_place_for_journals_that_is_none_is_no_reason_to_fail() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(Journal::open(&name(file.path(), "t", "a")).unwrap().is_none());
    }

    #[test]
    fn the_token_is_not_in_the_journal() {
        let home = tempfile::tempdir().unwrap();
        let name = name(home.path(), "s3cr3t", "a");
        let (journal, _) = Journal::open(&name).unwrap().unwrap();
        journal.record(&facts(1)[0]);
        for entry in fs::read_dir(home.path()).unwrap().map(Result::unwrap) {
            assert!(!entry.file_name().to_string_lossy().contains("s3cr3t"));
            assert!(!fs::read_to_string(entry.path()).unwrap().contains("s3cr3t"));
        }
    }

    proptest! {
        #[test]
        fn what_is_torn_or_changed_ends_the_journal_there(
            count in 1usize..12,
            cut in any::<prop::sample::Index>(),
            flip in any::<prop::sample::Index>(),
            bit in 0u8..8,
            garbage in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let all = facts(count);
            let lines: Vec<Vec<u8>> = all.iter().map(|fact| line_of(fact).unwrap()).collect();
            let whole = lines.concat();
            let whole_lines = |length: usize| {
                let ends = lines.iter().scan(0, |end, line| { *end += line.len(); Some(*end) });
                ends.filter(|end| *end <= length).count()
            };
            // Torn, with anything behind it.
            let torn = cut.index(whole.len() + 1);
            let text = [&whole[..torn], b"\0", &garbage].concat();
            let (found, length) = read_records(&text);
            prop_assert_eq!(&found[..], &all[..whole_lines(torn)]);
            prop_assert!(length <= torn);
            // A bit that fell over: no line from there on.
            let mut changed = whole.clone();
            let place = flip.index(whole.len());
            changed[place] ^= 1 << bit;
            let (found, _) = read_records(&changed);
            let intact = whole_lines(place);
            // Upper case is the one change of a checksum that means the same.
            prop_assert!(found.len() == intact || found == all, "{place}");
            prop_assert_eq!(&found[..intact], &all[..intact]);
            // And nothing makes it panic.
            read_records(&garbage);
        }
    }
}
