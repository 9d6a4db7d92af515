//! The server's end of the control socket.

use std::path::Path;

use pan_core::Pan;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::{AdminReply, AdminRequest};

/// A request is a line of at most this length.
const REQUEST_BYTES_MAX: u64 = 64 << 10;

/// Does one thing, here or on behalf of the socket.
pub async fn perform(pan: &Pan, request: AdminRequest, now: i64) -> AdminReply {
    request.perform(pan, now).await.unwrap_or_else(AdminReply::Failed)
}

/// Answers on the socket until the future is dropped. `now` tells the time.
///
/// # Errors
/// When the socket cannot be made.
pub async fn serve(socket: &Path, pan: Pan, now: fn() -> i64) -> std::io::Result<()> {
    // What a killed server left there would be in the way. The directory is
    // ours alone: it is locked.
    if let Err(error) = std::fs::remove_file(socket)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let listener = UnixListener::bind(socket)?;
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(socket, owner_only)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let pan = pan.clone();
        tokio::spawn(async move {
            if let Err(error) = answer(stream, &pan, now).await {
                tracing::debug!(%error, "a control connection ended");
            }
        });
    }
}

async fn answer(stream: UnixStream, pan: &Pan, now: fn() -> i64) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    BufReader::new(reader.take(REQUEST_BYTES_MAX)).read_line(&mut line).await?;
    let reply = match serde_json::from_str(&line) {
        Ok(request) => perform(pan, request, now()).await,
        Err(error) => AdminReply::Failed(format!("the request is not understood: {error}")),
    };
    let mut text = serde_json::to_vec(&reply).unwrap_or_default();
    text.push(b'\n');
    writer.write_all(&text).await
}
