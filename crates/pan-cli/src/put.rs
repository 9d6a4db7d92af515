use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use pan_sdk::{Client, Entry, Ondup, PanPath, RetryPolicy};

use crate::bars::Bars;
use crate::failure::Failure;
use crate::local_walk::{PutJob, walk};
use crate::place::{self, Place};
use crate::remote::RemotePath;
use crate::session::Session;
use crate::transfers::{Report, TransferArgs, pump, tell};

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
    let place = Place::remote(&quick, &to, sources.len()).await?;
    let bars = Bars::new(&session.screen.stderr);
    let put = Put { client: &client, args: &args, to: &to, bars: &bars };
    if sources.iter().any(|source| source == Path::new("-")) {
        if sources.len() > 1 {
            return Err(Failure::usage("`-` cannot be put beside other sources"));
        }
        return tell(session.screen, &put.stdin(&place).await?);
    }
    let steps = walk(sources, place, args.follow);
    pump(session.screen, &args.transfer, &bars, steps, |job| put.job(job)).await
}

/// What the jobs of a command share.
struct Put<'a> {
    client: &'a Client,
    args: &'a PutArgs,
    to: &'a RemotePath,
    bars: &'a Bars,
}

impl Put<'_> {
    async fn job(&self, job: PutJob) -> Result<Report, Failure> {
        match job {
            PutJob::File { local, remote, size } => self.file(&local, &remote, size).await,
            PutJob::Directory { local, remote } => self.directory(&local, &remote).await,
        }
    }

    async fn file(&self, local: &Path, remote: &PanPath, size: u64) -> Result<Report, Failure> {
        let name = local.display();
        let bar = self.bars.file(&name.to_string(), size);
        let mut options = self.args.transfer.options();
        options.progress = bar.progress();
        options.rapid = !self.args.no_rapid;
        let ondup = self.args.on_dup.into();
        let uploaded = self.client.upload_file(local, remote, ondup, &options).await;
        let entry = uploaded.map_err(|error| Failure::from(error).about(&name))?;
        self.bars.file_done();
        Ok(self.report(name.to_string(), &entry))
    }

    async fn directory(&self, local: &Path, remote: &PanPath) -> Result<Report, Failure> {
        let name = local.display();
        let made = self.client.ensure_dir(remote).await;
        let entry = made.map_err(|error| Failure::from(error).about(&name))?;
        Ok(self.report(name.to_string(), &entry))
    }

    async fn stdin(&self, place: &Place<PanPath>) -> Result<Report, Failure> {
        let Place::As(path) = place else {
            let message = format!("{}: it does not name the file that stdin is to become", self.to);
            return Err(Failure::usage(message).hint("write `pan put - /directory/name`"));
        };
        let mut options = self.args.transfer.options();
        options.progress = self.bars.file("stdin", 0).progress();
        let ondup = self.args.on_dup.into();
        let uploaded = self.client.upload_reader(tokio::io::stdin(), path, ondup, &options).await;
        let entry = uploaded.map_err(|error| Failure::from(error).about(self.to))?;
        self.bars.file_done();
        self.bars.finish();
        Ok(self.report(String::from("-"), &entry))
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
