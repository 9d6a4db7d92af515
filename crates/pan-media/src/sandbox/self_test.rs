//! Whether the sandbox holds on this machine, tried before it is relied upon.
//!
//! A confined ffmpeg, with every protection of its own turned off, is given a
//! playlist that points to a file that everybody may read and to a listener of
//! this machine. It must get neither. Before that it must be able to transcode
//! at all: what cannot run cannot break out either.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::{Limits, Program};

const LIMITS: Limits = Limits { memory_bytes: 4 << 30, cpu: Duration::from_secs(20) };
const DEADLINE: Duration = Duration::from_secs(60);

/// Every output of the test is far below.
const OUTPUT_BYTES_MAX: u64 = 1 << 20;

/// Tries whether an ffmpeg can transcode in the sandbox and cannot leave it.
///
/// # Errors
/// A sentence for the operator.
pub async fn check(ffmpeg: &Path) -> Result<(), String> {
    match timeout(DEADLINE, try_out(ffmpeg)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("{} did not end", ffmpeg.display())),
    }
}

async fn try_out(ffmpeg: &Path) -> Result<(), String> {
    let encode = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-f", "mpegts"];
    let made = run(ffmpeg, &["-f", "yuv4mpegpipe"], &encode, &one_frame()).await?;
    if !made.is_success || made.output.is_empty() {
        return Err(format!("{} cannot transcode: {}", ffmpeg.display(), made.said));
    }
    let canary = Canary::put(&made.output).map_err(|error| format!("no canary: {error}"))?;
    let decode = ["-f", "hls", "-protocol_whitelist", "file,http,tcp,crypto"];
    let all = ["-allowed_extensions", "ALL", "-rw_timeout", "2000000"];
    let copy = ["-c", "copy", "-f", "mpegts"];
    let broken = run(ffmpeg, &[&decode[..], &all].concat(), &copy, &canary.playlist()).await?;
    if !broken.was_asked {
        return Err(format!("{} reads no playlist: {}", ffmpeg.display(), broken.said));
    }
    if !broken.output.is_empty() {
        return Err(String::from("the sandbox does not hold: a decoder could read a file"));
    }
    if canary.was_called().map_err(|error| format!("no canary: {error}"))? {
        return Err(String::from("the sandbox does not hold: a decoder could make a connection"));
    }
    Ok(())
}

/// A video of one grey picture, 16 by 16.
fn one_frame() -> Vec<u8> {
    [&b"YUV4MPEG2 W16 H16 F25:1 C420\nFRAME\n"[..], &[128; 16 * 16 * 3 / 2]].concat()
}

struct Outcome {
    output: Vec<u8>,
    was_asked: bool,
    is_success: bool,
    said: String,
}

/// Runs ffmpeg on one input.
async fn run(
    ffmpeg: &Path,
    decode: &[&str],
    encode: &[&str],
    input: &[u8],
) -> Result<Outcome, String> {
    let address = format!("http://127.0.0.1:{}/", super::INPUT_PORT);
    let words = [&["-nostdin", "-v", "error"], decode, &["-i", &address], encode, &["pipe:1"]];
    let arguments = words.concat().into_iter().map(Into::into).collect();
    let program = Program::start(ffmpeg.into(), arguments, LIMITS).await;
    let program = program.map_err(|error| error.to_string())?;
    let Program { input: listener, stdout, process } = program;
    let (mut output, mut was_asked) = (Vec::new(), false);
    let serving = async {
        while let Ok((connection, _)) = listener.accept().await {
            was_asked |= answer(connection, input).await.is_ok();
        }
    };
    let mut stdout = stdout.take(OUTPUT_BYTES_MAX);
    tokio::select! {
        () = serving => {}
        _ = stdout.read_to_end(&mut output) => {}
    }
    // Whatever it writes beyond that goes nowhere.
    drop(stdout);
    let ending = process.wait().await;
    Ok(Outcome { output, was_asked, is_success: ending.is_success, said: ending.said })
}

/// Answers one request, whatever it is.
async fn answer(mut connection: tokio::net::TcpStream, content: &[u8]) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if connection.read_buf(&mut request).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    connection.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await?;
    connection.write_all(content).await?;
    connection.shutdown().await
}

/// What a decoder must not reach: a file, deleted at the end, and a listener.
struct Canary {
    file: PathBuf,
    listener: TcpListener,
}

impl Canary {
    fn put(video: &[u8]) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        // The port is this test's alone, and so is the name.
        let name = format!("openpan-canary-{}.ts", listener.local_addr()?.port());
        let file = std::env::temp_dir().join(name);
        let mut opened = create(&file)?;
        let canary = Self { file, listener };
        opened.write_all(video)?;
        opened.set_permissions(Permissions::from_mode(0o644))?;
        Ok(canary)
    }

    fn playlist(&self) -> Vec<u8> {
        let file = self.file.display();
        let port = self.listener.local_addr().map_or(0, |address| address.port());
        format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:1\n\
             #EXTINF:1,\nfile://{file}\n\
             #EXTINF:1,\nhttp://127.0.0.1:{port}/canary.ts\n\
             #EXT-X-ENDLIST\n"
        )
        .into()
    }

    /// Whether somebody connected. The kernel answers for a listener, so that
    /// whoever came before now is seen now.
    fn was_called(&self) -> io::Result<bool> {
        match self.listener.accept() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

/// Creates a file. One that was left by a test that did not end is in the way;
/// a link that somebody put there is not followed.
fn create(file: &Path) -> io::Result<File> {
    let new = || OpenOptions::new().write(true).create_new(true).open(file);
    new().or_else(|_| {
        fs::remove_file(file)?;
        new()
    })
}
