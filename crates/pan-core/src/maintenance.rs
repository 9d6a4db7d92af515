//! Keeping house: what the rules leave behind is collected here, and what
//! they promise is checked.

mod check;
mod check_account;
mod check_content;
mod check_found;
mod gc;
mod orphans;
mod staged;

pub use check::CheckReport;
pub use gc::CollectReport;
