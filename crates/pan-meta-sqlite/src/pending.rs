//! Sums that a batch keeps in memory and writes once, before it commits.
//!
//! Every upload moves its user's counters and the totals of every directory
//! above it. Most closures of a batch move the same few rows, which are read
//! once, summed here and written once. Reads of the transaction look here
//! first. What a closure changed is taken back when the closure is rolled back.

use std::collections::HashMap;

use pan_engine::EngineError;
use pan_engine::meta::{Totals, Usage};
use pan_model::{FsId, UserNo};

/// A user's counters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counters {
    pub(crate) usage: Usage,
    pub(crate) next_n: u64,
}

/// What the open transaction knows and the database does not.
#[derive(Default)]
pub(crate) struct Pending {
    users: HashMap<UserNo, Counters>,
    totals: HashMap<FsId, Totals>,
    undo: Vec<Undo>,
}

/// A value as it was before the running closure changed it; `None`: the
/// database has it.
enum Undo {
    User(UserNo, Option<Counters>),
    Totals(FsId, Option<Totals>),
}

impl Pending {
    pub(crate) fn user(&self, user: UserNo) -> Option<Counters> {
        self.users.get(&user).copied()
    }

    pub(crate) fn set_user(&mut self, user: UserNo, counters: Counters) {
        self.undo.push(Undo::User(user, self.users.insert(user, counters)));
    }

    pub(crate) fn totals(&self, directory: FsId) -> Option<Totals> {
        self.totals.get(&directory).copied()
    }

    pub(crate) fn set_totals(&mut self, directory: FsId, totals: Totals) {
        self.undo.push(Undo::Totals(directory, self.totals.insert(directory, totals)));
    }

    /// The directory's own row was removed.
    pub(crate) fn forget_totals(&mut self, directory: FsId) {
        if let Some(totals) = self.totals.remove(&directory) {
            self.undo.push(Undo::Totals(directory, Some(totals)));
        }
    }

    /// What the last closure changed stays.
    pub(crate) fn keep(&mut self) {
        self.undo.clear();
    }

    /// Takes back what the last closure changed, the latest change first.
    pub(crate) fn undo(&mut self) {
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::User(user, before) => put_back(&mut self.users, user, before),
                Undo::Totals(directory, before) => put_back(&mut self.totals, directory, before),
            }
        }
    }

    /// Forgets everything: the transaction was rolled back.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Hands everything over to be written, and is empty afterwards.
    pub(crate) fn take(&mut self) -> Sums {
        let Self { users, totals, .. } = std::mem::take(self);
        Sums { users, totals }
    }
}

fn put_back<K: std::hash::Hash + Eq, V>(map: &mut HashMap<K, V>, key: K, before: Option<V>) {
    match before {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

/// The sums of a batch, to be written.
pub(crate) struct Sums {
    pub(crate) users: HashMap<UserNo, Counters>,
    pub(crate) totals: HashMap<FsId, Totals>,
}

impl crate::session::Session<'_> {
    /// Writes the sums of the batch; the commit comes next.
    pub(crate) fn write_pending(&mut self) -> Result<(), EngineError> {
        self.end_closures();
        let sums = self.pending.take();
        for (user, counters) in sums.users {
            self.write_counters(user, &counters)?;
        }
        for (directory, totals) in sums.totals {
            self.write_totals(directory, &totals)?;
        }
        Ok(())
    }
}
