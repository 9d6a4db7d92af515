//! The words of the control socket: JSON, one object a line.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use pan_core::{BackupReport, CheckReport, CollectReport, Pan, ScrubReport, TokenSpec};
use pan_model::{ByteSize, Md5Style, PanPath, PathRules};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::dump;

/// How often a long piece of work says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum AdminRequest {
    /// Adds a user.
    UserAdd {
        /// The name.
        name: String,
        /// Bytes; unlimited when absent.
        quota: Option<u64>,
    },
    /// Lists the users.
    UserList,
    /// Sets a user's quota.
    UserSetQuota {
        /// The name.
        name: String,
        /// Bytes.
        quota: u64,
    },
    /// Shuts a user out, or lets them in again.
    UserDisable {
        /// The name.
        name: String,
        /// Whether the user is shut out.
        disabled: bool,
    },
    /// Issues a token.
    TokenIssue {
        /// Whose token.
        user: String,
        /// The directory it is confined to.
        root: String,
        /// Seconds until it expires; never when absent.
        expires_seconds: Option<u64>,
        /// `pcs` or `relaxed`.
        path_rules: String,
        /// `plain` or `baidu`.
        md5_style: String,
    },
    /// Checks every invariant.
    Check {
        /// Whether every stored byte is read.
        read_data: bool,
    },
    /// Reads every stored byte.
    Scrub,
    /// One pass of the collector.
    Gc,
    /// Copies everything.
    Backup {
        /// Where to, as an absolute path.
        place: String,
    },
    /// Puts all metadata into text: the lines that come before the reply.
    Dump,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminReply {
    /// More follows; these lines are for stdout, as they come.
    Text(String),
    /// More follows; this says how far it is and is for stderr.
    Note(String),
    /// It was done; the lines are for stdout.
    Done(Vec<String>),
    /// It was done and something is wrong: the lines are for stdout, and the
    /// exit code is not 0.
    Found(Vec<String>),
    /// It was not done; the sentence is for stderr.
    Failed(String),
}

impl AdminReply {
    /// Whether nothing follows.
    pub fn is_last(&self) -> bool {
        !matches!(self, Self::Text(_) | Self::Note(_))
    }
}

impl AdminRequest {
    /// Whether what it leaves behind is another store than before; looking at
    /// one, however closely, is not.
    pub fn is_change(&self) -> bool {
        match self {
            Self::UserList
            | Self::Check { .. }
            | Self::Scrub
            | Self::Backup { .. }
            | Self::Dump => false,
            Self::UserAdd { .. }
            | Self::UserSetQuota { .. }
            | Self::UserDisable { .. }
            | Self::TokenIssue { .. }
            | Self::Gc => true,
        }
    }

    /// Does what is asked. What is said before the reply goes to `before`.
    pub(super) async fn perform(
        self,
        pan: &Pan,
        now: i64,
        before: &mpsc::Sender<AdminReply>,
    ) -> Result<AdminReply, String> {
        let told = |error: pan_core::Error| error.to_string();
        let progress = progress(before);
        match self {
            Self::UserAdd { name, quota } => {
                let quota = quota.map_or(ByteSize::UNLIMITED, ByteSize);
                pan.add_user(&name, quota).await.map_err(told)?;
                Ok(AdminReply::Done(Vec::new()))
            }
            Self::UserList => {
                let users = pan.users().await.map_err(told)?;
                Ok(AdminReply::Done(users.iter().map(user_line).collect()))
            }
            Self::UserSetQuota { name, quota } => {
                pan.set_user(&name, Some(ByteSize(quota)), None).await.map_err(told)?;
                Ok(AdminReply::Done(Vec::new()))
            }
            Self::UserDisable { name, disabled } => {
                pan.set_user(&name, None, Some(disabled)).await.map_err(told)?;
                Ok(AdminReply::Done(Vec::new()))
            }
            Self::TokenIssue { user, root, expires_seconds, path_rules, md5_style } => {
                let expires = expires_seconds.map(|seconds| {
                    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
                    pan_model::Timestamp(now).plus_seconds(seconds)
                });
                let spec = TokenSpec {
                    user,
                    root: PanPath::parse(&root).map_err(|error| error.to_string())?,
                    rules: PathRules::parse(&path_rules)
                        .ok_or_else(|| format!("`{path_rules}` are no path rules"))?,
                    md5_style: Md5Style::parse(&md5_style)
                        .ok_or_else(|| format!("`{md5_style}` is no md5 style"))?,
                    expires,
                };
                Ok(AdminReply::Done(vec![pan.issue_token(spec).await.map_err(told)?]))
            }
            Self::Check { read_data } => {
                Ok(check_reply(&pan.check(read_data).await.map_err(told)?))
            }
            Self::Scrub => Ok(scrub_reply(&pan.scrub(&progress).await.map_err(told)?)),
            Self::Gc => {
                let report = pan.collect().await.map_err(told)?;
                Ok(AdminReply::Done(collect_lines(&report)))
            }
            Self::Backup { place } => {
                Ok(backup_reply(&place, &pan.backup(&place, &progress).await.map_err(told)?))
            }
            Self::Dump => {
                dump::dump(pan, before).await?;
                Ok(AdminReply::Done(Vec::new()))
            }
        }
    }
}

/// Says now and then how far a long piece of work is.
fn progress(before: &mpsc::Sender<AdminReply>) -> impl Fn(ByteSize) + Send + Sync {
    let last = Mutex::new(Instant::now());
    move |bytes| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= PROGRESS_EVERY {
            *last = Instant::now();
            // Whoever does not listen misses it.
            let _ = before.try_send(AdminReply::Note(format!("{bytes} so far")));
        }
    }
}

fn user_line(user: &pan_core::UserRow) -> String {
    let state = if user.disabled { "disabled" } else { "active" };
    let quota = match user.quota {
        ByteSize::UNLIMITED => "unlimited".to_owned(),
        quota => quota.to_string(),
    };
    format!("{}\t{quota}\t{state}", user.name)
}

fn collect_lines(report: &CollectReport) -> Vec<String> {
    let lines = [
        (report.tmpfiles_expired, "tmpfiles expired"),
        (
            report.staged_removed,
            "entries removed that were purged, or of copies that were given up",
        ),
        (report.contents_examined, "contents that lost a pointer looked at"),
        (report.contents_deletable, "contents are pointed to by nothing now"),
        (report.contents_removed, "contents removed with their bytes"),
        (report.orphans_removed, "blobs without a content removed"),
    ];
    lines.into_iter().map(|(count, what)| format!("{count} {what}")).collect()
}

fn check_reply(report: &CheckReport) -> AdminReply {
    let summary = format!(
        "checked {} users, {} entries, {} contents; read {}",
        report.users,
        report.entries,
        report.contents,
        ByteSize(report.bytes_read)
    );
    if report.is_clean() {
        return AdminReply::Done(vec![summary, "everything is in order".into()]);
    }
    let mut lines = report.findings.clone();
    lines.push(summary);
    lines.push(format!("{} findings", report.findings.len()));
    AdminReply::Found(lines)
}

fn scrub_reply(report: &ScrubReport) -> AdminReply {
    let mut lines: Vec<String> = report.damages.first.iter().map(damage_line).collect();
    lines.push(format!(
        "read {} blobs and small contents, {}",
        report.pieces,
        ByteSize(report.bytes_read)
    ));
    if report.contents_recovered > 0 {
        lines.push(format!("{} contents have their bytes back", report.contents_recovered));
    }
    if report.damages.contents == 0 {
        lines.push("everything is as it was uploaded".into());
        return AdminReply::Done(lines);
    }
    lines.push(format!(
        "{} contents are damaged; uploading the same bytes again heals them",
        report.damages.contents
    ));
    AdminReply::Found(lines)
}

fn backup_reply(place: &str, report: &BackupReport) -> AdminReply {
    let mut lines: Vec<String> = report.damages.first.iter().map(damage_line).collect();
    lines.push(format!(
        "copied {} blobs, {}; {} were there; {} are not needed any more",
        report.blobs_copied,
        ByteSize(report.bytes_copied),
        report.blobs_kept,
        report.blobs_removed
    ));
    if report.damages.contents == 0 {
        lines.push(format!("{place} is a whole backup"));
        return AdminReply::Done(lines);
    }
    lines.push(format!(
        "{place} holds everything but {} contents, which are damaged",
        report.damages.contents
    ));
    AdminReply::Found(lines)
}

fn damage_line(damage: &pan_core::Damage) -> String {
    let files = match &damage.files[..] {
        [] => "no file has it".to_owned(),
        files => files.join(", "),
    };
    format!("content {}: {} ({files})", damage.content.0, damage.what)
}
