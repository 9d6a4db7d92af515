//! Video as HLS: cut on a grid that is the same for every transcoder, so that
//! any piece can be made alone and continues the piece before it.
//!
//! `sniff`, `facts` and `plan` decide how a video is cut, `arguments` says it to
//! ffmpeg, and `ts` cuts what comes out. `runs` decides which transcoder makes
//! what for whom, `run` is one of them, and `input` is what it reads.

mod arguments;
mod facts;
#[cfg(test)]
mod grid;
mod input;
mod plan;
mod plans;
mod programs;
mod range;
mod refusals;
mod run;
mod runs;
mod sniff;
mod ts;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use pan_engine::{EngineError, MediaError, MediaSource, Piece, Timeline};
use pan_model::{Blake3, UserNo};

use self::plans::{Plans, Video};
use self::programs::Programs;
use self::run::{Job, Tools};
use self::runs::{Asked, Runs, StreamKey};
use crate::cache::{Cache, Key};
use crate::turns::Turns;

pub(crate) use arguments::{Encoding, encode_arguments, probe_arguments};
pub(crate) use facts::Facts;
pub(crate) use plan::Plan;
pub(crate) use sniff::{Container, HEAD_BYTES, sniff};
pub(crate) use ts::{Cut, Splitter};

/// Changes whenever a piece would be made differently: pieces that were made
/// otherwise do not continue one another.
const PIECES_VERSION: &str = "openpan hls piece 1";
/// Runs may end for others while somebody waits, but not again and again.
const ATTEMPTS: usize = 5;

/// More threads for one small picture cost more memory than they save time.
const THREADS_MAX: usize = 8;

/// Cuts and transcodes videos.
pub(crate) struct Hls {
    programs: Programs,
    plans: Plans,
    runs: Runs,
    cache: Arc<Cache>,
    turns: Turns,
    threads: usize,
}

impl Hls {
    /// Transcodes with this ffmpeg, a path or a name to look for.
    pub(crate) fn new(ffmpeg: PathBuf, cache: Arc<Cache>, turns: Turns) -> Self {
        let (plans, runs) = (Plans::default(), Runs::default());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = cores.min(THREADS_MAX);
        Self { programs: Programs::new(ffmpeg), plans, runs, cache, turns, threads }
    }

    /// Finds out whether videos can be transcoded here, once.
    pub(crate) async fn warm(&self) -> Result<(), MediaError> {
        self.programs.found().await.map(|_| ())
    }

    pub(crate) async fn timeline(
        &self,
        source: Arc<dyn MediaSource>,
        user: UserNo,
    ) -> Result<Timeline, MediaError> {
        Ok(self.video(&source, user).await?.plan.timeline())
    }

    pub(crate) async fn piece(
        &self,
        source: Arc<dyn MediaSource>,
        piece: Piece,
    ) -> Result<Bytes, MediaError> {
        let stream = StreamKey { source: source.key(), format: piece.format };
        let key = piece_key(stream, piece.index);
        for _ in 0..ATTEMPTS {
            if let Some(made) = self.cache.get(&key).await {
                self.runs.touch(stream, piece.index, piece.viewer);
                return Ok(made);
            }
            let video = self.video(&source, piece.viewer.user).await?;
            if piece.index >= video.plan.timeline().pieces {
                return Err(MediaError::Unsuitable(String::from("the video is not that long")));
            }
            match self.ask(stream, &source, video, piece).await? {
                Asked::Held(made) => return Ok(made),
                Asked::Refused(error) => return Err(error),
                Asked::Waiting(waiting) => match waiting.made().await {
                    Some(Ok(made)) => return Ok(made),
                    Some(Err(error)) => return Err(repeated(&error)),
                    None => {}
                },
            }
        }
        Err(MediaError::Failed(String::from("the transcoder ended again and again")))
    }

    async fn video(
        &self,
        source: &Arc<dyn MediaSource>,
        user: UserNo,
    ) -> Result<Arc<Video>, MediaError> {
        let programs = self.programs.found().await?;
        self.plans.of(source, user, &programs.ffprobe, &self.turns).await
    }

    /// Asks for a piece, of a run that is there or a new one.
    async fn ask(
        &self,
        stream: StreamKey,
        source: &Arc<dyn MediaSource>,
        video: Arc<Video>,
        piece: Piece,
    ) -> Result<Asked, MediaError> {
        let tools = Tools {
            ffmpeg: self.programs.found().await?.ffmpeg.clone(),
            cache: Arc::clone(&self.cache),
            turns: self.turns.clone(),
            threads: self.threads,
        };
        let source = Arc::clone(source);
        let job = Job { stream, source, video, first: piece.index, user: piece.viewer.user };
        Ok(self.runs.ask(stream, piece.index, piece.viewer, |membership| {
            tokio::spawn(run::run(membership, job, tools)).abort_handle()
        }))
    }
}

/// Names a piece in the cache.
fn piece_key(stream: StreamKey, index: u32) -> Key {
    let mut hasher = blake3::Hasher::new_derive_key(PIECES_VERSION);
    hasher.update(&stream.source.blake3.0);
    hasher.update(&stream.source.size.0.to_le_bytes());
    hasher.update(&index.to_le_bytes());
    hasher.update(stream.format.as_str().as_bytes());
    Blake3(*hasher.finalize().as_bytes())
}

/// The same error for another who waited.
fn repeated(error: &MediaError) -> MediaError {
    match error {
        MediaError::Unsuitable(reason) => MediaError::Unsuitable(reason.clone()),
        MediaError::Unavailable(reason) => MediaError::Unavailable(reason.clone()),
        MediaError::Busy(reason) => MediaError::Busy(reason.clone()),
        MediaError::Failed(reason) => MediaError::Failed(reason.clone()),
        MediaError::Source(error) => {
            MediaError::Source(EngineError::new(error.kind(), error.to_string()))
        }
    }
}
