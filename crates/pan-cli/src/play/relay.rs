//! An address on this machine at which players find a video.
//!
//! Players get neither the token nor the links of the service: what they are
//! given can be seen by everybody here, in the list of processes. They also
//! need not know which certificates and proxies lead there, nor what is worth
//! another try. The address is a secret of its own, which ends with the command.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use pan_sdk::reqwest::Url;
use pan_sdk::{Client, Playlist, VideoPieces};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::failure::Failure;
use crate::stderr::Stderr;

/// The address of one video.
pub(crate) struct Relay {
    listener: TcpListener,
    url: Url,
    video: Arc<Video>,
}

struct Video {
    playlist: Playlist,
    pieces: VideoPieces,
    /// What every path begins with, between two slashes.
    secret: String,
    stderr: Stderr,
}

impl Relay {
    /// Opens an address that ends with the name of the video.
    pub(crate) async fn open(
        client: Client,
        playlist: Playlist,
        name: &str,
        stderr: Stderr,
    ) -> Result<Self, Failure> {
        let cannot = |error: &dyn std::fmt::Display| {
            Failure::other(format!("cannot open an address on this machine: {error}"))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| cannot(&error))?;
        let address = listener.local_addr().map_err(|error| cannot(&error))?;
        let secret = format!("{:032x}", rand::random::<u128>());
        let mut url = Url::parse(&format!("http://{address}/")).map_err(|error| cannot(&error))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(&secret).push(&format!("{name}.m3u8"));
        }
        let pieces = VideoPieces::new(client, playlist.clone());
        let video = Arc::new(Video { playlist, pieces, secret, stderr });
        Ok(Self { listener, url, video })
    }

    /// Where the playlist is.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Answers players until it is dropped.
    pub(crate) async fn serve(self) -> Result<(), Failure> {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = self.listener.accept().await.map_err(|error| {
                Failure::other(format!("players cannot be answered any more: {error}"))
            })?;
            while connections.try_join_next().is_some() {}
            let video = Arc::clone(&self.video);
            let service = service_fn(move |request| {
                let video = Arc::clone(&video);
                async move { Ok::<_, Infallible>(video.answer(&request).await) }
            });
            // A player that goes away in the middle is none of our business.
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            connections.spawn(connection);
        }
    }
}

impl Video {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return refusal(StatusCode::METHOD_NOT_ALLOWED);
        }
        let path = request.uri().path();
        let name = path.strip_prefix('/').and_then(|path| path.strip_prefix(self.secret.as_str()));
        let Some(name) = name.and_then(|name| name.strip_prefix('/')) else {
            return refusal(StatusCode::NOT_FOUND);
        };
        if name.ends_with(".m3u8") {
            let text = self.playlist.text_with(|number, _| format!("{number}.ts"));
            return reply("application/vnd.apple.mpegurl", text.into());
        }
        let Some(Ok(number)) = name.strip_suffix(".ts").map(str::parse) else {
            return refusal(StatusCode::NOT_FOUND);
        };
        match self.pieces.get(number).await {
            Ok(Some(piece)) => reply("video/mp2t", piece),
            Ok(None) => refusal(StatusCode::NOT_FOUND),
            Err(error) => {
                self.stderr.note(&format!("a piece of the video cannot be had: {error}"));
                refusal(StatusCode::BAD_GATEWAY)
            }
        }
    }
}

fn reply(kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn refusal(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
