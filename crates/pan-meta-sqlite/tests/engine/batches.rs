//! How closures are put together into transactions.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use crate::given::{Closure, Opened, add_to_totals, fail, put};
use pan_engine::{EngineError, ErrorKind, MetaStoreExt, ReadCost, Scope};
use pan_model::UserNo;

const A: Scope = Scope::User(UserNo(1));
const B: Scope = Scope::User(UserNo(2));

/// So many closures wait at most; the next is answered before it waits.
#[tokio::test]
async fn a_full_queue_says_busy_at_once() {
    let opened = Opened::new();
    let gate = opened.hold_writer().await;
    let waiting: Vec<_> = (0..1_024).map(|n| opened.write(A, put(n))).collect();
    for scope in [A, B, Scope::Instance] {
        assert_eq!(opened.write(scope, put(9_999)).await.unwrap_err().kind(), ErrorKind::Busy);
    }
    gate.open();
    for answer in waiting {
        answer.await.unwrap();
    }
    opened.write(B, put(10_000)).await.unwrap();
    assert_eq!(opened.count_settings(), 1_025);
}

/// One user's hundred closures do not all stand before another's one.
#[tokio::test]
async fn users_take_turns() {
    let opened = Opened::new();
    let ran = Arc::new(Mutex::new(Vec::new()));
    let gate = opened.hold_writer().await;
    let answers: Vec<_> = (0..100)
        .map(|n| if n < 98 { A } else { B })
        .map(|scope| {
            let ran = Arc::clone(&ran);
            opened.write::<_, EngineError, _>(scope, move |_| {
                ran.lock().unwrap().push(scope);
                Ok(())
            })
        })
        .collect();
    gate.open();
    for answer in answers {
        answer.await.unwrap();
    }
    assert_eq!(ran.lock().unwrap()[..6], [A, B, A, B, A, A]);
}

/// What a closure of a batch does, how often it ran, and what it was answered.
async fn run_batch(closures: Vec<fn(u32) -> Closure>) -> Vec<(u32, Result<(), ErrorKind>)> {
    let opened = Opened::new();
    let gate = opened.hold_writer().await;
    let answers: Vec<_> = (0..)
        .zip(closures)
        .map(|(n, closure)| {
            let runs = Arc::new(AtomicU32::new(0));
            let counted = Arc::clone(&runs);
            let answer = opened.write(A, move |tx| {
                counted.fetch_add(1, Ordering::Relaxed);
                closure(n)(tx)
            });
            (runs, answer)
        })
        .collect();
    gate.open();
    let mut ends = Vec::new();
    for (runs, answer) in answers {
        let answer = answer.await.map_err(|error| error.kind());
        ends.push((runs.load(Ordering::Relaxed), answer));
    }
    let committed = ends.iter().filter(|(_, answer)| answer.is_ok()).count() as u32;
    assert_eq!(opened.count_settings(), committed);
    ends
}

fn puts(n: u32) -> Closure {
    Box::new(put(n))
}

fn fails(_: u32) -> Closure {
    Box::new(|_| fail())
}

fn puts_and_fails(n: u32) -> Closure {
    Box::new(move |tx| put(n)(tx).and_then(|()| fail()))
}

fn puts_and_panics(n: u32) -> Closure {
    Box::new(move |tx| put(n)(tx).map(|()| panic!("a bug, on purpose")))
}

/// A closure that failed before it wrote costs the others nothing.
#[tokio::test]
async fn a_failure_without_a_write_repeats_nothing() {
    let ends = run_batch(vec![puts, fails, puts]).await;
    assert_eq!(ends, [(1, Ok(())), (1, Err(ErrorKind::Failed)), (1, Ok(()))]);
}

/// One that failed after it wrote makes those before it run again, once; the
/// others, and a panic among them, are told apart by savepoints.
#[tokio::test]
async fn a_failure_after_a_write_runs_the_batch_again() {
    let ends = run_batch(vec![puts, puts_and_fails, puts_and_panics, puts]).await;
    let answers: Vec<_> = ends.iter().map(|(_, answer)| *answer).collect();
    let (failed, panicked) = (Err(ErrorKind::Failed), Err(ErrorKind::Panicked));
    assert_eq!(answers, [Ok(()), failed, panicked, Ok(())]);
    assert!(ends[..2].iter().all(|(runs, _)| *runs == 2), "{ends:?}");
}

/// Sums are no rows: a closure may add to the totals of any number of
/// directories, and they are written whole.
#[tokio::test]
async fn sums_are_not_counted_as_rows() {
    let opened = Opened::new();
    let directories = opened.add_directories(2_500).await;
    opened.write(A, add_to_totals(directories.clone())).await.unwrap();
    opened
        .read::<_, EngineError, _>(ReadCost::Bounded, move |snapshot| {
            for directory in directories {
                assert_eq!(snapshot.get_totals(directory)?.entries, 1);
            }
            Ok(())
        })
        .await
        .unwrap();
}
