//! The recycle bin (pcs-rest 4.25): where deleted entries wait to be restored
//! or purged.
//!
//! Nothing here frees bytes; `maintenance::gc` does, once no row refers to
//! them. What is purged in time is in `maintenance::purge`.

use std::ops::ControlFlow;

use pan_engine::meta::Recycled;
use pan_engine::{MetaRead, MetaStoreExt, MetaTxn, ReadCost, Scope};
use pan_model::{Caller, FsId, Rev, Timestamp};

use crate::ledger::{self, Node};
use crate::tree::{Located, former_place};
use crate::{Error, Pan, Result};

/// Records that one snapshot looks at.
const WINDOW_RECORDS: u64 = 5_000;
/// Entries of one window: each is read by its id.
const WINDOW_ENTRIES: u64 = 1_000;
/// Records that one closure purges: five rows each at most.
pub(crate) const PURGED_AT_ONCE: u64 = 200;

/// A deleted entry, as the bin shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecycledEntry {
    /// The entry with the path it had.
    pub located: Located,
    /// When it was deleted.
    pub deleted_at: Timestamp,
}

/// A listing of the bin under way, latest deletion first. Each window is one
/// snapshot; a record that stays comes exactly once.
pub struct RecycleListing {
    pan: Pan,
    caller: Caller,
    before: Rev,
    skip: u64,
    left: u64,
}

impl Pan {
    /// Begins a listing of the caller's part of the bin: what was deleted
    /// within its root. A deleted directory is one record.
    pub fn list_recycle(&self, caller: &Caller, start: u64, limit: u64) -> RecycleListing {
        let (pan, caller) = (self.clone(), caller.clone());
        RecycleListing { pan, caller, before: Rev(u64::MAX), skip: start, left: limit }
    }

    /// Puts a deleted entry back to where it was, with everything below it.
    /// It keeps its `fs_id`, its times and its name; directories that are
    /// missing above it are made anew.
    ///
    /// # Errors
    /// In this order: [`Error::NotRecycled`], also for what lies outside the
    /// caller's root, [`Error::ParentIsFile`], [`Error::NameInvalid`] for a
    /// missing directory, [`Error::AlreadyExists`], [`Error::QuotaExceeded`].
    pub async fn restore(&self, caller: &Caller, fs_id: FsId) -> Result<()> {
        let scope = Scope::User(caller.user);
        let (caller, now) = (caller.clone(), self.now());
        let job = move |tx: &mut dyn MetaTxn| restore(tx, &caller, fs_id, now);
        self.meta().write(scope, job).await
    }

    /// Purges the caller's part of the bin, as it is now: what is deleted
    /// meanwhile stays. Returns how many records went.
    ///
    /// # Errors
    /// Only those of the engine. What was purged before stays purged.
    pub async fn empty_recycle(&self, caller: &Caller) -> Result<u64> {
        let user = caller.user;
        let last = move |read: &mut dyn MetaRead| {
            Ok::<_, Error>(read.get_usage(user)?.ok_or(Error::TokenInvalid)?.rev)
        };
        let last = self.meta().read(ReadCost::Bounded, last).await?;
        let mut before = Some(Rev(last.0 + 1));
        let mut purged = 0;
        while let Some(place) = before {
            let caller = caller.clone();
            let read = move |read: &mut dyn MetaRead| {
                let wanted = Wanted { skip: 0, take: PURGED_AT_ONCE };
                window(read, &caller, place, wanted)
            };
            let window = self.meta().read(ReadCost::Long, read).await?;
            purged += self.purge(window.records).await?;
            before = window.next;
        }
        Ok(purged)
    }
}

impl RecycleListing {
    /// The next entries; none at the end.
    ///
    /// # Errors
    /// Only those of the engine.
    pub async fn next_window(&mut self) -> Result<Vec<RecycledEntry>> {
        while self.left > 0 {
            let wanted = Wanted { skip: self.skip, take: self.left.min(WINDOW_ENTRIES) };
            let (caller, before) = (self.caller.clone(), self.before);
            // Only the owner of everything sees every record that is read.
            let in_place =
                caller.root.is_root() && wanted.skip.saturating_add(wanted.take) <= WINDOW_ENTRIES;
            let cost = if in_place { ReadCost::Bounded } else { ReadCost::Long };
            let read = move |read: &mut dyn MetaRead| {
                let window = window(read, &caller, before, wanted)?;
                let entries = window.records.iter().map(|record| shown(read, record));
                Ok::<_, Error>((entries.collect::<Result<Vec<_>>>()?, window.skipped, window.next))
            };
            let (entries, skipped, next) = self.pan.meta().read(cost, read).await?;
            self.skip -= skipped;
            self.left -= entries.len() as u64;
            match next {
                Some(before) => self.before = before,
                None => self.left = 0,
            }
            if !entries.is_empty() {
                return Ok(entries);
            }
        }
        Ok(Vec::new())
    }
}

#[derive(Clone, Copy)]
struct Wanted {
    skip: u64,
    take: u64,
}

/// Some of the caller's records.
struct BinWindow {
    records: Vec<Recycled>,
    skipped: u64,
    /// Where the next window begins; `None` at the end of the bin.
    next: Option<Rev>,
}

/// Looks at one window of records and keeps those that the caller may see.
fn window(
    read: &mut dyn MetaRead,
    caller: &Caller,
    before: Rev,
    wanted: Wanted,
) -> Result<BinWindow> {
    let mut window = BinWindow { records: Vec::new(), skipped: 0, next: None };
    let mut seen = 0;
    read.list_recycled(caller.user, before, WINDOW_RECORDS, &mut |record| {
        seen += 1;
        let rev = record.rev;
        if record.path.is_within(&caller.root) {
            if window.skipped < wanted.skip {
                window.skipped += 1;
            } else {
                window.records.push(record);
            }
        }
        if seen == WINDOW_RECORDS || window.records.len() as u64 == wanted.take {
            window.next = Some(rev);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(window)
}

fn shown(read: &mut dyn MetaRead, record: &Recycled) -> Result<RecycledEntry> {
    let entry = read.get_entry(record.fs_id)?.ok_or_else(|| Error::Damaged {
        what: format!("the bin holds {}, which is gone", record.fs_id),
    })?;
    let located = Located { path: record.path.clone(), entry };
    Ok(RecycledEntry { located, deleted_at: record.deleted_at })
}

fn restore(tx: &mut dyn MetaTxn, caller: &Caller, fs_id: FsId, now: Timestamp) -> Result<()> {
    let record = match fs_id.user() == caller.user {
        true => tx.get_recycled(fs_id)?,
        false => None,
    };
    let record = record
        .filter(|record| record.path.is_within(&caller.root))
        .ok_or(Error::NotRecycled { fs_id })?;
    let place = former_place(tx.as_read(), caller, &record.path)?;
    if place.existing.is_some() {
        return Err(Error::AlreadyExists { path: place.path() });
    }
    let old = Node::in_bin(tx, &record)?;
    let parent = place.make_parents(tx, now)?;
    let new = old.moved_to(&parent, &old.entry.name);
    ledger::apply(tx, now, Some(old), Some(new))?;
    Ok(())
}
