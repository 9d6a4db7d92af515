use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::stream::TryStreamExt;
use pan_sdk::{Change, DiffPage, FsId, Gone};
use serde::Serialize;
use serde_json::json;
use tempfile::NamedTempFile;

use crate::failure::Failure;
use crate::screen::Screen;
use crate::session::{Session, first_line};
use crate::show::EntryObject;

/// Tell what has changed
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// Where an earlier run ended; without it, everything that is there
    #[arg(value_name = "CURSOR", allow_hyphen_values = true)]
    cursor: Option<String>,
    /// Go on where this file says, and keep in it how far this run came
    #[arg(long, value_name = "FILE", conflicts_with = "cursor")]
    cursor_file: Option<PathBuf>,
}

pub(crate) async fn run(session: &Session<'_>, args: DiffArgs) -> Result<(), Failure> {
    let from = match &args.cursor_file {
        Some(path) => read_cursor(path)?,
        None => args.cursor,
    };
    let client = session.client_of(None)?;
    let mut pages = std::pin::pin!(client.diff_all(from.as_deref()));
    let mut last = None;
    while let Some(page) = pages.try_next().await? {
        show(session.screen, &page)?;
        // The changes first: what was told twice can be borne, what was never
        // told is lost.
        if let Some(path) = &args.cursor_file {
            session.screen.flush()?;
            write_cursor(path, &page.cursor)?;
        }
        last = Some(page.cursor);
    }
    match (last, &args.cursor_file) {
        (Some(cursor), None) => show_cursor(session.screen, &cursor),
        _ => Ok(()),
    }
}

fn show(screen: &Screen, page: &DiffPage) -> Result<(), Failure> {
    if page.reset {
        show_reset(screen)?;
    }
    // A stable order: directories before what is in them.
    let mut changes: Vec<&Change> = page.changes.iter().collect();
    changes.sort_unstable_by(|one, other| one.path().cmp(other.path()));
    changes.into_iter().try_for_each(|change| show_change(screen, change))
}

fn show_reset(screen: &Screen) -> Result<(), Failure> {
    if screen.json { screen.object(&json!({ "change": "reset" })) } else { screen.line("!") }
}

fn show_cursor(screen: &Screen, cursor: &str) -> Result<(), Failure> {
    match screen.json {
        true => screen.object(&json!({ "change": "cursor", "cursor": cursor })),
        false => screen.line(format!("@ {cursor}")),
    }
}

fn show_change(screen: &Screen, change: &Change) -> Result<(), Failure> {
    match change {
        Change::Present(entry) if screen.json => {
            screen.object(&ChangeObject { change: "present", entry: EntryObject::of(entry) })
        }
        Change::Gone(gone) if screen.json => screen.object(&gone_object(gone)),
        Change::Present(entry) => {
            screen.line(format!("+ {}", screen.name(entry.path.as_str(), entry.is_dir)))
        }
        Change::Gone(gone) => {
            screen.line(format!("- {}", screen.name(gone.path.as_str(), gone.is_dir)))
        }
        // What a later service may tell.
        _ => Ok(()),
    }
}

#[derive(Serialize)]
struct ChangeObject<'a> {
    change: &'static str,
    #[serde(flatten)]
    entry: EntryObject<'a>,
}

fn gone_object(gone: &Gone) -> serde_json::Value {
    let kind = if gone.is_dir { "dir" } else { "file" };
    let fs_id = gone.fs_id.map(FsId::get);
    json!({
        "change": "gone",
        "path": gone.path.as_str(),
        "type": kind,
        "recycled": gone.is_recycled,
        "fs_id": fs_id,
    })
}

/// The cursor in a file; none when there is no such file yet.
fn read_cursor(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(first_line(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::usage(format!("cannot read `{}`: {error}", path.display()))),
    }
}

/// Replaces the cursor in a file, whole or not at all.
fn write_cursor(path: &Path, cursor: &str) -> Result<(), Failure> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let written =
        NamedTempFile::new_in(directory.unwrap_or(Path::new("."))).and_then(|mut file| {
            writeln!(file, "{cursor}")?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)
        });
    let failed = |error| Failure::other(format!("cannot write `{}`: {error}", path.display()));
    written.map(drop).map_err(failed)
}
