//! The command line's end of the control socket.

use std::io;
use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::{AdminReply, AdminRequest};

/// Asks a running server.
///
/// # Errors
/// When nobody listens, or the answer is not understood.
pub async fn ask(socket: &Path, request: &AdminRequest) -> io::Result<AdminReply> {
    let (reader, mut writer) = UnixStream::connect(socket).await?.into_split();
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    writer.write_all(&line).await?;
    let mut answer = String::new();
    BufReader::new(reader).read_line(&mut answer).await?;
    if answer.is_empty() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server ended meanwhile"));
    }
    Ok(serde_json::from_str(&answer)?)
}
