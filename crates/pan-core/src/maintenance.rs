//! Keeping house: what the rules leave behind is collected here, and what
//! they promise is checked.

mod backup;
mod check;
mod check_account;
mod check_content;
mod check_found;
mod check_tree;
mod damage;
mod gc;
mod lease;
mod orphans;
mod purge;
mod scrub;
mod scrub_round;
mod staged;
mod stored;
mod trim;

use pan_model::ByteSize;

pub use backup::BackupReport;
pub use check::CheckReport;
pub use damage::{Damage, Damages};
pub use gc::CollectReport;
pub(crate) use gc::Collector;
pub(crate) use lease::Leases;
pub(crate) use purge::Purger;
pub use scrub::ScrubReport;
pub(crate) use scrub_round::Scrubber;
pub(crate) use trim::Trimmer;

/// Told now and then how many bytes a long piece of work has gone through.
pub type Progress<'p> = &'p (dyn Fn(ByteSize) + Send + Sync);
