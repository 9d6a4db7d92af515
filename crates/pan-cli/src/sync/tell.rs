//! What a run says: a line or an object for each action, and the sum.

use std::cell::Cell;

use serde::Serialize;

use crate::failure::Failure;
use crate::screen::{Screen, read_or_not};

/// What was done, by the words of the manual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Did {
    Upload,
    Download,
    MkdirRemote,
    MkdirLocal,
    DeleteRemote,
    DeleteLocal,
    MoveRemote,
    MoveLocal,
    Conflict,
}

impl Did {
    fn word(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Download => "download",
            Self::MkdirRemote => "mkdir_remote",
            Self::MkdirLocal => "mkdir_local",
            Self::DeleteRemote => "delete_remote",
            Self::DeleteLocal => "delete_local",
            Self::MoveRemote => "move_remote",
            Self::MoveLocal => "move_local",
            Self::Conflict => "conflict",
        }
    }
}

#[derive(Serialize)]
struct ActionObject<'a> {
    action: &'static str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
}

#[derive(Serialize)]
struct SummaryObject {
    action: &'static str,
    up: u64,
    down: u64,
    moved: u64,
    deleted: u64,
    conflicts: u64,
    unchanged: u64,
    read: u64,
}

/// Tells of actions and counts them.
pub(crate) struct Teller<'a> {
    screen: &'a Screen,
    shows_lines: bool,
    up: Cell<u64>,
    down: Cell<u64>,
    moved: Cell<u64>,
    deleted: Cell<u64>,
    conflicts: Cell<u64>,
    done: Cell<u64>,
    /// Places that were as they had been agreed on.
    pub(crate) unchanged: Cell<u64>,
    /// Files that were read to compare them.
    pub(crate) read: Cell<u64>,
}

impl<'a> Teller<'a> {
    pub(crate) fn new(screen: &'a Screen, shows_lines: bool) -> Self {
        let zero = || Cell::new(0);
        Self {
            screen,
            shows_lines,
            up: zero(),
            down: zero(),
            moved: zero(),
            deleted: zero(),
            conflicts: zero(),
            done: zero(),
            unchanged: zero(),
            read: zero(),
        }
    }

    /// Something was done at a place.
    pub(crate) fn did(&self, did: Did, path: &str, to: Option<&str>) -> Result<(), Failure> {
        let counter = match did {
            Did::Upload => Some(&self.up),
            Did::Download => Some(&self.down),
            Did::MoveRemote | Did::MoveLocal => Some(&self.moved),
            Did::DeleteRemote | Did::DeleteLocal => Some(&self.deleted),
            Did::Conflict => Some(&self.conflicts),
            Did::MkdirRemote | Did::MkdirLocal => None,
        };
        self.done.set(self.done.get() + 1);
        if let Some(counter) = counter {
            counter.set(counter.get() + 1);
        }
        if self.screen.json {
            let object = ActionObject { action: did.word(), path, to };
            return read_or_not(self.screen.object(&object));
        }
        if !self.shows_lines {
            return Ok(());
        }
        let arrow = to.map(|to| format!(" -> {}", self.screen.name(to, false))).unwrap_or_default();
        let path = self.screen.name(path, false);
        read_or_not(self.screen.line(format!("{:<13} {path}{arrow}", did.word())))
    }

    /// How many actions there were.
    pub(crate) fn done(&self) -> u64 {
        self.done.get()
    }

    /// The sum of it all.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        let (up, down, moved) = (self.up.get(), self.down.get(), self.moved.get());
        let (deleted, conflicts) = (self.deleted.get(), self.conflicts.get());
        if self.screen.json {
            let (unchanged, read) = (self.unchanged.get(), self.read.get());
            let action = "summary";
            read_or_not(self.screen.object(&SummaryObject {
                action,
                up,
                down,
                moved,
                deleted,
                conflicts,
                unchanged,
                read,
            }))?;
        } else {
            let noun = if conflicts == 1 { "conflict" } else { "conflicts" };
            self.screen.stderr.tell(&format!(
                "{up} up, {down} down, {moved} moved, {deleted} deleted, {conflicts} {noun}"
            ));
        }
        read_or_not(self.screen.flush())
    }
}
