use clap::Args;
use pan_sdk::Client;
use tokio::io::{AsyncWriteExt, Stdout, stdout};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::remote::RemotePath;
use crate::session::Session;
use crate::tally::Tally;

/// Write files to stdout
#[derive(Debug, Args)]
pub(crate) struct CatArgs {
    /// Files in the storage
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<RemotePath>,
}

pub(crate) async fn run(session: &Session<'_>, args: CatArgs) -> Result<(), Failure> {
    to_stdout(session, &args.paths).await
}

/// Writes files to stdout, one after the other.
pub(crate) async fn to_stdout(session: &Session<'_>, paths: &[RemotePath]) -> Result<(), Failure> {
    let mut tally = Tally::new(&session.screen.stderr);
    let mut out = stdout();
    for path in paths {
        let client = session.client(path)?;
        match copy(&client, path, &mut out).await {
            Ok(written) => {
                written?;
                tally.done();
            }
            Err(failure) => tally.failed(explain(&client, path, failure).await.about(path)),
        }
    }
    tally.finish()
}

/// A directory cannot be downloaded: the service says that no file is there.
async fn explain(client: &Client, path: &RemotePath, failure: Failure) -> Failure {
    let is_dir = failure.exit == Exit::NoFile
        && client.meta(&path.path).await.is_ok_and(|entry| entry.is_dir);
    if is_dir { Failure::new(Exit::NoFile, "it is a directory") } else { failure }
}

/// Copies a file. A failure to read it and one to write it are two things.
async fn copy(
    client: &Client,
    path: &RemotePath,
    out: &mut Stdout,
) -> Result<Result<(), Failure>, Failure> {
    let mut download = client.download(&path.path, ..).await?;
    while let Some(chunk) = download.chunk().await? {
        if let Err(error) = out.write_all(&chunk).await {
            return Ok(Err(Failure::output(&error)));
        }
    }
    Ok(out.flush().await.map_err(|error| Failure::output(&error)))
}
