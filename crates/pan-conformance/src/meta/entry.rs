//! The tree: names, places, and what makes two names the same.

use std::ops::ControlFlow;

use pan_engine::meta::{Entry, EntryKind, Totals, TotalsDelta};
use pan_engine::{EngineError, ErrorKind, MetaStore};
use pan_model::{ContentId, FsId, NameKey, Rev, Timestamp, UserNo};

use super::given::{directory, directory_of, facts, file, insert, read, try_write, user, write};

const COMPOSED: &str = "caf\u{e9}";
const DECOMPOSED: &str = "cafe\u{301}";

async fn child(store: &dyn MetaStore, parent: FsId, name: &'static str) -> Option<Entry> {
    read(store, move |snapshot| snapshot.get_child(parent, &NameKey::of(name))).await
}

/// Files and directories keep every fact, and are found by id and by name.
pub async fn entries_come_back_as_they_were_given(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let root = FsId::root(user);
    let entries = write(store, user, move |tx| {
        let mut file = file(tx, root, "测试 😀.TXT")?;
        (file.ctime, file.mtime, file.rev) = (Timestamp(-5), Timestamp(1 << 40), Rev(77));
        let mut facts = facts(42, (1 << 53) - 1);
        facts.one_block = false;
        file.kind = EntryKind::File(facts);
        Ok([insert(tx, file)?, {
            let directory = directory(tx, root, "d")?;
            insert(tx, directory)?
        }])
    })
    .await;
    read(store, move |snapshot| {
        for entry in entries {
            assert_eq!(snapshot.get_child(root, &NameKey::of(&entry.name))?.as_ref(), Some(&entry));
            assert_eq!(snapshot.get_entry(entry.fs_id)?, Some(entry));
        }
        assert_eq!(snapshot.get_child(root, &NameKey::of("D"))?, None);
        assert_eq!(snapshot.get_entry(FsId::compose(user, 999))?, None);
        Ok(())
    })
    .await;
}

/// A transaction finds a directory as the transactions before it left it,
/// whatever was found there before: an engine may remember, but only truths.
pub async fn a_transaction_finds_what_the_last_one_left(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let root = FsId::root(user);
    let found = move |name: &'static str| {
        write(store, user, move |tx| {
            let child = tx.get_child(root, &NameKey::of(name))?;
            Ok(match child {
                Some(child) => tx.get_entry(child.fs_id)?,
                None => None,
            })
        })
    };
    let d = directory_of(store, user, "d").await;
    assert_eq!(found("d").await.map(|entry| entry.fs_id), Some(d));
    write(store, user, move |tx| {
        tx.add_totals(d, &TotalsDelta { directories: 1, ..TotalsDelta::default() }, Rev(1))
    })
    .await;
    assert!(found("d").await.is_some_and(|entry| entry.has_subdirectory()));
    write(store, user, move |tx| {
        let d = tx.get_entry(d)?;
        tx.update_entry(&Entry { name: "e".into(), ..d.unwrap() })
    })
    .await;
    assert_eq!((found("d").await, found("e").await.map(|entry| entry.fs_id)), (None, Some(d)));
    // What a rolled-back transaction made and found was never there.
    let undone = try_write(store, user, move |tx| {
        let made = directory(tx, root, "f")?;
        let made = insert(tx, made)?;
        assert!(tx.get_child(root, &NameKey::of("f"))?.is_some());
        assert!(tx.get_entry(made.fs_id)?.is_some());
        Err::<(), _>(EngineError::new(ErrorKind::Failed, "undone"))
    });
    assert!(undone.await.is_err());
    assert_eq!(found("f").await, None);
    write(store, user, move |tx| tx.remove_entry(d)).await;
    assert_eq!(found("e").await, None);
}

/// A name lives once in a directory, whoever tries and however it is written:
/// by adding, renaming or moving. Other directories do not matter.
pub async fn two_entries_of_one_key_are_refused(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let root = FsId::root(user);
    let there = directory_of(store, user, "there").await;
    let f = write(store, user, move |tx| {
        let elsewhere = file(tx, there, "f")?;
        insert(tx, elsewhere)?;
        let f = file(tx, root, "f")?;
        insert(tx, f)
    })
    .await;
    let again = try_write(store, user, move |tx| {
        let again = file(tx, root, "f")?;
        insert(tx, again)
    });
    assert!(again.await.is_err());
    let renamed = Entry { name: "there".into(), ..f.clone() };
    assert!(try_write(store, user, move |tx| tx.update_entry(&renamed)).await.is_err());
    let moved = Entry { parent: Some(there), ..f.clone() };
    assert!(try_write(store, user, move |tx| tx.update_entry(&moved)).await.is_err());
    assert_eq!(child(store, root, "f").await, Some(f));
}

/// NFC and NFD forms of a name are one place; the creator's spelling is shown;
/// a rename may change the spelling alone. Case makes a different name.
pub async fn unicode_twins_address_one_entry(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let root = FsId::root(user);
    let cafe = write(store, user, move |tx| {
        let cafe = file(tx, root, DECOMPOSED)?;
        insert(tx, cafe)
    })
    .await;
    for name in [COMPOSED, DECOMPOSED] {
        assert_eq!(child(store, root, name).await, Some(cafe.clone()));
        let twin = try_write(store, user, move |tx| {
            let twin = file(tx, root, name)?;
            insert(tx, twin)
        });
        assert!(twin.await.is_err());
    }
    let respelt = Entry { name: COMPOSED.into(), ..cafe };
    let update = respelt.clone();
    write(store, user, move |tx| tx.update_entry(&update)).await;
    assert_eq!(child(store, root, DECOMPOSED).await, Some(respelt));
    write(store, user, move |tx| {
        let other = file(tx, root, "CAFE\u{301}")?;
        insert(tx, other)
    })
    .await;
}

/// Any number of entries of one name may be detached, and come back.
pub async fn detached_entries_never_collide(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let root = FsId::root(user);
    let mut detached = Vec::new();
    for _ in 0..3 {
        let entry = write(store, user, move |tx| {
            let f = file(tx, root, "f")?;
            let f = insert(tx, f)?;
            let detached = Entry { parent: None, ..f };
            tx.update_entry(&detached)?;
            Ok(detached)
        });
        detached.push(entry.await);
    }
    assert_eq!(child(store, root, "f").await, None);
    let back = Entry { parent: Some(root), ..detached[1].clone() };
    let update = back.clone();
    write(store, user, move |tx| tx.update_entry(&update)).await;
    assert_eq!(child(store, root, "f").await, Some(back));
    let first = detached[0].clone();
    let found = read(store, move |snapshot| snapshot.get_entry(first.fs_id)).await;
    assert_eq!(found, Some(detached[0].clone()));
}

/// An update replaces everything about an entry but its totals.
pub async fn an_update_moves_renames_and_repoints(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let root = FsId::root(user);
    let there = directory_of(store, user, "there").await;
    let (moved_file, moved_directory) = write(store, user, move |tx| {
        let old_file = file(tx, root, "f")?;
        let old_file = insert(tx, old_file)?;
        let old_directory = directory(tx, root, "d")?;
        let old_directory = insert(tx, old_directory)?;
        let delta = TotalsDelta { entries: 4, ..TotalsDelta::default() };
        tx.add_totals(old_directory.fs_id, &delta, Rev(1))?;
        let kind = EntryKind::File(facts(99, 1234));
        let name = DECOMPOSED.into();
        let file =
            Entry { parent: Some(there), name, kind, mtime: Timestamp(9), rev: Rev(9), ..old_file };
        let directory = Entry { parent: Some(there), name: "d2".into(), ..old_directory };
        tx.update_entry(&file)?;
        tx.update_entry(&directory)?;
        Ok((file, directory))
    })
    .await;
    assert_eq!(child(store, root, "f").await, None);
    assert_eq!(child(store, there, COMPOSED).await, Some(moved_file));
    assert_eq!(child(store, there, "d2").await.as_ref(), Some(&moved_directory));
    let totals = read(store, move |snapshot| snapshot.get_totals(moved_directory.fs_id)).await;
    assert_eq!(totals.entries, 4);
}

/// A directory that still has children stays: they would be lost. An empty
/// one goes, with its totals.
pub async fn an_entry_with_children_is_not_removed(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let top = directory_of(store, user, "top").await;
    let f = write(store, user, move |tx| {
        let f = file(tx, top, "f")?;
        insert(tx, f)
    });
    let f = f.await.fs_id;
    assert!(try_write(store, user, move |tx| tx.remove_entry(top)).await.is_err());
    write(store, user, move |tx| {
        tx.add_totals(top, &TotalsDelta { entries: 1, ..TotalsDelta::default() }, Rev(1))?;
        tx.remove_entry(f)?;
        tx.remove_entry(top)?;
        assert_eq!(tx.get_totals(top)?, Totals::default());
        Ok(())
    })
    .await;
    read(store, move |snapshot| {
        assert_eq!(snapshot.get_entry(f)?, None);
        assert_eq!(snapshot.get_entry(top)?, None);
        assert_eq!(snapshot.get_totals(top)?, Totals::default());
        Ok(())
    })
    .await;
}

/// Changing what is not there says so.
pub async fn what_is_not_there_cannot_be_changed(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let update = try_write(store, user, move |tx| {
        let ghost = file(tx, FsId::root(user), "ghost")?;
        tx.update_entry(&ghost)
    });
    assert_eq!(update.await.unwrap_err().kind(), ErrorKind::Missing);
    let remove = try_write(store, user, move |tx| tx.remove_entry(FsId::compose(user, 999)));
    assert!(remove.await.is_err());
}

/// A scan gives every entry of one user once, in order of id, live and
/// detached, in windows.
pub async fn entries_are_scanned_in_order(store: &dyn MetaStore) {
    let users = [user(store, "a").await, user(store, "b").await, user(store, "c").await];
    for user in users {
        write(store, user, move |tx| {
            for n in 0..25 {
                let mut f = file(tx, FsId::root(user), &format!("f{n}"))?;
                f.parent = f.parent.filter(|_| n % 2 == 0);
                insert(tx, f)?;
            }
            Ok(())
        })
        .await;
    }
    for user in users {
        let mut scanned = Vec::new();
        loop {
            let window = scan(store, user, scanned.last().copied()).await;
            if window.is_empty() {
                break;
            }
            assert!(window.len() <= 10);
            scanned.extend(window);
        }
        assert_eq!(scanned.len(), 26);
        assert!(scanned.is_sorted());
        assert!(scanned.iter().all(|fs_id| fs_id.user() == user));
    }
}

async fn scan(store: &dyn MetaStore, user: UserNo, after: Option<FsId>) -> Vec<FsId> {
    read(store, move |snapshot| {
        let mut window = Vec::new();
        snapshot.scan_entries(user, after, 10, &mut |entry| {
            window.push(entry.fs_id);
            ControlFlow::Continue(())
        })?;
        Ok(window)
    })
    .await
}

/// Whoever of a user points to a content is found, in the tree or out of it.
pub async fn entries_of_a_content_are_found_by_user(store: &dyn MetaStore) {
    let (a, b) = (user(store, "a").await, user(store, "b").await);
    let add = async |user: UserNo, name: &'static str, content, live: bool| {
        write(store, user, move |tx| {
            let mut entry = file(tx, FsId::root(user), name)?;
            entry.kind = EntryKind::File(facts(content, 10));
            entry.parent = entry.parent.filter(|_| live);
            insert(tx, entry)
        })
        .await
    };
    let one = add(a, "one", 7, true).await;
    add(a, "other", 8, true).await;
    let two = add(a, "two", 7, false).await;
    let theirs = add(b, "one", 7, true).await;
    let of = async |content, user, after, limit| {
        let content = ContentId(content);
        read(store, move |snapshot| snapshot.list_entries_of(content, user, after, limit)).await
    };
    assert_eq!(of(7, a, None, 10).await, [one.clone(), two.clone()]);
    assert_eq!(of(7, a, None, 1).await, std::slice::from_ref(&one));
    assert_eq!(of(7, a, Some(one.fs_id), 10).await, std::slice::from_ref(&two));
    assert_eq!(of(7, a, Some(two.fs_id), 10).await, []);
    assert_eq!(of(7, b, None, 10).await, [theirs]);
    assert_eq!(of(9, a, None, 10).await, []);
}
