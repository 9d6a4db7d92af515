use clap::Args;
use pan_sdk::{ByteSize, Quota};
use serde_json::json;

use crate::failure::Failure;
use crate::session::Session;
use crate::show::size;

/// Show how much room there is
#[derive(Debug, Args)]
pub(crate) struct QuotaArgs {
    /// Show exact numbers of bytes
    #[arg(short, long)]
    bytes: bool,
}

pub(crate) async fn run(session: &Session<'_>, args: QuotaArgs) -> Result<(), Failure> {
    let quota = session.client_of(None)?.quota().await?;
    if session.screen.json {
        let (total, used, free) = (quota.total.0, quota.used.0, quota.free().0);
        return session.screen.object(&json!({ "total": total, "used": used, "free": free }));
    }
    session.screen.line(describe(&quota, !args.bytes))
}

fn describe(quota: &Quota, human: bool) -> String {
    let used = size(quota.used, human);
    if quota.total >= ByteSize::UNLIMITED {
        return format!("{used} used, without a limit");
    }
    let (total, free) = (size(quota.total, human), size(quota.free(), human));
    let percent = quota.used.0 as f64 * 100.0 / (quota.total.0 as f64).max(1.0);
    format!("{used} of {total} used ({percent:.1} %), {free} free")
}
