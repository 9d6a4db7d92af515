//! The change log.

use std::ops::ControlFlow;

use pan_engine::MetaStore;
use pan_engine::meta::{ChangeRow, Gone, GoneHow};
use pan_model::{FsId, Rev, Timestamp, UserNo};

use super::given::{NOW, read, user, write};

async fn append(store: &dyn MetaStore, user: UserNo, mut change: ChangeRow) -> ChangeRow {
    write(store, user, move |tx| {
        change.rev = tx.next_rev(user)?;
        tx.append_change(user, &change)?;
        Ok(change.clone())
    })
    .await
}

async fn changes(store: &dyn MetaStore, user: UserNo, after: Rev, limit: u64) -> Vec<ChangeRow> {
    read(store, move |snapshot| {
        let mut changes = Vec::new();
        snapshot.list_changes(user, after, limit, &mut |change| {
            changes.push(change);
            ControlFlow::Continue(())
        })?;
        Ok(changes)
    })
    .await
}

fn came(user: UserNo) -> ChangeRow {
    let came = Some(FsId::compose(user, 9));
    ChangeRow { rev: Rev(0), gone: None, came, unfold: false, at: NOW }
}

/// Every kind of change keeps all of its facts.
pub async fn changes_come_back_as_they_were_given(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let gone = |how, directory| Gone {
        parent: FsId::root(user),
        name: "cafe\u{301} 😀".into(),
        fs_id: FsId::compose(user, 5),
        directory,
        how,
    };
    let kinds = [
        came(user),
        ChangeRow { unfold: true, ..came(user) },
        ChangeRow { gone: Some(gone(GoneHow::Moved, true)), ..came(user) },
        ChangeRow { gone: Some(gone(GoneHow::Recycled, false)), came: None, ..came(user) },
        ChangeRow { gone: Some(gone(GoneHow::Purged, true)), came: None, ..came(user) },
    ];
    let mut given = Vec::new();
    for change in kinds {
        given.push(append(store, user, change).await);
    }
    assert_eq!(changes(store, user, Rev(0), 100).await, given);
}

/// A window begins after a rev, goes in order of rev, and ends where told.
pub async fn changes_are_read_after_a_rev_in_windows(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    for _ in 0..10 {
        append(store, user, came(user)).await;
    }
    let revs = async |after, limit| {
        let changes = changes(store, user, Rev(after), limit).await;
        changes.into_iter().map(|change| change.rev.0).collect::<Vec<_>>()
    };
    assert_eq!(revs(0, 3).await, [1, 2, 3]);
    assert_eq!(revs(3, 100).await, [4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(revs(10, 100).await, [0; 0]);
    assert_eq!(revs(0, 0).await, [0; 0]);
    let first = read(store, move |snapshot| {
        let mut seen = 0;
        snapshot.list_changes(user, Rev(0), u64::MAX, &mut |_| {
            seen += 1;
            ControlFlow::Break(())
        })?;
        Ok(seen)
    });
    assert_eq!(first.await, 1);
}

/// Each user has a sequence of their own.
pub async fn one_users_changes_are_not_anothers(store: &dyn MetaStore) {
    let (a, b) = (user(store, "a").await, user(store, "b").await);
    append(store, a, came(a)).await;
    let of_b = append(store, b, came(b)).await;
    assert_eq!(of_b.rev, Rev(1));
    assert_eq!(changes(store, b, Rev(0), 10).await, [of_b]);
}

/// The beginning of the log goes, as far as it is old, in bounded pieces.
pub async fn changes_are_trimmed_from_the_beginning(store: &dyn MetaStore) {
    let (a, b) = (user(store, "a").await, user(store, "b").await);
    // A clock that jumps makes an old row stand behind a young one.
    for at in [10, 11, 12, 13, 50, 14, 60] {
        append(store, a, ChangeRow { at: Timestamp(at), ..came(a) }).await;
    }
    append(store, b, ChangeRow { at: Timestamp(1), ..came(b) }).await;
    let trim = async |before, limit| {
        let trimmed = write(store, a, move |tx| tx.trim_changes(a, Timestamp(before), limit)).await;
        let left = changes(store, a, Rev(0), 100).await;
        (trimmed, left.iter().map(|change| change.rev.0).collect::<Vec<_>>())
    };
    assert_eq!(trim(10, 100).await, (0, vec![1, 2, 3, 4, 5, 6, 7]), "only what is older");
    assert_eq!(trim(20, 3).await, (3, vec![4, 5, 6, 7]), "no more than the limit");
    assert_eq!(trim(20, 100).await, (1, vec![5, 6, 7]), "no gap is made");
    assert_eq!(trim(20, 100).await, (0, vec![5, 6, 7]));
    assert_eq!(trim(100, 100).await, (3, vec![]));
    assert_eq!(trim(100, 100).await, (0, vec![]));
    let next = append(store, a, came(a)).await;
    assert_eq!(next.rev, Rev(8), "the sequence goes on");
    assert_eq!(changes(store, b, Rev(0), 10).await.len(), 1, "another user's log is not touched");
}
