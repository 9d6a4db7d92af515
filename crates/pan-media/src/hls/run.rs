//! One run: a transcoder from the piece where somebody began to watch, as far
//! as somebody watches.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pan_engine::{MediaError, MediaSource};
use pan_model::UserNo;
use tokio::io::AsyncReadExt;
use tokio::process::ChildStdout;
use tokio::time::{Instant, sleep_until};

use super::plans::Video;
use super::runs::{Membership, Step, StreamKey};
use super::{Cut, Encoding, Splitter, encode_arguments, input, piece_key};
use crate::cache::Cache;
use crate::sandbox::{Limits, Program};
use crate::turns::{Turn, Turns};

/// How long somebody waits until their video begins, at most.
const TURN_WAIT_MAX: Duration = Duration::from_secs(20);
/// Whatever takes longer for a few seconds of video cannot be watched.
const PIECE_TIME_MAX: Duration = Duration::from_secs(60);
/// Much more than the bit rates of any format come to.
const PIECE_BYTES_MAX: usize = 32 << 20;
/// What one run writes at most. Another goes on where it ended.
const RUN_BYTES_MAX: u64 = 4 << 30;
/// A decoder of large pictures takes a frame or two for each thread.
const LIMITS: Limits = Limits { memory_bytes: 4 << 30, cpu: Duration::from_secs(3600) };
const BUFFER_BYTES: usize = 64 << 10;

/// What a run is for.
pub(crate) struct Job {
    pub(crate) stream: StreamKey,
    pub(crate) source: Arc<dyn MediaSource>,
    pub(crate) video: Arc<Video>,
    pub(crate) first: u32,
    pub(crate) user: UserNo,
}

/// What a run uses.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) ffmpeg: PathBuf,
    pub(crate) cache: Arc<Cache>,
    pub(crate) turns: Turns,
    /// Threads of one decoder or encoder.
    pub(crate) threads: usize,
}

/// Makes pieces until nobody wants more, or there are no more.
pub(crate) async fn run(membership: Membership, job: Job, tools: Tools) {
    if let Err(error) = work(&membership, &job, &tools).await {
        tracing::debug!(%error, first = job.first, "a transcoder ended");
        membership.fail(error);
    }
}

async fn work(membership: &Membership, job: &Job, tools: &Tools) -> Result<(), MediaError> {
    let Some(turn) = turn(membership, job, tools).await? else { return Ok(()) };
    let arguments = arguments(job, tools.threads);
    let mut program = Program::start(tools.ffmpeg.clone(), arguments, LIMITS).await?;
    let mut output = Output {
        membership,
        job,
        cache: &tools.cache,
        turn: &turn,
        index: job.first,
        index_since: Instant::now(),
    };
    let ended = tokio::select! {
        // First, so that damage is not taken for what the transcoder makes of it.
        biased;
        error = input::serve(&program.input, &job.source) => Err(error),
        ended = output.copy(&mut program.stdout) => ended,
    };
    // The turn is free when the process is gone, and not before.
    program.kill().await;
    ended
}

fn arguments(job: &Job, threads: usize) -> Vec<OsString> {
    let encoding = Encoding {
        input: &input::url(),
        format: job.stream.format,
        first_piece: job.first,
        threads,
    };
    encode_arguments(&job.video.facts, &job.video.plan, encoding)
}

/// Waits for a turn; `None` when nobody waits for the run any more.
async fn turn(
    membership: &Membership,
    job: &Job,
    tools: &Tools,
) -> Result<Option<Turn>, MediaError> {
    let mut turn = std::pin::pin!(tools.turns.take(job.user, TURN_WAIT_MAX));
    loop {
        tokio::select! {
            turn = &mut turn => return turn.map(Some),
            () = membership.changed() => if membership.give_up() {
                return Ok(None);
            },
        }
    }
}

/// What a transcoder writes, on its way to those who wait.
struct Output<'a> {
    membership: &'a Membership,
    job: &'a Job,
    cache: &'a Cache,
    turn: &'a Turn,
    /// The piece that is being made.
    index: u32,
    /// When its making began, or went on.
    index_since: Instant,
}

impl Output<'_> {
    /// Until nobody wants more, or this transcoder makes no more.
    async fn copy(&mut self, stdout: &mut ChildStdout) -> Result<(), MediaError> {
        let mut splitter = Splitter::new(&self.job.video.plan, self.job.first);
        let mut buffer = vec![0; BUFFER_BYTES];
        let (mut run_bytes, mut piece_bytes) = (0_u64, 0_usize);
        while self.proceed().await {
            let Some(count) = self.read(stdout, &mut buffer).await? else { continue };
            if count == 0 {
                if let Some(last) = splitter.finish().map_err(unsuitable)? {
                    self.deliver(last).await?;
                }
                return Ok(());
            }
            run_bytes += count as u64;
            piece_bytes += count;
            for cut in splitter.push(&buffer[..count]).map_err(unsuitable)? {
                piece_bytes = 0;
                if self.deliver(cut).await? {
                    return Ok(());
                }
            }
            if piece_bytes > PIECE_BYTES_MAX || run_bytes > RUN_BYTES_MAX {
                return Err(unsuitable("the video is too large"));
            }
        }
        Ok(())
    }

    /// Waits until the next piece is wanted; `false` when none will be.
    async fn proceed(&mut self) -> bool {
        loop {
            let until = match self.membership.step() {
                Step::Go => return true,
                Step::End => return false,
                Step::PauseUntil(until) => until,
            };
            tokio::select! {
                () = self.membership.changed() => {}
                () = sleep_until(until) => {}
                () = self.turn.wanted() => if self.membership.give_up() {
                    return false;
                },
            }
            self.index_since = Instant::now();
        }
    }

    /// Reads what the transcoder wrote; `None` when it should be asked again
    /// whether to go on.
    async fn read(
        &self,
        stdout: &mut ChildStdout,
        buffer: &mut [u8],
    ) -> Result<Option<usize>, MediaError> {
        let is_ahead = !self.membership.is_waited_for();
        tokio::select! {
            biased;
            count = stdout.read(buffer) => match count {
                Ok(count) => Ok(Some(count)),
                Err(error) => Err(MediaError::Failed(format!("cannot read a pipe: {error}"))),
            },
            () = self.membership.changed() => Ok(None),
            () = self.turn.wanted(), if is_ahead => {
                self.membership.give_up();
                Ok(None)
            }
            () = sleep_until(self.index_since + PIECE_TIME_MAX) => {
                Err(unsuitable("the video takes too long to decode"))
            }
        }
    }

    /// Hands a piece on and keeps it; whether it was the last that is of use.
    async fn deliver(&mut self, cut: Cut) -> Result<bool, MediaError> {
        if cut.index != self.index {
            return Err(unsuitable("the transcoder left a piece out"));
        }
        let key = |index| piece_key(self.job.stream, index);
        self.membership.deliver(&cut.stream);
        self.cache.put(key(self.index), cut.stream).await;
        self.index += 1;
        self.index_since = Instant::now();
        let is_last = self.index >= self.job.video.plan.timeline().pieces;
        Ok(is_last || self.cache.contains(&key(self.index)) && self.membership.give_up())
    }
}

fn unsuitable(reason: impl Into<String>) -> MediaError {
    MediaError::Unsuitable(reason.into())
}
