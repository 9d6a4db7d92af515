//! How each video is cut, found out once.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pan_engine::{MediaError, MediaSource, SourceKey};
use pan_model::UserNo;
use tokio::io::AsyncReadExt;
use tokio::process::ChildStdout;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::{Container, Facts, HEAD_BYTES, Plan, input, probe_arguments, sniff};
use crate::sandbox::{Limits, Program};
use crate::turns::Turns;

/// Plans that are remembered: a few hundred bytes each.
const COUNT_MAX: usize = 4096;
const TURN_WAIT_MAX: Duration = Duration::from_secs(20);
const PROBE_TIME_MAX: Duration = Duration::from_secs(20);
const LIMITS: Limits = Limits { memory_bytes: 1 << 30, cpu: Duration::from_secs(10) };
/// Facts about a handful of streams.
const FACTS_BYTES_MAX: u64 = 1 << 20;

const TOO_LONG: &str = "the video took too long to look at; try again later";
const NO_VIDEO: &str = "this is not a video that can be played";

/// What is known about a video.
pub(crate) struct Video {
    pub(crate) facts: Facts,
    pub(crate) plan: Plan,
}

/// A plan, or why there is none.
type Known = Arc<OnceCell<Result<Arc<Video>, String>>>;

/// The plans of the videos that were asked for lately.
#[derive(Default)]
pub(crate) struct Plans {
    known: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    cells: HashMap<SourceKey, Known>,
    order: VecDeque<SourceKey>,
}

impl Plans {
    /// The plan of a video. All who ask meanwhile wait for one answer; a content
    /// that is no video is looked at once, too.
    pub(crate) async fn of(
        &self,
        source: &Arc<dyn MediaSource>,
        user: UserNo,
        ffprobe: &Path,
        turns: &Turns,
    ) -> Result<Arc<Video>, MediaError> {
        let cell = self.cell(source.key());
        let found = cell.get_or_try_init(|| async {
            match look(source, user, ffprobe, turns).await {
                Ok(video) => Ok(Ok(Arc::new(video))),
                Err(MediaError::Unsuitable(reason)) => Ok(Err(reason)),
                Err(error) => Err(error),
            }
        });
        found.await?.clone().map_err(MediaError::Unsuitable)
    }

    fn cell(&self, key: SourceKey) -> Known {
        let mut table = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = table.cells.get(&key) {
            return Arc::clone(cell);
        }
        if table.order.len() >= COUNT_MAX
            && let Some(oldest) = table.order.pop_front()
        {
            table.cells.remove(&oldest);
        }
        table.order.push_back(key);
        Arc::clone(table.cells.entry(key).or_default())
    }
}

async fn look(
    source: &Arc<dyn MediaSource>,
    user: UserNo,
    ffprobe: &Path,
    turns: &Turns,
) -> Result<Video, MediaError> {
    // Most of what is no video costs no process.
    let container = sniff(&head(source.as_ref()).await?).ok_or_else(|| unsuitable(NO_VIDEO))?;
    let _turn = turns.take(user, TURN_WAIT_MAX).await?;
    let facts = match timeout(PROBE_TIME_MAX, probe(source, container, ffprobe)).await {
        Ok(facts) => Facts::parse(container, &facts?).map_err(unsuitable)?,
        // The machine may have been busy: nothing is remembered.
        Err(_) => return Err(MediaError::Busy(String::from(TOO_LONG))),
    };
    let plan = Plan::of(&facts).map_err(unsuitable)?;
    Ok(Video { facts, plan })
}

fn unsuitable(reason: impl Into<String>) -> MediaError {
    MediaError::Unsuitable(reason.into())
}

/// The beginning of a source.
async fn head(source: &dyn MediaSource) -> Result<Bytes, MediaError> {
    let (mut head, size) = (BytesMut::new(), source.key().size.0.min(HEAD_BYTES as u64));
    while (head.len() as u64) < size {
        let read = source.read(head.len() as u64..size).await?;
        if read.is_empty() {
            return Err(MediaError::Failed(String::from("a content ended before its end")));
        }
        head.extend_from_slice(&read);
    }
    Ok(head.freeze())
}

/// What ffprobe says about a source.
async fn probe(
    source: &Arc<dyn MediaSource>,
    container: Container,
    ffprobe: &Path,
) -> Result<Vec<u8>, MediaError> {
    let arguments = probe_arguments(container, &input::url());
    let mut program = Program::start(ffprobe.into(), arguments, LIMITS).await?;
    let facts = tokio::select! {
        biased;
        error = input::serve(&program.input, source) => return Err(error),
        facts = take(&mut program.stdout) => facts?,
    };
    let ending = program.wait().await;
    match () {
        () if ending.is_success => Ok(facts),
        // For want of memory, or of time: nothing is remembered.
        () if ending.is_killed => Err(MediaError::Busy(String::from(TOO_LONG))),
        () => {
            // Much of what it says is written by whoever made the video.
            tracing::debug!(said = ending.said, "ffprobe refused a video");
            Err(unsuitable(NO_VIDEO))
        }
    }
}

async fn take(stdout: &mut ChildStdout) -> Result<Vec<u8>, MediaError> {
    let mut facts = Vec::new();
    match stdout.take(FACTS_BYTES_MAX).read_to_end(&mut facts).await {
        Ok(_) => Ok(facts),
        Err(error) => Err(MediaError::Failed(format!("cannot read a pipe: {error}"))),
    }
}
