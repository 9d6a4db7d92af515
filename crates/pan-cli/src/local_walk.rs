//! Local trees, walked as they are uploaded.

use std::collections::VecDeque;
use std::fs::{self, FileType, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use futures_util::stream::{self, Stream};
use pan_sdk::{Md5, PanPath};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use walkdir::{DirEntry, WalkDir};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::filter::{Filter, FilterArgs};
use crate::place::{Place, has_slash};
use crate::transfers::Step;

/// How far the walk is ahead of the uploads.
const STEPS_AHEAD: usize = 256;

/// Something to upload.
#[derive(Debug)]
pub(crate) struct PutJob {
    pub(crate) local: PathBuf,
    pub(crate) remote: PanPath,
    /// Its bytes. `None` is a directory in which nothing is uploaded: the
    /// others come with their files.
    pub(crate) size: Option<u64>,
    /// When it was modified, where that is going to be asked.
    pub(crate) modified: Option<SystemTime>,
    /// The md5 of what is there already with the same size.
    pub(crate) same_if: Option<Md5>,
    /// How much has moved in earlier tries.
    pub(crate) moved: u64,
}

/// A source, with what is left out of it.
pub(crate) struct Source {
    path: PathBuf,
    filter: Filter,
}

impl Source {
    /// Patterns are seen from a directory; a file alone goes by its name.
    pub(crate) fn new(path: PathBuf, args: &FilterArgs) -> Result<Self, Failure> {
        let filter = match path.is_dir() {
            true => Filter::new(args, &path)?,
            false => Filter::without_files(args)?,
        };
        Ok(Self { path, filter })
    }
}

/// Walks sources to their places. The walk has a thread of its own, which
/// never gets far ahead and ends when nobody listens.
pub(crate) fn walk(
    sources: Vec<Source>,
    place: Place<PanPath>,
    follow: bool,
) -> impl Stream<Item = Step<PutJob>> {
    let (steps, received) = mpsc::channel(STEPS_AHEAD);
    spawn_blocking(move || {
        for source in sources {
            let Some(walk) = SourceWalk::new(&source, &place, follow) else {
                let step = Step::Fail(not_utf8(&source.path));
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
struct SourceWalk<'a> {
    entries: walkdir::IntoIter,
    source: &'a Source,
    root: PanPath,
    /// The directories on the way down, by depth.
    parents: Vec<PanPath>,
    /// A directory of which nothing was uploaded yet, and its depth.
    empty: Option<(usize, PutJob)>,
    /// What follows.
    next: VecDeque<Step<PutJob>>,
}

impl<'a> SourceWalk<'a> {
    /// `None` when the name of the source is not UTF-8.
    fn new(source: &'a Source, place: &Place<PanPath>, follow: bool) -> Option<Self> {
        let name = match own_name(&source.path) {
            Some(name) => Some(name.to_str()?),
            None => None,
        };
        Some(Self {
            entries: WalkDir::new(&source.path).follow_links(follow).into_iter(),
            source,
            root: place.of(name),
            parents: Vec::new(),
            empty: None,
            next: VecDeque::new(),
        })
    }

    /// What an entry means; `None` when it is left out without a word.
    fn step(&mut self, entry: &DirEntry) -> Option<Step<PutJob>> {
        let kind = kind(entry);
        if !self.takes(entry, kind.is_dir()) {
            self.leave(entry);
            return None;
        }
        self.parents.truncate(entry.depth());
        let remote = match (self.parents.last(), entry.file_name().to_str()) {
            (None, _) => self.root.clone(),
            (Some(parent), Some(name)) => parent.join(name),
            (Some(_), None) => {
                self.leave(entry);
                return Some(Step::Fail(not_utf8(entry.path())));
            }
        };
        if kind.is_dir() {
            self.parents.push(remote.clone());
            return Some(Step::Do(job(entry, remote, None)));
        }
        if kind.is_file() && entry.depth() > 0 && is_part_file(entry) {
            let path = entry.path().display();
            return Some(Step::Skip(format!(
                "{path}: left out, it is a download that is not complete"
            )));
        }
        if kind.is_file() {
            // One that is gone meanwhile fails when it is read.
            let metadata = fs::metadata(entry.path()).ok();
            return Some(Step::Do(job(entry, remote, Some(metadata))));
        }
        let what =
            if kind.is_symlink() { "a symbolic link (--follow)" } else { "not a regular file" };
        Some(Step::Skip(format!("{}: left out, it is {what}", entry.path().display())))
    }

    /// Whether the filter lets something through. The source itself is what
    /// was asked for, unless it is a file that the command line leaves out.
    fn takes(&self, entry: &DirEntry, is_dir: bool) -> bool {
        match (entry.depth(), entry.file_name()) {
            (0, _) if is_dir => true,
            (0, name) => self.source.filter.takes(&name.to_string_lossy(), false),
            _ => self.source.filter.takes(&self.seen(entry.path()), is_dir),
        }
    }

    /// A path as patterns see it: from the source, with slashes.
    fn seen(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.source.path).unwrap_or(path);
        let names = below.components().map(|name| name.as_os_str().to_string_lossy());
        names.collect::<Vec<_>>().join("/")
    }

    /// Does not look into a directory.
    fn leave(&mut self, entry: &DirEntry) {
        if entry.file_type().is_dir() {
            self.entries.skip_current_dir();
        }
    }

    /// The directory that turned out to be empty, once the walk is past it.
    fn past_empty(&mut self, depth: usize) -> Option<Step<PutJob>> {
        let (own, job) = self.empty.take_if(|(own, _)| *own >= depth)?;
        let is_taken = own == 0 || self.source.filter.takes_empty(&self.seen(&job.local));
        is_taken.then_some(Step::Do(job))
    }

    /// Holds a directory back until it is known to be empty.
    fn hold_back(&mut self, step: Step<PutJob>, depth: usize) -> Option<Step<PutJob>> {
        match step {
            Step::Do(job) if job.size.is_none() => {
                self.empty = Some((depth, job));
                None
            }
            Step::Do(file) => {
                self.empty = None;
                Some(Step::Do(file))
            }
            other => Some(other),
        }
    }

    /// Goes one entry on; `false` at the end.
    fn advance(&mut self) -> bool {
        let Some(entry) = self.entries.next() else {
            let last = self.past_empty(0);
            self.next.extend(last);
            return false;
        };
        let (depth, step) = match entry {
            Ok(entry) => (entry.depth(), self.step(&entry)),
            Err(error) => (error.depth(), Some(Step::Fail(cannot_read(&error)))),
        };
        let past = self.past_empty(depth);
        let step = step.and_then(|step| self.hold_back(step, depth));
        let problems = self.source.filter.take_problems().into_iter().map(Step::Fail);
        self.next.extend(problems.chain(past).chain(step));
        true
    }
}

impl Iterator for SourceWalk<'_> {
    type Item = Step<PutJob>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.next.is_empty() && self.advance() {}
        self.next.pop_front()
    }
}

/// The job of a file with its metadata, or of a directory.
fn job(entry: &DirEntry, remote: PanPath, file: Option<Option<Metadata>>) -> PutJob {
    let size = file.as_ref().map(|file| file.as_ref().map_or(0, Metadata::len));
    let modified = file.flatten().and_then(|file| file.modified().ok());
    let local = entry.path().to_owned();
    PutJob { local, remote, size, modified, same_if: None, moved: 0 }
}

/// Whether this is what a download has so far.
fn is_part_file(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_str();
    let middle = name.and_then(|name| name.strip_prefix(".pan-")?.strip_suffix(".part"));
    middle.is_some_and(|middle| !middle.is_empty() && middle.chars().all(char::is_alphanumeric))
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

    use super::{Source, SourceWalk, Step};
    use crate::filter::FilterArgs;
    use crate::place::Place;

    /// The steps of a walk, sorted; directories with a slash.
    fn steps(source: &str, follow: bool) -> Vec<String> {
        let place = Place::Into(PanPath::parse("/to").unwrap());
        let source = Source::new(source.into(), &FilterArgs::default()).unwrap();
        let walk = SourceWalk::new(&source, &place, follow).unwrap();
        let mut steps: Vec<_> = walk
            .map(|step| match step {
                Step::Do(job) if job.size.is_some() => job.remote.to_string(),
                Step::Do(job) => format!("{}/", job.remote),
                Step::Skip(_) | Step::Same(_) => String::from("skip"),
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
    fn what_a_download_has_so_far_is_no_file_of_anybody() {
        let root = tempfile::tempdir().unwrap();
        for name in [".pan-0a1B.part", ".pan-.part", ".pan-a b.part", "x.part"] {
            fs::write(root.path().join(name), "x").unwrap();
        }
        let all = steps(&format!("{}/", root.path().display()), false);
        assert_eq!(all, ["/to/.pan-.part", "/to/.pan-a b.part", "/to/x.part", "skip"]);
        let named = root.path().join(".pan-0a1B.part");
        assert_eq!(steps(named.to_str().unwrap(), false), ["/to/.pan-0a1B.part"]);
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
