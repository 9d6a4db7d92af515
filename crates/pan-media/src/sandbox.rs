//! Where decoders run: processes that can compute, read what they are given and
//! write their answer, and nothing else.
//!
//! The server starts itself again. What is started confines itself before it
//! touches a byte of a stranger (`child`), then becomes ffmpeg ([`Program`]) or
//! does the work itself ([`run_job`]). A layer that cannot be applied is an
//! error: nothing runs half confined.

mod calls;
mod child;
mod files;
mod handover;
mod limits;
mod namespaces;
mod privileges;
mod process;
pub mod self_test;
mod starter;

use std::ffi::OsString;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use pan_engine::MediaError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::timeout;

pub use child::{Job, confined_main};
pub use process::Process;

use process::Ending;

/// The port on 127.0.0.1 where a program finds its input, in its own network.
pub const INPUT_PORT: u16 = 8000;

/// A process confines itself within milliseconds; on a machine that swaps it
/// may take longer.
const CONFINING_MAX: Duration = Duration::from_secs(30);

/// No job answers with more: the largest is a bitmap of 1600 by 1600.
const ANSWER_BYTES_MAX: u64 = 32 << 20;

/// What a confined process may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Address space, in bytes.
    pub memory_bytes: u64,
    /// Time on a processor, in whole seconds, of all its threads together.
    pub cpu: Duration,
}

/// A program of the system that runs confined: it has a network of its own, in
/// which nothing but `input` answers, and it can read the libraries of the
/// system, but no other file. It is killed when its `process` is dropped, or
/// when this process ends, however it ends.
pub struct Program {
    /// Connections to [`INPUT_PORT`] that the program makes arrive here.
    pub input: TcpListener,
    /// What it writes.
    pub stdout: ChildStdout,
    /// Its end.
    pub process: Process,
}

impl Program {
    /// Starts a program, which must be a binary and not a script. When this
    /// returns it is confined and about to run.
    ///
    /// # Errors
    /// [`MediaError::Unavailable`] says which layer could not be applied.
    pub async fn start(
        program: PathBuf,
        arguments: Vec<OsString>,
        limits: Limits,
    ) -> Result<Self, MediaError> {
        let (ours, theirs) = UnixStream::pair().map_err(|error| failed(&error))?;
        let mut command = starter::command(child::PROGRAM, limits);
        // It starts in the root directory.
        command.arg(std::path::absolute(program).map_err(|error| failed(&error))?);
        command.args(arguments).stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)));
        let mut process = Process::start(command).await.map_err(|error| failed(&error))?;
        let stdout = process.stdout().ok_or_else(|| failed(&"no stdout"))?;
        match timeout(CONFINING_MAX, handover::receive(ours)).await {
            Ok(Ok(Some(input))) => Ok(Self { input, stdout, process }),
            Ok(Ok(None)) => Err(unconfined(&process.wait().await)),
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => Err(failed(&"it took too long to confine itself")),
        }
    }

    /// Waits for its end.
    pub async fn wait(self) -> Ending {
        // It must not wait for somebody to read what is not read any more.
        drop((self.input, self.stdout));
        self.process.wait().await
    }

    /// Kills it; when this returns it is gone, and takes nobody's place.
    pub async fn kill(self) {
        self.process.kill().await;
    }
}

/// How a job ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// What it made.
    Made(Bytes),
    /// It makes nothing of this input, whenever it is asked: it said why, or it
    /// needs more memory or time on a processor than it may use.
    Refused(String),
    /// It was killed, or was not done in time, as on a machine that is busy.
    /// Asked again, it may answer.
    Interrupted,
}

/// Runs a job of this very program, confined: `input` arrives at its stdin, what
/// it writes to stdout comes back. A job has no network, no files and one thread.
///
/// # Errors
/// [`MediaError::Unavailable`] says which layer could not be applied.
pub async fn run_job(
    job: &[&str],
    input: Bytes,
    limits: Limits,
    deadline: Duration,
) -> Result<Answer, MediaError> {
    let mut command = starter::command(child::JOB, limits);
    command.args(job).stdin(Stdio::piped());
    let mut process = Process::start(command).await.map_err(|error| failed(&error))?;
    let (Some(stdin), Some(stdout)) = (process.stdin(), process.stdout()) else {
        return Err(failed(&"no pipes"));
    };
    let exchange = async {
        let ((), answer) = tokio::join!(give(stdin, input), take(stdout));
        (answer, process.wait().await)
    };
    match timeout(deadline, exchange).await {
        Ok((_, ending)) if ending.is_unconfined => Err(unconfined(&ending)),
        Ok((_, ending)) if ending.is_killed => Ok(Answer::Interrupted),
        Ok((Some(answer), ending)) if ending.is_success => Ok(Answer::Made(answer)),
        Ok((_, ending)) => Ok(Answer::Refused(ending.said)),
        Err(_) => Ok(Answer::Interrupted),
    }
}

/// Writes the input of a job. One that does not read it says why itself.
async fn give(mut stdin: ChildStdin, input: Bytes) {
    let _ = stdin.write_all(&input).await;
}

/// Reads the answer of a job, if it is no longer than one may be.
async fn take(stdout: ChildStdout) -> Option<Bytes> {
    let mut answer = Vec::new();
    let read = stdout.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut answer).await.ok()?;
    (read as u64 <= ANSWER_BYTES_MAX).then(|| answer.into())
}

fn failed(why: &dyn std::fmt::Display) -> MediaError {
    MediaError::Failed(format!("cannot start a confined process: {why}"))
}

fn unconfined(ending: &Ending) -> MediaError {
    MediaError::Unavailable(format!("cannot confine a decoder: {}", ending.said))
}
