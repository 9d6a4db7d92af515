//! The server's end of the control socket.

use std::path::Path;

use pan_core::Pan;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use super::{AdminReply, AdminRequest};

/// A request is a line of at most this length.
const REQUEST_BYTES_MAX: u64 = 64 << 10;

/// Does one thing, here or on behalf of the socket. What comes out is text and
/// notes, perhaps, and then the last reply.
///
/// It is done to its end when nobody listens any more, but for a dump.
pub fn perform(pan: &Pan, request: AdminRequest, now: i64) -> mpsc::Receiver<AdminReply> {
    let (replies, answers) = mpsc::channel(1);
    let pan = pan.clone();
    tokio::spawn(async move {
        let reply = request.perform(&pan, now, &replies).await;
        // Before anybody hears that it is done, it has nothing open any more.
        drop(pan);
        let _ = replies.send(reply.unwrap_or_else(AdminReply::Failed)).await;
    });
    answers
}

/// The socket that a server listens on for its operator.
pub struct ControlSocket(UnixListener);

impl ControlSocket {
    /// Makes the socket, which only its owner may open. What a killed server
    /// left there is replaced: whoever calls this owns the directory.
    ///
    /// # Errors
    /// When the socket cannot be made; a path of more than 107 bytes cannot.
    pub fn bind(path: &Path) -> std::io::Result<Self> {
        if let Err(error) = std::fs::remove_file(path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let listener = UnixListener::bind(path)?;
        let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(path, owner_only)?;
        Ok(Self(listener))
    }

    /// Answers until the future is dropped. `now` tells the time.
    ///
    /// # Errors
    /// When nobody can be let in any more.
    pub async fn serve(self, pan: Pan, now: fn() -> i64) -> std::io::Result<()> {
        loop {
            let (stream, _) = self.0.accept().await?;
            let pan = pan.clone();
            tokio::spawn(async move {
                if let Err(error) = answer(stream, &pan, now).await {
                    tracing::debug!(%error, "a control connection ended");
                }
            });
        }
    }
}

async fn answer(stream: UnixStream, pan: &Pan, now: fn() -> i64) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    BufReader::new(reader.take(REQUEST_BYTES_MAX)).read_line(&mut line).await?;
    match serde_json::from_str(&line) {
        Ok(request) => {
            let mut answers = perform(pan, request, now());
            while let Some(reply) = answers.recv().await {
                say(&mut writer, &reply).await?;
            }
            Ok(())
        }
        Err(error) => {
            let why = format!("the request is not understood: {error}");
            say(&mut writer, &AdminReply::Failed(why)).await
        }
    }
}

async fn say(writer: &mut OwnedWriteHalf, reply: &AdminReply) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(reply).unwrap_or_default();
    text.push(b'\n');
    writer.write_all(&text).await
}
