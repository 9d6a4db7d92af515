//! Synchronising a local directory with one in the storage.
//!
//! A run is a number of passes. A pass looks at both sides (`scan`, `feed`),
//! puts that together with what both agreed on last (`base`, `join`), decides
//! (`plan`, `mirror`, `moves`: pure rules) and acts (`apply`). What must come
//! first, such as a renaming, ends a pass, and the next one looks again: no
//! decision rests on what an action was thought to do.

mod apply;
mod base;
mod delete;
mod feed;
mod hash;
mod join;
mod mirror;
mod model;
mod moves;
mod names;
mod pass;
mod plan;
#[cfg(test)]
mod plan_tests;
mod scan;
mod tell;
mod transfer;
mod watch;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use md5::{Digest, Md5 as Hasher};
use pan_sdk::{Client, ErrorCode, RetryPolicy};

use self::base::Base;
use self::feed::RemoteRoot;
use self::mirror::Mirror;
use self::tell::Teller;
use crate::bars::Bars;
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::filter::{Filter, FilterArgs};
use crate::remote::RemotePath;
use crate::screen::Screen;
use crate::session::Session;
use crate::tally::Tally;
use crate::transfers::TransferArgs;

/// Make two directories the same, and keep them so
///
/// `up` makes REMOTE like LOCAL and `down` makes LOCAL like REMOTE; neither
/// deletes anything without `--delete`. `both` carries every change to the
/// other side; what was changed on both is kept twice. What did not change is
/// neither read nor sent.
#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// Which side is made like the other
    #[arg(value_enum)]
    direction: Direction,
    /// The local directory
    local: PathBuf,
    /// The directory in the storage
    remote: RemotePath,
    /// Keep going: carry changes over as they happen, until Ctrl-C
    #[arg(long, conflicts_with = "dry_run")]
    watch: bool,
    /// With --watch: seconds between two looks at the storage
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    interval: u32,
    /// up, down: delete what the other side does not have
    #[arg(long)]
    delete: bool,
    /// Delete nothing if more than N files and directories would go
    #[arg(long, value_name = "N")]
    max_delete: Option<u64>,
    /// up, down: leave files that are newer than those of the other side
    #[arg(long)]
    update: bool,
    /// Compare the content of every file, not only of those that look changed
    #[arg(long)]
    checksum: bool,
    /// Only say what would be done
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// How often what failed in passing is tried again, up to 6
    #[arg(long, value_name = "N", default_value_t = 3)]
    retries: u16,
    /// Synchronise what symbolic links point to
    #[arg(long)]
    follow: bool,
    /// Go on although one side is empty that was not
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    transfer: TransferArgs,
}

/// Which side is made like the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Direction {
    /// REMOTE is made like LOCAL
    Up,
    /// LOCAL is made like REMOTE
    Down,
    /// Every change is carried to the other side
    Both,
}

/// A synchronisation and what all its parts share.
struct Sync<'a> {
    args: &'a SyncArgs,
    screen: &'a Screen,
    client: Client,
    root: RemoteRoot,
    /// The local root, as the system spells it.
    local: PathBuf,
    /// Where `pan` keeps its state, as the system spells it.
    state: PathBuf,
    filter: Arc<Filter>,
    /// What files in the making are called by: nobody else's are taken for ours.
    whose: String,
    base: RefCell<Base>,
    /// Those of the current round of passes.
    bars: RefCell<Bars>,
    teller: Teller<'a>,
    tally: RefCell<Tally>,
    /// Places that failed. They are left alone until the next run.
    failed: RefCell<BTreeSet<String>>,
    /// What was told once.
    noted: RefCell<BTreeSet<String>>,
    deleted: Cell<u64>,
    /// How often what failed in passing was tried again, and whether it is to be.
    retried: Cell<u16>,
    is_retry_due: Cell<bool>,
}

pub(crate) async fn run(session: &Session<'_>, args: SyncArgs) -> Result<(), Failure> {
    if args.direction == Direction::Both && (args.delete || args.update) {
        let message = "`--delete` and `--update` are for `up` and `down`";
        return Err(Failure::usage(message).hint("`both` carries deletions over anyway"));
    }
    let access = session.access(args.remote.profile.as_deref())?;
    let who = format!("{}\n{}", access.endpoint, access.token.0);
    let client = session.patient_client(&args.remote)?;
    let local = real_path(&args.local)?;
    let state = state_file(&args, &who, &local)?;
    prepare_local(&args, &local, &state)?;
    let base = Base::open(&state)?;
    base.set_fact("local", &local.to_string_lossy())?;
    base.set_fact("remote", &format!("{} {}", access.endpoint, args.remote.path))?;
    let whose = base.own_name()?;
    let screen = session.screen;
    let shows_lines = screen.stderr.wants_lines(args.dry_run || args.watch);
    let sync = Sync {
        screen,
        root: RemoteRoot::new(args.remote.path.clone()),
        filter: Arc::new(Filter::new(&args.filter, &local)?),
        local,
        state: real_path(&Config::state_directory()?)?,
        client,
        whose,
        base: RefCell::new(base),
        bars: RefCell::new(Bars::new(&screen.stderr)),
        teller: Teller::new(screen, shows_lines),
        tally: RefCell::new(Tally::new(&screen.stderr)),
        failed: RefCell::default(),
        noted: RefCell::default(),
        deleted: Cell::new(0),
        retried: Cell::new(0),
        is_retry_due: Cell::new(false),
        args: &args,
    };
    sync.check_remote().await?;
    if args.watch {
        return watch::run(sync).await;
    }
    let done = sync.until_quiet().await;
    sync.finish(done)
}

impl Sync<'_> {
    /// The rule of a run in one direction; none for `both`.
    fn mirror(&self) -> Option<Mirror> {
        let up = match self.args.direction {
            Direction::Both => return None,
            Direction::Up => true,
            Direction::Down => false,
        };
        Some(Mirror { up, delete: self.args.delete, update: self.args.update })
    }

    /// Whether REMOTE can be what is synchronised. It may be missing, but not
    /// where it is the model.
    async fn check_remote(&self) -> Result<(), Failure> {
        if self.root.path.is_root() || self.base.borrow().fact("cursor")?.is_some() {
            return Ok(());
        }
        let quick = self.client.with_retry(RetryPolicy::brief());
        match quick.meta(&self.root.path).await {
            Ok(entry) if !entry.is_dir => {
                let message = format!("{}: it is a file, not a directory", self.args.remote);
                Err(Failure::new(Exit::NoDirectory, message))
            }
            Ok(_) => Ok(()),
            Err(error) if error.is(ErrorCode::FileNotExists) => {
                if self.args.direction != Direction::Down {
                    return Ok(());
                }
                let message = format!("{}: there is no such directory", self.args.remote);
                Err(Failure::new(Exit::NoDirectory, message))
            }
            Err(error) => Err(Failure::from(error).about(&self.args.remote)),
        }
    }

    /// The end of a run.
    fn finish(self, done: Result<(), Failure>) -> Result<(), Failure> {
        self.bars.borrow().clear();
        self.teller.finish()?;
        done?;
        self.tally.into_inner().finish()
    }
}

/// The path of a directory that may not be there, without links in it.
fn real_path(path: &Path) -> Result<PathBuf, Failure> {
    let fail = |error| Failure::other(format!("{}: {error}", path.display()));
    let absolute = std::path::absolute(path).map_err(fail)?;
    for above in absolute.ancestors() {
        if let Ok(real) = above.canonicalize() {
            let rest = absolute.strip_prefix(above).unwrap_or(Path::new(""));
            return Ok(if rest.as_os_str().is_empty() { real } else { real.join(rest) });
        }
    }
    Ok(absolute)
}

/// Where the state of two roots is kept. Another token may see another tree,
/// so it has another state; a mirror does not know what `both` agreed on.
fn state_file(args: &SyncArgs, who: &str, local: &Path) -> Result<PathBuf, Failure> {
    let mode = if args.direction == Direction::Both { "both" } else { "mirror" };
    let mut hasher = Hasher::new();
    for part in [who.as_bytes(), local.as_os_str().as_encoded_bytes()] {
        hasher.update(part);
        hasher.update([0]);
    }
    hasher.update(args.remote.path.as_str());
    let name = pan_sdk::Md5(hasher.finalize().into());
    Ok(Config::state_directory()?.join("sync").join(format!("{name}.{mode}.db")))
}

/// Makes sure that the local directory is there. One that was synchronised
/// before and is gone may be a disk that is not mounted.
fn prepare_local(args: &SyncArgs, local: &Path, state: &Path) -> Result<(), Failure> {
    let missing = || format!("{}: there is no such directory", args.local.display());
    match fs::metadata(local) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => {
            let message = format!("{}: it is a file, not a directory", args.local.display());
            return Err(Failure::new(Exit::NoDirectory, message));
        }
        Err(_) if args.direction == Direction::Up => {
            return Err(Failure::new(Exit::NoDirectory, missing()));
        }
        Err(_) if state.exists() && !args.force => {
            return Err(Failure::new(Exit::NoDirectory, missing())
                .hint("it was there before: is its disk mounted? `--force` begins it anew"));
        }
        Err(_) => {}
    }
    if args.dry_run {
        return Err(Failure::new(Exit::NoDirectory, missing()).hint("a real run would make it"));
    }
    fs::create_dir_all(local).map_err(|error| {
        Failure::other(format!("cannot make the directory `{}`: {error}", local.display()))
    })
}
