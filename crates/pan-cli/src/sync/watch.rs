//! Keeping two directories the same as they change.

use super::Sync;
use crate::failure::Failure;

pub(crate) async fn run(sync: Sync<'_>) -> Result<(), Failure> {
    let done = sync.until_quiet().await;
    sync.finish(done)
}
