//! Files are found by their media types, latest first.

use std::cmp::Reverse;
use std::ops::ControlFlow;

use pan_engine::MetaStore;
use pan_engine::meta::{Entry, MediaPlace, MetaTxn, Result, Totals, TotalsDelta};
use pan_model::{FsId, MediaType, Rev, Timestamp, UserNo};

use super::given::{directory, file, insert, read, user, write};

async fn list(
    store: &dyn MetaStore,
    user: UserNo,
    media: MediaType,
    limit: u64,
) -> Vec<(i64, FsId)> {
    read(store, move |snapshot| {
        let mut all: Vec<Entry> = Vec::new();
        loop {
            let after = all.last().map(MediaPlace::of);
            let before = all.len();
            snapshot.list_media(user, media, after, limit, &mut |entry| {
                all.push(entry);
                ControlFlow::Continue(())
            })?;
            assert!((all.len() - before) as u64 <= limit);
            if all.len() == before {
                break;
            }
        }
        Ok(all.iter().map(|entry| (entry.mtime.0, entry.fs_id)).collect())
    })
    .await
}

fn put(tx: &mut dyn MetaTxn, parent: FsId, name: &str, mtime: i64) -> Result<Entry> {
    let mut made = file(tx, parent, name)?;
    made.mtime = Timestamp(mtime);
    insert(tx, made)
}

/// Every type is a list of its own, the latest first and then the newest,
/// the same in windows of any size; directories and other files are in none.
pub async fn files_are_listed_by_type_latest_first(store: &dyn MetaStore) {
    let (user, other) = (user(store, "a").await, user(store, "b").await);
    let expected = write(store, user, move |tx| {
        let root = FsId::root(user);
        let made = directory(tx, root, "dir.jpg")?;
        let below = insert(tx, made)?.fs_id;
        let mut images = Vec::new();
        for n in 0..40 {
            let parent = if n % 3 == 0 { below } else { root };
            let entry = put(tx, parent, &format!("{n}.JPG"), n * 7 % 5 - 2)?;
            images.push((entry.mtime.0, entry.fs_id));
            for end in ["mp4", "Mp3", "pdf", "bin"] {
                put(tx, parent, &format!("{n}.{end}"), n)?;
            }
        }
        images.sort_unstable_by_key(|place| Reverse(*place));
        Ok(images)
    })
    .await;
    write(store, other, move |tx| put(tx, FsId::root(other), "x.jpg", 1)).await;
    for limit in [1_000, 7, 1] {
        assert_eq!(list(store, user, MediaType::Image, limit).await, expected);
    }
    for media in [MediaType::Video, MediaType::Audio, MediaType::Doc] {
        assert_eq!(list(store, user, media, 100).await.len(), 40);
    }
    assert_eq!(list(store, user, MediaType::Other, 100).await, []);
    assert_eq!(list(store, other, MediaType::Image, 100).await.len(), 1);
}

/// The type is that of the name a file has now, detached or not.
pub async fn a_media_type_follows_the_name(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let mut entry = write(store, user, move |tx| put(tx, FsId::root(user), "a.jpg", 1)).await;
    let id = entry.fs_id;
    for (name, media) in
        [("a.mp4", MediaType::Video), ("a", MediaType::Other), ("a.txt", MediaType::Doc)]
    {
        entry.name = name.into();
        entry.parent = None;
        let update = entry.clone();
        write(store, user, move |tx| tx.update_entry(&update)).await;
        for listed in MediaType::LISTED {
            let expected = if listed == media { vec![(1, id)] } else { Vec::new() };
            assert_eq!(list(store, user, listed, 9).await, expected, "{name}");
        }
    }
    write(store, user, move |tx| tx.remove_entry(id)).await;
    assert_eq!(list(store, user, MediaType::Doc, 9).await, []);
}

/// Files are counted among the children whose key begins with a prefix, and
/// below them by their totals; also by the transaction that changes them.
pub async fn media_is_counted_by_prefix(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let counts = [
        ("", 5),
        ("a", 4),
        ("ab", 3),
        ("ab.", 1),
        ("ab.jpg", 1),
        ("ab.jpg!", 0),
        ("b", 0),
        ("caf\u{e9}", 1),
        ("\u{10ffff}", 0),
    ];
    let root = FsId::root(user);
    write(store, user, move |tx| {
        let made = directory(tx, root, "abc")?;
        let below = insert(tx, made)?.fs_id;
        put(tx, below, "deep.jpg", 1)?;
        let image = TotalsDelta { entries: 2, media: [0, 0, 2, 0], ..TotalsDelta::default() };
        tx.add_totals(below, &image, Rev(1))?;
        for name in ["a.jpg", "ab.jpg", "ab.mp4", "cafe\u{301}.jpg", "b"] {
            put(tx, root, name, 1)?;
        }
        for (prefix, expected) in counts {
            assert_eq!(tx.count_media(root, MediaType::Image, prefix)?, expected, "{prefix}");
        }
        Ok(())
    })
    .await;
    read(store, move |snapshot| {
        for (prefix, expected) in counts {
            assert_eq!(snapshot.count_media(root, MediaType::Image, prefix)?, expected, "{prefix}");
        }
        assert_eq!(snapshot.count_media(root, MediaType::Video, "a")?, 1);
        assert_eq!(snapshot.count_media(root, MediaType::Doc, "")?, 0);
        assert_eq!(snapshot.count_media(root, MediaType::Other, "")?, 0);
        assert_eq!(snapshot.get_totals(root)?, Totals::default());
        Ok(())
    })
    .await;
}
