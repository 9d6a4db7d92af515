//! The recycle bin's records.

use std::ops::ControlFlow;

use pan_engine::MetaStore;
use pan_engine::meta::Recycled;
use pan_model::{ByteSize, FsId, PanPath, Timestamp, UserNo};

use super::given::{read, user, write};

fn recycled(user: UserNo, n: u64, deleted_at: i64) -> Recycled {
    Recycled {
        fs_id: FsId::compose(user, n),
        deleted_at: Timestamp(deleted_at),
        parent: FsId::root(user),
        path: PanPath::parse(&format!("/旧/{n}")).unwrap(),
        bytes: ByteSize(n * 10),
    }
}

async fn bin(store: &dyn MetaStore, user: UserNo) -> Vec<Recycled> {
    read(store, move |snapshot| {
        let mut bin = Vec::new();
        snapshot.list_recycled(user, &mut |recycled| {
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
    let records = [(1, 50), (2, 70), (3, 60)].map(|(n, at)| recycled(user, n, at));
    let given = records.clone();
    write(store, user, move |tx| given.iter().try_for_each(|record| tx.insert_recycled(record)))
        .await;
    let [r1, r2, r3] = records;
    assert_eq!(bin(store, user).await, [r2.clone(), r3.clone(), r1.clone()]);
    let (fs_id, expected) = (r3.fs_id, Some(r3));
    assert_eq!(read(store, move |snapshot| snapshot.get_recycled(fs_id)).await, expected);
    write(store, user, move |tx| tx.remove_recycled(fs_id)).await;
    assert_eq!(read(store, move |snapshot| snapshot.get_recycled(fs_id)).await, None);
    assert_eq!(bin(store, user).await, [r2, r1]);
}

/// Each user has a bin of their own.
pub async fn one_users_bin_is_not_anothers(store: &dyn MetaStore) {
    let (a, b) = (user(store, "a").await, user(store, "b").await);
    write(store, a, move |tx| tx.insert_recycled(&recycled(a, 1, 1))).await;
    write(store, b, move |tx| tx.insert_recycled(&recycled(b, 1, 1))).await;
    assert_eq!(bin(store, b).await, [recycled(b, 1, 1)]);
}
