//! Remote trees, walked as they are downloaded.

use std::collections::VecDeque;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use pan_sdk::{Client, Entry, Error, ListBy, ListOrder, PanPath, Timestamp};

use super::GetJob;
use crate::claims::{Claims, Sameness};
use crate::failure::Failure;
use crate::filter::{Filter, FilterArgs};
use crate::place::Place;
use crate::remote::RemotePath;
use crate::session::Session;
use crate::transfers::Step;

/// What the walks of all sources share.
pub(super) struct Walk<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) place: &'a Place<PathBuf>,
    pub(super) filter: &'a FilterArgs,
    /// Whether no directory is made.
    pub(super) is_dry: bool,
}

/// What the storage told next.
type Told = Result<Entry, (PanPath, Error)>;

impl<'a> Walk<'a> {
    /// Makes the directory that takes the sources; what is wrong with the
    /// patterns is told before.
    pub(super) async fn prepare(&self) -> Result<(), Failure> {
        Filter::without_files(self.filter)?;
        match self.place {
            Place::Into(directory) if !self.is_dry => make_directory(directory).await,
            _ => Ok(()),
        }
    }

    /// Everything, one source after the other.
    pub(super) fn steps(&'a self, sources: &'a [RemotePath]) -> impl Stream<Item = Step<GetJob>> {
        let mut claims = Claims::new(self.sameness(), sources.len() == 1);
        let steps = stream::iter(sources).then(|source| self.source(source)).flatten();
        steps.map(move |step| match step {
            Step::Do(job) if !claims.claim(&job.to.to_string_lossy()) => {
                let (from, to) = (&job.shown, job.to.display());
                let message = format!("{from}: another file goes to `{to}` already");
                Step::Fail(Failure::other(message).hint("get them into different directories"))
            }
            step => step,
        })
    }

    /// Which names are the same where the files go.
    fn sameness(&self) -> Sameness {
        match self.place {
            Place::Into(directory) if !self.is_dry => Sameness::of_directory(directory),
            // A directory that is not there yet will be like the one it is made in.
            Place::As(path) if !self.is_dry => match path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => Sameness::of_directory(parent),
                _ => Sameness::of_directory(Path::new(".")),
            },
            _ => Sameness::default(),
        }
    }

    async fn source(&self, source: &'a RemotePath) -> BoxStream<'a, Step<GetJob>> {
        match self.look_at(source).await {
            Ok(steps) => steps,
            Err(failure) => stream::iter([Step::Fail(failure.about(source))]).boxed(),
        }
    }

    async fn look_at(
        &self,
        source: &'a RemotePath,
    ) -> Result<BoxStream<'a, Step<GetJob>>, Failure> {
        let entry = self.session.client(source)?.meta(&source.path).await?;
        let client = self.session.patient_client(source)?;
        let name = if source.has_slash && entry.is_dir { None } else { entry.path.name() };
        if name.is_some_and(|name| !is_local_name(name)) {
            return Err(no_local_name());
        }
        let to = self.place.of(name);
        if !entry.is_dir {
            let is_taken = Filter::without_files(self.filter)?.takes(entry.name(), false);
            let step = is_taken.then(|| Step::Do(job(&client, source, &entry, to)));
            return Ok(stream::iter(step).boxed());
        }
        let tree = Tree {
            filter: Arc::new(Filter::new(self.filter, &to)?),
            client,
            source,
            root: entry.path.clone(),
            to,
            is_dry: self.is_dry,
            made: None,
        };
        Ok(tree.steps(entry))
    }
}

/// A directory with all that is below it.
struct Tree<'a> {
    client: Client,
    source: &'a RemotePath,
    root: PanPath,
    to: PathBuf,
    filter: Arc<Filter>,
    is_dry: bool,
    /// The directory that was made last.
    made: Option<PathBuf>,
}

impl<'a> Tree<'a> {
    fn steps(self, root: Entry) -> BoxStream<'a, Step<GetJob>> {
        let order = ListOrder { by: ListBy::Name, descending: false };
        let (filter, depth) = (Arc::clone(&self.filter), self.root.depth());
        let below = self.client.walk_where(&self.root, order, move |entry| {
            filter.takes(&below(depth, &entry.path), true)
        });
        let told = stream::iter([Ok(root)]).chain(below).boxed();
        let state = (self, told, VecDeque::new());
        stream::unfold(state, async |(mut tree, mut told, mut steps)| {
            while steps.is_empty() {
                let next = told.next().await?;
                let step = tree.step(next).await;
                steps.extend(tree.filter.take_problems().into_iter().map(Step::Fail).chain(step));
            }
            let step = steps.pop_front()?;
            Some((step, (tree, told, steps)))
        })
        .boxed()
    }

    /// Turns what was told into a job. A directory is made at once, before its
    /// files, and one of which nothing is taken only where it was meant.
    async fn step(&mut self, told: Told) -> Option<Step<GetJob>> {
        let entry = match told {
            Ok(entry) => entry,
            Err((path, error)) => return Some(Step::Fail(self.failure(error.into(), &path))),
        };
        let seen = below(self.root.depth(), &entry.path);
        if !seen.is_empty() && !self.filter.takes(&seen, entry.is_dir) {
            return None;
        }
        let local = match place_below(&self.root, &self.to, &entry.path) {
            Ok(local) => local,
            Err(failure) => return Some(Step::Fail(self.failure(failure, &entry.path))),
        };
        let directory = match entry.is_dir {
            true if seen.is_empty() || self.filter.takes_empty(&seen) => Some(local.as_path()),
            true => None,
            false => local.parent(),
        };
        if let Some(directory) = directory
            && let Err(failure) = self.make(directory).await
        {
            return Some(Step::Fail(self.failure(failure, &entry.path)));
        }
        (!entry.is_dir).then(|| Step::Do(job(&self.client, self.source, &entry, local)))
    }

    async fn make(&mut self, directory: &Path) -> Result<(), Failure> {
        if self.is_dry || self.made.as_deref() == Some(directory) {
            return Ok(());
        }
        make_directory(directory).await?;
        self.made = Some(directory.to_owned());
        Ok(())
    }

    fn failure(&self, failure: Failure, path: &PanPath) -> Failure {
        failure.about(self.source.spell(path))
    }
}

async fn make_directory(path: &Path) -> Result<(), Failure> {
    tokio::fs::create_dir_all(path).await.map_err(|error| {
        Failure::other(format!("cannot make the directory `{}`: {error}", path.display()))
    })
}

/// A path as patterns see it, from a root of this depth.
fn below(depth: usize, path: &PanPath) -> String {
    path.components().skip(depth).collect::<Vec<_>>().join("/")
}

/// The local path of something below the root of a walk. What a server says
/// must not lead out of the directory that was asked for.
fn place_below(root: &PanPath, to: &Path, path: &PanPath) -> Result<PathBuf, Failure> {
    if !path.is_within(root) {
        return Err(Failure::other(format!("it does not lie in {root}")));
    }
    let mut local = to.to_owned();
    for name in path.components().skip(root.depth()) {
        if !is_local_name(name) {
            return Err(no_local_name());
        }
        local.push(name);
    }
    Ok(local)
}

/// Whether a name is one here too: not on every system may it have a
/// backslash or a colon, which would lead elsewhere.
fn is_local_name(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let is_one = matches!(components.next(), Some(Component::Normal(own)) if own == name);
    is_one && components.next().is_none()
}

fn no_local_name() -> Failure {
    Failure::other("its name cannot be the name of a file on this machine")
        .hint("`pan mv` gives it another name, or `pan get FILE NAME` gets it under one")
}

fn job(client: &Client, source: &RemotePath, entry: &Entry, to: PathBuf) -> GetJob {
    GetJob {
        client: client.clone(),
        shown: source.spell(&entry.path),
        from: entry.path.clone(),
        to,
        size: entry.size.0,
        md5: entry.md5,
        modified: system_time(entry.mtime),
        moved: 0,
    }
}

fn system_time(time: Timestamp) -> Option<SystemTime> {
    let seconds = u64::try_from(time.0).ok().filter(|&seconds| seconds > 0)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use pan_sdk::PanPath;

    use super::{is_local_name, place_below};

    #[test]
    fn nothing_lands_outside() {
        let path = |text| PanPath::parse(text).unwrap();
        for (root, entry, local) in [
            ("/a", "/a", Some("to")),
            ("/a", "/a/b/c", Some("to/b/c")),
            ("/", "/b", Some("to/b")),
            ("/a", "/b/c", None),
            ("/a", "/ab", None),
        ] {
            let placed = place_below(&path(root), Path::new("to"), &path(entry));
            assert_eq!(placed.ok().as_deref(), local.map(Path::new), "{root} {entry}");
        }
    }

    #[test]
    fn only_names_are_names() {
        for (name, is_name) in [
            ("a", true),
            (" ", true),
            ("...", true),
            (".", false),
            ("..", false),
            ("a/b", false),
            ("/", false),
            ("", false),
        ] {
            assert_eq!(is_local_name(name), is_name, "{name}");
        }
        assert_eq!(is_local_name("C:x"), !cfg!(windows));
    }
}
