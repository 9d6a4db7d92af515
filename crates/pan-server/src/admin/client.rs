//! The command line's end of the control socket.

use std::io;
use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::{AdminReply, AdminRequest};

/// Asks a running server. What comes before the last reply goes to `told`, an
/// error of which ends the asking.
///
/// # Errors
/// When nobody listens, or the answer is not understood; those of `told`.
pub async fn ask(
    socket: &Path,
    request: &AdminRequest,
    told: &mut (dyn FnMut(AdminReply) -> io::Result<()> + Send),
) -> io::Result<AdminReply> {
    let (reader, mut writer) = UnixStream::connect(socket).await?.into_split();
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    writer.write_all(&line).await?;
    let mut reader = BufReader::new(reader);
    loop {
        let mut answer = String::new();
        reader.read_line(&mut answer).await?;
        if answer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server ended meanwhile"));
        }
        match serde_json::from_str::<AdminReply>(&answer)? {
            reply if reply.is_last() => return Ok(reply),
            reply => told(reply)?,
        }
    }
}
