//! Uploaded parts that wait for createsuperfile.

use pan_engine::MetaStore;
use pan_engine::meta::{TmpfileKey, TmpfileRow};
use pan_model::{ByteSize, ContentId, Md5, PanPath, Timestamp, UserNo};

use super::given::{read, user, write};

fn key(user: UserNo, root: &str, n: u8) -> TmpfileKey {
    TmpfileKey { user, root: PanPath::parse(root).unwrap(), md5: Md5([n; 16]) }
}

fn row(content: i64, used_at: i64) -> TmpfileRow {
    TmpfileRow {
        content: ContentId(content),
        size: ByteSize(4 << 20),
        used_at: Timestamp(used_at),
        merged: used_at % 2 == 1,
    }
}

async fn put(store: &dyn MetaStore, key: TmpfileKey, row: TmpfileRow) {
    write(store, key.user, move |tx| tx.put_tmpfile(&key, &row)).await;
}

async fn get(store: &dyn MetaStore, key: TmpfileKey) -> Option<TmpfileRow> {
    read(store, move |snapshot| snapshot.get_tmpfile(&key)).await
}

/// User, root and md5 together are the key: a second put replaces, a
/// different root is a different tmpfile, and removing twice is no error.
pub async fn a_tmpfile_is_replaced_by_its_key(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    put(store, key(user, "/apps/a", 1), row(5, 10)).await;
    put(store, key(user, "/apps/b", 1), row(6, 11)).await;
    put(store, key(user, "/apps/a", 1), row(7, 13)).await;
    assert_eq!(get(store, key(user, "/apps/a", 1)).await, Some(row(7, 13)));
    assert_eq!(get(store, key(user, "/apps/b", 1)).await, Some(row(6, 11)));
    assert_eq!(get(store, key(user, "/apps/a", 2)).await, None);
    for _ in 0..2 {
        write(store, user, move |tx| tx.remove_tmpfile(&key(user, "/apps/a", 1))).await;
        assert_eq!(get(store, key(user, "/apps/a", 1)).await, None);
    }
}

/// What was last used at a time or before is found, of all users, so many at
/// most; using it again takes it out.
pub async fn idle_tmpfiles_are_found(store: &dyn MetaStore) {
    let (a, b) = (user(store, "a").await, user(store, "b").await);
    for (user, n, used_at) in [(a, 1, 10), (b, 2, 20), (a, 3, 30)] {
        put(store, key(user, "/", n), row(n.into(), used_at)).await;
    }
    let idle = async |until, limit| {
        read(store, move |snapshot| snapshot.list_idle_tmpfiles(Timestamp(until), limit)).await
    };
    let (first, second) = ((key(a, "/", 1), row(1, 10)), (key(b, "/", 2), row(2, 20)));
    assert_eq!(idle(9, 10).await, []);
    let mut found = idle(20, 10).await;
    found.sort_by_key(|(key, _)| key.user);
    assert_eq!(found, [first.clone(), second.clone()]);
    assert_eq!(idle(20, 1).await.len(), 1);
    put(store, first.0, row(1, 40)).await;
    assert_eq!(idle(20, 10).await, [second]);
}
