//! `pan recycle`: what was deleted, and what becomes of it.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::str::FromStr;

use clap::{Args, Subcommand};
use console::Term;
use futures_util::stream::TryStreamExt;
use pan_sdk::{Client, FsId, RecycledEntry};
use serde::Serialize;
use serde_json::json;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::glob::Pattern;
use crate::pattern::is_pattern;
use crate::remote::RemotePath;
use crate::session::Session;
use crate::show::{EntryObject, columns, local_time, rfc3339};
use crate::tally::Tally;

/// See and restore what was deleted
#[derive(Debug, Args)]
pub(crate) struct RecycleArgs {
    #[command(subcommand)]
    command: RecycleCommand,
}

#[derive(Debug, Subcommand)]
enum RecycleCommand {
    /// List what was deleted, the latest first
    #[command(disable_help_flag = true)]
    Ls(LsArgs),
    /// Put things back to where they were
    Restore(RestoreArgs),
    /// Delete everything in the recycle bin for good
    Empty(EmptyArgs),
}

#[derive(Debug, Args)]
struct LsArgs {
    /// Only what was deleted here or below
    #[arg(value_name = "PATH", default_value = "/")]
    path: RemotePath,
    /// Show type and size too, and when it was modified
    #[arg(short, long)]
    long: bool,
    /// Show sizes as 1.5 KiB
    #[arg(short, long)]
    human_readable: bool,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

#[derive(Debug, Args)]
struct RestoreArgs {
    /// Numbers as `pan recycle ls` shows them, or paths: of each the latest deletion
    #[arg(required = true, value_name = "FS_ID|PATH")]
    what: Vec<Wanted>,
}

#[derive(Debug, Args)]
struct EmptyArgs {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// What is to be restored.
#[derive(Debug, Clone)]
enum Wanted {
    Id(FsId),
    Path(RemotePath),
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse().map(FsId::from_u64) {
            Ok(Some(fs_id)) => Ok(Self::Id(fs_id)),
            Ok(None) => Err("no entry has such a number".into()),
            Err(_) => text.parse().map(Self::Path),
        }
    }
}

pub(crate) async fn run(session: &Session<'_>, args: RecycleArgs) -> Result<(), Failure> {
    match args.command {
        RecycleCommand::Ls(args) => list(session, args).await,
        RecycleCommand::Restore(args) => restore_all(session, args).await,
        RecycleCommand::Empty(args) => empty(session, args).await,
    }
}

/// An entry of the bin in JSON.
#[derive(Serialize)]
struct RecycledObject<'a> {
    #[serde(flatten)]
    entry: EntryObject<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<String>,
}

async fn list(session: &Session<'_>, args: LsArgs) -> Result<(), Failure> {
    let client = session.client(&args.path)?;
    let mut bin = std::pin::pin!(client.list_recycle_all());
    while let Some(recycled) = bin.try_next().await? {
        if recycled.entry.path.is_within(&args.path.path) {
            show(session, &args, &recycled)?;
        }
    }
    Ok(())
}

fn show(session: &Session<'_>, args: &LsArgs, recycled: &RecycledEntry) -> Result<(), Failure> {
    let (screen, entry) = (session.screen, &recycled.entry);
    if screen.json {
        let deleted = recycled.deleted.map(rfc3339);
        return screen.object(&RecycledObject { entry: EntryObject::of(entry), deleted });
    }
    let deleted = recycled.deleted.map(|time| local_time(time, "%Y-%m-%d %H:%M"));
    let fs_id = entry.fs_id.map(|id| id.to_string());
    let columns = if args.long { columns(entry, args.human_readable) } else { String::new() };
    screen.line(format_args!(
        "{:16}  {:16}  {columns}{}",
        deleted.unwrap_or_else(|| "?".into()),
        fs_id.unwrap_or_else(|| "?".into()),
        screen.name(entry.path.as_str(), entry.is_dir),
    ))
}

async fn restore_all(session: &Session<'_>, args: RestoreArgs) -> Result<(), Failure> {
    let mut tally = Tally::new(&session.screen.stderr);
    for wanted in &args.what {
        match wanted {
            Wanted::Id(fs_id) => {
                let client = session.client_of(None)?;
                let restored = restore(session, &client, *fs_id, None).await;
                tally.count(restored.map_err(|failure| failure.about(fs_id)));
            }
            Wanted::Path(path) if session.globs() && is_pattern(path.path.as_str()) => {
                restore_matching(session, path, &mut tally).await?;
            }
            Wanted::Path(path) => {
                let restored = restore_path(session, path).await;
                tally.count(restored.map_err(|failure| failure.about(path)));
            }
        }
    }
    tally.finish()
}

/// Restores what was deleted last of all that had this path.
async fn restore_path(session: &Session<'_>, path: &RemotePath) -> Result<(), Failure> {
    let client = session.client(path)?;
    let mut bin = std::pin::pin!(client.list_recycle_all());
    while let Some(RecycledEntry { entry, .. }) = bin.try_next().await? {
        let same = entry.path.is_within(&path.path) && path.path.is_within(&entry.path);
        if let (true, Some(fs_id)) = (same, entry.fs_id) {
            return restore(session, &client, fs_id, Some(path)).await;
        }
    }
    let failure = Failure::new(Exit::NoFile, "it is not in the recycle bin");
    Err(failure.hint("`pan recycle ls` shows what is"))
}

/// Restores, of each path that matches, what was deleted last. What had exactly
/// this path is meant before what it matches.
async fn restore_matching(
    session: &Session<'_>,
    path: &RemotePath,
    tally: &mut Tally,
) -> Result<(), Failure> {
    match restore_path(session, path).await {
        Err(failure) if failure.exit == Exit::NoFile => {}
        restored => {
            tally.count(restored.map_err(|failure| failure.about(path)));
            return Ok(());
        }
    }
    let pattern = Pattern::of(&path.path).map_err(Failure::usage)?;
    let client = session.client(path)?;
    let mut found = BTreeMap::new();
    let mut bin = std::pin::pin!(client.list_recycle_all());
    while let Some(RecycledEntry { entry, .. }) = bin.try_next().await? {
        if let (true, Some(fs_id)) = (pattern.matches(&entry.path), entry.fs_id) {
            // The latest comes first.
            found.entry(path.spell(&entry.path)).or_insert((fs_id, entry.path));
        }
    }
    if found.is_empty() {
        let message = format!("{path}: nothing in the recycle bin matches");
        let failure = Failure::new(Exit::NoFile, message);
        tally.failed(failure.hint("`pan recycle ls` shows what is there"));
    }
    for (shown, (fs_id, found)) in found {
        let one = RemotePath { path: found, ..path.clone() };
        let restored = restore(session, &client, fs_id, Some(&one)).await;
        tally.count(restored.map_err(|failure| failure.about(shown)));
    }
    Ok(())
}

async fn restore(
    session: &Session<'_>,
    client: &Client,
    fs_id: FsId,
    path: Option<&RemotePath>,
) -> Result<(), Failure> {
    client.restore(fs_id).await?;
    let what = path.map_or_else(|| fs_id.to_string(), RemotePath::to_string);
    session.screen.stderr.say(&format!("restored {what}"));
    if session.screen.json {
        let path = path.map(RemotePath::to_string);
        let object = json!({ "action": "restore", "fs_id": fs_id.get(), "path": path });
        session.screen.object(&object)?;
    }
    Ok(())
}

async fn empty(session: &Session<'_>, args: EmptyArgs) -> Result<(), Failure> {
    let client = session.client_of(None)?;
    if !args.yes && !confirm("delete everything in the recycle bin for good? [y/N] ")? {
        session.screen.stderr.note("nothing was deleted");
        return Ok(());
    }
    client.empty_recycle().await?;
    session.screen.stderr.say("emptied the recycle bin");
    match session.screen.json {
        true => session.screen.object(&json!({ "action": "empty" })),
        false => Ok(()),
    }
}

/// Asks a person. Who cannot be asked has to say so.
fn confirm(question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        let failure = Failure::usage("nobody can be asked whether that is meant");
        return Err(failure.hint("`pan recycle empty --yes` does not ask"));
    }
    let terminal = Term::stderr();
    let answer = terminal.write_str(question).and_then(|()| terminal.read_line());
    let answer = answer.map_err(|error| Failure::other(error.to_string()))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
