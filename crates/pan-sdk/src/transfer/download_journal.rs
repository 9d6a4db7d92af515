//! Which bytes of a download are in its part file, remembered.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pan_model::PanPath;

use super::journal::{Fact, Journal, TransferName};
use super::ranges::Ranges;
use super::target::{Target, directory_of};
use crate::local_file::blocking;
use crate::{Client, Error, FileFacts};

/// A journal has about so many lines for the ranges of a file.
const RANGES_OF_A_FILE: u64 = 4096;
/// Nor is it written more often than that.
const LEAST_RANGE: u64 = 4 << 20;

/// The journal of a download in parts, and what is there already.
#[derive(Clone)]
pub(super) struct DownloadJournal {
    journal: Arc<Journal>,
    step: u64,
}

/// A download in parts that can go on.
pub(super) struct Begun {
    /// None where nothing is remembered.
    pub(super) journal: Option<DownloadJournal>,
    pub(super) target: Target,
    /// What is there.
    pub(super) done: Ranges,
}

impl Begun {
    /// A new download, of which nothing is remembered.
    pub(super) fn unremembered(target: Target) -> Self {
        Self { journal: None, target, done: Ranges::default() }
    }
}

/// Where a download is remembered.
#[derive(Clone)]
pub(super) struct DownloadName {
    name: TransferName,
    place: PathBuf,
}

impl DownloadName {
    pub(super) fn new(directory: &Path, client: &Client, from: &PanPath, place: &Path) -> Self {
        let name = TransferName::new(directory, client, "download", place, from);
        Self { name, place: place.to_owned() }
    }

    /// Whether an earlier try may have left something, at a glance.
    pub(super) fn is_known(&self) -> bool {
        self.name.is_known()
    }

    fn part_file(&self) -> PathBuf {
        directory_of(&self.place).join(format!(".pan-{}.part", self.name.hash()))
    }

    /// Goes on with a download, or begins it anew when what is there is of
    /// another content. `None` where it cannot be remembered: the service
    /// tells no md5, and so it could never be known that what was put together
    /// is right; or there is no place for a journal.
    pub(super) async fn begin(&self, facts: &FileFacts) -> Result<Option<Begun>, Error> {
        let Some(md5) = facts.md5 else { return Ok(None) };
        let (this, size) = (self.clone(), facts.size.0);
        let part_file = std::path::absolute(self.part_file()).ok();
        let part_file = part_file.and_then(|path| path.to_str().map(str::to_owned));
        let (md5, blake3) = (md5.to_string(), facts.blake3.map(|blake3| blake3.to_string()));
        let header = Fact::Download { size, md5, blake3, part_file };
        blocking(move || {
            let Some((journal, facts)) = Journal::open(&this.name)? else { return Ok(None) };
            let done = match facts.split_first() {
                Some((first, rest)) if *first == header => ranges_of(rest, size),
                _ => Ranges::default(),
            };
            let (target, done) = match Target::reopen(&this.place, &this.part_file(), done.end()) {
                Some(target) => (target, done),
                None => {
                    let target = Target::create_at(&this.place, &this.part_file())?;
                    journal.clear();
                    journal.record(&header);
                    (target, Ranges::default())
                }
            };
            let step = (size / RANGES_OF_A_FILE).max(LEAST_RANGE);
            let journal = DownloadJournal { journal: Arc::new(journal), step };
            Ok(Some(Begun { journal: Some(journal), target, done }))
        })
        .await
    }
}

fn ranges_of(facts: &[Fact], size: u64) -> Ranges {
    let mut done = Ranges::default();
    for fact in facts {
        if let Fact::Range { start, end } = fact {
            done.insert(*start..(*end).min(size));
        }
    }
    done
}

impl DownloadJournal {
    /// How many bytes are worth a line.
    pub(super) fn step(&self) -> u64 {
        self.step
    }

    /// These bytes are in the part file.
    // A line in the page cache is no reason to change threads.
    pub(super) fn record(&self, range: Range<u64>) {
        self.journal.record(&Fact::Range { start: range.start, end: range.end });
    }

    /// What is in the part file is not right.
    pub(super) fn forget(&self) {
        self.journal.clear();
    }

    /// The file is there.
    pub(super) fn finish(&self) {
        self.journal.remove();
    }
}
