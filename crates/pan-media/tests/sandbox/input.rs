//! The input of a confined program: one content, served by HTTP as the engine
//! does it, whatever the path and as often as it is asked.

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Serves until it is dropped.
pub(crate) struct Input(JoinHandle<()>);

impl Input {
    pub(crate) fn serve(listener: TcpListener, content: impl Into<Bytes>) -> Self {
        let content = content.into();
        Self(tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer(connection, content.clone()));
            }
        }))
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Answers one request, from the first byte that it asks for to the end.
async fn answer(mut connection: TcpStream, content: Bytes) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if connection.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let request = String::from_utf8_lossy(&request).to_lowercase();
    let asked = request.split_once("range: bytes=").and_then(|(_, range)| range.split_once('-'));
    let from = asked.and_then(|(from, _)| from.parse().ok()).unwrap_or(0_usize);
    let Some(body) = content.get(from..) else {
        let reply = "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n";
        return connection.write_all(reply.as_bytes()).await;
    };
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\nContent-Length: {}\r\nContent-Range: bytes {from}-{}/{}\r\n\
         Accept-Ranges: bytes\r\nConnection: close\r\n\r\n",
        body.len(),
        content.len().saturating_sub(1),
        content.len(),
    );
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(body).await
}
