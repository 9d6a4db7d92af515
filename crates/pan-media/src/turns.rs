//! Whose turn it is to have a process that decodes.
//!
//! Who has least is served first: a user who asks for a thousand things waits
//! for their own, and not others for them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pan_engine::MediaError;
use pan_model::UserNo;
use tokio::sync::{oneshot, watch};

/// How many requests of one user may wait.
const WAITING_OF_USER_MAX: usize = 128;

/// How many requests may wait in total.
const WAITING_MAX: usize = 1024;

/// The turns of one machine.
#[derive(Clone)]
pub(crate) struct Turns {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Changes whenever somebody begins to wait.
    waiting: watch::Sender<()>,
    turns_max: usize,
    turns_of_user_max: usize,
}

#[derive(Default)]
struct State {
    taken: usize,
    waiting: usize,
    /// Only users who have a turn or wait for one.
    users: HashMap<UserNo, User>,
    /// Counts turns.
    now: u64,
}

#[derive(Default)]
struct User {
    taken: usize,
    waiting: VecDeque<oneshot::Sender<Turn>>,
    /// When this user was served last, or came.
    served: u64,
}

/// A turn that was taken. Dropping it gives it to the next.
pub(crate) struct Turn {
    user: UserNo,
    shared: Arc<Shared>,
}

impl Turns {
    /// So many turns at once, and of those so many for one user.
    pub(crate) fn new(turns_max: usize, turns_of_user_max: usize) -> Self {
        let shared = Shared {
            state: Mutex::default(),
            waiting: watch::Sender::new(()),
            turns_max: turns_max.max(1),
            turns_of_user_max: turns_of_user_max.max(1),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Waits for a turn, but not longer than this.
    pub(crate) async fn take(&self, user: UserNo, wait_max: Duration) -> Result<Turn, MediaError> {
        let turn = self.shared.queue(user)?;
        self.shared.serve();
        match tokio::time::timeout(wait_max, turn).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }
}

fn busy() -> MediaError {
    MediaError::Busy(String::from("too many pictures and videos are being made already"))
}

impl Turn {
    /// Waits until giving this turn back would serve somebody.
    pub(crate) async fn wanted(&self) {
        let mut waiting = self.shared.waiting.subscribe();
        while !self.shared.lock().would_serve(self.user, &self.shared) {
            // The sender lives as long as this turn.
            let _ = waiting.changed().await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.shared.lock().give_back(self.user);
        self.shared.serve();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self, user: UserNo) -> Result<oneshot::Receiver<Turn>, MediaError> {
        let (sender, receiver) = oneshot::channel();
        self.lock().queue(user, sender)?;
        self.waiting.send_replace(());
        Ok(receiver)
    }

    /// Hands out every turn that is free.
    fn serve(self: &Arc<Self>) {
        // The lock is not held while a turn is sent: one that arrives nowhere
        // is dropped, and so given back.
        loop {
            let mut state = self.lock();
            let Some((user, waiter)) = state.serve_next(self) else { return };
            drop(state);
            let _ = waiter.send(Turn { user, shared: Arc::clone(self) });
        }
    }
}

impl State {
    fn queue(&mut self, user: UserNo, waiter: oneshot::Sender<Turn>) -> Result<(), MediaError> {
        if !self.has_room(user) {
            let users: Vec<UserNo> = self.users.keys().copied().collect();
            users.into_iter().for_each(|user| self.forget_the_gone(user));
            if !self.has_room(user) {
                return Err(busy());
            }
        }
        let now = self.now;
        let user =
            self.users.entry(user).or_insert_with(|| User { served: now, ..User::default() });
        user.waiting.push_back(waiter);
        self.waiting += 1;
        Ok(())
    }

    fn has_room(&self, user: UserNo) -> bool {
        let waiting = self.users.get(&user).map_or(0, |user| user.waiting.len());
        self.waiting < WAITING_MAX && waiting < WAITING_OF_USER_MAX
    }

    /// Forgets waiters who do not wait any more.
    fn forget_the_gone(&mut self, user: UserNo) {
        let Some(found) = self.users.get_mut(&user) else { return };
        let before = found.waiting.len();
        found.waiting.retain(|waiter| !waiter.is_closed());
        self.waiting -= before - found.waiting.len();
        if found.is_idle() {
            self.users.remove(&user);
        }
    }

    /// The user whose turn it is: who has least, and of those who was not
    /// served for the longest time.
    fn next_user(&self, limits: &Shared) -> Option<UserNo> {
        if self.taken >= limits.turns_max {
            return None;
        }
        let waiting = self
            .users
            .iter()
            .filter(|(_, user)| user.taken < limits.turns_of_user_max && !user.waiting.is_empty());
        waiting.min_by_key(|(_, user)| (user.taken, user.served)).map(|(user, _)| *user)
    }

    fn serve_next(&mut self, limits: &Shared) -> Option<(UserNo, oneshot::Sender<Turn>)> {
        loop {
            let next = self.next_user(limits)?;
            self.forget_the_gone(next);
            let Some(user) = self.users.get_mut(&next) else { continue };
            let Some(waiter) = user.waiting.pop_front() else { continue };
            self.now += 1;
            user.served = self.now;
            user.taken += 1;
            self.taken += 1;
            self.waiting -= 1;
            return Some((next, waiter));
        }
    }

    fn give_back(&mut self, user: UserNo) {
        let Some(found) = self.users.get_mut(&user) else { return };
        found.taken -= 1;
        self.taken -= 1;
        if found.is_idle() {
            self.users.remove(&user);
        }
    }

    /// Whether somebody could have a turn if this user had one less.
    fn would_serve(&self, user: UserNo, limits: &Shared) -> bool {
        self.users.iter().any(|(number, other)| {
            let taken = other.taken.saturating_sub(usize::from(*number == user));
            taken < limits.turns_of_user_max
                && other.waiting.iter().any(|waiter| !waiter.is_closed())
        })
    }
}

impl User {
    fn is_idle(&self) -> bool {
        self.taken == 0 && self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);
    const ANNA: UserNo = UserNo(1);
    const BEN: UserNo = UserNo(2);

    /// Asks for a turn and does not wait for it yet.
    fn ask(turns: &Turns, user: UserNo) -> BoxFuture<'static, Result<Turn, MediaError>> {
        let turns = turns.clone();
        let mut asked = async move { turns.take(user, LONG).await }.boxed();
        match (&mut asked).now_or_never() {
            Some(turn) => std::future::ready(turn).boxed(),
            None => asked,
        }
    }

    fn waits(asked: &mut BoxFuture<'static, Result<Turn, MediaError>>) -> bool {
        asked.now_or_never().is_none()
    }

    #[tokio::test]
    async fn nobody_has_more_than_they_may() {
        let turns = Turns::new(3, 2);
        let first = turns.take(ANNA, LONG).await.unwrap();
        let second = turns.take(ANNA, LONG).await.unwrap();
        let mut third = ask(&turns, ANNA);
        assert!(waits(&mut third));
        let of_ben = turns.take(BEN, LONG).await.unwrap();
        let mut another_of_ben = ask(&turns, BEN);
        assert!(waits(&mut another_of_ben));
        drop((first, second));
        let third = third.await.unwrap();
        let another_of_ben = another_of_ben.await.unwrap();
        let mut fourth = ask(&turns, ANNA);
        assert!(waits(&mut fourth));
        drop((third, of_ben, another_of_ben));
        fourth.await.unwrap();
    }

    #[tokio::test]
    async fn one_user_does_not_starve_another() {
        let turns = Turns::new(2, 2);
        let first = turns.take(ANNA, LONG).await.unwrap();
        let second = turns.take(ANNA, LONG).await.unwrap();
        let mut many = Vec::new();
        for _ in 0..50 {
            many.push(ask(&turns, ANNA));
        }
        let of_ben = ask(&turns, BEN);
        drop(first);
        let of_ben = of_ben.await.unwrap();
        drop(second);
        // And the user's own are served in their order.
        let third = many.remove(0).await.unwrap();
        assert!(waits(&mut many[0]));
        drop((third, of_ben));
        let _fourth = many.remove(0).await.unwrap();
        let _fifth = many.remove(0).await.unwrap();
        assert!(waits(&mut many[0]));
    }

    #[tokio::test]
    async fn who_stops_waiting_takes_no_turn() {
        let turns = Turns::new(1, 1);
        let first = turns.take(ANNA, LONG).await.unwrap();
        let (gone, served, last) = (ask(&turns, BEN), ask(&turns, BEN), ask(&turns, ANNA));
        drop(gone);
        drop(first);
        // It was served and does not look any more.
        drop(served);
        drop(last.await.unwrap());
        let state = turns.shared.lock();
        assert_eq!((state.taken, state.waiting, state.users.len()), (0, 0, 0));
    }

    #[tokio::test]
    async fn who_waits_too_long_or_in_a_crowd_is_told() {
        let turns = Turns::new(1, 1);
        let turn = turns.take(ANNA, LONG).await.unwrap();
        let late = turns.take(ANNA, Duration::from_millis(1)).await;
        assert!(matches!(late, Err(MediaError::Busy(_))));
        let mut crowd = Vec::new();
        for _ in 0..WAITING_OF_USER_MAX {
            crowd.push(ask(&turns, ANNA));
        }
        assert!(matches!(turns.take(ANNA, LONG).await, Err(MediaError::Busy(_))));
        assert!(waits(&mut ask(&turns, BEN)));
        crowd.clear();
        let next = ask(&turns, ANNA);
        drop(turn);
        next.await.unwrap();
    }

    #[tokio::test]
    async fn a_turn_knows_that_it_is_wanted() {
        let turns = Turns::new(2, 1);
        let of_anna = turns.take(ANNA, LONG).await.unwrap();
        let of_ben = turns.take(BEN, LONG).await.unwrap();
        assert!(of_anna.wanted().now_or_never().is_none());
        let again = ask(&turns, ANNA);
        of_anna.wanted().await;
        // Anna may have one alone: Ben's would not help.
        assert!(of_ben.wanted().now_or_never().is_none());
        drop(of_anna);
        again.await.unwrap();
    }

    #[tokio::test]
    async fn a_turn_is_told_when_it_becomes_wanted() {
        let turns = Turns::new(1, 1);
        let turn = turns.take(ANNA, LONG).await.unwrap();
        let give_back = tokio::spawn(async move { turn.wanted().await });
        tokio::task::yield_now().await;
        turns.take(BEN, LONG).await.unwrap();
        give_back.await.unwrap();
    }
}
