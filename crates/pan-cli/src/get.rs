use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum};
use futures_util::stream::{self, BoxStream, StreamExt};
use pan_sdk::{Client, Entry, Error, ListBy, ListOrder, PanPath, Timestamp};

use crate::bars::Bars;
use crate::cat::{self, ByteRange};
use crate::failure::Failure;
use crate::glob;
use crate::place::{self, Place};
use crate::remote::RemotePath;
use crate::session::Session;
use crate::transfers::{Report, Step, TransferArgs, pump};

/// Download files and directories
///
/// DEST that ends with `/`, or is a directory, takes every SRC under its own
/// name; any other is the new name of the only SRC. `SRC/` means what is in
/// the directory. `get SRC -` writes the file to stdout.
#[derive(Debug, Args)]
#[command(override_usage = "pan get [OPTIONS] <SRC>... <DEST>")]
pub(crate) struct GetArgs {
    /// Files and directories in the storage; then where to, on this machine, or `-`
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What to do when a file exists
    #[arg(long, value_enum, default_value_t = OnDup::Overwrite)]
    on_dup: OnDup,
    #[command(flatten)]
    transfer: TransferArgs,
}

/// What to do when a file exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnDup {
    /// Replace it
    Overwrite,
    /// Report it and leave it
    Fail,
}

/// A file to download.
struct GetJob {
    client: Client,
    shown: String,
    from: PanPath,
    to: PathBuf,
    size: u64,
    modified: Option<SystemTime>,
}

pub(crate) async fn run(session: &Session<'_>, args: GetArgs) -> Result<(), Failure> {
    let (sources, to) = place::split(args.paths.clone())?;
    let sources: Vec<RemotePath> = sources
        .iter()
        .map(|source| RemotePath::read(source.as_os_str()))
        .collect::<Result<_, _>>()?;
    let sources = glob::expand(session, sources).await?;
    if to == Path::new("-") {
        return cat::to_stdout(session, &sources, ByteRange::ALL).await;
    }
    let place = Place::local(&to, sources.len())?;
    place::no_twins(&sources, &place)?;
    if let Place::Into(directory) = &place {
        make_directory(directory).await?;
    }
    let bars = Bars::new(&session.screen.stderr);
    let steps =
        stream::iter(&sources).then(|source| walk_source(session, source, &place)).flatten();
    let get = Get { args: &args, bars: &bars };
    pump(session.screen, &args.transfer, &bars, steps, |job| get.file(job)).await
}

/// What the jobs of a command share.
struct Get<'a> {
    args: &'a GetArgs,
    bars: &'a Bars,
}

impl Get<'_> {
    async fn file(&self, job: GetJob) -> Result<Report, Failure> {
        let bar = self.bars.file(&job.shown, job.size);
        let mut options = self.args.transfer.options();
        options.progress = bar.progress();
        options.modified = job.modified;
        if self.args.on_dup == OnDup::Fail && job.to.symlink_metadata().is_ok() {
            let message = format!("{}: it exists already", job.to.display());
            return Err(Failure::other(message).hint("remove it, or choose another place"));
        }
        let got = job.client.download_file(&job.from, &job.to, &options).await;
        let facts = got.map_err(|error| Failure::from(error).about(&job.shown))?;
        self.bars.file_done();
        Ok(Report {
            action: "get",
            to: job.to.display().to_string(),
            from: job.shown,
            is_dir: false,
            size: facts.size,
            md5: facts.md5,
        })
    }
}

/// The steps of one source.
async fn walk_source<'a>(
    session: &Session<'_>,
    source: &'a RemotePath,
    place: &Place<PathBuf>,
) -> BoxStream<'a, Step<GetJob>> {
    match look_at(session, source).await {
        Ok((client, entry)) => {
            let name = if source.has_slash && entry.is_dir { None } else { entry.path.name() };
            let to = place.of(name);
            walk_entry(client, source, entry, to)
        }
        Err(failure) => stream::iter([Step::Fail(failure.about(source))]).boxed(),
    }
}

async fn look_at(session: &Session<'_>, source: &RemotePath) -> Result<(Client, Entry), Failure> {
    let entry = source.look(&session.client(source)?).await?;
    Ok((session.patient_client(source)?, entry))
}

fn walk_entry(
    client: Client,
    source: &RemotePath,
    entry: Entry,
    to: PathBuf,
) -> BoxStream<'_, Step<GetJob>> {
    if !entry.is_dir {
        let job = job(&client, source, &entry, to);
        return stream::iter([Step::Do(job)]).boxed();
    }
    let order = ListOrder { by: ListBy::Name, descending: false };
    let below = client.walk(&entry.path, order);
    let root = entry.path.clone();
    stream::iter([Ok(entry)])
        .chain(below)
        .filter_map(move |step| {
            let (client, root, to) = (client.clone(), root.clone(), to.clone());
            async move { step_of(&client, source, &root, &to, step).await }
        })
        .boxed()
}

/// Turns an entry into a job. A directory is made at once, before its files.
async fn step_of(
    client: &Client,
    source: &RemotePath,
    root: &PanPath,
    to: &Path,
    step: Result<Entry, (PanPath, Error)>,
) -> Option<Step<GetJob>> {
    let entry = match step {
        Ok(entry) => entry,
        Err((path, error)) => {
            return Some(Step::Fail(Failure::from(error).about(source.spell(&path))));
        }
    };
    let Some(local) = place_below(root, to, &entry.path) else {
        let message = format!("{}: it does not lie in {root}", source.spell(&entry.path));
        return Some(Step::Fail(Failure::other(message)));
    };
    if !entry.is_dir {
        return Some(Step::Do(job(client, source, &entry, local)));
    }
    make_directory(&local).await.err().map(Step::Fail)
}

async fn make_directory(path: &Path) -> Result<(), Failure> {
    tokio::fs::create_dir_all(path).await.map_err(|error| {
        Failure::other(format!("cannot make the directory `{}`: {error}", path.display()))
    })
}

/// The local path of something below the root of a walk. What a server says
/// must not lead out of the directory that was asked for.
fn place_below(root: &PanPath, to: &Path, path: &PanPath) -> Option<PathBuf> {
    if !path.is_within(root) {
        return None;
    }
    let names = path.components().skip(root.depth());
    Some(names.fold(to.to_owned(), |local, name| local.join(name)))
}

fn job(client: &Client, source: &RemotePath, entry: &Entry, to: PathBuf) -> GetJob {
    GetJob {
        client: client.clone(),
        shown: source.spell(&entry.path),
        from: entry.path.clone(),
        to,
        size: entry.size.0,
        modified: system_time(entry.mtime),
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

    use super::place_below;

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
            assert_eq!(placed.as_deref(), local.map(Path::new), "{root} {entry}");
        }
    }
}
