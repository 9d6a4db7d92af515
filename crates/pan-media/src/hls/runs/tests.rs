use std::cell::RefCell;

use pan_model::{Blake3, ByteSize, UserNo};

use super::*;

const STREAM: StreamKey = StreamKey {
    source: SourceKey { blake3: Blake3([7; 32]), size: ByteSize(1000) },
    format: StreamFormat::M3u8_480x360,
};

/// Runs without transcoders: what they deliver is what the test says.
#[derive(Default)]
struct Story {
    runs: Runs,
    begun: RefCell<Vec<Membership>>,
}

impl Story {
    fn ask(&self, session: u64, index: u32) -> Asked {
        self.runs.ask(STREAM, index, viewer(session), |membership| {
            self.begun.borrow_mut().push(membership);
            tokio::spawn(std::future::pending::<()>()).abort_handle()
        })
    }

    fn wait(&self, session: u64, index: u32) -> Waiting {
        match self.ask(session, index) {
            Asked::Waiting(waiting) => waiting,
            Asked::Held(_) | Asked::Refused(_) => panic!("piece {index} is not made"),
        }
    }

    fn begun(&self) -> usize {
        self.begun.borrow().len()
    }

    fn deliver(&self, run: usize, index: u32) {
        self.begun.borrow()[run].deliver(&bytes(index));
    }

    fn step(&self, run: usize) -> Step {
        self.begun.borrow()[run].step()
    }
}

fn viewer(session: u64) -> Viewer {
    Viewer { user: UserNo(1), session }
}

fn bytes(index: u32) -> Bytes {
    Bytes::copy_from_slice(&index.to_le_bytes())
}

async fn made(waiting: Waiting) -> Option<Bytes> {
    waiting.made().await.and_then(Result::ok)
}

fn is_held(asked: &Asked, index: u32) -> bool {
    matches!(asked, Asked::Held(piece) if *piece == bytes(index))
}

#[tokio::test]
async fn all_who_want_a_piece_get_it_of_one_run() {
    let story = Story::default();
    let waiting: Vec<_> = (0..8).map(|session| story.wait(session, 3)).collect();
    let after = story.wait(9, 4);
    story.deliver(0, 3);
    for waiting in waiting {
        assert_eq!(made(waiting).await, Some(bytes(3)));
    }
    story.deliver(0, 4);
    assert_eq!(made(after).await, Some(bytes(4)));
    assert!(is_held(&story.ask(10, 3), 3));
    assert_eq!(story.begun(), 1);
}

#[tokio::test]
async fn a_seek_begins_a_run_and_ends_the_one_before() {
    let story = Story::default();
    let first = story.wait(1, 0);
    story.deliver(0, 0);
    assert_eq!(made(first).await, Some(bytes(0)));
    let _far = story.wait(1, 80);
    assert_eq!((story.step(0), story.step(1)), (Step::End, Step::Go));
    let _before = story.wait(1, 79);
    assert_eq!((story.begun(), story.runs.count()), (3, 2));
}

#[tokio::test]
async fn a_run_that_another_watches_goes_on() {
    let story = Story::default();
    let (_one, _other) = (story.wait(1, 0), story.wait(2, 0));
    let _far = story.wait(1, 80);
    story.deliver(0, 0);
    assert_eq!(story.step(0), Step::Go);
    let _far_too = story.wait(2, 81);
    assert_eq!((story.step(0), story.begun()), (Step::End, 2));
}

#[tokio::test]
async fn a_run_that_was_left_still_makes_what_is_waited_for() {
    let story = Story::default();
    let waiting = story.wait(1, 2);
    let _far = story.wait(1, 80);
    assert_eq!(story.step(0), Step::Go);
    drop(waiting);
    assert_eq!(story.step(0), Step::End);
}

#[tokio::test]
async fn a_run_is_a_few_pieces_ahead_and_no_more() {
    let story = Story::default();
    let first = story.wait(1, 0);
    for index in 0..=AHEAD {
        assert_eq!(story.step(0), Step::Go);
        story.deliver(0, index);
    }
    assert_eq!(made(first).await, Some(bytes(0)));
    assert!(matches!(story.step(0), Step::PauseUntil(_)));
    // All of them are held, whatever became of the cache.
    assert!(is_held(&story.ask(1, 0), 0));
    assert!(is_held(&story.ask(1, 1), 1));
    assert_eq!(story.step(0), Step::Go);
    story.deliver(0, AHEAD + 1);
    assert!(matches!(story.step(0), Step::PauseUntil(_)));
    // What the cache had counts, too.
    story.runs.touch(STREAM, 2, viewer(1));
    assert_eq!(story.step(0), Step::Go);
}

#[tokio::test]
async fn a_run_that_nobody_asks_any_more_ends() {
    let story = Story::default();
    drop(story.wait(1, 0));
    (0..=AHEAD).for_each(|index| story.deliver(0, index));
    let mut table = lock(&story.runs.table);
    let run = table.runs.values_mut().next().unwrap();
    let asked_at = run.asked_at;
    assert_eq!(run.step(asked_at), Step::PauseUntil(asked_at + IDLE));
    assert_eq!(run.step(asked_at + IDLE), Step::End);
}

#[tokio::test]
async fn a_run_gives_way_unless_it_is_waited_for() {
    let story = Story::default();
    let waiting = story.wait(1, 0);
    assert!(!story.begun.borrow()[0].give_up());
    story.deliver(0, 0);
    assert_eq!(made(waiting).await, Some(bytes(0)));
    assert!(story.begun.borrow()[0].give_up());
    assert_eq!(story.step(0), Step::End);
    drop(story.wait(1, 1));
    assert_eq!(story.begun(), 2);
}

#[tokio::test]
async fn what_cannot_be_decoded_is_not_tried_at_once_again() {
    let story = Story::default();
    let (broken, later) = (story.wait(1, 5), story.wait(1, 6));
    story.begun.borrow()[0].fail(MediaError::Unsuitable(String::from("broken")));
    assert!(matches!(broken.made().await, Some(Err(_))));
    // Another run may begin there.
    assert!(later.made().await.is_none());
    assert!(matches!(story.ask(1, 5), Asked::Refused(MediaError::Unsuitable(_))));
    let _later = story.wait(1, 6);
    assert_eq!(story.begun(), 2);
}

#[tokio::test]
async fn damage_is_told_to_all_and_not_remembered() {
    let story = Story::default();
    let (one, other) = (story.wait(1, 5), story.wait(1, 6));
    story.begun.borrow()[0].fail(MediaError::Busy(String::from("busy")));
    assert!(matches!(one.made().await, Some(Err(_))));
    assert!(matches!(other.made().await, Some(Err(_))));
    let _again = story.wait(1, 5);
    assert_eq!(story.begun(), 2);
}

#[tokio::test]
async fn a_run_that_dies_leaves_nobody_waiting() {
    let story = Story::default();
    let waiting = story.wait(1, 0);
    story.begun.borrow_mut().clear();
    assert!(waiting.made().await.is_none());
    assert_eq!(story.runs.count(), 0);
    assert!(lock(&story.runs.table).viewers.is_empty());
}
