use clap::Args;

use crate::failure::Failure;
use crate::remote::RemotePath;
use crate::session::Session;
use crate::show::EntryObject;
use crate::tally::Tally;

/// Make directories, with the parents that are missing
#[derive(Debug, Args)]
pub(crate) struct MkdirArgs {
    /// Directories in the storage
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<RemotePath>,
    /// It is no error when a directory is there already
    #[arg(short, long)]
    parents: bool,
}

pub(crate) async fn run(session: &Session<'_>, args: MkdirArgs) -> Result<(), Failure> {
    let mut tally = Tally::new(&session.screen.stderr);
    for path in &args.paths {
        tally.count(make(session, path, args.parents).await.map_err(|error| error.about(path)));
    }
    tally.finish()
}

async fn make(session: &Session<'_>, path: &RemotePath, may_exist: bool) -> Result<(), Failure> {
    let client = session.client(path)?;
    let entry = match may_exist {
        true => client.ensure_dir(&path.path).await?,
        false => client.mkdir(&path.path).await?,
    };
    session.screen.stderr.say(&format!("made {path}"));
    if session.screen.json { session.screen.object(&EntryObject::of(&entry)) } else { Ok(()) }
}
