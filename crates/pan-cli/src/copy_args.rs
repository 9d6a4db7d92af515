//! What `put` and `get` take beside what `sync` takes too: what they leave out
//! because it is there, how often they try, and when they end early.

use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use pan_sdk::ByteSize;

use crate::exit::Exit;
use crate::failure::Failure;

/// What is copied, how often it is tried, and how much is enough.
#[derive(Debug, Clone, Args)]
pub(crate) struct CopyArgs {
    /// Leave out what is there already with the same size and md5
    #[arg(long)]
    pub(crate) checksum: bool,
    /// Leave out what is as new or newer where it would go
    #[arg(long)]
    pub(crate) update: bool,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// How often what failed in passing is tried again, after everything else
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) retries: u16,
    /// Begin no file with which this many bytes would be exceeded (exit code 8)
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_transfer: Option<ByteSize>,
    /// Stop after this time: 90, 10m, 1h30m (exit code 10)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_duration: Option<Duration>,
    /// It is a failure when no file had to be transferred (exit code 9)
    #[arg(long)]
    pub(crate) error_on_no_transfer: bool,
}

impl CopyArgs {
    /// Runs a command as long as it may take. One that is stopped leaves no
    /// half files, but for the journals of what can go on.
    pub(crate) async fn in_time(
        &self,
        command: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Failure> {
        let Some(limit) = self.max_duration else { return command.await };
        tokio::time::timeout(limit, command).await.unwrap_or_else(|_| {
            let message = format!("stopped after {} s, as --max-duration says", limit.as_secs());
            Err(Failure::new(Exit::MaxDuration, message)
                .hint("the same command with --update or --checksum goes on with the rest"))
        })
    }
}

/// Reads a duration; a number alone means seconds.
fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let read = text.parse::<SignedDuration>().ok();
    let read = read.and_then(|duration| Duration::try_from(duration).ok());
    read.ok_or_else(|| String::from("it is no time: write 90, 10m or 1h30m"))
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_read() {
        for (text, seconds) in [
            ("90", Some(90)),
            ("10m", Some(600)),
            ("1h30m", Some(5400)),
            ("2s", Some(2)),
            ("0", Some(0)),
            ("", None),
            ("soon", None),
            ("-1m", None),
            ("-5", None),
        ] {
            let read = duration(text).ok().map(|duration| duration.as_secs());
            assert_eq!(read, seconds, "{text}");
        }
    }
}
