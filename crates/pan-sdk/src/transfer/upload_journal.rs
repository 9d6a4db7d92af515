//! Which parts of an upload the service has, remembered.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use pan_model::{Md5, PanPath};

use super::journal::{Fact, Journal, TransferName};
use crate::local_file::{LocalFile, blocking};
use crate::{Client, Error};

/// The journal of an upload in parts; or none, and then nothing is remembered.
pub(super) struct UploadJournal {
    journal: Option<Journal>,
    begin: Fact,
    parts: HashMap<usize, Md5>,
    whole: Option<Md5>,
    is_complete: AtomicBool,
}

impl UploadJournal {
    /// Opens it, and reads what it says about this very file, cut this way.
    pub(super) async fn open(
        client: &Client,
        directory: Option<&Path>,
        file: &LocalFile,
        to: &PanPath,
        part_bytes: u64,
    ) -> Result<Self, Error> {
        let begin = Fact::Upload { file: file.looks(), part_bytes };
        let name = directory
            .map(|directory| TransferName::new(directory, client, "upload", file.path(), to));
        blocking(move || {
            let opened = name.map_or(Ok(None), |name| Journal::open(&name))?;
            let (journal, facts) = opened.unzip();
            let (parts, is_complete) = (HashMap::new(), AtomicBool::new(false));
            let mut this = Self { journal, begin, parts, whole: None, is_complete };
            let facts = facts.unwrap_or_default();
            match facts.split_first() {
                Some((first, facts)) if *first == this.begin => this.read(facts),
                _ => this.forget(),
            }
            Ok(this)
        })
        .await
    }

    fn read(&mut self, facts: &[Fact]) {
        for fact in facts {
            match fact {
                Fact::Part { index, md5 } => {
                    self.parts.extend(md5.parse().ok().map(|md5| (*index, md5)));
                }
                Fact::Whole { md5 } => self.whole = md5.parse().ok(),
                _ => {}
            }
        }
    }

    /// The md5 of a part that the service has.
    pub(super) fn part(&self, index: usize) -> Option<Md5> {
        self.parts.get(&index).copied()
    }

    /// Whether anything is known of an earlier try.
    pub(super) fn has_parts(&self) -> bool {
        !self.parts.is_empty()
    }

    /// The md5 of the whole file, where an earlier try found it, and found
    /// that the service has no such content.
    pub(super) fn whole(&self) -> Option<Md5> {
        self.whole
    }

    /// The service has acknowledged a part.
    pub(super) fn record_part(&self, index: usize, md5: Md5) {
        self.record(&Fact::Part { index, md5: md5.to_string() });
    }

    /// The service has acknowledged every part.
    pub(super) fn complete(&self) {
        self.is_complete.store(true, Ordering::Relaxed);
    }

    /// Whether the service has every part.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete.load(Ordering::Relaxed)
    }

    /// The md5 of the whole is known, and the service has no such content.
    pub(super) fn record_whole(&self, md5: Md5) {
        self.record(&Fact::Whole { md5: md5.to_string() });
    }

    // A line in the page cache is no reason to change threads.
    fn record(&self, fact: &Fact) {
        if let Some(journal) = &self.journal {
            journal.record(fact);
        }
    }

    /// The service has lost the parts: all begins anew.
    pub(super) fn forget(&mut self) {
        self.parts.clear();
        self.whole = None;
        self.is_complete = AtomicBool::new(false);
        if let Some(journal) = &self.journal {
            journal.clear();
            journal.record(&self.begin);
        }
    }

    /// The file is there.
    pub(super) fn finish(&self) {
        if let Some(journal) = &self.journal {
            journal.remove();
        }
    }
}
