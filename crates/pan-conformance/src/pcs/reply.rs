//! A reply, and the two questions one asks it: did it succeed, was it refused.
//!
//! Both check what is true of every reply of that kind, so that no promise
//! needs to repeat it (pcs-rest 1.7, 2.2, 2.4).

use serde_json::Value;

use super::wire::Answer;

/// The largest integer that every JSON reader keeps whole.
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// What the server said.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The request line and what led to it, for messages.
    pub asked: String,
    /// The answer on the wire.
    pub answer: Answer,
}

impl Reply {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.answer.head.status
    }

    /// A header field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.answer.head.field(name)
    }

    /// The body as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.answer.body
    }

    /// The error code of a refusal; `None` for a success.
    pub fn code(&self) -> Option<u64> {
        let is_error = self.status() >= 400;
        is_error.then(|| self.json()["error_code"].as_u64().unwrap_or_default())
    }

    /// The body as JSON, which must be announced as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        let kind = self.field("content-type").unwrap_or_default();
        assert!(kind.starts_with("application/json"), "JSON has its type, not `{kind}`: {self}");
        match serde_json::from_slice(self.bytes()) {
            Ok(value) => value,
            Err(error) => panic!("not JSON ({error}): {self}"),
        }
    }

    /// A success with a JSON body: 200, a request id, no error code.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status(), 200, "{self}");
        let body = self.json();
        self.has_request_id(&body);
        assert_eq!(body.get("error_code"), None, "a success has no error_code (1.7): {self}");
        body
    }

    /// A refusal with this status and code, in the one shape of error bodies.
    #[track_caller]
    pub fn refused(&self, status: u16, code: u64) -> Value {
        let body = self.is_error();
        let got = (self.status(), body["error_code"].as_u64());
        assert_eq!(got, (status, Some(code)), "{self}");
        body
    }

    /// A refusal of any kind: 4xx or 5xx, `error_code` an integer,
    /// `error_msg` a text, `request_id` not zero (11.3.10).
    #[track_caller]
    pub fn is_error(&self) -> Value {
        assert!((400..600).contains(&self.status()), "a refusal was due: {self}");
        let body = self.json();
        self.has_request_id(&body);
        assert!(body["error_code"].as_u64().is_some_and(|code| code > 0), "{self}");
        assert!(body["error_msg"].as_str().is_some_and(|text| !text.is_empty()), "{self}");
        let known = ["error_code", "error_msg", "request_id", "extra"];
        let fields = body.as_object().into_iter().flatten();
        for (name, _) in fields {
            assert!(known.contains(&name.as_str()), "`{name}` in an error body: {self}");
        }
        body
    }

    /// A whole file: 200, its bytes, never as JSON.
    #[track_caller]
    pub fn file(&self) -> &[u8] {
        assert_eq!(self.status(), 200, "{self}");
        self.is_octets();
        self.bytes()
    }

    /// A slice of a file: 206 and its bytes.
    #[track_caller]
    pub fn slice(&self) -> &[u8] {
        assert_eq!(self.status(), 206, "{self}");
        self.is_octets();
        self.bytes()
    }

    #[track_caller]
    fn is_octets(&self) {
        let kind = self.field("content-type").unwrap_or_default();
        assert_eq!(kind, "application/octet-stream", "{self}");
    }

    #[track_caller]
    fn has_request_id(&self, body: &Value) {
        let id = body["request_id"].as_u64().unwrap_or_default();
        assert!((1..=MAX_INTEGER).contains(&id), "request_id is a number below 2^53: {self}");
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = &self.bytes()[..self.bytes().len().min(600)];
        let body = String::from_utf8_lossy(shown);
        write!(out, "{} → {} {body}", self.asked, self.status())
    }
}
