//! Answers, read whole and judged (pcs-rest 1.7, 2.4, 9.3).

use std::time::SystemTime;

use bytes::Bytes;
use pan_pcs::ErrorBody;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::digest::ReplyDigests;
use crate::retry::parse_retry_after;
use crate::stall::Activity;
use crate::{Error, Refusal};

/// The longest answer that is read: a hundred thousand entries have 40 MB.
const MAX_ANSWER_BYTES: usize = 256 << 20;

/// An answer that is no stream.
pub(crate) struct Answer {
    host: String,
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// A content that was the answer.
pub(crate) struct Reply {
    /// `Content-Type`, when there is one.
    pub(crate) kind: Option<String>,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Reads a response to its end.
    pub(crate) async fn read(
        host: String,
        mut response: Response,
        activity: &Activity,
    ) -> Result<Self, Error> {
        let status = response.status();
        let mut body = Vec::new();
        loop {
            let chunk = response.chunk().await.map_err(|error| Error::transport(&host, error))?;
            activity.mark();
            let Some(chunk) = chunk else { break };
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                let reason = String::from("it does not end");
                return Err(Error::Reply { host, status: status.as_u16(), reason });
            }
            body.extend_from_slice(&chunk);
        }
        let headers = response.headers().clone();
        Ok(Self { host, status, headers, body })
    }

    /// The reply, or the error that the answer is.
    pub(crate) fn judge<T: DeserializeOwned>(self) -> Result<T, Error> {
        if !self.status.is_success() || ErrorBody::find(&self.body).is_some() {
            return Err(self.into_error());
        }
        serde_json::from_slice(&self.body).map_err(|error| self.no_reply(error.to_string()))
    }

    /// The content that was asked for, or the error that the answer is.
    pub(crate) fn into_content(self) -> Result<Reply, Error> {
        if !self.status.is_success() || ErrorBody::find(&self.body).is_some() {
            return Err(self.into_error());
        }
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        Ok(Reply { kind: kind.map(str::to_owned), body: self.body.into() })
    }

    /// What its headers say of a content that was stored.
    pub(crate) fn digests(&self) -> ReplyDigests {
        ReplyDigests::of(&self.headers)
    }

    /// The status and the body, unjudged.
    pub(crate) fn raw(&self) -> (u16, &[u8]) {
        (self.status.as_u16(), &self.body)
    }

    /// The error, of an answer that is one.
    pub(crate) fn into_error(self) -> Error {
        if let Some(body) = ErrorBody::find(&self.body) {
            return self.refusal(body);
        }
        let passing = self.status.is_server_error() || matches!(self.status.as_u16(), 408 | 429);
        if passing {
            return self.refusal(ErrorBody::default());
        }
        self.no_reply(match self.headers.get(LOCATION).map(|to| to.to_str()) {
            Some(Ok(to)) => format!("it redirects to {}", without_query(to)),
            _ => String::from("it is not JSON with an `error_code`"),
        })
    }

    fn refusal(&self, body: ErrorBody) -> Error {
        let retry_after = self.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Error::Refused(Box::new(Refusal {
            code: body.code(),
            status: self.status.as_u16(),
            message: body.error_msg,
            request_id: body.request_id,
            retry_after: retry_after.and_then(|text| parse_retry_after(text, SystemTime::now())),
            extra: body.extra,
        }))
    }

    fn no_reply(&self, reason: String) -> Error {
        Error::Reply { host: self.host.clone(), status: self.status.as_u16(), reason }
    }
}

/// A redirect of a call repeats its query, and in that the token.
fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use pan_pcs::QuotaBody;
    use reqwest::StatusCode;
    use reqwest::header::{HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};

    use super::Answer;
    use crate::Error;

    fn judge(status: u16, body: &str) -> Result<QuotaBody, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("3"));
        headers.insert(LOCATION, HeaderValue::from_static("https://x/?access_token=secret"));
        let status = StatusCode::from_u16(status).unwrap();
        Answer { host: "h".into(), status, headers, body: body.into() }.judge()
    }

    #[test]
    fn an_error_code_is_an_error_under_any_status() {
        for status in [200, 206, 400, 404, 500] {
            let error = judge(status, r#"  {"error_code":31066,"error_msg":"gone"}"#).unwrap_err();
            assert_eq!(error.code(), Some(31066), "{status}");
            assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(3));
        }
        let quota = judge(200, r#"{"error_code":0,"error_msg":"no error","quota":1,"used":"0"}"#);
        assert_eq!(quota.unwrap().quota, 1);
    }

    #[test]
    fn what_is_not_the_api_is_told_apart_from_what_is_down() {
        for status in [502, 503, 504, 429] {
            let error = judge(status, "<html>").unwrap_err();
            assert!(error.is_retryable() && error.code().is_none(), "{status}");
        }
        for (status, body) in [(404, "<html>"), (401, ""), (200, "<html>"), (200, ""), (301, "")] {
            let error = judge(status, body).unwrap_err();
            assert!(matches!(error, Error::Reply { .. }), "{status}");
            assert!(!error.is_retryable());
            assert!(!error.to_string().contains("secret"));
        }
    }
}
