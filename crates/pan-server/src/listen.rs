//! Listening: sockets in, connections out, until told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use pan_core::Pan;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use crate::connection::{self, Protocol};
use crate::middleware::RequestIds;
use crate::site::Site;

/// Connections that are served at once; further ones wait in the kernel.
const CONNECTIONS_MAX: usize = 1_000;
/// A TLS handshake must end within this time.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests that are under way at the end may take this long to finish.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// After a failed accept: the usual cause, too many open files, passes.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound socket, plain or TLS.
pub struct Listener {
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Binds an address; port 0 picks a free one.
    ///
    /// # Errors
    /// What the system says about the address.
    pub async fn bind(address: &str, tls: Option<ServerConfig>) -> std::io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        Ok(Self { socket, tls: tls.map(|config| TlsAcceptor::from(Arc::new(config))) })
    }

    /// The URL that reaches this listener.
    ///
    /// # Errors
    /// What the system says about the socket.
    pub fn url(&self) -> std::io::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.socket.local_addr()?))
    }
}

/// What every connection of a server shares.
pub struct ServerState {
    pub(crate) pan: Pan,
    pub(crate) site: Site,
    pub(crate) request_ids: RequestIds,
    /// Bodies of parameters that may be in memory together.
    pub(crate) parameter_room: Arc<Semaphore>,
    draining: AtomicBool,
}

impl ServerState {
    /// Whether requests are welcome.
    pub(crate) fn is_ready(&self) -> bool {
        !self.draining.load(Ordering::Relaxed)
    }
}

/// A server over one `Pan`.
pub struct Server {
    state: Arc<ServerState>,
}

impl Server {
    /// A server that answers with this `Pan`.
    pub fn new(pan: Pan, site: Site) -> Self {
        let state = ServerState {
            pan,
            site,
            request_ids: RequestIds::new(),
            parameter_room: Arc::new(Semaphore::new(crate::pcs::PARAMETER_ROOM)),
            draining: AtomicBool::new(false),
        };
        Self { state: Arc::new(state) }
    }

    /// Serves until `stop` turns true, then lets what is under way finish.
    pub async fn serve(&self, listeners: Vec<Listener>, stop: watch::Receiver<bool>) {
        let graceful = Arc::new(GracefulShutdown::new());
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let accepting = listeners.into_iter().map(|listener| {
            let accept = accept(listener, self.state.clone(), graceful.clone(), room.clone());
            let mut stop = stop.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = accept => {}
                    _ = stop.wait_for(|&stop| stop) => {}
                }
            })
        });
        futures_util::future::join_all(accepting.collect::<Vec<_>>()).await;
        self.state.draining.store(true, Ordering::Relaxed);
        // Every accept loop has ended, and with it every clone.
        if let Ok(graceful) = Arc::try_unwrap(graceful)
            && tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err()
        {
            tracing::warn!("some requests did not end in {} s", DRAIN_TIMEOUT.as_secs());
        }
    }
}

async fn accept(
    listener: Listener,
    state: Arc<ServerState>,
    graceful: Arc<GracefulShutdown>,
    room: Arc<Semaphore>,
) {
    loop {
        let Ok(turn) = room.clone().acquire_owned().await else { return };
        let (stream, peer) = match listener.socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // A reply is one write: waiting for more would only delay it.
        let _ = stream.set_nodelay(true);
        let watcher = graceful.watcher();
        let (state, tls) = (state.clone(), listener.tls.clone());
        tokio::spawn(async move {
            serve_one(stream, peer, tls, state, watcher).await;
            drop(turn);
        });
    }
}

async fn serve_one(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    state: Arc<ServerState>,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let Some(tls) = tls else {
        return connection::serve(stream, Protocol::Http1, "http", state, watcher).await;
    };
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let protocol = match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => Protocol::Http2,
                _ => Protocol::Http1,
            };
            connection::serve(stream, protocol, "https", state, watcher).await;
        }
        Ok(Err(error)) => tracing::debug!(%peer, %error, "the TLS handshake failed"),
        Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
    }
}
