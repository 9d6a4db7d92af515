use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use pan_model::PanPath;
use pan_pcs::ErrorCode;

use crate::{Digest, OauthRefusal};

/// What a service is still making: a thumbnail, a transcoded video.
const NOT_YET: [u32; 2] = [31142, 31341];

/// Why a call failed. Never contains the token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The service answered, and refused.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The token service answered, and refused (pcs-rest 7.6).
    #[error("{0}")]
    Oauth(Box<OauthRefusal>),
    /// No connection could be made: nothing was sent.
    #[error("cannot connect to {host}: {reason}")]
    Connect {
        /// The host, with its port when it is not the usual one.
        host: String,
        /// What the network said.
        reason: String,
        /// Whether trying again can help; it cannot against a wrong certificate.
        passing: bool,
    },
    /// The connection broke. The service may have executed the call.
    #[error("the connection to {host} broke: {reason}")]
    Broken {
        /// The host.
        host: String,
        /// What the network said.
        reason: String,
    },
    /// Not a byte moved for so long. The service may have executed the call.
    #[error("{host} did not respond for {} s", .after.as_secs())]
    Stalled {
        /// The host.
        host: String,
        /// How long.
        after: Duration,
    },
    /// The answer is not one of the API.
    #[error("the answer of {host} is not one of the PCS API (HTTP {status}): {reason}")]
    Reply {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        reason: String,
    },
    /// The bytes that arrived are not those that were sent.
    #[error("the content was damaged on its way: it has {found}, not {expected}")]
    Damaged {
        /// That of the sending side.
        expected: Digest,
        /// That of the receiving side.
        found: Digest,
    },
    /// The remote file changed while it was being read.
    #[error("`{path}` changed on the server while it was being read")]
    RemoteChanged {
        /// The file.
        path: PanPath,
    },
    /// The local file changed while it was being read.
    #[error("`{}` changed while it was being read", .path.display())]
    LocalChanged {
        /// The file.
        path: PathBuf,
    },
    /// A local file or stream cannot be read or written.
    #[error("{what}: {source}")]
    Local {
        /// What was being done to what.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// An argument cannot be right; nothing was sent.
    #[error("{0}")]
    Input(String),
}

/// An answer that says no.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// `error_code` (pcs-rest 6); `None` when the answer had none.
    pub code: Option<u32>,
    /// The HTTP status.
    pub status: u16,
    /// The service's own words; may be empty.
    pub message: String,
    /// The id of the request, to look it up in the server's log.
    pub request_id: Option<u64>,
    /// How long the service asks to wait before the next try.
    pub retry_after: Option<Duration>,
    /// What a batch did before it failed, unread.
    pub(crate) extra: Option<serde_json::Value>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail() {
            "" => out.write_str("the service refused")?,
            detail => out.write_str(detail)?,
        }
        match self.code {
            Some(code) => write!(out, " (error {code}")?,
            None => write!(out, " (HTTP {}", self.status)?,
        }
        if let Some(id) = self.request_id {
            write!(out, ", request {id}")?;
        }
        out.write_str(")")
    }
}

impl Refusal {
    /// The message without the text of its code, where it says more than that.
    fn detail(&self) -> &str {
        let text = self.code.and_then(ErrorCode::from_code).map(ErrorCode::message);
        let detail = text.and_then(|text| self.message.strip_prefix(text)?.strip_prefix(": "));
        detail.unwrap_or(&self.message)
    }

    /// The HTTP status that the code stands for. A reply that was kept alive
    /// reports its error under 200, so the code says more than the status.
    fn meaning(&self) -> u16 {
        match self.code.and_then(ErrorCode::from_code) {
            // It stands for 503 although mostly the picture is at fault: 400.
            None | Some(ErrorCode::ThumbnailFailed) => self.status,
            Some(code) => code.status(),
        }
    }

    /// Whether it was refused for there being too much to do: nothing was executed.
    fn is_overload(&self) -> bool {
        let busy = [ErrorCode::FrequencyControl, ErrorCode::ServiceUnavailable];
        self.status == 429 || busy.iter().any(|code| self.code == Some(code.code()))
    }
}

impl Error {
    /// The PCS code (pcs-rest 6), when the service refused with one.
    pub fn code(&self) -> Option<u32> {
        self.refusal().and_then(|refusal| refusal.code)
    }

    /// Whether the service refused with this code.
    pub fn is(&self, code: ErrorCode) -> bool {
        self.code() == Some(code.code())
    }

    /// The HTTP status of the answer, when there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            Self::Oauth(refusal) => Some(refusal.status),
            Self::Reply { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The id of the request, when the service named one.
    pub fn request_id(&self) -> Option<u64> {
        self.refusal().and_then(|refusal| refusal.request_id)
    }

    /// How long the service asks to wait before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal().and_then(|refusal| refusal.retry_after)
    }

    /// Whether the same call may succeed later. It says nothing about whether
    /// repeating it is harmless.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(refusal) => {
                let server_failed = refusal.meaning() >= 500 && refusal.meaning() != 501;
                let not_yet = refusal.code.is_some_and(|code| NOT_YET.contains(&code));
                refusal.is_overload() || refusal.status == 408 || server_failed || not_yet
            }
            Self::Connect { passing, .. } => *passing,
            Self::Broken { .. } | Self::Stalled { .. } | Self::Damaged { .. } => true,
            _ => false,
        }
    }

    /// Whether the service certainly did nothing.
    pub(crate) fn is_unexecuted(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_overload(),
            Self::Connect { .. } | Self::Input(_) => true,
            _ => false,
        }
    }

    /// How many items of a batch were done before it failed (pcs-rest 5): the
    /// first ones.
    pub(crate) fn done_items(&self) -> usize {
        let extra = self.refusal().and_then(|refusal| refusal.extra.as_ref());
        extra.and_then(|extra| extra.get("list")?.as_array()).map_or(0, Vec::len)
    }

    /// The same error once more, for one who shares the call. What went wrong
    /// on this machine is told in words.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Refused(refusal) => Self::Refused(refusal.clone()),
            Self::Connect { host, reason, passing } => {
                Self::Connect { host: host.clone(), reason: reason.clone(), passing: *passing }
            }
            Self::Broken { host, reason } => {
                Self::Broken { host: host.clone(), reason: reason.clone() }
            }
            Self::Stalled { host, after } => Self::Stalled { host: host.clone(), after: *after },
            Self::Reply { host, status, reason } => {
                Self::Reply { host: host.clone(), status: *status, reason: reason.clone() }
            }
            other => Self::Input(other.to_string()),
        }
    }

    fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    pub(crate) fn local(what: impl Into<String>, source: io::Error) -> Self {
        Self::Local { what: what.into(), source }
    }

    /// From the HTTP client. Its errors carry the URL, and that the token.
    pub(crate) fn transport(host: &str, error: reqwest::Error) -> Self {
        let error = error.without_url();
        let host = host.to_owned();
        let reason = innermost(&error);
        if error.is_connect() {
            Self::Connect { host, reason, passing: !is_tls_failure(&error) }
        } else if error.is_builder() {
            Self::Input(reason)
        } else {
            Self::Broken { host, reason }
        }
    }
}

/// The last link of a chain of causes says what happened; the others say where.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// Certificates and handshakes do not get better by themselves.
fn is_tls_failure(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let Some(io) = error.downcast_ref::<io::Error>() else {
            cause = error.source();
            continue;
        };
        if io.kind() == io::ErrorKind::InvalidData {
            return true;
        }
        // Its `source` would skip what it wraps.
        cause = io.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static));
    }
    false
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{Error, Refusal, is_tls_failure};

    fn refused(code: Option<u32>, status: u16) -> Error {
        let message = String::from("file does not exist: no");
        Error::Refused(Box::new(Refusal {
            code,
            status,
            message,
            request_id: Some(7),
            retry_after: None,
            extra: None,
        }))
    }

    #[test]
    fn which_refusals_pass() {
        for (code, status, retryable, unexecuted) in [
            (Some(31066), 404, false, false),
            (Some(31061), 400, false, false),
            (Some(110), 401, false, false),
            (Some(31112), 400, false, false),
            (Some(31034), 403, true, true),
            (Some(2), 503, true, true),
            (None, 429, true, true),
            (Some(31210), 501, false, false),
            (Some(31081), 503, true, false),
            (Some(31081), 200, true, false),
            (Some(31299), 500, true, false),
            (Some(31142), 404, true, false),
            (Some(31341), 400, true, false),
            (None, 502, true, false),
        ] {
            let error = refused(code, status);
            assert_eq!(error.is_retryable(), retryable, "{code:?} {status}");
            assert_eq!(error.is_unexecuted(), unexecuted, "{code:?} {status}");
        }
    }

    #[test]
    fn a_refusal_is_a_sentence() {
        assert_eq!(refused(Some(31066), 404).to_string(), "no (error 31066, request 7)");
        assert_eq!(refused(Some(31061), 404).code(), Some(31061));
        let other = refused(None, 500).to_string();
        assert_eq!(other, "file does not exist: no (HTTP 500, request 7)");
        assert_eq!(refused(Some(31066), 404).request_id(), Some(7));
    }
    #[test]
    fn a_certificate_is_told_from_a_connection() {
        let certificate = io::Error::new(io::ErrorKind::InvalidData, "UnknownIssuer");
        assert!(is_tls_failure(&io::Error::other(certificate)));
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert!(!is_tls_failure(&io::Error::other(refused)));
    }
}
