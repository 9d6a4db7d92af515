//! Where the feed begins anew: positions that no cursor can hold, and changes
//! that were forgotten.

use std::collections::BTreeSet;

use pan_core::{Change, Settings};
use pan_model::{ByteSize, PanPath};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::in_process::Ground;
use super::storage::{Op, ROOTS, Reader, Storage, difference};
use crate::in_hand::{InHand, path};

crate::tests![
    a_position_too_long_for_a_cursor_is_found_again,
    a_long_position_in_what_was_moved_is_found_again,
    a_page_of_nothing_has_an_end,
    what_no_request_can_name_is_told_once_one_can,
    a_long_position_whose_directory_moved_begins_anew,
    a_reader_that_stayed_away_for_long_begins_anew,
];

const NAME_BYTES: usize = 240;

/// A path of `depth` names of [`NAME_BYTES`] each, which no request could
/// create at once: directories are put into one another.
fn plant_deep(storage: &dyn Storage, depth: usize) -> String {
    let name = |i: usize| format!("{i:03}").repeat(NAME_BYTES / 3);
    for i in (0..depth).rev() {
        storage.act(&Op::Mkdir { path: format!("/{}", name(i)) });
        if i + 1 == depth {
            for file in ["x", "y", "z"] {
                let path = format!("/{}/{file}", name(i));
                storage.act(&Op::Put { path, content: file.into() });
            }
        } else {
            storage.act(&Op::Move {
                from: format!("/{}", name(i + 1)),
                to: format!("/{}/{}", name(i), name(i + 1)),
            });
        }
    }
    format!("/{}", (0..depth).map(name).collect::<Vec<_>>().join("/"))
}

fn a_position_too_long_for_a_cursor_is_found_again() {
    let ground = Ground::new();
    let storage = ground.user("deep");
    let deepest = plant_deep(&storage, 15);
    assert!(deepest.len() > 3_500);
    let mut random = StdRng::seed_from_u64(1);
    for size in 1..=3 {
        let (mut reader, mut pages) = (Reader::new(0), 1);
        while reader.read(&storage, &mut random, size) {
            pages += 1;
        }
        assert_eq!(difference(&reader.tree, &storage.listing(0)), None);
        assert_eq!(reader.tree.len(), 18);
        assert_eq!(pages, 18usize.div_ceil(size));
    }
    ground.check();
}

fn a_long_position_in_what_was_moved_is_found_again() {
    let ground = Ground::new();
    let storage = ground.user("deep");
    plant_deep(&storage, 15);
    let mut random = StdRng::seed_from_u64(1);
    // Of all that a token sees, and of what it sees of that.
    let mut readers: Vec<Reader> = (0..ROOTS.len()).map(Reader::new).collect();
    let mut from = format!("/{}", "000".repeat(NAME_BYTES / 3));
    for to in ["/a", "/d", "/a/b/deep", "/c"] {
        storage.act(&Op::Move { from, to: to.into() });
        from = to.into();
        for reader in &mut readers {
            reader.catch_up(&storage, &mut random, 2);
            assert_eq!(difference(&reader.tree, &storage.listing(reader.root)), None);
        }
    }
    assert_eq!(readers[3].tree.len(), 17);
}

/// However little comes of it, a page reads no more than so many rows.
fn a_page_of_nothing_has_an_end() {
    let ground = Ground::new();
    let storage = ground.user("busy");
    storage.act(&Op::Mkdir { path: "/a".into() });
    let cursor = storage.page(0, None, 6).cursor;
    // Changes of what was purged since.
    let rows = rusqlite::Connection::open(ground.database()).unwrap();
    rows.execute_batch(
        "INSERT INTO change (user_no, rev, came, unfold, at)
           SELECT user_no, user.rev + value, user_no * 8589934592 + 4000000, 0, 1790000000
           FROM user, (WITH RECURSIVE n (value) AS
             (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 45000) SELECT value FROM n);
         UPDATE user SET rev = rev + 45000;",
    )
    .unwrap();
    let mut pages = Vec::new();
    let mut cursor = Some(cursor);
    while let Some(from) = cursor.take() {
        let page = storage.page(0, Some(&from), 6);
        pages.push((page.changes.len(), page.reset, page.has_more));
        cursor = page.has_more.then_some(page.cursor);
    }
    assert_eq!(pages, [(0, false, true), (0, false, true), (0, false, false)]);
}

// Told whole, a chain of directories takes the square of its depth in memory.
fn what_no_request_can_name_is_told_once_one_can() {
    InHand::story(Settings::default(), |pan| async move {
        let me = pan.user("deep", ByteSize::UNLIMITED).await;
        let chain = |top: usize, below| path(&format!("/{top}{}", "/d".repeat(below)));
        pan.pan.mkdir(&me, &chain(0, 250)).await.unwrap();
        for top in 1..=10 {
            pan.pan.move_entry(&me, &chain(top - 1, 0), &chain(top, 250)).await.unwrap();
        }
        let mut tree = BTreeSet::<PanPath>::new();
        let mut cursor = None;
        for told in [2_048, 2_751] {
            loop {
                let page = pan.pan.diff(&me, cursor.as_deref()).await.unwrap();
                for (path, change) in page.changes {
                    match change {
                        Change::Present(_) => drop(tree.insert(path)),
                        Change::Gone(_) => tree.retain(|it| !it.is_within(&path)),
                    }
                }
                cursor = Some(page.cursor);
                if !page.has_more {
                    break;
                }
            }
            assert_eq!(tree.len(), told);
            if told == 2_048 {
                pan.pan.move_entry(&me, &chain(10, 1_000), &path("/up")).await.unwrap();
            }
        }
    });
}

fn a_long_position_whose_directory_moved_begins_anew() {
    let ground = Ground::new();
    let storage = ground.user("deep");
    plant_deep(&storage, 15);
    let first = |size| storage.page(0, None, size);
    let mut page = first(6);
    // All fifteen directories and the first of the files are told.
    page = storage.page(0, Some(&page.cursor), 6);
    page = storage.page(0, Some(&page.cursor), 4);
    assert!(page.has_more);
    let top = format!("/{}", "000".repeat(NAME_BYTES / 3));
    let next = storage.page(0, Some(&page.cursor), 6);
    assert_eq!((next.reset, next.changes.len(), next.has_more), (false, 2, false));
    storage.act(&Op::Move { from: top, to: "/moved".into() });
    let next = storage.page(0, Some(&page.cursor), 6);
    assert!(next.reset && next.has_more);
    assert_eq!(next.changes[0].0, "/moved");
}

fn a_reader_that_stayed_away_for_long_begins_anew() {
    let ground = Ground::new();
    let (storage, other) = (ground.user("a"), ground.user("b"));
    let put = |path: &str| {
        storage.act(&Op::Put { path: path.into(), content: "x".into() });
    };
    put("/a");
    put("/b");
    // One has seen everything, one is in the middle of it.
    let early = storage.page(0, None, 6).cursor;
    let inside = storage.page(0, None, 1).cursor;
    put("/b2");
    ground.pass(50);
    put("/c");
    let late = storage.page(0, None, 6).cursor;
    assert_eq!(ground.trim(), 0);
    ground.pass(50);
    put("/d");
    other.act(&Op::Mkdir { path: "/other".into() });
    assert_eq!(ground.trim(), 3);
    ground.check();
    for (cursor, reset, changes) in [(&early, true, 5), (&inside, true, 5), (&late, false, 1)] {
        let page = storage.page(0, Some(cursor), 6);
        assert_eq!((page.reset, page.changes.len(), page.has_more), (reset, changes, false));
    }
    // And when nothing is left of the log.
    let newest = storage.page(0, None, 6).cursor;
    ground.pass(100);
    assert_eq!(ground.trim(), 3);
    ground.check();
    assert!(storage.page(0, Some(&late), 6).reset);
    let page = storage.page(0, Some(&newest), 6);
    assert_eq!((page.reset, page.changes.len()), (false, 0));
    put("/e");
    let page = storage.page(0, Some(&newest), 6);
    assert_eq!((page.reset, page.changes.len()), (false, 1));
    ground.check();
}
