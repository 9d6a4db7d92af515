use clap::Args;

use crate::failure::Failure;
use crate::mv::{Transplant, transplant};
use crate::remote::RemotePath;
use crate::session::Session;

/// Copy files and directories within the storage
///
/// DEST that ends with `/`, or is a directory, takes every SRC under its own
/// name; any other is the new name of the only SRC. Nothing is overwritten.
/// No bytes are copied, but they count against the quota.
#[derive(Debug, Args)]
#[command(override_usage = "pan cp [OPTIONS] <SRC>... <DEST>")]
pub(crate) struct CpArgs {
    /// What to copy; then where to
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<RemotePath>,
    /// Accepted for the habit of it: directories are always taken whole
    #[arg(short, long)]
    recursive: bool,
}

pub(crate) async fn run(session: &Session<'_>, args: CpArgs) -> Result<(), Failure> {
    transplant(session, Transplant::Copy, args.paths).await
}
