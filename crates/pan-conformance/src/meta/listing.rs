//! The children of a directory, in every order, against a plain sort.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::ops::ControlFlow;

use pan_engine::MetaStore;
use pan_engine::meta::{ChildrenQuery, Entry, EntryKind, ListedAfter};
use pan_model::{FsId, ListBy, ListOrder, NameKey, Timestamp, UserNo};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::given::{directory, facts, file, insert, read, user, write};

/// Everything, by name.
pub(super) fn whole() -> ChildrenQuery {
    let order = ListOrder { by: ListBy::Name, descending: false };
    ChildrenQuery { order, after: None, skip: 0, limit: u64::MAX }
}

fn orders() -> impl Iterator<Item = ListOrder> {
    let fields = [ListBy::FileType, ListBy::Name, ListBy::Time, ListBy::Size];
    fields.into_iter().flat_map(|by| [false, true].map(|descending| ListOrder { by, descending }))
}

/// What [`ListOrder`] says, as plainly as it can be said.
fn compare(order: ListOrder, a: &Entry, b: &Entry) -> Ordering {
    let key = |entry: &Entry| NameKey::of(&entry.name).as_str().to_owned();
    let size = |entry: &Entry| entry.file().map(|facts| facts.size);
    let extension = |entry: &Entry| {
        entry.file().map(|_| pan_model::extension(NameKey::of(&entry.name).as_str()))
    };
    let turn = |ordering: Ordering| if order.descending { ordering.reverse() } else { ordering };
    let by_key = || turn(key(a).cmp(&key(b)));
    let directories_first = || b.is_directory().cmp(&a.is_directory());
    match order.by {
        ListBy::Name => by_key(),
        ListBy::Time => turn(a.mtime.cmp(&b.mtime)).then_with(by_key),
        ListBy::Size => {
            directories_first().then_with(|| turn(size(a).cmp(&size(b)))).then_with(by_key)
        }
        ListBy::FileType => directories_first()
            .then_with(|| turn(extension(a).cmp(&extension(b))))
            .then_with(by_key),
    }
}

async fn list(store: &dyn MetaStore, parent: FsId, query: ChildrenQuery) -> Vec<Entry> {
    read(store, move |snapshot| {
        let mut window = Vec::new();
        snapshot.list_children(parent, &query, &mut |entry| {
            window.push(entry);
            ControlFlow::Continue(())
        })?;
        Ok(window)
    })
    .await
}

/// Names in several scripts and both normal forms, whose keys all differ.
fn random_names(rng: &mut StdRng, count: usize) -> Vec<String> {
    const PIECES: [&str; 20] = [
        "a",
        "b",
        "B",
        "Z",
        "0",
        "9",
        "é",
        "e\u{301}",
        "ä",
        "测",
        "试",
        "が",
        "か\u{3099}",
        "😀",
        " ",
        "-",
        "_",
        "\u{212b}",
        "ﬁ",
        "ñ",
    ];
    const ENDS: [&str; 10] =
        ["", "", ".txt", ".TXT", ".jpg", ".tar.gz", ".É", ".e\u{301}", ".", ".文"];
    let (mut names, mut keys) = (Vec::new(), HashSet::new());
    while names.len() < count {
        let mut name: String =
            (0..rng.random_range(1..5)).map(|_| *PIECES.choose(rng).expect("pieces")).collect();
        name += ENDS.choose(rng).expect("ends");
        if keys.insert(NameKey::of(&name).as_str().to_owned()) {
            names.push(name);
        }
    }
    names
}

async fn fill(store: &dyn MetaStore, user: UserNo, seed: u64, count: usize) -> Vec<Entry> {
    write(store, user, move |tx| {
        let mut rng = StdRng::seed_from_u64(seed);
        let root = FsId::root(user);
        let mut entries = Vec::new();
        for name in random_names(&mut rng, count) {
            let is_directory = rng.random_range(0..4) == 0;
            let mut entry =
                if is_directory { directory(tx, root, &name)? } else { file(tx, root, &name)? };
            // Few values, so that there are many ties.
            entry.mtime = Timestamp(rng.random_range(-3..3));
            if !is_directory {
                entry.kind = EntryKind::File(facts(1, rng.random_range(0..6)));
            }
            entries.push(insert(tx, entry)?);
        }
        Ok(entries)
    })
    .await
}

/// Every order is that of a plain sort, and windows of any size, each begun
/// after the last entry of the one before, glue together to the whole.
pub async fn every_order_is_exact_in_windows_of_any_size(store: &dyn MetaStore) {
    for (seed, count) in [(1, 300), (2, 17), (3, 1), (4, 0)] {
        let user = user(store, &format!("user {seed}")).await;
        let mut entries = fill(store, user, seed, count).await;
        for order in orders() {
            entries.sort_by(|a, b| compare(order, a, b));
            for limit in [1_000, 64, 7, 1] {
                let mut glued = Vec::new();
                let mut query = ChildrenQuery { order, after: None, skip: 0, limit };
                loop {
                    let window = list(store, FsId::root(user), query.clone()).await;
                    assert!(window.len() as u64 <= limit);
                    let Some(last) = window.last() else { break };
                    query.after = Some(ListedAfter::entry(last));
                    glued.extend(window);
                }
                let names = |entries: &[Entry]| {
                    entries.iter().map(|entry| entry.name.clone()).collect::<Vec<_>>()
                };
                assert_eq!(names(&glued), names(&entries), "{order:?}, windows of {limit}");
                assert_eq!(glued, entries);
            }
        }
    }
}

/// `skip` leaves out entries counted from the place, `limit` counts from there.
pub async fn skip_and_limit_count_from_the_place(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let mut entries = fill(store, user, 5, 60).await;
    let mut rng = StdRng::seed_from_u64(6);
    for order in orders() {
        entries.sort_by(|a, b| compare(order, a, b));
        for _ in 0..20 {
            let start = rng.random_range(0..60);
            let (skip, limit) = (rng.random_range(0..70), rng.random_range(0..70));
            let after = (start > 0).then(|| ListedAfter::entry(&entries[start - 1]));
            let query = ChildrenQuery { order, after, skip, limit };
            let window = list(store, FsId::root(user), query).await;
            let expected: Vec<_> =
                entries[start..].iter().skip(skip as usize).take(limit as usize).cloned().collect();
            assert_eq!(window, expected, "{order:?} from {start} skip {skip} limit {limit}");
        }
        let everything = ChildrenQuery { order, after: None, skip: 0, limit: u64::MAX };
        assert_eq!(list(store, FsId::root(user), everything).await, entries);
        let beyond = ChildrenQuery { order, after: None, skip: u64::MAX, limit: 1 };
        assert_eq!(list(store, FsId::root(user), beyond).await, []);
    }
}

/// The callback ends the listing when it has enough; the next one is whole.
pub async fn a_listing_can_be_stopped(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let entries = fill(store, user, 7, 20).await;
    for order in orders() {
        let seen = read(store, move |snapshot| {
            let mut seen = 0;
            let query = ChildrenQuery { order, ..whole() };
            snapshot.list_children(FsId::root(user), &query, &mut |_| {
                seen += 1;
                if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            Ok(seen)
        });
        assert_eq!(seen.await, 3);
        let query = ChildrenQuery { order, ..whole() };
        assert_eq!(list(store, FsId::root(user), query).await.len(), entries.len());
    }
}

/// By file type and by size, directories come before files in both
/// directions, and a directory called `z.aaa` has no extension.
pub async fn directories_come_first_whatever_their_names(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let root = FsId::root(user);
    write(store, user, move |tx| {
        for name in ["z.aaa", "b.zzz", "none"] {
            let directory = directory(tx, root, name)?;
            insert(tx, directory)?;
        }
        for (name, size) in [("a.zip", 1), ("y.Aaa", 2), ("m", 0)] {
            let mut file = file(tx, root, name)?;
            file.kind = EntryKind::File(facts(1, size));
            insert(tx, file)?;
        }
        Ok(())
    })
    .await;
    let names = async |by, descending| {
        let query = ChildrenQuery { order: ListOrder { by, descending }, ..whole() };
        let entries = list(store, root, query).await;
        entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(ListBy::FileType, false).await, "b.zzz none z.aaa m y.Aaa a.zip");
    assert_eq!(names(ListBy::FileType, true).await, "z.aaa none b.zzz a.zip y.Aaa m");
    assert_eq!(names(ListBy::Size, false).await, "b.zzz none z.aaa m a.zip y.Aaa");
    assert_eq!(names(ListBy::Size, true).await, "z.aaa none b.zzz y.Aaa a.zip m");
    assert_eq!(names(ListBy::Name, false).await, "a.zip b.zzz m none y.Aaa z.aaa");
    assert_eq!(names(ListBy::Name, true).await, "z.aaa y.Aaa none m b.zzz a.zip");
}
