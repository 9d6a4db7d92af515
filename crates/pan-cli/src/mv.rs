use clap::Args;
use pan_sdk::{Client, PanPath};

use crate::failure::Failure;
use crate::glob;
use crate::place::{self, Place};
use crate::remote::RemotePath;
use crate::session::Session;
use crate::show::DoneObject;
use crate::tally::Tally;

/// Move or rename files and directories
///
/// DEST that ends with `/`, or is a directory, takes every SRC under its own
/// name; any other is the new name of the only SRC. Nothing is overwritten.
#[derive(Debug, Args)]
#[command(override_usage = "pan mv [OPTIONS] <SRC>... <DEST>")]
pub(crate) struct MvArgs {
    /// What to move; then where to
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<RemotePath>,
}

pub(crate) async fn run(session: &Session<'_>, args: MvArgs) -> Result<(), Failure> {
    transplant(session, Transplant::Move, args.paths).await
}

/// What becomes of the source.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Transplant {
    Move,
    Copy,
}

/// Moves or copies sources to a destination.
pub(crate) async fn transplant(
    session: &Session<'_>,
    what: Transplant,
    paths: Vec<RemotePath>,
) -> Result<(), Failure> {
    let (sources, to) = place::split(paths)?;
    let sources = glob::expand(session, sources).await?;
    for source in &sources {
        if !session.is_same_storage(source, &to)? {
            let message = format!("{source} and {to} are in two storages");
            return Err(Failure::usage(message).hint("`pan get` and `pan put` carry it over"));
        }
    }
    let client = session.client(&to)?;
    let place = Place::remote(&client, &to, sources.len()).await?;
    let mut tally = Tally::new(&session.screen.stderr);
    for source in &sources {
        let target = place.of(source.path.name());
        let done = one(&client, what, &source.path, &target).await;
        tally.count(match done {
            Ok(()) => tell(session, what, source, &to.spell(&target)),
            Err(failure) => Err(failure.about(source)),
        });
    }
    tally.finish()
}

async fn one(
    client: &Client,
    what: Transplant,
    from: &PanPath,
    to: &PanPath,
) -> Result<(), Failure> {
    match what {
        Transplant::Move => client.move_entry(from, to).await?,
        Transplant::Copy => client.copy_entry(from, to).await?,
    }
    Ok(())
}

fn tell(
    session: &Session<'_>,
    what: Transplant,
    from: &RemotePath,
    to: &str,
) -> Result<(), Failure> {
    let verb = match what {
        Transplant::Move => "mv",
        Transplant::Copy => "cp",
    };
    session.screen.stderr.say(&format!("{from} -> {to}"));
    if session.screen.json {
        session.screen.object(&DoneObject::new(verb, &from.to_string(), to))?;
    }
    Ok(())
}
