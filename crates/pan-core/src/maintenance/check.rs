//! The ledger run from zero and compared: usage, totals, references, changes.

use std::collections::HashMap;
use std::ops::ControlFlow;

use pan_engine::meta::{ContentKind, Entry, Recycled, Totals, TotalsDelta, UserRow};
use pan_engine::{MetaRead, MetaStoreExt, ReadCost};
use pan_model::{FsId, Rev, UserNo};

use super::check_found::check_name;
use crate::{Error, Pan, Result};

/// Rows of one snapshot.
const WINDOW: u64 = 5_000;
/// So many entries of an account are all searched for by their names.
const SEARCHED_ALL: u64 = 10_000;
/// Of the rest one of so many is, others at another time: a search among a
/// million takes up to half a millisecond.
const SEARCHED_ONE_OF: u64 = 16;
/// Findings that are kept; more of them say nothing new.
const FINDINGS_MAX: usize = 100;

/// What a check saw.
#[derive(Debug, Clone, Default)]
pub struct CheckReport {
    /// Users that were checked.
    pub users: u64,
    /// Entries that were checked.
    pub entries: u64,
    /// Contents that were checked.
    pub contents: u64,
    /// Bytes that were read and hashed.
    pub bytes_read: u64,
    /// What is wrong, for people; empty when all is well.
    pub findings: Vec<String>,
}

impl CheckReport {
    /// Whether every invariant holds.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn find(&mut self, finding: String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }
}

impl Pan {
    /// Checks every invariant of the metadata and that every blob is there;
    /// with `read_data`, that every stored byte is what was uploaded.
    ///
    /// Meant for a server at rest: a change between two windows can show up
    /// as a finding.
    ///
    /// # Errors
    /// Only those of the engines; what is wrong is in the report.
    pub async fn check(&self, read_data: bool) -> Result<CheckReport> {
        let mut report = CheckReport::default();
        for user in self.users().await? {
            self.check_user(&user, &mut report).await?;
            report.users += 1;
        }
        self.check_tokens(&mut report).await?;
        self.check_contents(read_data, &mut report).await?;
        Ok(report)
    }

    async fn check_user(&self, user: &UserRow, report: &mut CheckReport) -> Result<()> {
        let tree = self.load_tree(user.user, report).await?;
        report.entries += tree.nodes.len() as u64;
        tree.check_shape(report);
        tree.check_bin(report);
        let computed = tree.compute_totals();
        self.check_totals(&tree, &computed, report).await?;
        self.check_counters(user.user, &tree, &computed, report).await?;
        self.check_media(user.user, tree.count_media(), report).await?;
        self.check_changes(user.user, report).await
    }

    async fn load_tree(&self, user: UserNo, report: &mut CheckReport) -> Result<Tree> {
        let mut tree = Tree { root: FsId::root(user), ..Tree::default_of(user) };
        let mut after = None;
        let turn = self.now().0.unsigned_abs() % SEARCHED_ONE_OF;
        loop {
            let is_small = (tree.nodes.len() as u64) < SEARCHED_ALL;
            let scan = move |read: &mut dyn MetaRead| {
                let mut entries = Vec::new();
                read.scan_entries(user, after, WINDOW, &mut |entry| {
                    entries.push(entry);
                    ControlFlow::Continue(())
                })?;
                let mut findings = Vec::new();
                for entry in &entries {
                    findings.extend(check_facts(read, entry)?);
                    if is_small || entry.fs_id.get() % SEARCHED_ONE_OF == turn {
                        findings.extend(check_name(read, entry)?);
                    }
                }
                Ok::<_, Error>((entries, findings))
            };
            let (entries, findings) = self.meta().read(ReadCost::Long, scan).await?;
            findings.into_iter().for_each(|finding| report.find(finding));
            let Some(last) = entries.last() else { break };
            after = Some(last.fs_id);
            tree.nodes.extend(entries.iter().map(|entry| (entry.fs_id, TreeNode::of(entry))));
        }
        let load = move |read: &mut dyn MetaRead| {
            let mut bin = Vec::new();
            read.list_recycled(user, &mut |recycled| {
                bin.push(recycled);
                ControlFlow::Continue(())
            })?;
            let staged = read.list_staged(u64::MAX)?;
            Ok::<_, Error>((bin, staged))
        };
        let (bin, staged) = self.meta().read(ReadCost::Long, load).await?;
        tree.bin = bin;
        tree.staged = staged.iter().map(|tree| tree.fs_id).collect();
        Ok(tree)
    }

    async fn check_totals(
        &self,
        tree: &Tree,
        computed: &HashMap<FsId, Totals>,
        report: &mut CheckReport,
    ) -> Result<()> {
        let mut directories: Vec<FsId> =
            tree.nodes.iter().filter(|(_, node)| node.directory).map(|(&id, _)| id).collect();
        directories.sort_unstable();
        for window in directories.chunks(WINDOW as usize) {
            let ids = window.to_vec();
            let read = move |read: &mut dyn MetaRead| {
                ids.iter()
                    .map(|&id| Ok((id, read.get_totals(id)?)))
                    .collect::<std::result::Result<Vec<_>, Error>>()
            };
            for (id, stored) in self.meta().read(ReadCost::Long, read).await? {
                let wanted = computed.get(&id).copied().unwrap_or_default();
                // A tree that is being built or removed has the totals of its end.
                if !tree.is_staged(id) && stored != (Totals { rev: stored.rev, ..wanted }) {
                    report.find(format!("directory {id}: totals are {stored:?}, not {wanted:?}"));
                }
            }
        }
        Ok(())
    }
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

/// What a check keeps of an entry.
pub(super) struct TreeNode {
    parent: Option<FsId>,
    directory: bool,
    weight: TotalsDelta,
}

impl TreeNode {
    fn of(entry: &Entry) -> Self {
        Self {
            parent: entry.parent,
            directory: entry.is_directory(),
            weight: TotalsDelta::of(entry, &Totals::default()),
        }
    }
}

pub(super) struct Tree {
    pub(super) root: FsId,
    pub(super) nodes: HashMap<FsId, TreeNode>,
    pub(super) bin: Vec<Recycled>,
    staged: Vec<FsId>,
}

impl Tree {
    fn default_of(user: UserNo) -> Self {
        let root = FsId::root(user);
        Self { root, nodes: HashMap::new(), bin: Vec::new(), staged: Vec::new() }
    }

    /// Every entry hangs on a directory, on the bin or on a staged tree.
    fn check_shape(&self, report: &mut CheckReport) {
        if !self.nodes.get(&self.root).is_some_and(|root| root.directory) {
            report.find(format!("the root {} is missing or no directory", self.root));
        }
        for (id, node) in &self.nodes {
            match node.parent {
                Some(parent) if !self.nodes.get(&parent).is_some_and(|node| node.directory) => {
                    report.find(format!("entry {id}: its parent {parent} is no directory"));
                }
                None if *id != self.root && !self.is_top(*id) => {
                    report.find(format!("entry {id} is in no place"));
                }
                _ => {}
            }
            if self.top_of(*id).is_none() {
                report.find(format!("entry {id} is its own ancestor"));
            }
        }
    }

    fn check_bin(&self, report: &mut CheckReport) {
        for recycled in &self.bin {
            match self.nodes.get(&recycled.fs_id) {
                None => report.find(format!("the bin holds {}, which is gone", recycled.fs_id)),
                Some(node) if node.parent.is_some() => {
                    report.find(format!("{} is in the bin and in the tree", recycled.fs_id));
                }
                Some(_) => {}
            }
        }
    }

    fn is_top(&self, id: FsId) -> bool {
        self.bin.iter().any(|recycled| recycled.fs_id == id) || self.staged.contains(&id)
    }

    fn is_staged(&self, id: FsId) -> bool {
        self.top_of(id).is_some_and(|top| self.staged.contains(&top))
    }

    /// The end of the way up; `None` when the way is a circle.
    fn top_of(&self, id: FsId) -> Option<FsId> {
        let mut at = id;
        for _ in 0..=self.nodes.len() {
            match self.nodes.get(&at).and_then(|node| node.parent) {
                Some(parent) => at = parent,
                None => return Some(at),
            }
        }
        None
    }

    /// Files by media type, wherever they are.
    fn count_media(&self) -> [u64; 4] {
        let mut counted = [0; 4];
        for node in self.nodes.values() {
            counted.iter_mut().zip(node.weight.media).for_each(|(sum, one)| *sum += one as u64);
        }
        counted
    }

    fn compute_totals(&self) -> HashMap<FsId, Totals> {
        let mut totals: HashMap<FsId, Totals> = HashMap::new();
        for node in self.nodes.values() {
            let mut above = node.parent;
            // Bounded: a circle was reported as one already.
            for _ in 0..self.nodes.len() {
                let Some(directory) = above else { break };
                let sum = totals.entry(directory).or_default();
                *sum = sum.changed(&node.weight, Rev(0));
                above = self.nodes.get(&directory).and_then(|node| node.parent);
            }
        }
        totals
    }
}
