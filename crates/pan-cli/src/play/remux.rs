//! Putting a transport stream into an MP4 file: the `ffmpeg` of this machine
//! does it, without decoding anything.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt, sink};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::task::JoinHandle;

use crate::failure::Failure;
use crate::fresh_file::FreshFile;

/// How much of its complaints is kept.
const COMPLAINTS_BYTES: u64 = 4096;

/// The program while it runs. It ends with this.
pub(super) struct Remux {
    child: Child,
    input: ChildStdin,
    complaints: JoinHandle<String>,
    file: FreshFile,
}

impl Remux {
    /// Whether the program is here, before anything is downloaded for it.
    pub(super) async fn check() -> Result<(), Failure> {
        let mut asked = Command::new("ffmpeg");
        asked.arg("-version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match asked.status().await {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::other(format!("`ffmpeg` does not work: {status}"))),
            Err(error) => Err(missing(&error)),
        }
    }

    /// Begins the file that will be at `place`.
    pub(super) fn start(place: &Path) -> Result<Self, Failure> {
        let file = FreshFile::create(place)?;
        // A name could be taken for an option or a protocol.
        let mut output = OsString::from("file:");
        output.push(file.temporary());
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-loglevel", "error", "-y"]);
        command.args(["-protocol_whitelist", "pipe", "-f", "mpegts", "-i", "pipe:0"]);
        command.args(["-map", "0:v?", "-map", "0:a?", "-c", "copy", "-bsf:a", "aac_adtstoasc"]);
        command.args(["-movflags", "+faststart", "-f", "mp4"]).arg(output);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().map_err(|error| missing(&error))?;
        let (Some(input), Some(stderr)) = (child.stdin.take(), child.stderr.take()) else {
            return Err(Failure::other("`ffmpeg` cannot be spoken to"));
        };
        Ok(Self { child, input, complaints: tokio::spawn(collect(stderr)), file })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self.input.write_all(bytes).await {
            Ok(()) => Ok(()),
            // It has ended, and said why.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                let status = self.child.wait().await.ok();
                Err(failed(status, &mut self.complaints).await)
            }
            Err(error) => Err(Failure::other(format!("`ffmpeg` takes no more: {error}"))),
        }
    }

    /// Waits until the file is whole and puts it in its place. Tells its size.
    pub(super) async fn finish(self) -> Result<u64, Failure> {
        let Self { mut child, input, mut complaints, file } = self;
        drop(input);
        match child.wait().await {
            Ok(status) if status.success() => file.finish(),
            status => Err(failed(status.ok(), &mut complaints).await),
        }
    }
}

/// Reads what it says to the end, or it would wait to be heard.
async fn collect(mut stderr: ChildStderr) -> String {
    let mut text = Vec::new();
    let _ = (&mut stderr).take(COMPLAINTS_BYTES).read_to_end(&mut text).await;
    let _ = tokio::io::copy(&mut stderr, &mut sink()).await;
    String::from_utf8_lossy(&text).into_owned()
}

async fn failed(status: Option<ExitStatus>, complaints: &mut JoinHandle<String>) -> Failure {
    let said = complaints.await.unwrap_or_default();
    let reason = match (said.lines().last(), status) {
        (Some(line), _) => line.trim().to_owned(),
        (None, Some(status)) => status.to_string(),
        (None, None) => String::from("nobody knows why"),
    };
    Failure::other(format!("`ffmpeg` failed: {reason}"))
}

fn missing(error: &io::Error) -> Failure {
    let failure = Failure::other(format!("an MP4 file needs `ffmpeg` on this machine: {error}"));
    failure.hint("install it, or write a `.ts` file, which most players play as well")
}
