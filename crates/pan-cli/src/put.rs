mod compare;
mod small;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use futures_util::stream::{self, Stream, StreamExt};
use pan_sdk::{Client, Entry, Ondup, PanPath, RetryPolicy, local_md5};

use self::compare::Storage;
use crate::bars::Bars;
use crate::claims::{Claims, Sameness};
use crate::copy_args::CopyArgs;
use crate::failure::Failure;
use crate::filter::FilterArgs;
use crate::local_walk::{PutJob, Source, walk};
use crate::place::{self, Place};
use crate::pump::{Job, Pump, Work};
use crate::remote::RemotePath;
use crate::session::Session;
use crate::show::count;
use crate::transfers::{Failed, Outcome, Report, Step, TransferArgs, tell};

/// Upload files and directories
///
/// DEST that ends with `/`, or is a directory, takes every SRC under its own
/// name; any other is the new name of the only SRC. `SRC/` means what is in
/// the directory. `put - DEST` uploads what is read from stdin.
#[derive(Debug, Args)]
#[command(override_usage = "pan put [OPTIONS] <SRC>... <DEST>")]
pub(crate) struct PutArgs {
    /// Local files and directories, or `-`; then where to, in the storage
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What to do when a file exists
    #[arg(long, value_enum, default_value_t = OnDup::Overwrite)]
    on_dup: OnDup,
    /// Upload what symbolic links point to
    #[arg(long)]
    follow: bool,
    /// Send every file, also what the storage has already
    #[arg(long)]
    no_rapid: bool,
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
    /// Keep both: the new one gets a name with the date
    Newcopy,
}

impl From<OnDup> for Ondup {
    fn from(choice: OnDup) -> Self {
        match choice {
            OnDup::Overwrite => Self::Overwrite,
            OnDup::Fail => Self::Fail,
            OnDup::Newcopy => Self::NewCopy,
        }
    }
}

pub(crate) async fn run(session: &Session<'_>, args: PutArgs) -> Result<(), Failure> {
    let (sources, to) = place::split(args.paths.clone())?;
    let to = RemotePath::read(to.as_os_str())?;
    let client = session.patient_client(&to)?;
    let quick = client.with_retry(RetryPolicy::brief());
    // From here on somebody waits.
    let bars = Bars::new(&session.screen.stderr);
    let place = Place::remote(&quick, &to, sources.len()).await?;
    let put = Put { client: &client, args: &args, to: &to, bars: &bars };
    if sources.iter().any(|source| source == Path::new("-")) {
        if sources.len() > 1 {
            return Err(Failure::usage("`-` cannot be put beside other sources"));
        }
        let stdin = async { tell(session.screen, &put.stdin(&place).await?, args.copy.dry_run) };
        return args.copy.in_time(stdin).await;
    }
    let is_alone = sources.len() == 1;
    let sources: Vec<Source> = sources
        .into_iter()
        .map(|source| Source::new(source, &args.filter))
        .collect::<Result<_, _>>()?;
    let steps = put.steps(walk(sources, place, args.follow), is_alone);
    let pump = Pump { screen: session.screen, args: &args.transfer, copy: &args.copy, bars: &bars };
    pump.run(steps, &put).await
}

/// What the jobs of a command share.
struct Put<'a> {
    client: &'a Client,
    args: &'a PutArgs,
    to: &'a RemotePath,
    bars: &'a Bars,
}

impl Job for PutJob {
    fn size(&self) -> Option<u64> {
        self.size
    }

    fn name(&self) -> String {
        self.local.display().to_string()
    }
}

impl Work for Put<'_> {
    type Job = PutJob;
    // What the SDK puts into one request.
    const BATCH_FILES: usize = 500;

    fn batches(&self) -> usize {
        self.args.transfer.at_once()
    }

    async fn work(&self, jobs: Vec<PutJob>) -> Vec<(PutJob, Outcome)> {
        let mut ended = Vec::with_capacity(jobs.len());
        let mut files = Vec::new();
        let ready = stream::iter(jobs).map(async |job| (self.without_sending(&job).await, job));
        let mut ready = std::pin::pin!(ready.buffered(small::READERS));
        while let Some((outcome, job)) = ready.next().await {
            match outcome {
                Some(outcome) => ended.push((job, outcome)),
                None => files.push(job),
            }
        }
        match files.len() {
            0 => {}
            1 => ended.extend(self.each(files).await),
            _ => ended.extend(self.together(files).await),
        }
        ended
    }
}

impl Put<'_> {
    /// What the walk finds, without what need not be done.
    fn steps(
        &self,
        steps: impl Stream<Item = Step<PutJob>>,
        is_alone: bool,
    ) -> impl Stream<Item = Step<PutJob>> {
        let storage = Storage::new(self.client, &self.args.copy, is_alone);
        let claims = Claims::new(Sameness::of_storage(), is_alone);
        let walk = (Box::pin(steps), storage, claims);
        stream::unfold(walk, async |(mut steps, mut storage, mut claims)| {
            let step = match steps.next().await? {
                Step::Do(job) => match self.claim(&mut claims, &job) {
                    Ok(()) => storage.compare(job).await,
                    Err(failure) => Step::Fail(failure),
                },
                other => other,
            };
            Some((step, (steps, storage, claims)))
        })
    }

    /// Keeps two files from taking the same place, unless both are kept.
    fn claim(&self, claims: &mut Claims, job: &PutJob) -> Result<(), Failure> {
        let is_kept = job.size.is_none() || self.args.on_dup == OnDup::Newcopy;
        if is_kept || claims.claim(job.remote.as_str()) {
            return Ok(());
        }
        let to = self.to.spell(&job.remote);
        Err(Failure::other(format!("{}: another file goes to {to} already", job.name())))
    }

    /// Ends what needs no bytes: directories, what is the same, a dry run.
    async fn without_sending(&self, job: &PutJob) -> Option<Outcome> {
        if let Some(md5) = job.same_if {
            match local_md5(&job.local).await {
                Ok(own) if own == md5 => {
                    return Some(Outcome::Same(format!(
                        "{}: left out, it is the same",
                        job.name()
                    )));
                }
                Ok(_) => {}
                Err(error) => {
                    return Some(Outcome::Failed(Failed::from_error(error, job.name(), true)));
                }
            }
        }
        if self.args.copy.dry_run {
            return Some(Outcome::Done(self.plan(job)));
        }
        if job.size.is_none() {
            return Some(self.directory(job).await.into());
        }
        None
    }

    /// Sends files one after the other.
    async fn each(&self, jobs: Vec<PutJob>) -> Vec<(PutJob, Outcome)> {
        let mut ended = Vec::with_capacity(jobs.len());
        for mut job in jobs {
            let outcome = self.file(&mut job).await.into();
            ended.push((job, outcome));
        }
        ended
    }

    async fn file(&self, job: &mut PutJob) -> Result<Report, Failed> {
        let name = job.name();
        let bar = self.bars.file(&name, job.size.unwrap_or(0), job.moved);
        let mut options = self.args.transfer.options();
        options.progress = bar.progress();
        options.rapid = !self.args.no_rapid;
        let ondup = self.args.on_dup.into();
        let uploaded = self.client.upload_file(&job.local, &job.remote, ondup, &options).await;
        job.moved = bar.moved();
        let entry = uploaded.map_err(|error| self.failed(error, &name))?;
        bar.done();
        Ok(self.report(name, &entry))
    }

    /// Sends small files in one request, where the service takes that.
    async fn together(&self, jobs: Vec<PutJob>) -> Vec<(PutJob, Outcome)> {
        let ondup = self.args.on_dup.into();
        let small::Batch { jobs, files, failed, grown } = small::read(jobs, ondup).await;
        let mut ended = self.each(grown).await;
        ended.extend(failed.into_iter().map(|(job, error)| {
            let failed = self.failed(error, &job.name());
            (job, Outcome::Failed(failed))
        }));
        let sum = |bytes: fn(&PutJob) -> u64| jobs.iter().map(bytes).sum();
        let (size, moved) = (sum(|job| job.size.unwrap_or(0)), sum(|job| job.moved));
        let bar = self.bars.file(&count(jobs.len() as u64, "small file"), size, moved);
        let mut options = self.args.transfer.options();
        options.progress = bar.progress();
        let uploaded = self.client.upload_many(files, &options).await;
        bar.all_moved();
        for (mut job, uploaded) in jobs.into_iter().zip(uploaded) {
            // It was counted with the others, whatever has become of it.
            job.moved = job.size.unwrap_or(0);
            let outcome = match uploaded {
                Ok(entry) => {
                    self.bars.counts().file_done();
                    Outcome::Done(self.report(job.name(), &entry))
                }
                Err(error) => Outcome::Failed(self.failed(error, &job.name())),
            };
            ended.push((job, outcome));
        }
        ended
    }

    async fn directory(&self, job: &PutJob) -> Result<Report, Failed> {
        let made = self.client.ensure_dir(&job.remote).await;
        // Made twice it is there all the same.
        let entry = made.map_err(|error| Failed::from_error(error, job.name(), true))?;
        Ok(self.report(job.name(), &entry))
    }

    async fn stdin(&self, place: &Place<PanPath>) -> Result<Report, Failure> {
        let Place::As(path) = place else {
            let message = format!("{}: it does not name the file that stdin is to become", self.to);
            return Err(Failure::usage(message).hint("write `pan put - /directory/name`"));
        };
        if self.args.copy.dry_run {
            let (from, to) = (String::from("-"), self.to.spell(path));
            return Ok(planned(from, to, Some(0)));
        }
        let bar = self.bars.file("stdin", 0, 0);
        let mut options = self.args.transfer.options();
        options.progress = bar.progress();
        let ondup = self.args.on_dup.into();
        let uploaded = self.client.upload_reader(tokio::io::stdin(), path, ondup, &options).await;
        let entry = uploaded.map_err(|error| Failure::from(error).about(self.to))?;
        bar.done();
        self.bars.finish();
        Ok(self.report(String::from("-"), &entry))
    }

    /// Only what replaces the same thing again may be done twice.
    fn failed(&self, error: pan_sdk::Error, name: &str) -> Failed {
        Failed::from_error(error, name, self.args.on_dup == OnDup::Overwrite)
    }

    fn plan(&self, job: &PutJob) -> Report {
        planned(job.name(), self.to.spell(&job.remote), job.size)
    }

    fn report(&self, from: String, entry: &Entry) -> Report {
        Report {
            action: "put",
            from,
            to: self.to.spell(&entry.path),
            is_dir: entry.is_dir,
            size: entry.size,
            md5: entry.md5,
        }
    }
}

/// What would be done.
fn planned(from: String, to: String, size: Option<u64>) -> Report {
    let bytes = pan_sdk::ByteSize(size.unwrap_or(0));
    Report { action: "put", from, to, is_dir: size.is_none(), size: bytes, md5: None }
}
