//! The ledger run from zero and compared: usage, totals, references, changes.

use std::collections::HashMap;
use std::ops::ControlFlow;

use pan_engine::meta::{Entry, Recycled, Totals, TotalsDelta, UserRow};
use pan_engine::{MetaRead, MetaStoreExt, ReadCost};
use pan_model::{ByteSize, FsId, Rev, UserNo};

use crate::{Error, Pan, Result};

/// Rows of one snapshot.
const WINDOW: u64 = 5_000;
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
        self.check_contents(read_data, &mut report).await?;
        Ok(report)
    }

    async fn check_user(&self, user: &UserRow, report: &mut CheckReport) -> Result<()> {
        let tree = self.load_tree(user.user).await?;
        report.entries += tree.nodes.len() as u64;
        tree.check_shape(report);
        tree.check_bin(report);
        let computed = tree.compute_totals();
        self.check_totals(&tree, &computed, report).await?;
        self.check_usage(user.user, &tree, &computed, report).await?;
        self.check_changes(user.user, report).await
    }

    async fn load_tree(&self, user: UserNo) -> Result<Tree> {
        let mut tree = Tree { root: FsId::root(user), ..Tree::default_of(user) };
        let mut after = None;
        loop {
            let scan = move |read: &mut dyn MetaRead| {
                let mut entries = Vec::new();
                read.scan_entries(user, after, WINDOW, &mut |entry| {
                    entries.push(entry);
                    ControlFlow::Continue(())
                })?;
                Ok::<_, Error>(entries)
            };
            let entries = self.meta().read(ReadCost::Long, scan).await?;
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

    async fn check_usage(
        &self,
        user: UserNo,
        tree: &Tree,
        computed: &HashMap<FsId, Totals>,
        report: &mut CheckReport,
    ) -> Result<()> {
        let read = move |read: &mut dyn MetaRead| Ok::<_, Error>(read.get_usage(user)?);
        let Some(usage) = self.meta().read(ReadCost::Bounded, read).await? else {
            report.find(format!("user {user} has no counters"));
            return Ok(());
        };
        let used = computed.get(&tree.root).map_or(ByteSize::ZERO, |totals| totals.bytes);
        if usage.used != used {
            report.find(format!("user {user}: used is {}, files have {}", usage.used.0, used.0));
        }
        if usage.used > usage.quota {
            // Lowering a quota below the use is the operator's right.
            tracing::info!(%user, "uses more than the quota");
        }
        let recycled: ByteSize = tree.bin.iter().map(|recycled| recycled.bytes).sum();
        if usage.recycled != recycled {
            report.find(format!(
                "user {user}: recycled is {}, the bin has {}",
                usage.recycled.0, recycled.0
            ));
        }
        Ok(())
    }

    async fn check_changes(&self, user: UserNo, report: &mut CheckReport) -> Result<()> {
        let mut last: Option<Rev> = None;
        loop {
            let after = last.unwrap_or_default();
            let read = move |read: &mut dyn MetaRead| {
                let mut revs = Vec::new();
                read.list_changes(user, after, WINDOW, &mut |change| {
                    revs.push(change.rev);
                    ControlFlow::Continue(())
                })?;
                Ok::<_, Error>(revs)
            };
            let revs = self.meta().read(ReadCost::Long, read).await?;
            if revs.is_empty() {
                break;
            }
            for rev in revs {
                if last.is_some_and(|last| rev.0 != last.0 + 1) {
                    report.find(format!("user {user}: the change log has a gap before {}", rev.0));
                }
                last = Some(rev);
            }
        }
        let read = move |read: &mut dyn MetaRead| Ok::<_, Error>(read.get_usage(user)?);
        let rev = self.meta().read(ReadCost::Bounded, read).await?.map(|usage| usage.rev);
        if last.is_some() && last != rev {
            report.find(format!("user {user}: the change log ends at {last:?}, rev is {rev:?}"));
        }
        Ok(())
    }
}

/// What a check keeps of an entry.
struct TreeNode {
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

struct Tree {
    root: FsId,
    nodes: HashMap<FsId, TreeNode>,
    bin: Vec<Recycled>,
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
