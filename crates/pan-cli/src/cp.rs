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
pub(crate) struct CpArgs {
    /// What to copy
    #[arg(required = true, value_name = "SRC")]
    sources: Vec<RemotePath>,
    /// Where to
    #[arg(value_name = "DEST")]
    to: RemotePath,
    /// Accepted for the habit of it: directories are always taken whole
    #[arg(short, long)]
    recursive: bool,
}

pub(crate) async fn run(session: &Session<'_>, args: CpArgs) -> Result<(), Failure> {
    transplant(session, Transplant::Copy, &args.sources, &args.to).await
}
