//! The recycle bin's records.

use std::ops::ControlFlow;

use pan_engine::MetaStore;
use pan_engine::meta::Recycled;
use pan_model::{ByteSize, FsId, PanPath, Rev, Timestamp, UserNo};

use super::given::{read, user, write};

const EVER: Rev = Rev(u64::MAX);

fn recycled(user: UserNo, n: u64, rev: u64, deleted_at: i64) -> Recycled {
    Recycled {
        fs_id: FsId::compose(user, n),
        rev: Rev(rev),
        deleted_at: Timestamp(deleted_at),
        parent: FsId::root(user),
        path: PanPath::parse(&format!("/旧/{n}")).unwrap(),
        bytes: ByteSize(n * 10),
    }
}

async fn insert(store: &dyn MetaStore, user: UserNo, records: &[Recycled]) {
    let records = records.to_vec();
    write(store, user, move |tx| records.iter().try_for_each(|record| tx.insert_recycled(record)))
        .await;
}

async fn window(store: &dyn MetaStore, user: UserNo, before: Rev, limit: u64) -> Vec<Recycled> {
    read(store, move |snapshot| {
        let mut bin = Vec::new();
        snapshot.list_recycled(user, before, limit, &mut |recycled| {
            bin.push(recycled);
            ControlFlow::Continue(())
        })?;
        Ok(bin)
    })
    .await
}

/// Records come back whole, the latest deletion first, until removed.
pub async fn bin_records_come_latest_first(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    // One second, and a clock that went back: the rev decides.
    let records = [(1, 5, 70), (3, 6, 70), (2, 9, 50)];
    let [r1, r3, r2] = records.map(|(n, rev, at)| recycled(user, n, rev, at));
    insert(store, user, &[r1.clone(), r2.clone(), r3.clone()]).await;
    assert_eq!(window(store, user, EVER, 100).await, [r2.clone(), r3.clone(), r1.clone()]);
    let (fs_id, expected) = (r3.fs_id, Some(r3));
    assert_eq!(read(store, move |snapshot| snapshot.get_recycled(fs_id)).await, expected);
    write(store, user, move |tx| tx.remove_recycled(fs_id)).await;
    assert_eq!(read(store, move |snapshot| snapshot.get_recycled(fs_id)).await, None);
    assert_eq!(window(store, user, EVER, 100).await, [r2, r1]);
}

/// A window begins below a rev and ends at its limit.
pub async fn the_bin_is_read_in_windows(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let records: Vec<_> = (1..=5).map(|n| recycled(user, n, 10 * n, 7)).collect();
    insert(store, user, &records).await;
    let [r1, r2, r3, r4, r5] = records.try_into().unwrap();
    assert_eq!(window(store, user, EVER, 2).await, [r5, r4.clone()]);
    assert_eq!(window(store, user, r4.rev, 2).await, [r3, r2.clone()]);
    assert_eq!(window(store, user, r2.rev, 2).await, std::slice::from_ref(&r1));
    assert_eq!(window(store, user, r1.rev, 2).await, []);
    assert_eq!(window(store, user, EVER, 0).await, []);
}

/// The oldest by their order, for room; the oldest by their age, for purging.
pub async fn the_oldest_in_the_bin_are_found(store: &dyn MetaStore) {
    let (a, b) = (user(store, "a").await, user(store, "b").await);
    let [a1, a2, a3] =
        [(1, 1, 300), (2, 2, 100), (3, 3, 200)].map(|(n, rev, at)| recycled(a, n, rev, at));
    let b1 = recycled(b, 1, 1, 150);
    insert(store, a, &[a3.clone(), a1.clone(), a2.clone()]).await;
    insert(store, b, std::slice::from_ref(&b1)).await;
    let oldest =
        async |limit| read(store, move |snapshot| snapshot.list_oldest_recycled(a, limit)).await;
    assert_eq!(oldest(2).await, [a1, a2.clone()]);
    assert_eq!(oldest(100).await.len(), 3);
    let expired = async |until, limit| {
        let until = Timestamp(until);
        read(store, move |snapshot| snapshot.list_expired_recycled(until, limit)).await
    };
    assert_eq!(expired(99, 100).await, []);
    assert_eq!(expired(200, 100).await, [a2.clone(), b1.clone(), a3]);
    assert_eq!(expired(200, 2).await, [a2, b1]);
}

/// Each user has a bin of their own.
pub async fn one_users_bin_is_not_anothers(store: &dyn MetaStore) {
    let (a, b) = (user(store, "a").await, user(store, "b").await);
    insert(store, a, &[recycled(a, 1, 1, 1)]).await;
    insert(store, b, &[recycled(b, 1, 1, 1)]).await;
    assert_eq!(window(store, b, EVER, 100).await, [recycled(b, 1, 1, 1)]);
}
