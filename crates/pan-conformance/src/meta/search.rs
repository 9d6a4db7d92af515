//! Files are found by their names: at once, exactly, newest first.

use std::ops::ControlFlow;

use pan_engine::meta::{Entry, MetaRead, MetaTxn, Result, SearchQuery};
use pan_engine::{MetaStore, MetaStoreExt, Scope};
use pan_model::{FsId, SearchKey, UserNo};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::given::{directory, file, insert, read, user, write};

/// The ids of all hits, by windows that look at `limit` entries each.
fn find(read: &mut dyn MetaRead, user: UserNo, keyword: &str, limit: u64) -> Result<Vec<FsId>> {
    let mut found = Vec::new();
    let mut query = SearchQuery { user, keyword: SearchKey::of(keyword), before: None, limit };
    loop {
        let next = read.search_files(&query, &mut |entry| {
            assert!(!entry.is_directory());
            found.push(entry.fs_id);
            ControlFlow::Continue(())
        })?;
        assert!(next.is_none() || query.before.is_none() || next < query.before, "no step ahead");
        match next {
            Some(before) => query.before = Some(before),
            None => return Ok(found),
        }
    }
}

async fn found(store: &dyn MetaStore, user: UserNo, keyword: &str) -> Vec<FsId> {
    let keyword = keyword.to_owned();
    read(store, move |snapshot| find(snapshot, user, &keyword, u64::MAX)).await
}

async fn put(store: &dyn MetaStore, user: UserNo, names: &[&str]) -> Vec<FsId> {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    write(store, user, move |tx| {
        let mut ids = Vec::new();
        for name in &names {
            let file = file(tx, FsId::root(user), name)?;
            ids.push(insert(tx, file)?.fs_id);
        }
        Ok(ids)
    })
    .await
}

/// Any part of a name finds it, whatever its script and however short; case
/// and normal form do not matter, and nothing stands for anything else.
pub async fn files_are_found_by_any_part_of_their_name(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let names = [
        "IMG_2026 (1).JPG",
        "我的照片.jpg",
        "照",
        "Привет мир.txt",
        "ΟΔΥΣΣΕΥΣ",
        "İstanbul.pdf",
        "straße",
        "cafe\u{301} 😀",
        "한국어",
        "100%_a*b?",
        "it's \"quoted\" AND \\ NEAR(x)",
        "a",
    ];
    let ids = put(store, user, &names).await;
    for (keyword, expected) in [
        ("img_2026 (1).jpg", vec![0]),
        ("g_2", vec![0]),
        ("JP", vec![1, 0]),
        ("照片", vec![1]),
        ("我的照片", vec![1]),
        ("照", vec![2, 1]),
        ("片.", vec![1]),
        ("片照", vec![]),
        ("ПРИВЕТ", vec![3]),
        ("ир", vec![3]),
        ("Ь", vec![]),
        ("οδυσ", vec![4]),
        ("σ", vec![4]),
        ("istan", vec![5]),
        ("İ", vec![10, 5, 0]),
        ("ẞ", vec![6]),
        ("ss", vec![]),
        ("caf\u{e9}", vec![7]),
        ("CAFE\u{301}", vec![7]),
        ("\u{e9}", vec![7]),
        ("cafe", vec![]),
        ("😀", vec![7]),
        ("\u{1112}\u{1161}\u{11ab}", vec![8]),
        ("국어", vec![8]),
        ("%", vec![9]),
        ("_", vec![9, 0]),
        ("0%_", vec![9]),
        ("*", vec![9]),
        ("a*", vec![9]),
        ("g*j", vec![]),
        ("'", vec![10]),
        ("\"quo", vec![10]),
        ("\" AND \"", vec![]),
        ("near(", vec![10]),
        ("\\", vec![10]),
        ("\0", vec![]),
        ("/", vec![]),
        (" ", vec![10, 7, 3, 0]),
        ("zz", vec![]),
        ("我的照片.jpg.", vec![]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|index: usize| ids[index]).collect();
        assert_eq!(found(store, user, keyword).await, expected, "{keyword}");
    }
}

/// A name finds its file from the statement on that wrote it, and no longer
/// than until it has another name or is gone. A detached file is found.
pub async fn a_file_is_found_as_soon_as_it_has_the_name(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    write(store, user, move |tx| {
        let root = FsId::root(user);
        let made = directory(tx, root, "one")?;
        insert(tx, made)?;
        let made = file(tx, root, "one two")?;
        let mut entry = insert(tx, made)?;
        assert_eq!(find(tx.as_read(), user, "one", 9)?, [entry.fs_id]);
        entry.name = "three".into();
        tx.update_entry(&entry)?;
        assert_eq!(find(tx.as_read(), user, "one", 9)?, []);
        entry.parent = None;
        tx.update_entry(&entry)?;
        assert_eq!(find(tx.as_read(), user, "three", 9)?, [entry.fs_id]);
        Ok(())
    })
    .await;
    let hits = found(store, user, "hre").await;
    assert_eq!(hits.len(), 1);
    write(store, user, move |tx| tx.remove_entry(hits[0])).await;
    assert_eq!(found(store, user, "hre").await, []);
}

/// What was rolled back is not found.
pub async fn a_name_that_was_rolled_back_is_not_found(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let add = move |tx: &mut dyn MetaTxn| {
        let made = file(tx, FsId::root(user), "never")?;
        insert(tx, made)?;
        Err::<(), _>(pan_engine::EngineError::new(pan_engine::ErrorKind::Failed, "on purpose"))
    };
    store.write::<_, pan_engine::EngineError, _>(Scope::User(user), add).await.unwrap_err();
    assert_eq!(found(store, user, "never").await, []);
}

/// Users search among their own files only.
pub async fn one_users_names_are_not_anothers(store: &dyn MetaStore) {
    let (a, b) = (user(store, "a").await, user(store, "b").await);
    let of_a = put(store, a, &["shared name", "another 名字"]).await;
    let of_b = put(store, b, &["shared name", "another 名字"]).await;
    for (keyword, index) in [("shared", 0), ("名字", 1), ("名", 1)] {
        assert_eq!(found(store, a, keyword).await, [of_a[index]]);
        assert_eq!(found(store, b, keyword).await, [of_b[index]]);
    }
}

/// A search that has enough says where to go on.
pub async fn a_search_can_be_stopped(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let ids = put(store, user, &["x1", "x2", "y3", "x4"]).await;
    let next = read(store, move |snapshot| {
        let keyword = SearchKey::of("x");
        let query = SearchQuery { user, keyword, before: None, limit: 100 };
        let mut seen = Vec::new();
        let next = snapshot.search_files(&query, &mut |entry| {
            seen.push(entry.fs_id);
            if seen.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        assert_eq!(seen, [ids[3], ids[1]]);
        let rest = SearchQuery { before: next, ..query };
        snapshot.search_files(&rest, &mut |entry| {
            seen.push(entry.fs_id);
            ControlFlow::Continue(())
        })?;
        assert_eq!(seen, [ids[3], ids[1], ids[0]]);
        Ok(next)
    });
    assert!(next.await.is_some());
}

/// Thousands of names that come, change and go: every search is what a plain
/// scan finds, in windows of any size, and the count is never too small.
pub async fn searches_equal_a_plain_scan(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let mut rng = StdRng::seed_from_u64(11);
    let mut files: Vec<Entry> = Vec::new();
    for round in 0..12 {
        let seed = rng.random();
        let known = files;
        files = write(store, user, move |tx| change(tx, user, seed, known.clone())).await;
        for _ in 0..12 {
            let keyword = random_keyword(&mut rng, &files);
            let key = SearchKey::of(&keyword);
            let hits = files.iter().filter(|file| key.is_in(&file.name)).map(|file| file.fs_id);
            let mut expected: Vec<_> = hits.collect();
            expected.sort_unstable_by(|a, b| b.cmp(a));
            let limit = *[1_000_000, 1_500, 97].choose(&mut rng).unwrap();
            let (found, count) = read(store, move |snapshot| {
                let found = find(snapshot, user, &keyword, limit)?;
                let count = snapshot.count_searched(user, &key, 1_000_000)?;
                assert!(snapshot.count_searched(user, &key, 7)? <= 7);
                Ok((found, count))
            })
            .await;
            assert_eq!(found, expected, "round {round}");
            assert!(count >= found.len() as u64);
        }
    }
}

/// Adds files, renames some, removes some.
fn change(
    tx: &mut dyn MetaTxn,
    user: UserNo,
    seed: u64,
    mut files: Vec<Entry>,
) -> Result<Vec<Entry>> {
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..60.min(files.len() / 8) {
        let index = rng.random_range(0..files.len());
        if rng.random_bool(0.4) {
            tx.remove_entry(files.swap_remove(index).fs_id)?;
        } else {
            files[index].name = random_name(&mut rng);
            tx.update_entry(&files[index])?;
        }
    }
    for _ in 0..rng.random_range(1..700) {
        // Detached: names may then be equal.
        let mut made = file(tx, FsId::root(user), &random_name(&mut rng))?;
        made.parent = None;
        files.push(insert(tx, made)?);
    }
    Ok(files)
}

fn random_name(rng: &mut StdRng) -> String {
    const PIECES: [&str; 16] = [
        "IMG_", "dsc", "2026", "07", "a", "b", "測", "试", "文件", "é", "e\u{301}", "Ж", "😀", " ",
        ".jpg", "%",
    ];
    (0..rng.random_range(1..7)).map(|_| *PIECES.choose(rng).unwrap()).collect()
}

fn random_keyword(rng: &mut StdRng, files: &[Entry]) -> String {
    let name: Vec<char> = match files.choose(rng) {
        Some(file) if rng.random_bool(0.8) => file.name.chars().collect(),
        _ => random_name(rng).chars().collect(),
    };
    let first = rng.random_range(0..name.len());
    let length = rng.random_range(1..=(name.len() - first).min(8));
    let mut keyword: String = name[first..first + length].iter().collect();
    // A mark without its letter is a keyword that no folding makes sense of.
    if keyword.starts_with('\u{301}') {
        keyword.insert(0, 'e');
    }
    if rng.random_bool(0.5) { keyword.to_uppercase() } else { keyword }
}
