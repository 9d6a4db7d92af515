//! `pan sync`: stories, and random edits on all sides.

mod doubt;
mod random;
mod side;
mod stories;

use libtest_mimic::Trial;

/// All of them, the longest first.
pub(crate) fn tests() -> Vec<Trial> {
    [random::tests(), stories::tests(), doubt::tests()].into_iter().flatten().collect()
}
