use clap::Args;
use futures_util::stream::{StreamExt, TryStreamExt};
use pan_sdk::ErrorCode;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::remote::RemotePath;
use crate::session::Session;
use crate::show::file_line;

/// Find files by a part of their name
#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
pub(crate) struct FindArgs {
    /// The directory to search
    #[arg(value_name = "PATH", default_value = "/")]
    path: RemotePath,
    /// What the name contains; upper and lower case are the same, and every
    /// character is plain
    #[arg(value_name = "KEYWORD")]
    keyword: String,
    /// Search this directory only, not those below it
    #[arg(short, long)]
    directory: bool,
    /// Show only so many, the newest
    #[arg(long, value_name = "NUMBER", default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
    /// Show type, size and time too
    #[arg(short, long)]
    long: bool,
}

pub(crate) async fn run(session: &Session<'_>, args: FindArgs) -> Result<(), Failure> {
    let client = session.client(&args.path)?;
    let path = &args.path.path;
    let limit = args.limit as u64;
    let mut files = if limit < SMALL {
        // What is asked for and no more.
        let window = pan_sdk::Window { start: 0, end: limit };
        let page = client.search(path, &args.keyword, !args.directory, window).await;
        let page = page.map_err(|error| missing(error, &args.path))?;
        futures_util::stream::iter(page.into_iter().map(Ok)).boxed()
    } else {
        client.search_all(path, &args.keyword, !args.directory).boxed()
    }
    .take(args.limit);
    while let Some(file) = files.try_next().await.map_err(|error| missing(error, &args.path))? {
        file_line(session.screen, &file, args.long)?;
    }
    Ok(())
}

/// Limits below this are one call.
const SMALL: u64 = 5000;

fn missing(error: pan_sdk::Error, path: &RemotePath) -> Failure {
    let is_missing = error.is(ErrorCode::FileNotExists);
    let failure = Failure::from(error).about(path);
    if is_missing { Failure { exit: Exit::NoDirectory, ..failure } } else { failure }
}
