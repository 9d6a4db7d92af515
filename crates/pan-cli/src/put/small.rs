//! Small files, read to be sent together.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use pan_sdk::{Error, Ondup, SmallFile};
use tokio::task::spawn_blocking;

use crate::local_walk::PutJob;

/// How many threads read at once.
pub(super) const READERS: usize = 4;

/// What came of reading.
#[derive(Default)]
pub(super) struct Batch {
    /// What can be sent, and in the same order its files.
    pub(super) jobs: Vec<PutJob>,
    pub(super) files: Vec<SmallFile>,
    /// What cannot be read.
    pub(super) failed: Vec<(PutJob, Error)>,
    /// What is no small file any more.
    pub(super) grown: Vec<PutJob>,
}

/// What one file is.
enum Content {
    Small(Vec<u8>),
    Grown,
}

/// Reads files, several at once.
pub(super) async fn read(mut jobs: Vec<PutJob>, ondup: Ondup) -> Batch {
    let share = jobs.len().div_ceil(READERS).max(1);
    let mut readers = Vec::new();
    while !jobs.is_empty() {
        let rest = jobs.split_off(share.min(jobs.len()));
        let part = std::mem::replace(&mut jobs, rest);
        readers.push(spawn_blocking(move || {
            part.into_iter().map(|job| (read_file(&job.local), job)).collect::<Vec<_>>()
        }));
    }
    let mut batch = Batch::default();
    for reader in readers {
        let read = match reader.await {
            Ok(read) => read,
            // Nothing may be left out because of a defect.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        for (content, job) in read {
            batch.add(content, job, ondup);
        }
    }
    batch
}

impl Batch {
    fn add(&mut self, content: Result<Content, Error>, mut job: PutJob, ondup: Ondup) {
        match content {
            Ok(Content::Small(bytes)) => {
                job.size = Some(bytes.len() as u64);
                let path = job.remote.clone();
                self.files.push(SmallFile { path, bytes: bytes.into(), ondup });
                self.jobs.push(job);
            }
            Ok(Content::Grown) => self.grown.push(job),
            Err(error) => self.failed.push((job, error)),
        }
    }
}

/// Reads a file that must stay as it is meanwhile.
fn read_file(path: &Path) -> Result<Content, Error> {
    let cannot =
        |source| Error::Local { what: format!("cannot read `{}`", path.display()), source };
    let mut file = File::open(path).map_err(cannot)?;
    let before = file.metadata().map_err(cannot)?;
    if !before.is_file() {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
        return Err(cannot(error));
    }
    if before.len() > SmallFile::MAX_BYTES {
        return Ok(Content::Grown);
    }
    let mut bytes = Vec::with_capacity(before.len() as usize + 1);
    (&mut file).take(SmallFile::MAX_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    let after = file.metadata().map_err(cannot)?;
    let is_unchanged = bytes.len() as u64 == before.len()
        && after.len() == before.len()
        && after.modified().ok() == before.modified().ok();
    match is_unchanged {
        true => Ok(Content::Small(bytes)),
        false => Err(Error::LocalChanged { path: path.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use pan_sdk::{Ondup, PanPath, SmallFile};

    use super::read;
    use crate::local_walk::PutJob;

    #[tokio::test]
    async fn each_file_has_its_own_lot() {
        let directory = tempfile::tempdir().unwrap();
        let job = |name: &str| PutJob {
            local: directory.path().join(name),
            remote: PanPath::parse("/to").unwrap().join(name),
            size: Some(0),
            modified: None,
            same_if: None,
            moved: 0,
        };
        let mut jobs: Vec<_> = (0..10).map(|i| job(&i.to_string())).collect();
        for (i, job) in jobs.iter().enumerate() {
            fs::write(&job.local, vec![b'x'; i]).unwrap();
        }
        jobs.insert(3, job("missing"));
        jobs.insert(5, job("large"));
        fs::write(&jobs[5].local, vec![0; SmallFile::MAX_BYTES as usize + 1]).unwrap();
        let batch = read(jobs, Ondup::Overwrite).await;
        let lengths: Vec<_> = batch.files.iter().map(|file| file.bytes.len()).collect();
        assert_eq!(lengths, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let paths = |jobs: &[PutJob]| jobs.iter().map(|job| job.remote.clone()).collect::<Vec<_>>();
        let sent: Vec<_> = batch.files.iter().map(|file| file.path.clone()).collect();
        assert_eq!(paths(&batch.jobs), sent);
        let failed: Vec<PathBuf> = batch.failed.iter().map(|(job, _)| job.local.clone()).collect();
        assert_eq!(failed, [directory.path().join("missing")]);
        assert_eq!(batch.grown.len(), 1);
    }
}
