//! The same client for programs without async: every method waits for its end.
//!
//! [`Client`] has the methods of [`crate::Client`], with the same names,
//! parameters and errors; where those return a stream, these return an
//! iterator. Clones share a runtime with one thread, which does the network's
//! work; what a call does besides happens on the thread that calls. A client
//! may be used by many threads at once.
//!
//! Inside async code nothing panics, but a call holds up the thread that it is
//! made on: use [`crate::Client`] there, or `spawn_blocking`. What is told to a
//! [`Progress`](crate::Progress) is told on the thread of the network: a call
//! from there would wait for itself.
//!
//! ```no_run
//! use pan_sdk::{Endpoint, ListOrder, PanPath, blocking};
//!
//! # fn tour() -> Result<(), Box<dyn std::error::Error>> {
//! let client = pan_sdk::Client::new(Endpoint::single("http://127.0.0.1:8800")?, "the-token")?;
//! let client = blocking::Client::new(client)?;
//! for entry in client.list_all(&PanPath::parse("/")?, ListOrder::default()) {
//!     println!("{}", entry?.path);
//! }
//! # Ok(())
//! # }
//! ```

mod calls;
mod download;
mod engine;
mod reader;

use std::fmt;
use std::sync::Arc;

use futures_util::stream::{BoxStream, Stream, StreamExt};
use pan_model::{PanPath, StreamFormat, Timestamp};

pub use self::download::Download;
use self::engine::Engine;
use crate::{Endpoint, Error, RetryPolicy};

/// A client whose methods wait.
#[derive(Clone)]
pub struct Client {
    client: crate::Client,
    engine: Arc<Engine>,
}

impl Client {
    /// Waits on behalf of a client, which may be used beside this one.
    ///
    /// # Errors
    /// [`Error::Local`] when this process may not have another thread.
    pub fn new(client: crate::Client) -> Result<Self, Error> {
        Ok(Self { client, engine: Arc::new(Engine::start()?) })
    }

    /// The client that this one waits for.
    pub fn as_async(&self) -> &crate::Client {
        &self.client
    }

    /// As [`with_retry`](crate::Client::with_retry).
    #[must_use]
    pub fn with_retry(&self, retry: RetryPolicy) -> Self {
        Self { client: self.client.with_retry(retry), ..self.clone() }
    }

    /// As [`with_token`](crate::Client::with_token).
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { client: self.client.with_token(token), ..self.clone() }
    }

    /// As [`with_task_expiry`](crate::Client::with_task_expiry).
    #[must_use]
    pub fn with_task_expiry(&self, expiry: Option<Timestamp>) -> Self {
        Self { client: self.client.with_task_expiry(expiry), ..self.clone() }
    }

    /// As [`endpoint`](crate::Client::endpoint).
    pub fn endpoint(&self) -> &Endpoint {
        self.client.endpoint()
    }

    /// As [`streaming_url`](crate::Client::streaming_url): it contains the token.
    pub fn streaming_url(&self, path: &PanPath, format: StreamFormat) -> String {
        self.client.streaming_url(path, format)
    }

    fn items<T>(&self, stream: impl Stream<Item = T> + Send + 'static) -> Items<T> {
        Items { stream: stream.boxed(), engine: Arc::clone(&self.engine) }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(out)
    }
}

/// The items of a stream, each waited for in its turn.
pub struct Items<T> {
    stream: BoxStream<'static, T>,
    engine: Arc<Engine>,
}

impl<T: Send> Iterator for Items<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.engine.wait(|| self.stream.next())
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Items(…)")
    }
}
