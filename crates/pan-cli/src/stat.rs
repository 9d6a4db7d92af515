use clap::Args;
use pan_sdk::Entry;

use crate::failure::Failure;
use crate::glob;
use crate::remote::RemotePath;
use crate::screen::Screen;
use crate::session::Session;
use crate::show::{EntryObject, kind, local_time};
use crate::tally::Tally;

/// Describe files and directories
#[derive(Debug, Args)]
pub(crate) struct StatArgs {
    /// What to describe
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<RemotePath>,
}

pub(crate) async fn run(session: &Session<'_>, args: StatArgs) -> Result<(), Failure> {
    let mut tally = Tally::new(&session.screen.stderr);
    for path in &glob::expand(session, args.paths).await? {
        match path.look(&session.client(path)?).await {
            Ok(entry) => {
                show(session.screen, &entry)?;
                tally.done();
            }
            Err(error) => tally.failed(Failure::from(error).about(path)),
        }
    }
    tally.finish()
}

fn show(screen: &Screen, entry: &Entry) -> Result<(), Failure> {
    const TIME: &str = "%Y-%m-%d %H:%M:%S %:z";
    if screen.json {
        return screen.object(&EntryObject::of(entry));
    }
    screen.line(format!(" path: {}", screen.name(entry.path.as_str(), entry.is_dir)))?;
    screen.line(format!(" type: {}", kind(entry)))?;
    if !entry.is_dir {
        screen.line(format!(" size: {} ({})", entry.size.0, entry.size))?;
    }
    if let Some(md5) = entry.md5 {
        screen.line(format!("  md5: {md5}"))?;
    }
    screen.line(format!("mtime: {}", local_time(entry.mtime, TIME)))?;
    screen.line(format!("ctime: {}", local_time(entry.ctime, TIME)))?;
    match entry.fs_id {
        Some(id) => screen.line(format!("fs_id: {id}")),
        None => Ok(()),
    }
}
