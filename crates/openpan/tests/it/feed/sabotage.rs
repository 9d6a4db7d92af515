//! What the programs prove is worth something only if they notice a feed that
//! lacks one of its rules. Where a rule reads a row, the row lies; where it
//! ends a page, the reader takes two pages for one.

use super::in_process::Ground;
use super::program::run;
use super::storage::{ROOTS, Reader};

crate::tests![
    a_lying_store_is_what_it_was_without_a_lie,
    a_subtree_that_is_not_unfolded_is_noticed,
    a_move_that_empties_nothing_is_noticed,
    a_deletion_that_empties_nothing_is_noticed,
    a_purge_that_is_always_told_is_noticed,
    a_page_that_does_not_end_is_noticed,
];

/// More than enough: each was noticed within twenty.
const PROGRAMS: u64 = 150;

/// Whether any program notices. `lie` is what becomes of every new change.
fn is_noticed(lie: Option<&str>, reader: fn(usize) -> Reader) -> bool {
    let ground = Ground::new();
    if let Some(lie) = lie {
        let rows = rusqlite::Connection::open(ground.database()).unwrap();
        let trigger = format!(
            "CREATE TRIGGER lie AFTER INSERT ON change BEGIN UPDATE change SET {lie}
             AND change.user_no = NEW.user_no AND change.rev = NEW.rev; END"
        );
        rows.execute_batch(&trigger).unwrap();
    }
    (0..PROGRAMS).any(|number| {
        let storage = ground.user(&format!("program{number}"));
        let readers = (0..ROOTS.len()).map(reader).collect();
        run(&storage, number, 60, readers).is_err()
    })
}

fn a_lying_store_is_what_it_was_without_a_lie() {
    assert!(!is_noticed(Some("unfold = unfold WHERE true"), Reader::new));
}

fn a_subtree_that_is_not_unfolded_is_noticed() {
    assert!(is_noticed(Some("unfold = 0 WHERE true"), Reader::new));
}

fn a_move_that_empties_nothing_is_noticed() {
    assert!(is_noticed(Some("gone = NULL WHERE gone_how = 0"), Reader::new));
}

fn a_deletion_that_empties_nothing_is_noticed() {
    assert!(is_noticed(Some("gone = NULL WHERE gone_how = 1"), Reader::new));
}

fn a_purge_that_is_always_told_is_noticed() {
    assert!(is_noticed(Some("gone_how = 0 WHERE gone_how = 2"), Reader::new));
}

fn a_page_that_does_not_end_is_noticed() {
    assert!(is_noticed(None, Reader::careless));
}
