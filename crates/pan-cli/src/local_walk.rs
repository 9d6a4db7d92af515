//! Local trees, walked as they are uploaded.

use std::fs::{self, FileType};
use std::path::{Path, PathBuf};

use futures_util::stream::{self, Stream};
use pan_sdk::PanPath;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use walkdir::{DirEntry, WalkDir};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::place::{Place, has_slash};
use crate::transfers::Step;

/// How far the walk is ahead of the uploads.
const STEPS_AHEAD: usize = 256;

/// Something to upload.
#[derive(Debug)]
pub(crate) enum PutJob {
    /// A file.
    File { local: PathBuf, remote: PanPath, size: u64 },
    /// A directory in which nothing is uploaded: the others come with their files.
    Directory { local: PathBuf, remote: PanPath },
}

/// Walks sources to their places. The walk has a thread of its own, which
/// never gets far ahead and ends when nobody listens.
pub(crate) fn walk(
    sources: Vec<PathBuf>,
    place: Place<PanPath>,
    follow: bool,
) -> impl Stream<Item = Step<PutJob>> {
    let (steps, received) = mpsc::channel(STEPS_AHEAD);
    spawn_blocking(move || {
        for source in sources {
            let Some(walk) = SourceWalk::new(&source, &place, follow) else {
                let step = Step::Fail(not_utf8(&source));
                if steps.blocking_send(step).is_err() {
                    return;
                }
                continue;
            };
            for step in walk {
                if steps.blocking_send(step).is_err() {
                    return;
                }
            }
        }
    });
    stream::unfold(received, async |mut received| Some((received.recv().await?, received)))
}

/// The walk of one source, as an iterator.
struct SourceWalk {
    entries: walkdir::IntoIter,
    root: PanPath,
    /// The directories on the way down, by depth.
    parents: Vec<PanPath>,
    /// A directory of which nothing was uploaded yet, and its depth.
    empty: Option<(usize, PathBuf, PanPath)>,
    /// What follows an empty directory.
    next: Option<Step<PutJob>>,
}

impl SourceWalk {
    /// `None` when the name of the source is not UTF-8.
    fn new(source: &Path, place: &Place<PanPath>, follow: bool) -> Option<Self> {
        let name = match own_name(source) {
            Some(name) => Some(name.to_str()?),
            None => None,
        };
        Some(Self {
            entries: WalkDir::new(source).follow_links(follow).into_iter(),
            root: place.of(name),
            parents: Vec::new(),
            empty: None,
            next: None,
        })
    }

    fn step(&mut self, entry: &DirEntry) -> Step<PutJob> {
        let local = entry.path().to_owned();
        self.parents.truncate(entry.depth());
        let remote = match (self.parents.last(), entry.file_name().to_str()) {
            (None, _) => self.root.clone(),
            (Some(parent), Some(name)) => parent.join(name),
            (Some(_), None) => {
                self.leave(entry);
                return Step::Fail(not_utf8(&local));
            }
        };
        let kind = kind(entry);
        if kind.is_dir() {
            self.parents.push(remote.clone());
            return Step::Do(PutJob::Directory { local, remote });
        }
        if kind.is_file() {
            let size = fs::metadata(&local).map_or(0, |metadata| metadata.len());
            return Step::Do(PutJob::File { local, remote, size });
        }
        let what =
            if kind.is_symlink() { "a symbolic link (--follow)" } else { "not a regular file" };
        Step::Skip(format!("{}: left out, it is {what}", local.display()))
    }

    /// Does not look into a directory.
    fn leave(&mut self, entry: &DirEntry) {
        if entry.file_type().is_dir() {
            self.entries.skip_current_dir();
        }
    }

    /// The directory that turned out to be empty, once the walk is past it.
    fn past_empty(&mut self, depth: usize) -> Option<Step<PutJob>> {
        let (_, local, remote) = self.empty.take_if(|(own, ..)| *own >= depth)?;
        Some(Step::Do(PutJob::Directory { local, remote }))
    }

    /// Holds a directory back until it is known to be empty.
    fn hold_back(&mut self, step: Step<PutJob>, depth: usize) -> Option<Step<PutJob>> {
        match step {
            Step::Do(PutJob::Directory { local, remote }) => {
                self.empty = Some((depth, local, remote));
                None
            }
            Step::Do(file) => {
                self.empty = None;
                Some(Step::Do(file))
            }
            other => Some(other),
        }
    }
}

impl Iterator for SourceWalk {
    type Item = Step<PutJob>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(next) = self.next.take() {
            return Some(next);
        }
        loop {
            let Some(entry) = self.entries.next() else { return self.past_empty(0) };
            let (depth, step) = match entry {
                Ok(entry) => (entry.depth(), self.step(&entry)),
                Err(error) => (error.depth(), Step::Fail(cannot_read(&error))),
            };
            let past = self.past_empty(depth);
            let step = self.hold_back(step, depth);
            if past.is_some() {
                self.next = step;
                return past;
            }
            if step.is_some() {
                return step;
            }
        }
    }
}

/// What an entry is. A link that was named itself is what it points to.
fn kind(entry: &DirEntry) -> FileType {
    let behind = || entry.path().metadata().ok().map(|metadata| metadata.file_type());
    let named = (entry.depth() == 0 && entry.path_is_symlink()).then(behind).flatten();
    named.unwrap_or_else(|| entry.file_type())
}

/// The name under which a source goes into a directory; none for `dir/`, `.`
/// and `..`, which mean what is in them.
fn own_name(source: &Path) -> Option<&std::ffi::OsStr> {
    let is_contents = has_slash(source) || source.as_os_str().as_encoded_bytes().ends_with(b"/.");
    if is_contents && source.is_dir() { None } else { source.file_name() }
}

fn not_utf8(path: &Path) -> Failure {
    Failure::other(format!("{}: its name is not UTF-8", path.display()))
        .hint("names in the storage are text: rename it, for instance with `convmv`")
}

fn cannot_read(error: &walkdir::Error) -> Failure {
    let path = error.path().unwrap_or(Path::new("")).display();
    if error.loop_ancestor().is_some() {
        return Failure::other(format!("{path}: the link leads back to a directory above it"));
    }
    match error.io_error() {
        Some(io) if io.kind() == std::io::ErrorKind::NotFound => {
            Failure::new(Exit::NoFile, format!("{path}: there is no such file or directory"))
        }
        Some(io) => Failure::other(format!("{path}: cannot be read: {io}")),
        None => Failure::other(error.to_string()),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;

    use pan_sdk::PanPath;

    use super::{PutJob, SourceWalk, Step};
    use crate::place::Place;

    /// The steps of a walk, sorted; directories with a slash.
    fn steps(source: &str, follow: bool) -> Vec<String> {
        let place = Place::Into(PanPath::parse("/to").unwrap());
        let walk = SourceWalk::new(source.as_ref(), &place, follow).unwrap();
        let mut steps: Vec<_> = walk
            .map(|step| match step {
                Step::Do(PutJob::File { remote, .. }) => remote.to_string(),
                Step::Do(PutJob::Directory { remote, .. }) => format!("{remote}/"),
                Step::Skip(_) => String::from("skip"),
                Step::Fail(failure) => failure.message,
            })
            .collect();
        steps.sort();
        steps
    }

    #[test]
    fn directories_come_only_when_they_are_empty() {
        let root = tempfile::tempdir().unwrap();
        for directory in ["d/empty", "d/full", "d/deep/deeper", "d/links"] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        fs::write(root.path().join("d/full/a"), "x").unwrap();
        std::os::unix::fs::symlink("../full", root.path().join("d/links/l")).unwrap();
        let source = root.path().join("d");
        let source = source.to_str().unwrap();
        let expected =
            ["/to/d/deep/deeper/", "/to/d/empty/", "/to/d/full/a", "/to/d/links/", "skip"];
        assert_eq!(steps(source, false), expected);
        let contents = ["/to/deep/deeper/", "/to/empty/", "/to/full/a", "/to/links/l/a"];
        assert_eq!(steps(&format!("{source}/"), true), contents);
        assert_eq!(steps(&format!("{source}/full/a"), false), ["/to/a"]);
        assert_eq!(steps(&format!("{source}/empty"), false), ["/to/empty/"]);
        assert_eq!(steps(&format!("{source}/links/l"), false), ["/to/l/a"]);
    }

    #[test]
    fn what_cannot_be_read_or_named_is_told() {
        use std::os::unix::ffi::OsStrExt;
        let root = tempfile::tempdir().unwrap();
        let strange = root.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
        fs::create_dir(&strange).unwrap();
        fs::write(strange.join("inside"), "x").unwrap();
        let told = steps(&format!("{}/", root.path().display()), false);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.iter().any(|text| text.contains("not UTF-8")));
        let missing = root.path().join("missing");
        assert!(steps(missing.to_str().unwrap(), false)[0].contains("no such file"));
        std::os::unix::fs::symlink(".", root.path().join("loop")).unwrap();
        assert!(
            steps(&format!("{}/", root.path().display()), true)
                .iter()
                .any(|text| text.contains("leads back"))
        );
    }
}
