use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use pan_sdk::{Client, Entry, Ondup, PanPath, RetryPolicy};

use crate::bars::Bars;
use crate::failure::Failure;
use crate::local_walk::{PutJob, walk};
use crate::place::Place;
use crate::remote::RemotePath;
use crate::session::Session;
use crate::transfers::{Report, TransferArgs, pump, tell};

/// Upload files and directories
///
/// DEST that ends with `/`, or is a directory, takes every SRC under its own
/// name; any other is the new name of the only SRC. `SRC/` means what is in
/// the directory. `put - DEST` uploads what is read from stdin.
#[derive(Debug, Args)]
pub(crate) struct PutArgs {
    /// Local files and directories, or `-`
    #[arg(required = true, value_name = "SRC")]
    sources: Vec<PathBuf>,
    /// Where to, in the storage
    #[arg(value_name = "DEST")]
    to: RemotePath,
    /// What to do when a file exists
    #[arg(long, value_enum, default_value_t = OnDup::Overwrite)]
    on_dup: OnDup,
    /// Upload what symbolic links point to
    #[arg(long)]
    follow: bool,
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
    let client = session.patient_client(&args.to)?;
    let quick = client.with_retry(RetryPolicy::brief());
    let place = Place::remote(&quick, &args.to, args.sources.len()).await?;
    let bars = Bars::new(&session.screen.stderr);
    if args.sources.iter().any(|source| source == Path::new("-")) {
        return put_stdin(session, &args, &client, &place, &bars).await;
    }
    let steps = walk(args.sources.clone(), place, args.follow);
    let put = Put { client: &client, args: &args, bars: &bars };
    pump(session.screen, &args.transfer, &bars, steps, |job| put.job(job)).await
}

/// What the jobs of a command share.
struct Put<'a> {
    client: &'a Client,
    args: &'a PutArgs,
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
        let ondup = self.args.on_dup.into();
        let uploaded = self.client.upload_file(local, remote, ondup, &options).await;
        let entry = uploaded.map_err(|error| Failure::from(error).about(&name))?;
        self.bars.file_done();
        Ok(report(self.args, name.to_string(), &entry))
    }

    async fn directory(&self, local: &Path, remote: &PanPath) -> Result<Report, Failure> {
        let name = local.display();
        let made = self.client.ensure_dir(remote).await;
        let entry = made.map_err(|error| Failure::from(error).about(&name))?;
        Ok(report(self.args, name.to_string(), &entry))
    }
}

async fn put_stdin(
    session: &Session<'_>,
    args: &PutArgs,
    client: &Client,
    place: &Place<PanPath>,
    bars: &Bars,
) -> Result<(), Failure> {
    let (Place::As(path), [_]) = (place, args.sources.as_slice()) else {
        let message = format!("{}: it does not name the file that stdin is to become", args.to);
        return Err(Failure::usage(message).hint("write `pan put - /directory/name`"));
    };
    let mut options = args.transfer.options();
    options.progress = bars.file("stdin", 0).progress();
    let ondup = args.on_dup.into();
    let entry = client
        .upload_reader(tokio::io::stdin(), path, ondup, &options)
        .await
        .map_err(|error| Failure::from(error).about(&args.to))?;
    bars.file_done();
    bars.finish();
    tell(session.screen, &report(args, String::from("-"), &entry))
}

fn report(args: &PutArgs, from: String, entry: &Entry) -> Report {
    Report {
        action: "put",
        from,
        to: args.to.spell(&entry.path),
        is_dir: entry.is_dir,
        size: entry.size,
        md5: entry.md5,
    }
}
