use clap::Args;
use pan_sdk::{ByteSize, Quota};
use serde_json::json;

use crate::failure::Failure;
use crate::remote::RemotePath;
use crate::session::Session;
use crate::show::size;
use crate::tally::Tally;

/// Show how much room storages have, in the columns of df
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct DfArgs {
    /// Storages: profiles with a colon, as `home:`
    #[arg(value_name = "PROFILE:", default_value = "/")]
    storages: Vec<RemotePath>,
    /// Show sizes as 1.5 KiB
    #[arg(short, long)]
    human_readable: bool,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

/// A storage and its room.
struct Row {
    endpoint: String,
    profile: Option<String>,
    quota: Quota,
}

pub(crate) async fn run(session: &Session<'_>, args: DfArgs) -> Result<(), Failure> {
    let mut tally = Tally::new(&session.screen.stderr);
    let mut rows = Vec::new();
    for storage in &args.storages {
        match look(session, storage).await {
            Ok(row) => {
                rows.push(row);
                tally.done();
            }
            Err(failure) if args.storages.len() == 1 => return Err(failure),
            Err(failure) => tally.failed(failure.about(storage)),
        }
    }
    if session.screen.json {
        for row in &rows {
            let Quota { total, used, .. } = row.quota;
            session.screen.object(&json!({
                "endpoint": row.endpoint, "profile": row.profile,
                "total": total.0, "used": used.0, "free": row.quota.free().0,
            }))?;
        }
    } else if !rows.is_empty() {
        table(session, &rows, args.human_readable)?;
    }
    tally.finish()
}

async fn look(session: &Session<'_>, storage: &RemotePath) -> Result<Row, Failure> {
    let access = session.access(storage.profile.as_deref())?;
    let quota = session.client(storage)?.quota().await?;
    Ok(Row { endpoint: access.endpoint, profile: access.profile, quota })
}

fn table(session: &Session<'_>, rows: &[Row], human: bool) -> Result<(), Failure> {
    let wide = rows.iter().map(|row| row.endpoint.chars().count()).max().unwrap_or(0).max(8);
    let column = if human { 10 } else { 16 };
    let line = |cells: [&str; 6]| {
        let [endpoint, total, used, free, share, profile] = cells;
        let numbers = format!("{total:>column$} {used:>column$} {free:>column$} {share:>4}");
        session.screen.line(format!("{endpoint:wide$} {numbers} {profile}"))
    };
    line(["Endpoint", "Size", "Used", "Avail", "Use%", "Profile"])?;
    for row in rows {
        let Quota { total, used, .. } = row.quota;
        let profile = row.profile.as_deref().unwrap_or("-");
        if total >= ByteSize::UNLIMITED {
            line([&row.endpoint, "-", &size(used, human), "-", "-", profile])?;
            continue;
        }
        // Rounded up, as df does: what is not empty does not look so.
        let share = (u128::from(used.0) * 100).div_ceil(u128::from(total.0.max(1)));
        let (free, share) = (size(row.quota.free(), human), format!("{share}%"));
        line([&row.endpoint, &size(total, human), &size(used, human), &free, &share, profile])?;
    }
    Ok(())
}
