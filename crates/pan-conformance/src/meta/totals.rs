//! The totals of directories.

use pan_engine::meta::{MetaRead, Result, Totals, TotalsDelta, UsageDelta};
use pan_engine::{EngineError, ErrorKind, MetaStore};
use pan_model::{ByteSize, FsId, Rev};

use super::given::{content, directory, directory_of, file, insert, read, try_write, user, write};

fn delta(entries: i64, directories: i64, bytes: i64) -> TotalsDelta {
    TotalsDelta { entries, directories, bytes, media: [entries, 0, directories, 0] }
}

/// Totals begin with what the entry was given, sum what is added over any
/// number of closures, and carry the latest rev.
pub async fn totals_are_the_sum_of_what_was_added(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let begin = Totals { entries: 5, bytes: ByteSize(100), rev: Rev(3), ..Totals::default() };
    let top = write(store, user, move |tx| {
        let top = directory(tx, FsId::root(user), "top")?;
        tx.insert_entry(&top, &begin)?;
        Ok(top.fs_id)
    })
    .await;
    let answers: Vec<_> = (1..=50)
        .map(|n| write(store, user, move |tx| tx.add_totals(top, &delta(1, 0, n), Rev(n as u64))))
        .collect();
    for answer in answers {
        answer.await;
    }
    write(store, user, move |tx| {
        tx.add_totals(top, &delta(-5, 1, -100), Rev(2))?;
        // The closure itself sees them before they are written.
        assert_eq!(tx.get_totals(top)?.entries, 50);
        Ok(())
    })
    .await;
    let expected = Totals {
        entries: 50,
        directories: 1,
        bytes: ByteSize(50 * 51 / 2),
        media: [45, 0, 1, 0],
        rev: Rev(50),
    };
    assert_eq!(read(store, move |snapshot| snapshot.get_totals(top)).await, expected);
}

/// Whether a directory has directories comes from its totals, in every way to
/// read it, and before they are written too.
pub async fn has_subdirectory_follows_totals(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let top = directory_of(store, user, "top").await;
    write(store, user, move |tx| {
        tx.add_totals(top, &delta(1, 1, 0), Rev(1))?;
        assert!(says_so(tx.as_read(), top)?);
        Ok(())
    })
    .await;
    assert!(read(store, move |snapshot| says_so(snapshot, top)).await);
    write(store, user, move |tx| tx.add_totals(top, &delta(-1, -1, 0), Rev(2))).await;
    assert!(!read(store, move |snapshot| says_so(snapshot, top)).await);
}

/// What every way to read a directory says of its subdirectories.
fn says_so(rows: &mut dyn MetaRead, top: FsId) -> Result<bool> {
    use pan_engine::meta::EntryKind::Directory;
    let root = FsId::root(top.user());
    let mut seen = Vec::new();
    seen.extend(rows.get_entry(top)?);
    seen.extend(rows.get_child(root, &pan_model::NameKey::of("top"))?);
    rows.list_children(root, &super::listing::whole(), &mut |entry| {
        seen.push(entry);
        std::ops::ControlFlow::Continue(())
    })?;
    rows.scan_entries(top.user(), Some(root), 1, &mut |entry| {
        seen.push(entry);
        std::ops::ControlFlow::Continue(())
    })?;
    assert_eq!(seen.len(), 4);
    let says =
        |has_subdirectory| seen.iter().all(|entry| entry.kind == Directory { has_subdirectory });
    assert!(says(true) || says(false));
    Ok(says(true))
}

/// Closures that fail, before or after they wrote, move no sum; those beside
/// them move it by their own part.
pub async fn totals_and_usage_follow_rollbacks(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let top = directory_of(store, user, "top").await;
    let used = UsageDelta { used: 10, recycled: 0, tmpfiles: 0 };
    let answers: Vec<_> = (0..90)
        .map(|n| {
            try_write(store, user, move |tx| {
                let rev = tx.next_rev(user)?;
                tx.add_usage(user, &used)?;
                tx.add_totals(top, &delta(1, 0, 10), rev)?;
                if n % 3 == 1 {
                    return Err(EngineError::new(ErrorKind::Failed, "on purpose"));
                }
                content(tx, b"body")?;
                let file = file(tx, top, &format!("f{n}"))?;
                insert(tx, file)?;
                if n % 9 == 5 {
                    return Err(EngineError::new(ErrorKind::Failed, "on purpose"));
                }
                Ok(())
            })
        })
        .collect();
    let mut committed = 0;
    for answer in answers {
        committed += u64::from(answer.await.is_ok());
    }
    assert_eq!(committed, 50);
    read(store, move |snapshot| {
        let totals = snapshot.get_totals(top)?;
        assert_eq!((totals.entries, totals.bytes.0), (committed, committed * 10));
        assert_eq!(totals.rev, Rev(committed));
        let usage = snapshot.get_usage(user)?.unwrap();
        assert_eq!((usage.used.0, usage.rev.0), (committed * 10, committed));
        Ok(())
    })
    .await;
}

/// A file has no totals, nor has what is not there; nothing can be added to
/// either.
pub async fn totals_of_what_is_no_directory_are_zero(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let added = write(store, user, move |tx| {
        let file = file(tx, FsId::root(user), "f")?;
        insert(tx, file)
    });
    for fs_id in [added.await.fs_id, FsId::compose(user, 1 << 20)] {
        let totals = read(store, move |snapshot| snapshot.get_totals(fs_id)).await;
        assert_eq!(totals, Totals::default());
        let refused =
            try_write(store, user, move |tx| tx.add_totals(fs_id, &delta(1, 0, 0), Rev(1)));
        assert_eq!(refused.await.unwrap_err().kind(), ErrorKind::Missing);
    }
}
