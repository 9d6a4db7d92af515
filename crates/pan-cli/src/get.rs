mod walk;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::{Args, ValueEnum};
use pan_sdk::{ByteSize, Client, Md5, PanPath, local_md5};

use self::walk::Walk;
use crate::bars::Bars;
use crate::cat::{self, ByteRange};
use crate::copy_args::CopyArgs;
use crate::failure::Failure;
use crate::filter::FilterArgs;
use crate::glob;
use crate::place::{self, Place};
use crate::pump::{Job, Pump, Work};
use crate::remote::RemotePath;
use crate::session::Session;
use crate::transfers::{Failed, Outcome, Report, TransferArgs};

/// A small file costs a round trip more than it costs bandwidth: so many times
/// as many are on their way at once.
const SMALL_FACTOR: usize = 4;

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
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    copy: CopyArgs,
}

/// What to do when a file exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnDup {
    /// Replace it
    Overwrite,
    /// Report it and leave it
    Fail,
}

impl OnDup {
    /// Refuses a place that is taken, if it is to be left as it is.
    pub(crate) fn check(self, place: &Path) -> Result<(), Failure> {
        if self == Self::Overwrite || place.symlink_metadata().is_err() {
            return Ok(());
        }
        let message = format!("{}: it exists already", place.display());
        Err(Failure::other(message).hint("remove it, or choose another place"))
    }
}

/// A file to download.
struct GetJob {
    client: Client,
    shown: String,
    from: PanPath,
    to: PathBuf,
    size: u64,
    md5: Option<Md5>,
    modified: Option<SystemTime>,
    /// How much has moved in earlier tries.
    moved: u64,
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
    let bars = Bars::new(&session.screen.stderr);
    let is_dry = args.copy.dry_run;
    let walk = Walk { session, place: &place, filter: &args.filter, is_dry };
    walk.prepare().await?;
    let get = Get { args: &args, bars: &bars };
    let pump = Pump { screen: session.screen, args: &args.transfer, copy: &args.copy, bars: &bars };
    pump.run(walk.steps(&sources), &get).await
}

/// What the jobs of a command share.
struct Get<'a> {
    args: &'a GetArgs,
    bars: &'a Bars,
}

impl Job for GetJob {
    fn size(&self) -> Option<u64> {
        Some(self.size)
    }

    fn name(&self) -> String {
        self.shown.clone()
    }
}

impl Work for Get<'_> {
    type Job = GetJob;
    const BATCH_FILES: usize = 1;

    fn batches(&self) -> usize {
        self.args.transfer.at_once() * SMALL_FACTOR
    }

    async fn work(&self, jobs: Vec<GetJob>) -> Vec<(GetJob, Outcome)> {
        let mut ended = Vec::with_capacity(jobs.len());
        for mut job in jobs {
            let outcome = match self.reason_to_leave(&job).await {
                Err(failed) => Outcome::Failed(failed),
                Ok(Some(text)) => Outcome::Same(text),
                Ok(None) => self.file(&mut job).await.into(),
            };
            ended.push((job, outcome));
        }
        ended
    }
}

impl Get<'_> {
    /// Why a file need not be fetched, by `--update` and `--checksum`.
    async fn reason_to_leave(&self, job: &GetJob) -> Result<Option<String>, Failed> {
        let CopyArgs { update, checksum, .. } = self.args.copy;
        if !update && !checksum {
            return Ok(None);
        }
        let Ok(local) = tokio::fs::metadata(&job.to).await else { return Ok(None) };
        let is_sized = local.is_file() && local.len() == job.size;
        if update
            && let (Ok(own), Some(modified)) = (local.modified(), job.modified)
            && (own > modified || (own == modified && is_sized))
        {
            return Ok(Some(format!("{}: left out, what is here is as new", job.shown)));
        }
        if checksum && is_sized && job.md5.is_some() {
            let _waited_for = self.bars.file(&job.shown, 0, 0);
            let own = local_md5(&job.to).await;
            let own = own.map_err(|error| Failed::from_error(error, &job.shown, true))?;
            if Some(own) == job.md5 {
                return Ok(Some(format!("{}: left out, it is the same", job.shown)));
            }
        }
        Ok(None)
    }

    async fn file(&self, job: &mut GetJob) -> Result<Report, Failed> {
        self.args.on_dup.check(&job.to).map_err(Failed::for_good)?;
        if self.args.copy.dry_run {
            return Ok(job.report(ByteSize(job.size), job.md5));
        }
        let bar = self.bars.file(&job.shown, job.size, job.moved);
        let mut options = self.args.transfer.options();
        options.progress = bar.progress();
        options.modified = job.modified;
        let got = job.client.download_file(&job.from, &job.to, &options).await;
        job.moved = bar.moved();
        let facts = got.map_err(|error| Failed::from_error(error, &job.shown, true))?;
        bar.done();
        Ok(job.report(facts.size, facts.md5))
    }
}

impl GetJob {
    fn report(&self, size: ByteSize, md5: Option<Md5>) -> Report {
        let (from, to) = (self.shown.clone(), self.to.display().to_string());
        Report { action: "get", from, to, is_dir: false, size, md5 }
    }
}
