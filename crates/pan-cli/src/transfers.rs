//! Many files at once: what `put` and `get` share.

use std::pin::pin;

use clap::Args;
use futures_util::stream::{Stream, StreamExt};
use pan_sdk::{ByteSize, Md5, TransferOptions};

use crate::bars::Bars;
use crate::failure::Failure;
use crate::screen::Screen;
use crate::show::DoneObject;
use crate::tally::Tally;

/// How files are transferred.
#[derive(Debug, Clone, Args)]
pub(crate) struct TransferArgs {
    /// How many files at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    transfers: u16,
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

    /// What the SDK is told.
    pub(crate) fn options(&self) -> TransferOptions {
        let mut options = TransferOptions::default();
        options.threshold = self.threshold;
        options.part_size = self.part_size;
        options
    }
}

/// What a walk comes upon.
pub(crate) enum Step<J> {
    /// Something to do.
    Do(J),
    /// Something that is left out, and why.
    Skip(String),
    /// Something that cannot be done.
    Fail(Failure),
}

/// What was done.
pub(crate) struct Report {
    pub(crate) action: &'static str,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) is_dir: bool,
    pub(crate) size: ByteSize,
    pub(crate) md5: Option<Md5>,
}

/// Does what a walk comes upon, several at once. What fails is told and
/// counted, and the others go on, unless they would all fail alike.
pub(crate) async fn pump<J, F: Future<Output = Result<Report, Failure>>>(
    screen: &Screen,
    args: &TransferArgs,
    bars: &Bars,
    steps: impl Stream<Item = Step<J>>,
    work: impl Fn(J) -> F,
) -> Result<(), Failure> {
    let mut tally = Tally::new(&screen.stderr);
    let outcomes = steps
        .map(|step| async {
            match step {
                Step::Do(job) => work(job).await.map(Some),
                Step::Skip(text) => {
                    screen.stderr.note(&text);
                    Ok(None)
                }
                Step::Fail(failure) => Err(failure),
            }
        })
        .buffer_unordered(usize::from(args.transfers));
    let mut outcomes = pin!(outcomes);
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Ok(Some(report)) => {
                tally.done();
                tell(screen, &report)?;
            }
            Ok(None) => {}
            Err(failure) if failure.is_fatal() => return Err(failure),
            Err(failure) => tally.failed(failure),
        }
    }
    bars.finish();
    tally.finish()
}

/// Tells what was done.
pub(crate) fn tell(screen: &Screen, report: &Report) -> Result<(), Failure> {
    let Report { action, from, to, .. } = report;
    screen.stderr.say(&format!("{from} -> {to}"));
    if screen.json {
        screen.object(&DoneObject {
            kind: Some(if report.is_dir { "dir" } else { "file" }),
            size: Some(report.size.0),
            md5: report.md5.map(|md5| md5.to_string()),
            ..DoneObject::new(action, from, to)
        })?;
        screen.flush()?;
    }
    Ok(())
}
