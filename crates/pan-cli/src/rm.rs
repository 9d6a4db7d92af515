use clap::Args;
use futures_util::stream::{self, StreamExt};
use pan_sdk::{Client, Error, ErrorCode, PanPath, RetryPolicy};
use serde_json::json;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::glob;
use crate::remote::RemotePath;
use crate::session::Session;
use crate::tally::Tally;

/// How many paths are looked at at once.
const LOOKS: usize = 8;

/// Delete files and directories, into the recycle bin
#[derive(Debug, Args)]
pub(crate) struct RmArgs {
    /// What to delete
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<RemotePath>,
    /// Delete directories too, with what is in them
    #[arg(short, long)]
    recursive: bool,
    /// It is no error when something is not there
    #[arg(short, long)]
    force: bool,
}

pub(crate) async fn run(session: &Session<'_>, args: RmArgs) -> Result<(), Failure> {
    let mut tally = Tally::new(&session.screen.stderr);
    let rm = Rm { session, force: args.force };
    let mut paths = Vec::new();
    for path in args.paths {
        match glob::expand(session, vec![path]).await {
            Err(failure) if args.force && failure.exit == Exit::NoFile => {}
            expanded => paths.extend(expanded?),
        }
    }
    let wanted = if args.recursive { paths } else { rm.files(&paths, &mut tally).await? };
    for group in wanted.chunk_by(|one, next| one.profile == next.profile) {
        rm.delete(group, &mut tally).await?;
    }
    tally.finish()
}

struct Rm<'a> {
    session: &'a Session<'a>,
    force: bool,
}

impl Rm<'_> {
    /// The paths that are not directories.
    async fn files(
        &self,
        paths: &[RemotePath],
        tally: &mut Tally,
    ) -> Result<Vec<RemotePath>, Failure> {
        let looks = paths.iter().map(async |path| {
            let client = self.session.client(path)?;
            Ok::<_, Failure>((path, path.look(&client).await))
        });
        let mut looks = stream::iter(looks).buffered(LOOKS);
        let mut files = Vec::new();
        while let Some(look) = looks.next().await {
            let (path, found) = look?;
            match found {
                Ok(entry) if entry.is_dir => {
                    let failure = Failure::other(format!("{path}: it is a directory"));
                    tally.failed(failure.hint("`pan rm -r` deletes directories too"));
                }
                Ok(_) => files.push(path.clone()),
                Err(error) => self.failed(path, error, tally),
            }
        }
        Ok(files)
    }

    /// Deletes paths of one profile. A batch stops at what fails; it is begun
    /// anew behind that.
    async fn delete(&self, mut paths: &[RemotePath], tally: &mut Tally) -> Result<(), Failure> {
        while let Some(first) = paths.first() {
            let client = self.session.client(first)?;
            let (done, error) = delete_batch(&client, paths).await;
            for path in &paths[..done] {
                self.tell(path)?;
                tally.done();
            }
            let Some(error) = error else { break };
            let Some(failed) = paths.get(done) else { return Err(error.into()) };
            if error.code().is_none() {
                // Nothing was said about the others: they would fail alike.
                return Err(Failure::from(error).about(failed));
            }
            self.failed(failed, error, tally);
            paths = &paths[done + 1..];
        }
        Ok(())
    }

    fn failed(&self, path: &RemotePath, error: Error, tally: &mut Tally) {
        if self.force && error.is(ErrorCode::FileNotExists) {
            tally.done();
        } else {
            tally.failed(Failure::from(error).about(path));
        }
    }

    fn tell(&self, path: &RemotePath) -> Result<(), Failure> {
        self.session.screen.stderr.say(&format!("deleted {path}"));
        if self.session.screen.json {
            let object = json!({ "action": "rm", "path": path.to_string() });
            self.session.screen.object(&object)?;
        }
        Ok(())
    }
}

/// How many paths were deleted, and why the next was not.
async fn delete_batch(client: &Client, paths: &[RemotePath]) -> (usize, Option<Error>) {
    let paths: Vec<PanPath> = paths.iter().map(|path| path.path.clone()).collect();
    match client.with_retry(RetryPolicy::brief()).delete_batch(&paths).await {
        Ok(done) => (done.len(), None),
        Err(partly) => (partly.done.len(), Some(partly.error)),
    }
}
