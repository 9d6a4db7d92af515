//! The ledger run from zero and compared: usage, totals, references, changes.
//!
//! Rows are read in windows and held against their neighbours, so that a check
//! of a million entries needs no more memory than one of ten.

use pan_engine::meta::UserRow;
use pan_engine::{MetaRead, MetaStoreExt, ReadCost};
use pan_model::Rev;

use crate::{Error, Pan, Result};

/// Rows of one snapshot.
pub(super) const WINDOW: u64 = 5_000;
/// How often a user is checked who changes things meanwhile.
const ATTEMPTS: u32 = 3;
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
    /// Meant for a server at rest: where users never stop, a change between two
    /// windows can show up as a finding.
    ///
    /// # Errors
    /// Only those of the engines; what is wrong is in the report.
    pub async fn check(&self, read_data: bool) -> Result<CheckReport> {
        let mut report = CheckReport::default();
        for user in self.users().await? {
            self.check_user(&user, &mut report).await?;
            report.users += 1;
        }
        self.check_staged(&mut report).await?;
        self.check_tokens(&mut report).await?;
        self.check_contents(read_data, &mut report).await?;
        Ok(report)
    }

    /// What does not fit because the user changed something between two
    /// windows fits the next time.
    async fn check_user(&self, user: &UserRow, report: &mut CheckReport) -> Result<()> {
        for attempt in 1.. {
            let mut own = CheckReport::default();
            let before = self.rev(user).await?;
            self.check_user_once(user, &mut own).await?;
            if own.is_clean() || attempt == ATTEMPTS || before == self.rev(user).await? {
                report.entries += own.entries;
                own.findings.into_iter().for_each(|finding| report.find(finding));
                break;
            }
        }
        Ok(())
    }

    async fn rev(&self, user: &UserRow) -> Result<Option<Rev>> {
        let user = user.user;
        let read = move |read: &mut dyn MetaRead| Ok::<_, Error>(read.get_usage(user)?);
        Ok(self.meta().read(ReadCost::Bounded, read).await?.map(|usage| usage.rev))
    }

    async fn check_user_once(&self, user: &UserRow, report: &mut CheckReport) -> Result<()> {
        let last_fs_id = self.check_tree(user.user, report).await?;
        let bin = self.check_bin(user.user, report).await?;
        self.check_counters(user.user, last_fs_id, &bin, report).await?;
        self.check_changes(user.user, report).await
    }
}
