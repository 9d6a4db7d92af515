use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use futures_util::stream::{self, StreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use pan_sdk::{Client, Entry, ErrorCode};
use serde_json::json;
use tokio::sync::mpsc;

use crate::check_walk::{Sight, Walk, What};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::filter::{Filter, FilterArgs};
use crate::remote::RemotePath;
use crate::session::Session;
use crate::show::count;

/// How far the walk is ahead of the comparing.
const SIGHTS_AHEAD: usize = 256;

/// Compare a local file or directory with a remote one; nothing is transferred
///
/// Files are the same when their sizes and md5s are: local files are read, of
/// remote ones the storage tells. Prints a line for each difference: `+` only
/// in LOCAL, `-` only in REMOTE, `*` different, `!` could not be compared.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// A file or directory on this machine
    #[arg(value_name = "LOCAL")]
    local: PathBuf,
    /// What it is compared with, in the storage
    #[arg(value_name = "REMOTE")]
    remote: RemotePath,
    /// What is only in REMOTE is no difference
    #[arg(long)]
    one_way: bool,
    /// Compare sizes, and read no file
    #[arg(long)]
    size_only: bool,
    /// Print what is the same too, with `=`
    #[arg(short, long)]
    all: bool,
    /// Compare what symbolic links point to
    #[arg(long)]
    follow: bool,
    /// How many files are read at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    checkers: u16,
    #[command(flatten)]
    filter: FilterArgs,
}

pub(crate) async fn run(session: &Session<'_>, args: CheckArgs) -> Result<(), Failure> {
    let client = session.patient_client(&args.remote)?;
    let (is_dir, entry) = both_sides(session, &args).await?;
    let (sights, mut seen) = mpsc::channel(SIGHTS_AHEAD);
    let walk = Walk {
        client: client.clone(),
        filter: Filter::new(&args.filter, &args.local)?,
        follow: args.follow,
        size_only: args.size_only,
        sights,
    };
    let walk = async {
        match is_dir {
            true => walk.directories(args.local.clone(), entry.path).await,
            false => walk.files(args.local.clone(), entry).await,
        }
    };
    let bar = Bar::new(session);
    let mut check = Check { session, args: &args, bar, same: 0, different: 0, failed: 0 };
    let client = &client;
    // Ends the walk too, which has nobody to tell any more.
    let compared = async move {
        let sights = stream::poll_fn(|context| seen.poll_recv(context))
            .map(|sight| compare(client, sight))
            .buffered(usize::from(check.args.checkers));
        let mut sights = std::pin::pin!(sights);
        while let Some(sight) = sights.next().await {
            check.tell(sight)?;
        }
        check.finish()
    };
    tokio::join!(walk, compared).1
}

/// Whether both are directories, and the remote one. Two of different kinds
/// cannot be compared.
async fn both_sides(session: &Session<'_>, args: &CheckArgs) -> Result<(bool, Entry), Failure> {
    let local = args.local.metadata().map_err(|error| {
        let message = format!("{}: cannot be read: {error}", args.local.display());
        let is_missing = error.kind() == std::io::ErrorKind::NotFound;
        Failure::new(if is_missing { Exit::NoFile } else { Exit::Other }, message)
            .hint("LOCAL comes first, then REMOTE")
    })?;
    let looked = session.client(&args.remote)?.meta(&args.remote.path).await;
    let entry = looked.map_err(|error| {
        let is_missing = local.is_dir() && error.is(ErrorCode::FileNotExists);
        let failure = Failure::from(error).about(&args.remote);
        if is_missing { Failure { exit: Exit::NoDirectory, ..failure } } else { failure }
    })?;
    if local.is_dir() == entry.is_dir {
        return Ok((entry.is_dir, entry));
    }
    let kind = |is_dir| if is_dir { "a directory" } else { "a file" };
    let (own, other) = (kind(local.is_dir()), kind(entry.is_dir));
    let (from, to) = (args.local.display(), &args.remote);
    Err(Failure::usage(format!("{from} is {own}, and {to} is {other}")))
}

/// Compares the contents of two files, where that is what is left to do.
async fn compare(client: &Client, sight: Sight) -> Sight {
    let What::Compare { local, md5 } = sight.what else { return sight };
    let what = match client.claim_file(&local).await {
        Ok(claim) if claim.md5 == md5 => What::Same,
        Ok(_) => What::Different("md5"),
        Err(error) => What::Failed(Failure::from(error).about(local.display())),
    };
    Sight { what, ..sight }
}

struct Check<'a> {
    session: &'a Session<'a>,
    args: &'a CheckArgs,
    bar: Bar,
    same: u64,
    different: u64,
    failed: u64,
}

impl Check<'_> {
    fn tell(&mut self, sight: Sight) -> Result<(), Failure> {
        let (sign, word, reason) = match &sight.what {
            What::Same => ('=', "same", None),
            What::LocalOnly => ('+', "local_only", None),
            What::RemoteOnly => ('-', "remote_only", None),
            What::Different(reason) => ('*', "different", Some(*reason)),
            What::Failed(_) | What::Compare { .. } => ('!', "failed", None),
            What::LeftOut(why) => {
                let note = format!("{}: left out, it is {why}", sight.path);
                self.session.screen.stderr.note(&note);
                return Ok(());
            }
        };
        self.bar.0.inc(1);
        match &sight.what {
            What::Same => self.same += 1,
            What::RemoteOnly if self.args.one_way => return Ok(()),
            What::Failed(failure) => {
                self.failed += 1;
                self.session.screen.stderr.error(failure);
            }
            _ => self.different += 1,
        }
        if sign == '=' && !self.args.all {
            return Ok(());
        }
        let screen = self.session.screen;
        if screen.json {
            let kind = if sight.is_dir { "dir" } else { "file" };
            let object = json!({
                "check": word, "path": sight.path, "type": kind, "reason": reason,
            });
            return screen.object(&object);
        }
        let line = format!("{sign} {}", screen.name(&sight.path, sight.is_dir));
        screen.stderr.bars().suspend(|| screen.line(line))
    }

    fn finish(self) -> Result<(), Failure> {
        drop(self.bar);
        let same = match self.same {
            1 => String::from("1 file is the same"),
            same => format!("{same} files are the same"),
        };
        let differences = count(self.different, "difference");
        if self.failed > 0 {
            let message = format!("{} could not be compared; {differences}, {same}", self.failed);
            return Err(Failure::new(Exit::Some, message));
        }
        if self.different > 0 {
            return Err(Failure::other(format!("{differences}, {same}")));
        }
        self.session.screen.stderr.summary(&same);
        Ok(())
    }
}

/// Shows in a terminal that something happens.
struct Bar(ProgressBar);

impl Bar {
    fn new(session: &Session<'_>) -> Self {
        let stderr = &session.screen.stderr;
        let style = ProgressStyle::with_template("{spinner} {human_pos} compared");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = stderr.bars().add(ProgressBar::no_length().with_style(style));
        if stderr.shows_bars() {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self(bar)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
