//! Users: that their counters, tokens and change log are what they must be.

use std::collections::HashSet;
use std::ops::ControlFlow;

use pan_engine::{MetaRead, MetaStoreExt, ReadCost};
use pan_model::{ByteSize, FsId, Rev, Timestamp, UserNo};

use super::CheckReport;
use super::check::WINDOW;
use super::check_tree::Bin;
use crate::{Error, Pan, Result};

impl Pan {
    /// Every token belongs to somebody.
    pub(super) async fn check_tokens(&self, report: &mut CheckReport) -> Result<()> {
        let users: HashSet<UserNo> = self.users().await?.iter().map(|user| user.user).collect();
        let read = |read: &mut dyn MetaRead| {
            let mut owners = Vec::new();
            read.list_tokens(&mut |token| {
                owners.push(token.user);
                ControlFlow::Continue(())
            })?;
            Ok::<_, Error>(owners)
        };
        for owner in self.meta().read(ReadCost::Long, read).await? {
            if !users.contains(&owner) {
                report.find(format!("a token belongs to user {owner}, who is not there"));
            }
        }
        Ok(())
    }

    pub(super) async fn check_counters(
        &self,
        user: UserNo,
        last_fs_id: Option<FsId>,
        bin: &Bin,
        report: &mut CheckReport,
    ) -> Result<()> {
        let load = move |read: &mut dyn MetaRead| Counted::load(read, user);
        let Some(counted) = self.meta().read(ReadCost::Long, load).await? else {
            report.find(format!("user {user} has no counters"));
            return Ok(());
        };
        for (what, stored, wanted) in [
            ("used", counted.used, counted.used_sum),
            ("recycled", counted.recycled, bin.bytes),
            ("tmpfiles", counted.tmpfiles, counted.tmpfiles_sum),
        ] {
            if stored != wanted {
                report.find(format!("user {user}: {what} is {}, not {}", stored.0, wanted.0));
            }
        }
        if bin.last_rev > counted.rev {
            report.find(format!("user {user}: the bin knows revs that were never given out"));
        }
        if last_fs_id.is_some_and(|id| id > counted.last_fs_id) {
            report.find(format!("user {user}: ids are in use that will be given out again"));
        }
        counted.lost_tmpfiles.into_iter().for_each(|finding| report.find(finding));
        Ok(())
    }

    pub(super) async fn check_changes(&self, user: UserNo, report: &mut CheckReport) -> Result<()> {
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

/// What a user's counters say, and what can be counted.
struct Counted {
    used: ByteSize,
    used_sum: ByteSize,
    recycled: ByteSize,
    tmpfiles: ByteSize,
    tmpfiles_sum: ByteSize,
    rev: Rev,
    last_fs_id: FsId,
    lost_tmpfiles: Vec<String>,
}

impl Counted {
    fn load(read: &mut dyn MetaRead, user: UserNo) -> Result<Option<Self>> {
        let (Some(usage), Some(last_fs_id)) = (read.get_usage(user)?, read.last_fs_id(user)?)
        else {
            return Ok(None);
        };
        let mut tmpfiles_sum = ByteSize::ZERO;
        let mut lost_tmpfiles = Vec::new();
        for (key, row) in read.list_idle_tmpfiles(Timestamp(i64::MAX), u64::MAX)? {
            if key.user != user {
                continue;
            }
            tmpfiles_sum += row.size;
            let size = read.get_content(row.content)?.map(|content| content.fingerprint.size);
            if size != Some(row.size) {
                lost_tmpfiles.push(format!("tmpfile {} of user {user} has no content", key.md5));
            }
        }
        Ok(Some(Self {
            used: usage.used,
            used_sum: read.get_totals(FsId::root(user))?.bytes,
            recycled: usage.recycled,
            tmpfiles: usage.tmpfiles,
            tmpfiles_sum,
            rev: usage.rev,
            last_fs_id,
            lost_tmpfiles,
        }))
    }
}
