use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pan_model::Timestamp;
use reqwest::redirect;
use tokio::sync::OnceCell;

use crate::token::Token;
use crate::{Endpoint, Error, Extensions, RetryPolicy};

/// The methods that are answered with a content, by GET.
const CONTENTS: [&str; 3] = ["download", "generate", "streaming"];

/// A client of one service, on behalf of one token.
///
/// Clones are cheap and share their connections. Every method is one call of
/// the API, repeated as the [`RetryPolicy`] allows; all of them may return
/// what [`Error`] lists, and the refusals that any call may meet: 3, 4, 6,
/// 110, 111, 31023, 31034, 31045, 31062, 31064 (pcs-rest 6). The docs of a
/// method name only its own.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    token: Token,
    retry: RetryPolicy,
    task_expiry: Option<Timestamp>,
}

struct Inner {
    http: reqwest::Client,
    endpoint: Endpoint,
    stall_timeout: Duration,
    extensions: OnceCell<Extensions>,
    /// Bulk requests do not get through, whatever the service says it takes.
    is_bulk_refused: AtomicBool,
}

impl Client {
    /// A client with the usual settings.
    ///
    /// # Errors
    /// [`Error::Input`] when the TLS set-up of this machine is unusable.
    pub fn new(endpoint: Endpoint, token: impl Into<String>) -> Result<Self, Error> {
        Self::builder(endpoint, token).build()
    }

    /// Begins a client whose settings differ from the usual ones.
    pub fn builder(endpoint: Endpoint, token: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            endpoint,
            token: Token::new(token.into()),
            retry: RetryPolicy::default(),
            connect_timeout: Duration::from_secs(20),
            stall_timeout: Duration::from_secs(60),
            user_agent: concat!("pan-sdk/", env!("CARGO_PKG_VERSION")).to_owned(),
            root_certificates: Vec::new(),
            http: None,
        }
    }

    /// Begins an HTTP client that is fit for
    /// [`ClientBuilder::http_client`]: it follows no redirect but that of a
    /// download, sends no `Referer`, and speaks HTTP/1.1, so that transfers
    /// do not share one connection. What else it does, such as asking a proxy
    /// or another resolver, is up to you.
    pub fn http_builder() -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            // Over HTTP/2 all transfers would share one connection and its window.
            .http1_only()
            // Shorter than the idle timeout of any usual server, so that a call
            // that must not be repeated does not meet a connection being closed.
            .pool_idle_timeout(Duration::from_secs(15))
            // A Referer would carry the token to the host of a redirect.
            .referer(false)
            .redirect(redirect::Policy::custom(follow_contents))
    }

    /// The same client with another policy of trying again.
    #[must_use]
    pub fn with_retry(&self, retry: RetryPolicy) -> Self {
        Self { retry, ..self.clone() }
    }

    /// The same client for another token, such as one that
    /// [`refresh_token`](Self::refresh_token) brought. Connections are shared.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Token::new(token.into()), ..self.clone() }
    }

    /// The same client, whose offline download calls are void after a moment
    /// (`expires`, pcs-rest 4.20): a service that gets one later refuses it
    /// with 36012. `None`, as at first, is no limit.
    #[must_use]
    pub fn with_task_expiry(&self, expiry: Option<Timestamp>) -> Self {
        Self { task_expiry: expiry, ..self.clone() }
    }

    /// Where the calls go.
    pub fn endpoint(&self) -> &Endpoint {
        &self.inner.endpoint
    }

    pub(crate) fn retry(&self) -> &RetryPolicy {
        &self.retry
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.inner.http
    }

    pub(crate) fn token(&self) -> &Token {
        &self.token
    }

    pub(crate) fn task_expiry(&self) -> Option<Timestamp> {
        self.task_expiry
    }

    pub(crate) fn stall_timeout(&self) -> Duration {
        self.inner.stall_timeout
    }

    pub(crate) fn known_extensions(&self) -> &OnceCell<Extensions> {
        &self.inner.extensions
    }

    pub(crate) fn is_bulk_refused(&self) -> bool {
        self.inner.is_bulk_refused.load(Ordering::Relaxed)
    }

    pub(crate) fn refuse_bulk(&self) {
        self.inner.is_bulk_refused.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Client")
            .field("endpoint", self.endpoint())
            .field("token", self.token())
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// The settings of a [`Client`] in the making.
#[derive(Debug)]
#[must_use]
pub struct ClientBuilder {
    endpoint: Endpoint,
    token: Token,
    retry: RetryPolicy,
    connect_timeout: Duration,
    stall_timeout: Duration,
    user_agent: String,
    root_certificates: Vec<Vec<u8>>,
    http: Option<reqwest::Client>,
}

impl ClientBuilder {
    /// How patiently failed calls are tried again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How long a connection may take to be made. 20 seconds unless set.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long a call may go without a byte moving in either direction. 60
    /// seconds unless set. There is no limit to how long a transfer may take.
    pub fn stall_timeout(mut self, limit: Duration) -> Self {
        self.stall_timeout = limit;
        self
    }

    /// The `User-Agent` header.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// Trusts the certificates in a PEM text too, beside those of the system.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }

    /// Makes all calls with this HTTP client. The time to connect, the
    /// `User-Agent` and the certificates are then its own, and those of this
    /// builder are not used; the stall timeout and the retries are.
    ///
    /// Begin it with [`Client::http_builder`]. The token is in the query of
    /// every request (pcs-rest 1.8), so an HTTP client that sends `Referer`
    /// gives it away to whomever a download is redirected to, and one that
    /// follows other redirects turns a change into a question. It must not
    /// limit how long a whole request takes, or long transfers break off, nor
    /// retry by itself.
    pub fn http_client(mut self, http: reqwest::Client) -> Self {
        self.http = Some(http);
        self
    }

    /// Makes the client. Nothing is sent.
    ///
    /// # Errors
    /// [`Error::Input`] for a certificate that is none, or a user agent that
    /// is no header.
    pub fn build(self) -> Result<Client, Error> {
        let http = match self.http.clone() {
            Some(http) => http,
            None => self.usual_http().map_err(|error| Error::transport("", error))?,
        };
        let inner = Inner {
            http,
            endpoint: self.endpoint,
            stall_timeout: self.stall_timeout,
            extensions: OnceCell::new(),
            is_bulk_refused: AtomicBool::new(false),
        };
        Ok(Client {
            inner: Arc::new(inner),
            token: self.token,
            retry: self.retry,
            task_expiry: None,
        })
    }

    fn usual_http(&self) -> reqwest::Result<reqwest::Client> {
        let mut certificates = Vec::new();
        for pem in &self.root_certificates {
            certificates.extend(reqwest::Certificate::from_pem_bundle(pem)?);
        }
        let builder = Client::http_builder()
            .user_agent(&self.user_agent)
            .connect_timeout(self.connect_timeout);
        if certificates.is_empty()
            && let Ok(tls) = crate::trust::of_system()
        {
            return builder.tls_backend_preconfigured(tls).build();
        }
        builder.tls_certs_merge(certificates).build()
    }
}

/// Only what is answered with a content is redirected (pcs-rest 4.5).
/// Following anything else would turn a POST into a GET.
fn follow_contents(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let is_content = attempt.previous().first().is_some_and(|url| {
        url.query_pairs().any(|(key, value)| key == "method" && CONTENTS.contains(&&*value))
    });
    if !is_content || attempt.previous().len() > 5 { attempt.stop() } else { attempt.follow() }
}
