//! Closures that write: atomic, isolated, in order, answered.

use std::sync::{Arc, Mutex};

use pan_engine::meta::MetaTxn;
use pan_engine::{EngineError, ErrorKind, MetaStore, MetaStoreExt, Scope};
use pan_model::{FsId, NameKey, UserNo};

use super::given::{content, directory, file, insert, read, try_write, user, write};

/// The error of a rule, which knows nothing of engines.
#[derive(Debug)]
enum Refused {
    ByRule,
    ByEngine(ErrorKind),
}

impl From<EngineError> for Refused {
    fn from(error: EngineError) -> Self {
        Self::ByEngine(error.kind())
    }
}

async fn has_child(store: &dyn MetaStore, user: UserNo, name: &'static str) -> bool {
    read(store, move |snapshot| {
        Ok(snapshot.get_child(FsId::root(user), &NameKey::of(name))?.is_some())
    })
    .await
}

fn add_file(tx: &mut dyn MetaTxn, user: UserNo, name: &str) -> Result<(), EngineError> {
    let file = file(tx, FsId::root(user), name)?;
    insert(tx, file).map(drop)
}

/// What was answered `Ok` is there for the next reader.
pub async fn a_committed_write_is_seen(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    write(store, user, move |tx| add_file(tx, user, "f")).await;
    assert!(has_child(store, user, "f").await);
}

/// Within a closure, reads see what it has written.
pub async fn a_transaction_sees_its_own_writes(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    write(store, user, move |tx| {
        add_file(tx, user, "f")?;
        assert!(tx.get_child(FsId::root(user), &NameKey::of("f"))?.is_some());
        assert!(tx.as_read().get_child(FsId::root(user), &NameKey::of("f"))?.is_some());
        let rev = tx.next_rev(user)?;
        assert_eq!(tx.get_usage(user)?.unwrap().rev, rev);
        Ok(())
    })
    .await;
}

/// A closure that fails leaves nothing, and its own error comes back.
pub async fn an_error_rolls_back_everything(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let refused = store
        .write::<(), Refused, _>(Scope::User(user), move |tx| {
            add_file(tx, user, "f")?;
            tx.put_setting("s", b"1")?;
            content(tx, b"body")?;
            Err(Refused::ByRule)
        })
        .await;
    assert!(matches!(refused, Err(Refused::ByRule)));
    assert!(!has_child(store, user, "f").await);
    read(store, |snapshot| {
        assert_eq!(snapshot.get_setting("s")?, None);
        snapshot.scan_contents(None, 1, &mut |_| panic!("a content remained"))
    })
    .await;
}

/// A closure that panics leaves nothing; it is answered, and the store lives.
pub async fn a_panic_rolls_back_and_is_answered(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let panicked = store
        .write::<(), Refused, _>(Scope::User(user), move |tx| {
            add_file(tx, user, "f")?;
            panic!("a bug, on purpose");
        })
        .await;
    assert!(matches!(panicked, Err(Refused::ByEngine(ErrorKind::Panicked))));
    assert!(!has_child(store, user, "f").await);
    write(store, user, move |tx| add_file(tx, user, "f")).await;
}

/// Closures that wait together may run together, but fail alone.
pub async fn a_failed_closure_does_not_touch_its_neighbours(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let answers: Vec<_> = (0..60)
        .map(|n| {
            store.write::<(), Refused, _>(Scope::User(user), move |tx| {
                add_file(tx, user, &format!("f{n}"))?;
                match n % 10 {
                    3 => Err(Refused::ByRule),
                    7 => panic!("a bug, on purpose"),
                    _ => Ok(()),
                }
            })
        })
        .collect();
    for (n, answer) in answers.into_iter().enumerate() {
        let answer = answer.await;
        match n % 10 {
            3 => assert!(matches!(answer, Err(Refused::ByRule))),
            7 => assert!(matches!(answer, Err(Refused::ByEngine(ErrorKind::Panicked)))),
            _ => assert!(answer.is_ok()),
        }
        let is_there = read(store, move |snapshot| {
            let name = format!("f{n}");
            Ok(snapshot.get_child(FsId::root(user), &NameKey::of(&name))?.is_some())
        });
        assert_eq!(is_there.await, !matches!(n % 10, 3 | 7), "f{n}");
    }
}

/// A statement that failed dooms its closure, even one that hides the error.
pub async fn an_ignored_failure_does_not_commit(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let answer = try_write(store, user, move |tx| {
        add_file(tx, user, "f")?;
        let _ = add_file(tx, user, "f");
        let _ = add_file(tx, user, "g");
        Ok(())
    });
    assert!(answer.await.is_err());
    assert!(!has_child(store, user, "f").await);
    assert!(!has_child(store, user, "g").await);
}

/// One user's closures run in the order in which they were submitted.
pub async fn closures_of_one_user_run_in_order(store: &dyn MetaStore) {
    let users = [user(store, "a").await, user(store, "b").await];
    let ran = Arc::new(Mutex::new(Vec::new()));
    let answers: Vec<_> = (0..300)
        .map(|n| {
            let (ran, user) = (Arc::clone(&ran), users[n % 2]);
            write(store, user, move |tx| {
                let rev = tx.next_rev(user)?;
                // The only effect outside a transaction: for this test.
                ran.lock().unwrap().push((user, n, rev));
                Ok(())
            })
        })
        .collect();
    for answer in answers {
        answer.await;
    }
    let ran = ran.lock().unwrap();
    for user in users {
        let order: Vec<_> = ran.iter().filter(|(whose, ..)| *whose == user).collect();
        assert!(order.is_sorted_by_key(|(_, n, rev)| (*n, *rev)));
    }
}

/// A submitted closure runs even when its caller has gone away.
pub async fn a_closure_runs_though_nobody_waits(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    drop(store.write::<_, EngineError, _>(Scope::User(user), move |tx| add_file(tx, user, "f")));
    // The next of the same user comes after it.
    write(store, user, |_| Ok(())).await;
    assert!(has_child(store, user, "f").await);
}

/// A closure may write 2,000 rows. One that writes more is a bug: it is
/// refused whole, whatever it says itself.
pub async fn too_long_is_refused(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let add_rows = |rows: usize| {
        move |tx: &mut dyn MetaTxn| {
            for n in 0..rows {
                let name = format!("n{n}");
                if tx.put_setting(&name, b"").is_err() {
                    return Ok(());
                }
            }
            Ok(())
        }
    };
    let refused = try_write(store, user, add_rows(2_001)).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::TooLong);
    read(store, |snapshot| {
        assert_eq!(snapshot.get_setting("n0")?, None);
        Ok(())
    })
    .await;
    write(store, user, add_rows(2_000)).await;
    // A directory is one row for its entry and one for its totals.
    write(store, user, move |tx| {
        for n in 0..500 {
            let directory = directory(tx, FsId::root(user), &format!("d{n}"))?;
            insert(tx, directory)?;
        }
        Ok(())
    })
    .await;
}
