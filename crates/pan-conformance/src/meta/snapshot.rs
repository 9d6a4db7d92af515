//! Closures that read: one moment, never half of a change.

use std::sync::atomic::{AtomicBool, Ordering};

use pan_engine::meta::{MetaRead, Result};
use pan_engine::{EngineError, ErrorKind, MetaStore, MetaStoreExt, ReadCost};

use super::given::{read, user, write};

/// Two settings that are always written together.
fn pair(snapshot: &mut dyn MetaRead) -> Result<[Option<Vec<u8>>; 2]> {
    Ok([snapshot.get_setting("left")?, snapshot.get_setting("right")?])
}

/// What is committed while a closure reads, it does not see.
pub async fn a_snapshot_does_not_move(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel();
    let reading = store.read(ReadCost::Long, move |snapshot| {
        let before = pair(snapshot)?;
        begun.send(()).unwrap();
        may_go_on.recv().unwrap();
        assert_eq!(pair(snapshot)?, before);
        Ok::<_, EngineError>(())
    });
    let writing = async {
        has_begun.await.unwrap();
        write(store, user, |tx| tx.put_setting("left", b"1")).await;
        go_on.send(()).unwrap();
    };
    let (read, ()) = tokio::join!(reading, writing);
    read.unwrap();
    assert_eq!(read_left(store).await, Some(b"1".to_vec()));
}

async fn read_left(store: &dyn MetaStore) -> Option<Vec<u8>> {
    read(store, |snapshot| snapshot.get_setting("left")).await
}

/// An acknowledged change is seen by every read that begins later, of either
/// cost.
pub async fn a_read_sees_what_was_acknowledged_before(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    for n in 0..100u32 {
        write(store, user, move |tx| tx.put_setting("left", &n.to_be_bytes())).await;
        let cost = if n % 2 == 0 { ReadCost::Bounded } else { ReadCost::Long };
        let seen = store.read::<_, EngineError, _>(cost, |snapshot| snapshot.get_setting("left"));
        assert_eq!(seen.await.unwrap(), Some(n.to_be_bytes().to_vec()));
    }
}

/// Readers on other threads see both writes of a closure or neither.
pub async fn no_read_sees_half_a_closure(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let done = AtomicBool::new(false);
    let reading = async {
        while !done.load(Ordering::Relaxed) {
            let read = store.read::<_, EngineError, _>(ReadCost::Long, pair);
            let [left, right] = read.await.unwrap();
            assert_eq!(left, right);
        }
    };
    let writing = async {
        for n in 0..200u32 {
            write(store, user, move |tx| {
                tx.put_setting("left", &n.to_be_bytes())?;
                tx.put_setting("right", &n.to_be_bytes())
            })
            .await;
        }
        done.store(true, Ordering::Relaxed);
    };
    tokio::join!(reading, writing);
}

/// A closure that panics is answered, and the store can still be read.
pub async fn a_panic_in_a_read_is_answered(store: &dyn MetaStore) {
    for cost in [ReadCost::Bounded, ReadCost::Long] {
        let panicked = store.read::<(), EngineError, _>(cost, |_| panic!("a bug, on purpose"));
        assert_eq!(panicked.await.unwrap_err().kind(), ErrorKind::Panicked);
        assert_eq!(read_left(store).await, None);
    }
}
