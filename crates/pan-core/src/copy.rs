//! Copying (pcs-rest 4.11): contents are shared, only entries are made.
//!
//! A tree is built where nobody sees it, slice by slice, and linked by one
//! row at the end: atomic for every reader, and nobody waits for it.

use std::ops::ControlFlow;

use pan_engine::meta::{ChildrenQuery, Entry, EntryKind, ListedAfter, StagedRow, Totals};
use pan_engine::{MetaRead, MetaStoreExt, MetaTxn, Scope};
use pan_model::{Caller, FsId, ListBy, ListOrder, PanPath, Rev, Timestamp};

use crate::ledger::{self, Node, Place};
use crate::move_entry::check_not_into_itself;
use crate::quota::Limits;
use crate::tree::{Found, Target, authorize_below, look_up, target};
use crate::{Error, Pan, Result};

/// Entries that one closure copies.
const SLICE_ENTRIES: u64 = 500;
/// How often a copy begins anew when its source changes under it.
const ATTEMPTS: u32 = 5;

impl Pan {
    /// Copies a file, or a directory with everything below it, to a new full
    /// path. The copies have ids and times of their own.
    ///
    /// # Errors
    /// As [`Pan::move_entry`], then [`Error::QuotaExceeded`];
    /// [`Error::SourceChanged`] when a large tree never held still.
    pub async fn copy_entry(&self, caller: &Caller, from: &PanPath, to: &PanPath) -> Result<()> {
        authorize_below(caller, from)?;
        authorize_below(caller, to)?;
        for _ in 0..ATTEMPTS {
            let copy = Copy {
                caller: caller.clone(),
                from: from.clone(),
                to: to.clone(),
                now: self.now(),
                limits: Limits::of(self),
            };
            if copy.run(self).await? {
                return Ok(());
            }
        }
        Err(Error::SourceChanged { path: from.clone() })
    }
}

#[derive(Clone)]
struct Copy {
    caller: Caller,
    from: PanPath,
    to: PanPath,
    now: Timestamp,
    limits: Limits,
}

/// A copy under way.
struct Build {
    /// The source as it was at the beginning, and the revision it had.
    source: Entry,
    below: Totals,
    /// The invisible copy of the top.
    top: FsId,
    /// Directories that are not copied whole yet, deepest last.
    open: Vec<OpenDirectory>,
}

#[derive(Clone)]
struct OpenDirectory {
    source: FsId,
    copy: FsId,
    after: Option<ListedAfter>,
}

/// Keeps the worker away from a staged tree while it is being built.
struct Building<'a> {
    pan: &'a Pan,
    top: FsId,
}

impl<'a> Building<'a> {
    fn new(pan: &'a Pan, top: FsId) -> Self {
        pan.building().insert(top);
        Self { pan, top }
    }
}

impl Drop for Building<'_> {
    fn drop(&mut self) {
        self.pan.building().remove(&self.top);
    }
}

impl Copy {
    /// Whether the copy was linked; otherwise its source changed meanwhile, or
    /// the worker took the copy for nobody's, and nothing is left of it but a
    /// staged tree for the worker.
    async fn run(self, pan: &Pan) -> Result<bool> {
        let scope = Scope::User(self.caller.user);
        let begin = self.clone();
        let job = move |tx: &mut dyn MetaTxn| begin.begin(tx);
        let Some(mut build) = pan.meta().write(scope, job).await? else { return Ok(true) };
        let _building = Building::new(pan, build.top);
        while !build.open.is_empty() {
            let (top, open, now) = (build.top, build.open.clone(), self.now);
            let job = move |tx: &mut dyn MetaTxn| match is_being_built(tx, top)? {
                true => copy_slice(tx, open.clone(), now).map(Some),
                false => Ok(None),
            };
            let Some(open) = pan.meta().write(scope, job).await? else { return Ok(false) };
            build.open = open;
        }
        let job = move |tx: &mut dyn MetaTxn| self.link(tx, &build);
        pan.meta().write(scope, job).await
    }

    /// Checks everything, and copies at once what is small. `None` when the
    /// copy is complete.
    fn begin(&self, tx: &mut dyn MetaTxn) -> Result<Option<Build>> {
        let (source, place) = self.check(tx.as_read())?;
        let node = Node::found(tx, &source)?;
        let Some(facts) = source.entry.file().copied() else {
            return self.stage(tx, source.entry, node.below).map(Some);
        };
        let parent = place.make_parents(tx, self.now)?;
        let copy = Node::new_file(tx, &parent, &place.name, facts, self.now)?;
        ledger::apply(tx, self.now, None, Some(copy))?;
        Ok(None)
    }

    /// 31066, then 31061, then 31023 (into itself), then 31112.
    fn check(&self, read: &mut dyn MetaRead) -> Result<(Found, Target)> {
        let source = look_up(read, &self.caller, &self.from)?;
        let place = target(read, &self.caller, &self.to)?;
        if place.existing.is_some() {
            return Err(Error::AlreadyExists { path: place.path() });
        }
        check_not_into_itself(&source, &place, &self.to)?;
        let usage = read.get_usage(self.caller.user)?.ok_or(Error::TokenInvalid)?;
        let size = match source.entry.file() {
            Some(facts) => facts.size,
            None => read.get_totals(source.entry.fs_id)?.bytes,
        };
        self.limits.check(&usage, size, pan_model::ByteSize::ZERO)?;
        Ok((source, place))
    }

    fn stage(&self, tx: &mut dyn MetaTxn, source: Entry, below: Totals) -> Result<Build> {
        let top = copy_entry(tx, &source, None, self.now)?;
        tx.insert_staged(&StagedRow { fs_id: top, begun: self.now, removing: false })?;
        let open = vec![OpenDirectory { source: source.fs_id, copy: top, after: None }];
        Ok(Build { source, below, top, open })
    }

    /// Links the staged tree if its source is what was copied.
    fn link(&self, tx: &mut dyn MetaTxn, build: &Build) -> Result<bool> {
        let (source, place) = self.check(tx.as_read())?;
        let unchanged = is_being_built(tx, build.top)?
            && source.entry.fs_id == build.source.fs_id
            && tx.get_totals(source.entry.fs_id)? == build.below;
        if !unchanged {
            return Ok(false);
        }
        let entry = tx.get_entry(build.top)?.ok_or_else(|| Error::Damaged {
            what: format!("the staged copy {} is missing", build.top),
        })?;
        let parent = place.make_parents(tx, self.now)?;
        let old = Node { entry, below: build.below, place: Place::Staged };
        let new = old.moved_to(&parent, &place.name);
        tx.remove_staged(build.top)?;
        ledger::apply(tx, self.now, Some(old), Some(new))?;
        Ok(true)
    }
}

/// Whether a staged tree is whole so far: the worker has not begun to remove
/// it, as it may when the clock has jumped.
fn is_being_built(tx: &mut dyn MetaTxn, top: FsId) -> Result<bool> {
    Ok(tx.get_staged(top)?.is_some_and(|tree| !tree.removing))
}

/// Copies up to a slice of entries, depth first. Returns what is still open.
fn copy_slice(
    tx: &mut dyn MetaTxn,
    mut open: Vec<OpenDirectory>,
    now: Timestamp,
) -> Result<Vec<OpenDirectory>> {
    let mut left = SLICE_ENTRIES;
    while let Some(directory) = open.last_mut() {
        let children = next_children(tx, directory, left)?;
        let mut entered = None;
        for child in &children {
            let copy = copy_entry(tx, child, Some(directory.copy), now)?;
            directory.after = Some(ListedAfter::entry(child));
            left -= 1;
            if child.is_directory() {
                entered = Some(OpenDirectory { source: child.fs_id, copy, after: None });
                break;
            }
        }
        match entered {
            Some(entered) => open.push(entered),
            None if children.is_empty() => drop(open.pop()),
            None => {}
        }
        if left == 0 {
            break;
        }
    }
    Ok(open)
}

fn next_children(
    tx: &mut dyn MetaTxn,
    directory: &OpenDirectory,
    limit: u64,
) -> Result<Vec<Entry>> {
    let query = ChildrenQuery {
        order: ListOrder { by: ListBy::Name, descending: false },
        after: directory.after.clone(),
        skip: 0,
        limit,
    };
    let mut children = Vec::new();
    tx.list_children(directory.source, &query, &mut |child| {
        let stop = child.is_directory();
        children.push(child);
        // What follows a directory is copied after what lies in it.
        if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(children)
}

/// Makes one entry of a staged tree. Its totals are those of the source: the
/// link checks that nothing below has changed.
fn copy_entry(
    tx: &mut dyn MetaTxn,
    source: &Entry,
    parent: Option<FsId>,
    now: Timestamp,
) -> Result<FsId> {
    let fs_id = tx.next_fs_id(source.fs_id.user())?;
    let totals = match source.kind {
        EntryKind::Directory { .. } => tx.get_totals(source.fs_id)?,
        EntryKind::File(_) => Totals::default(),
    };
    let entry = Entry {
        fs_id,
        parent,
        name: source.name.clone(),
        kind: source.kind,
        ctime: now,
        mtime: now,
        rev: Rev(0),
    };
    tx.insert_entry(&entry, &totals)?;
    Ok(fs_id)
}
