//! How files are transferred: what `put`, `get` and `sync` share.

use clap::Args;
use pan_sdk::{ByteSize, Md5, Throttle, TransferOptions};

use crate::config::Config;
use crate::failure::Failure;
use crate::screen::{Screen, read_or_not};
use crate::show::DoneObject;

/// How files are transferred.
#[derive(Debug, Clone, Args)]
pub(crate) struct TransferArgs {
    /// How many files at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    transfers: u16,
    /// At most so many bytes a second, all transfers together: 500k, 2M
    #[arg(long, value_name = "RATE", value_parser = rate)]
    bwlimit: Option<Throttle>,
    /// Files larger than this go in parts, in parallel
    #[arg(long, value_name = "SIZE", default_value = "64M")]
    threshold: ByteSize,
    /// How large a part is
    #[arg(long, value_name = "SIZE", default_value = "32M")]
    part_size: ByteSize,
    /// Accepted for the habit of it: directories are always taken whole
    #[arg(short, long)]
    recursive: bool,
}

impl TransferArgs {
    /// How many files at once.
    pub(crate) fn at_once(&self) -> usize {
        usize::from(self.transfers)
    }

    /// What the SDK is told. All transfers share the limit of bytes a second.
    pub(crate) fn options(&self) -> TransferOptions {
        let mut options = TransferOptions::default();
        options.threshold = self.threshold;
        options.part_size = self.part_size;
        options.throttle = self.bwlimit.clone().unwrap_or_default();
        // Without a home nothing can be remembered, and nothing else is wrong.
        options.journal = Config::state_directory().ok().map(|state| state.join("transfers"));
        options
    }
}

/// Reads a limit of bytes a second; none is 0.
fn rate(text: &str) -> Result<Throttle, String> {
    match text.parse::<ByteSize>().map_err(|error| error.to_string())? {
        ByteSize(0) => Ok(Throttle::default()),
        rate => Ok(Throttle::bytes_per_second(rate)),
    }
}

/// What a walk comes upon.
pub(crate) enum Step<J> {
    /// Something to do.
    Do(J),
    /// Something that is left out, and why.
    Skip(String),
    /// Something that is left out because nothing has to be done; for those
    /// who want to know everything.
    Same(String),
    /// Something that cannot be done.
    Fail(Failure),
}

/// What was done, or would be.
pub(crate) struct Report {
    pub(crate) action: &'static str,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) is_dir: bool,
    pub(crate) size: ByteSize,
    pub(crate) md5: Option<Md5>,
}

/// How a transfer went.
pub(crate) enum Outcome {
    /// It is done.
    Done(Report),
    /// There was nothing to do.
    Same(String),
    /// It failed.
    Failed(Failed),
}

/// Why a transfer failed, and whether it is worth another try.
pub(crate) struct Failed {
    pub(crate) failure: Failure,
    pub(crate) may_pass: bool,
}

impl Failed {
    /// What will not be otherwise the next time.
    pub(crate) fn for_good(failure: Failure) -> Self {
        Self { failure, may_pass: false }
    }

    /// Judges an error of the SDK. What must not be done twice is not tried
    /// again, unless nothing can have been done.
    pub(crate) fn from_error(
        error: pan_sdk::Error,
        item: impl std::fmt::Display,
        is_repeatable: bool,
    ) -> Self {
        use pan_sdk::Error::{Connect, LocalChanged, RemoteChanged};
        let may_pass = match &error {
            Connect { passing, .. } => *passing,
            LocalChanged { .. } | RemoteChanged { .. } => true,
            other => other.is_retryable() && is_repeatable,
        };
        Self { failure: Failure::from(error).about(item), may_pass }
    }
}

impl From<Result<Report, Failed>> for Outcome {
    fn from(result: Result<Report, Failed>) -> Self {
        result.map_or_else(Self::Failed, Self::Done)
    }
}

/// Tells what was done, or in a dry run what would be. That nobody reads it any
/// more ends a dry run, and nothing else: the other files are wanted all the same.
pub(crate) fn tell(screen: &Screen, report: &Report, is_dry: bool) -> Result<(), Failure> {
    let told = print_report(screen, report, is_dry);
    if is_dry { told } else { read_or_not(told) }
}

fn print_report(screen: &Screen, report: &Report, is_dry: bool) -> Result<(), Failure> {
    let Report { action, from, to, .. } = report;
    if screen.json {
        screen.object(&DoneObject {
            kind: Some(if report.is_dir { "dir" } else { "file" }),
            size: Some(report.size.0),
            md5: report.md5.map(|md5| md5.to_string()),
            dry_run: is_dry.then_some(true),
            ..DoneObject::new(action, from, to)
        })?;
        return screen.flush();
    }
    match is_dry {
        // What would be done is what was asked for.
        true => {
            let (from, to) = (screen.name(from, false), screen.name(to, false));
            screen.line(format_args!("{action} {from} -> {to}"))
        }
        false => {
            screen.stderr.moved(&format!("{from} -> {to}"));
            Ok(())
        }
    }
}
