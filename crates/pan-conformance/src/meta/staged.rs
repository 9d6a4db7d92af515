//! Trees that are being built, or removed, where nobody sees them.

use pan_engine::MetaStore;
use pan_engine::meta::StagedRow;
use pan_model::{FsId, Timestamp};

use super::given::{read, user, write};

/// Notes are kept until they are taken back, and listed by id.
pub async fn staged_trees_are_noted(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let note = move |n| StagedRow {
        fs_id: FsId::compose(user, n),
        begun: Timestamp(n as i64),
        removing: n == 2,
    };
    write(store, user, move |tx| {
        [3, 1, 2].into_iter().try_for_each(|n| tx.insert_staged(&note(n)))
    })
    .await;
    let listed = async |limit| read(store, move |snapshot| snapshot.list_staged(limit)).await;
    let got = async |n| read(store, move |snapshot| snapshot.get_staged(note(n).fs_id)).await;
    assert_eq!(listed(100).await, [note(1), note(2), note(3)]);
    assert_eq!(listed(1).await, [note(1)]);
    assert_eq!(got(2).await, Some(note(2)));
    write(store, user, move |tx| tx.remove_staged(note(1).fs_id)).await;
    assert_eq!(listed(100).await, [note(2), note(3)]);
    assert_eq!(got(1).await, None);
}
