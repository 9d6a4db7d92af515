//! Keeping house: what the rules leave behind is collected here, and what
//! they promise is checked.

mod check;
mod check_account;
mod check_content;
mod check_tree;
mod gc;
mod orphans;
mod purge;
mod staged;
mod trim;

pub use check::CheckReport;
pub use gc::CollectReport;
pub(crate) use gc::Collector;
pub(crate) use purge::{Purger, make_room};
pub(crate) use trim::Trimmer;
