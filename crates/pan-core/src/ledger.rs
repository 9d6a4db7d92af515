//! The only way to change the tree.
//!
//! Every change, from every verb, is an (old, new) pair. In the same
//! transaction it moves usage (quota), totals, references (gc) and the change
//! log (diff), so that all of them are right by construction.
//! `maintenance::check` computes the same from zero and compares.

use pan_engine::MetaTxn;
use pan_engine::meta::{
    ChangeRow, Entry, EntryKind, FileFacts, Gone, GoneHow, Recycled, Totals, TotalsDelta, Usage,
    UsageDelta,
};
use pan_model::{ByteSize, FsId, PanPath, Rev, Timestamp, UserNo};

use crate::tree::{Directory, Found};
use crate::{Error, Result};

/// Where an entry is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// In the tree, with the ids from the root down to its parent.
    Live { chain: Vec<FsId> },
    /// In the recycle bin, from this path in this directory.
    Recycled { path: PanPath, parent: FsId },
    /// In no place: a copy that is still being built, or what was purged and
    /// is being removed.
    Staged,
}

/// An entry with what lies below it, at one side of a change.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) entry: Entry,
    pub(crate) below: Totals,
    pub(crate) place: Place,
}

impl Node {
    /// An entry as it was found, before a change.
    pub(crate) fn found(tx: &mut dyn MetaTxn, found: &Found) -> Result<Self> {
        let below = match found.entry.is_directory() {
            true => tx.get_totals(found.entry.fs_id)?,
            false => Totals::default(),
        };
        let place = Place::Live { chain: found.above.clone() };
        Ok(Self { entry: found.entry.clone(), below, place })
    }

    /// An entry of the recycle bin, before a change.
    pub(crate) fn in_bin(tx: &mut dyn MetaTxn, recycled: &Recycled) -> Result<Self> {
        let entry = tx.get_entry(recycled.fs_id)?.ok_or_else(|| Error::Damaged {
            what: format!("the bin holds {}, which is gone", recycled.fs_id),
        })?;
        let below = match entry.is_directory() {
            true => tx.get_totals(entry.fs_id)?,
            false => Totals::default(),
        };
        let place = Place::Recycled { path: recycled.path.clone(), parent: recycled.parent };
        Ok(Self { entry, below, place })
    }

    /// An empty directory that is about to be created.
    pub(crate) fn new_directory(
        tx: &mut dyn MetaTxn,
        parent: &Directory,
        name: &str,
        now: Timestamp,
    ) -> Result<Self> {
        Self::new(tx, parent, name, EntryKind::Directory { has_subdirectory: false }, now)
    }

    /// A file that is about to be created.
    pub(crate) fn new_file(
        tx: &mut dyn MetaTxn,
        parent: &Directory,
        name: &str,
        facts: FileFacts,
        now: Timestamp,
    ) -> Result<Self> {
        Self::new(tx, parent, name, EntryKind::File(facts), now)
    }

    fn new(
        tx: &mut dyn MetaTxn,
        parent: &Directory,
        name: &str,
        kind: EntryKind,
        now: Timestamp,
    ) -> Result<Self> {
        let entry = Entry {
            fs_id: tx.next_fs_id(parent.fs_id.user())?,
            parent: Some(parent.fs_id),
            name: name.to_owned(),
            kind,
            ctime: now,
            mtime: now,
            rev: Rev(0),
        };
        let place = Place::Live { chain: parent.chain.clone() };
        Ok(Self { entry, below: Totals::default(), place })
    }

    /// The same entry put into a directory under a name.
    pub(crate) fn moved_to(&self, parent: &Directory, name: &str) -> Self {
        let mut node = self.clone();
        node.entry.parent = Some(parent.fs_id);
        node.entry.name = name.to_owned();
        node.place = Place::Live { chain: parent.chain.clone() };
        node
    }

    /// The same entry in the recycle bin.
    pub(crate) fn recycled(&self, path: PanPath) -> Self {
        let parent = self.entry.parent.unwrap_or(FsId::root(self.entry.fs_id.user()));
        let mut node = self.clone();
        node.entry.parent = None;
        node.place = Place::Recycled { path, parent };
        node
    }

    /// The same entry where nobody sees it.
    pub(crate) fn staged(&self) -> Self {
        let mut node = self.clone();
        node.entry.parent = None;
        node.place = Place::Staged;
        node
    }

    /// The same file with other content.
    pub(crate) fn with_content(&self, facts: FileFacts, now: Timestamp) -> Self {
        let mut node = self.clone();
        node.entry.kind = EntryKind::File(facts);
        node.entry.mtime = now;
        node
    }

    fn bytes(&self) -> ByteSize {
        self.entry.file().map_or(self.below.bytes, |facts| facts.size)
    }

    /// The directory it is in, or was in when it was deleted.
    fn parent(&self) -> Option<FsId> {
        match &self.place {
            Place::Live { .. } => self.entry.parent,
            Place::Recycled { parent, .. } => Some(*parent),
            Place::Staged => None,
        }
    }

    fn live_chain(&self) -> Option<&[FsId]> {
        match &self.place {
            Place::Live { chain } => Some(chain),
            Place::Recycled { .. } | Place::Staged => None,
        }
    }
}

/// Changes one entry from `old` to `new` and everything that follows from it.
/// Returns the new entry; one of the two must be there.
///
/// The quota is checked before anything is written.
pub(crate) fn apply(
    tx: &mut dyn MetaTxn,
    now: Timestamp,
    old: Option<Node>,
    new: Option<Node>,
) -> Result<Entry> {
    let (old, new) = (old.as_ref(), new.as_ref());
    let Some(any) = new.or(old) else { unreachable!("a change has two sides, one of them there") };
    let user = any.entry.fs_id.user();
    move_usage(tx, user, old, new)?;
    let rev = tx.next_rev(user)?;
    move_totals(tx, rev, old, new)?;
    drop_reference(tx, old, new)?;
    append_change(tx, user, now, rev, old, new)?;
    write_rows(tx, now, rev, old, new)
}

/// What the user has free, and whether `added` bytes fit.
pub(crate) fn check_quota(usage: &Usage, added: ByteSize, removed: ByteSize) -> Result<()> {
    let used_after = usage.used.0.saturating_add(added.0).saturating_sub(removed.0);
    if added <= removed || used_after <= usage.quota.0 {
        return Ok(());
    }
    Err(Error::QuotaExceeded {
        needed: added.saturating_sub(removed),
        free: usage.quota.saturating_sub(usage.used),
    })
}

fn move_usage(
    tx: &mut dyn MetaTxn,
    user: UserNo,
    old: Option<&Node>,
    new: Option<&Node>,
) -> Result<()> {
    let live = |node: Option<&Node>| {
        node.filter(|node| node.live_chain().is_some()).map_or(ByteSize::ZERO, Node::bytes)
    };
    let recycled = |node: Option<&Node>| {
        node.filter(|node| matches!(node.place, Place::Recycled { .. }))
            .map_or(ByteSize::ZERO, Node::bytes)
    };
    let delta = UsageDelta {
        used: live(new).0 as i64 - live(old).0 as i64,
        recycled: recycled(new).0 as i64 - recycled(old).0 as i64,
        tmpfiles: 0,
    };
    if delta.used > 0 {
        let usage = tx.get_usage(user)?.ok_or(Error::TokenInvalid)?;
        check_quota(&usage, live(new), live(old))?;
    }
    if delta != UsageDelta::default() {
        tx.add_usage(user, &delta)?;
    }
    Ok(())
}

/// Every directory above a change learns its rev, even when no total moves:
/// a copy that runs meanwhile sees by it that its source changed.
fn move_totals(
    tx: &mut dyn MetaTxn,
    rev: Rev,
    old: Option<&Node>,
    new: Option<&Node>,
) -> Result<()> {
    let weight = |node: &Node| TotalsDelta::of(&node.entry, &node.below);
    let old = old.and_then(|node| Some((node.live_chain()?, weight(node).negated())));
    let new = new.and_then(|node| Some((node.live_chain()?, weight(node))));
    match (old, new) {
        (Some((left, out)), Some((entered, into))) if left == entered => {
            add_along(tx, left, &out.plus(&into), rev)
        }
        (left, entered) => {
            for (chain, delta) in [left, entered].into_iter().flatten() {
                add_along(tx, chain, &delta, rev)?;
            }
            Ok(())
        }
    }
}

fn add_along(tx: &mut dyn MetaTxn, chain: &[FsId], delta: &TotalsDelta, rev: Rev) -> Result<()> {
    for &directory in chain {
        tx.add_totals(directory, delta, rev)?;
    }
    Ok(())
}

fn drop_reference(tx: &mut dyn MetaTxn, old: Option<&Node>, new: Option<&Node>) -> Result<()> {
    let content = |node: Option<&Node>| Some(node?.entry.file()?.content);
    match (content(old), content(new)) {
        (Some(before), after) if after != Some(before) => Ok(tx.add_maybe_unreferenced(before)?),
        _ => Ok(()),
    }
}

fn append_change(
    tx: &mut dyn MetaTxn,
    user: UserNo,
    now: Timestamp,
    rev: Rev,
    old: Option<&Node>,
    new: Option<&Node>,
) -> Result<()> {
    let stays = match (old, new) {
        (Some(old), Some(new)) => {
            new.live_chain().is_some()
                && old.entry.parent == new.entry.parent
                && old.entry.name == new.entry.name
        }
        _ => false,
    };
    let gone = old.filter(|_| !stays).and_then(|old| {
        Some(Gone {
            how: how_gone(&old.place, new.map(|new| &new.place))?,
            parent: old.parent()?,
            name: old.entry.name.clone(),
            fs_id: old.entry.fs_id,
            directory: old.entry.is_directory(),
        })
    });
    let came = new.filter(|new| new.live_chain().is_some());
    let unfold = came.is_some_and(|new| !stays && new.below.entries > 0);
    let row = ChangeRow { rev, gone, came: came.map(|new| new.entry.fs_id), unfold, at: now };
    Ok(tx.append_change(user, &row)?)
}

/// How an entry left its place, if it did: what was in the bin left the tree
/// before, and is told of once more when it is purged.
fn how_gone(old: &Place, new: Option<&Place>) -> Option<GoneHow> {
    match (old, new) {
        (Place::Live { .. }, Some(Place::Live { .. })) => Some(GoneHow::Moved),
        (Place::Live { .. }, Some(Place::Recycled { .. })) => Some(GoneHow::Recycled),
        (Place::Live { .. } | Place::Recycled { .. }, Some(Place::Staged) | None) => {
            Some(GoneHow::Purged)
        }
        (Place::Recycled { .. }, Some(_)) | (Place::Staged, _) => None,
    }
}

fn write_rows(
    tx: &mut dyn MetaTxn,
    now: Timestamp,
    rev: Rev,
    old: Option<&Node>,
    new: Option<&Node>,
) -> Result<Entry> {
    if let Some(Node { entry, place: Place::Recycled { .. }, .. }) = old {
        tx.remove_recycled(entry.fs_id)?;
    }
    let Some(new) = new else {
        let Some(old) = old else { unreachable!("a change has two sides, one of them there") };
        tx.remove_entry(old.entry.fs_id)?;
        return Ok(old.entry.clone());
    };
    let mut entry = new.entry.clone();
    if new.live_chain().is_some() {
        entry.rev = rev;
    }
    match old {
        None => tx.insert_entry(&entry, &new.below)?,
        Some(_) => tx.update_entry(&entry)?,
    }
    if let Place::Recycled { path, parent } = &new.place {
        tx.insert_recycled(&Recycled {
            fs_id: entry.fs_id,
            rev,
            deleted_at: now,
            parent: *parent,
            path: path.clone(),
            bytes: new.bytes(),
        })?;
    }
    Ok(entry)
}
