//! A user's tree: every entry has one place, and every directory counts what
//! its children count.
//!
//! Totals that are right in each directory by itself are right all the way up,
//! and no circle of directories can have any: each would be in itself.

use std::ops::ControlFlow;

use pan_engine::meta::{
    ChildrenQuery, ContentKind, Entry, ListedAfter, Recycled, Totals, TotalsDelta,
};
use pan_engine::{MetaRead, MetaStoreExt, ReadCost};
use pan_model::{ByteSize, FsId, ListBy, ListOrder, NameKey, Rev, UserNo};

use super::CheckReport;
use super::check::WINDOW;
use super::check_found::{check_listed, check_name};
use crate::{Error, Pan, Result};

/// So many entries of an account are all searched for by their names.
const SEARCHED_ALL: u64 = 10_000;
/// Of the rest one of so many is, others at another time: a search among a
/// million takes up to half a millisecond.
const SEARCHED_ONE_OF: u64 = 16;
/// More steps than any way to a root has.
const STEPS_MAX: usize = 100_000;

/// What the records of a bin come to.
#[derive(Debug, Default)]
pub(super) struct Bin {
    pub(super) bytes: ByteSize,
    pub(super) last_rev: Rev,
}

impl Pan {
    /// Returns the largest id in use.
    pub(super) async fn check_tree(
        &self,
        user: UserNo,
        report: &mut CheckReport,
    ) -> Result<Option<FsId>> {
        let root = FsId::root(user);
        let read = move |read: &mut dyn MetaRead| Ok::<_, Error>(read.get_entry(root)?);
        let found = self.meta().read(ReadCost::Bounded, read).await?;
        if !found.is_some_and(|root| root.is_directory()) {
            report.find(format!("the root {root} is missing or no directory"));
        }
        let mut last = None;
        let (before, turn) = (report.entries, self.now().0.unsigned_abs() % SEARCHED_ONE_OF);
        loop {
            let is_small = report.entries - before < SEARCHED_ALL;
            let search = move |id: FsId| is_small || id.get() % SEARCHED_ONE_OF == turn;
            let scan = move |read: &mut dyn MetaRead| Scanned::window(read, user, last, search);
            let scanned = self.meta().read(ReadCost::Long, scan).await?;
            scanned.findings.into_iter().for_each(|finding| report.find(finding));
            report.entries += scanned.entries;
            self.check_totals(scanned.directories, report).await?;
            if scanned.last.is_none() {
                return Ok(last);
            }
            last = scanned.last;
        }
    }

    async fn check_totals(&self, directories: Vec<FsId>, report: &mut CheckReport) -> Result<()> {
        let mut summing = Summing { directories, open: None };
        while !summing.is_done() {
            let sum = move |read: &mut dyn MetaRead| {
                let findings = summing.go_on(read)?;
                Ok::<_, Error>((summing, findings))
            };
            let (left, findings) = self.meta().read(ReadCost::Long, sum).await?;
            findings.into_iter().for_each(|finding| report.find(finding));
            summing = left;
        }
        Ok(())
    }

    pub(super) async fn check_bin(&self, user: UserNo, report: &mut CheckReport) -> Result<Bin> {
        let mut bin = Bin::default();
        let mut before = Rev(u64::MAX);
        loop {
            let read = move |read: &mut dyn MetaRead| {
                let mut window = Vec::new();
                read.list_recycled(user, before, WINDOW, &mut |recycled| {
                    window.push(recycled);
                    ControlFlow::Continue(())
                })?;
                let findings: Result<Vec<_>> =
                    window.iter().map(|recycled| check_recycled(read, recycled)).collect();
                Ok::<_, Error>((window, findings?))
            };
            let (window, findings) = self.meta().read(ReadCost::Long, read).await?;
            findings.into_iter().flatten().for_each(|finding| report.find(finding));
            for pair in window.windows(2).filter(|pair| pair[0].rev == pair[1].rev) {
                report.find(format!("{} has another's place in the bin", pair[0].fs_id));
            }
            let Some(last) = window.last() else { return Ok(bin) };
            before = last.rev;
            bin.bytes += window.iter().map(|recycled| recycled.bytes).sum::<ByteSize>();
            bin.last_rev = bin.last_rev.max(window[0].rev);
        }
    }
}

impl Pan {
    /// Every staged tree is there.
    pub(super) async fn check_staged(&self, report: &mut CheckReport) -> Result<()> {
        let read = |read: &mut dyn MetaRead| {
            let mut lost = Vec::new();
            for tree in read.list_staged(u64::MAX)? {
                if read.get_entry(tree.fs_id)?.is_none() {
                    lost.push(tree.fs_id);
                }
            }
            Ok::<_, Error>(lost)
        };
        for id in self.meta().read(ReadCost::Long, read).await? {
            report.find(format!("the staged tree {id} is gone"));
        }
        Ok(())
    }
}

/// A window of entries, each looked at.
#[derive(Default)]
struct Scanned {
    last: Option<FsId>,
    entries: u64,
    directories: Vec<FsId>,
    findings: Vec<String>,
}

impl Scanned {
    fn window(
        read: &mut dyn MetaRead,
        user: UserNo,
        after: Option<FsId>,
        search: impl Fn(FsId) -> bool,
    ) -> Result<Self> {
        let mut entries = Vec::new();
        read.scan_entries(user, after, WINDOW, &mut |entry| {
            entries.push(entry);
            ControlFlow::Continue(())
        })?;
        let mut scanned = Self::default();
        for entry in &entries {
            scanned.entries += 1;
            scanned.last = Some(entry.fs_id);
            scanned.findings.extend(check_place(read, entry)?);
            scanned.findings.extend(check_facts(read, entry)?);
            scanned.findings.extend(check_listed(read, entry)?);
            if search(entry.fs_id) {
                scanned.findings.extend(check_name(read, entry)?);
            }
            if entry.is_directory() {
                scanned.directories.push(entry.fs_id);
            }
        }
        Ok(scanned)
    }
}

/// Whether an entry hangs on a directory under its name, and on nothing else,
/// or is the top of what is in the bin or staged.
fn check_place(read: &mut dyn MetaRead, entry: &Entry) -> Result<Option<String>> {
    let id = entry.fs_id;
    let (recycled, staged) = (read.get_recycled(id)?.is_some(), read.get_staged(id)?.is_some());
    Ok(match entry.parent {
        Some(parent) => {
            if !read.get_entry(parent)?.is_some_and(|parent| parent.is_directory()) {
                return Ok(Some(format!("entry {id}: its parent {parent} is no directory")));
            }
            let named = read.get_child(parent, &NameKey::of(&entry.name))?.map(|it| it.fs_id);
            match (recycled, staged) {
                _ if named != Some(id) => Some(format!("entry {id}: its name leads to {named:?}")),
                (true, _) => Some(format!("{id} is in the bin and in the tree")),
                (_, true) => Some(format!("{id} is staged and in the tree")),
                _ => None,
            }
        }
        None => match (recycled, staged) {
            (true, true) => Some(format!("{id} is in the bin and was purged")),
            (false, false) if !id.is_root() => Some(format!("entry {id} is in no place")),
            _ => None,
        },
    })
}

/// Whether a file repeats what its content says.
fn check_facts(read: &mut dyn MetaRead, entry: &Entry) -> Result<Option<String>> {
    let Some(facts) = entry.file() else { return Ok(None) };
    let (id, content) = (entry.fs_id, facts.content.0);
    let Some(row) = read.get_content(facts.content)? else {
        return Ok(Some(format!("file {id}: its content {content} is missing")));
    };
    let same = row.fingerprint.size == facts.size
        && row.fingerprint.md5 == facts.md5
        && (row.kind != ContentKind::Superfile) == facts.one_block;
    Ok((!same).then(|| format!("file {id}: it does not repeat what its content {content} says")))
}

/// Whether a record of the bin is about an entry, and right about it.
fn check_recycled(read: &mut dyn MetaRead, recycled: &Recycled) -> Result<Option<String>> {
    let id = recycled.fs_id;
    let Some(entry) = read.get_entry(id)? else {
        return Ok(Some(format!("the bin holds {id}, which is gone")));
    };
    if recycled.rev == Rev(0) {
        return Ok(Some(format!("{id} has no place in the bin")));
    }
    if recycled.path.name() != Some(entry.name.as_str()) {
        return Ok(Some(format!("{id}: the bin calls it `{}`", recycled.path)));
    }
    let bytes = match entry.file() {
        Some(facts) => facts.size,
        None => read.get_totals(id)?.bytes,
    };
    let (told, wanted) = (recycled.bytes.0, bytes.0);
    Ok((told != wanted).then(|| format!("{id}: the bin counts {told} bytes, not {wanted}")))
}

/// Directories whose children are being summed.
struct Summing {
    directories: Vec<FsId>,
    open: Option<Open>,
}

/// A directory that is not summed to its end yet.
struct Open {
    directory: FsId,
    sum: Totals,
    after: Option<ListedAfter>,
}

impl Summing {
    fn is_done(&self) -> bool {
        self.directories.is_empty() && self.open.is_none()
    }

    /// Reads a window of children.
    fn go_on(&mut self, read: &mut dyn MetaRead) -> Result<Vec<String>> {
        let mut findings = Vec::new();
        let mut left = WINDOW;
        while left > 0 {
            let new = || {
                let directory = self.directories.pop()?;
                Some(Open { directory, sum: Totals::default(), after: None })
            };
            let Some(mut open) = self.open.take().or_else(new) else { break };
            let children = next_children(read, &open, left)?;
            for child in &children {
                let below = match child.is_directory() {
                    true => read.get_totals(child.fs_id)?,
                    false => Totals::default(),
                };
                open.sum = open.sum.changed(&TotalsDelta::of(child, &below), Rev(0));
            }
            if (children.len() as u64) < left {
                left -= children.len() as u64 + 1;
                findings.extend(compare(read, &open)?);
            } else {
                left = 0;
                open.after = children.last().map(ListedAfter::entry);
                self.open = Some(open);
            }
        }
        Ok(findings)
    }
}

fn next_children(read: &mut dyn MetaRead, open: &Open, limit: u64) -> Result<Vec<Entry>> {
    let order = ListOrder { by: ListBy::Name, descending: false };
    let query = ChildrenQuery { order, after: open.after.clone(), skip: 0, limit };
    let mut children = Vec::new();
    read.list_children(open.directory, &query, &mut |child| {
        children.push(child);
        ControlFlow::Continue(())
    })?;
    Ok(children)
}

fn compare(read: &mut dyn MetaRead, open: &Open) -> Result<Option<String>> {
    let (id, wanted) = (open.directory, open.sum);
    let stored = read.get_totals(id)?;
    // A tree that is being built or removed has the totals of its end.
    if stored == (Totals { rev: stored.rev, ..wanted }) || is_staged(read, id)? {
        return Ok(None);
    }
    Ok(Some(format!("directory {id}: totals are {stored:?}, not {wanted:?}")))
}

fn is_staged(read: &mut dyn MetaRead, directory: FsId) -> Result<bool> {
    let mut at = directory;
    for _ in 0..STEPS_MAX {
        match read.get_entry(at)?.and_then(|entry| entry.parent) {
            Some(parent) => at = parent,
            None => return Ok(read.get_staged(at)?.is_some()),
        }
    }
    Ok(false)
}
