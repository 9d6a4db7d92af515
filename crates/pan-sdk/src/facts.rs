//! What the headers of a download say about the file (pcs-rest 4.5).

use std::time::SystemTime;

use pan_model::{Blake3, ByteSize, Crc32, Md5, PanPath};
use pan_pcs::Object;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, LAST_MODIFIED, RANGE};
use reqwest::{Response, StatusCode};

use crate::call::Call;
use crate::digest::ReplyDigests;
use crate::endpoint::Host;
use crate::{Client, Digest, Error};

/// What is known about a file without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileFacts {
    /// Bytes of the whole file.
    pub size: ByteSize,
    /// The md5 of the whole file, when the service sent it.
    pub md5: Option<Md5>,
    /// The BLAKE3 of the whole file, when the service sent it (pcs-rest 4.26).
    pub blake3: Option<Blake3>,
    /// The CRC-32 of the whole file, when the service sent it.
    pub crc32: Option<Crc32>,
    /// The entity tag, when the service sent one: it changes with the content.
    pub etag: Option<String>,
    /// When the file was last modified, when the service sent it.
    pub modified: Option<SystemTime>,
}

impl FileFacts {
    /// Reads the headers of a successful answer; `None` when they do not tell
    /// the size.
    pub(crate) fn of(response: &Response) -> Option<Self> {
        Self::of_headers(response.status(), response.headers())
    }

    fn of_headers(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let range = (status == StatusCode::PARTIAL_CONTENT)
            .then(|| text(CONTENT_RANGE.as_str())?.rsplit_once('/')?.1.parse().ok());
        let length =
            (status == StatusCode::OK).then(|| text(CONTENT_LENGTH.as_str())?.parse().ok());
        let told = || text("x-bs-file-size")?.parse().ok();
        let size = range.flatten().or_else(told).or(length.flatten())?;
        Some(Self {
            size: ByteSize(size),
            md5: text("content-md5").and_then(|md5| md5.parse().ok()),
            blake3: ReplyDigests::of(headers).blake3,
            crc32: text("x-bs-meta-crc32").and_then(|crc| crc.parse().ok()).map(Crc32),
            etag: text(ETAG.as_str()).map(str::to_owned),
            modified: text(LAST_MODIFIED.as_str())
                .and_then(|date| httpdate::parse_http_date(date).ok()),
        })
    }

    /// Whether another answer may be about the same content.
    pub(crate) fn is_same_content(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(one: &Option<T>, other: &Option<T>) -> bool {
            one.is_none() || other.is_none() || one == other
        }
        self.size == other.size
            && agree(&self.md5, &other.md5)
            && agree(&self.blake3, &other.blake3)
            && agree(&self.etag, &other.etag)
    }

    /// What the bytes are compared with: of what the service sent, that which
    /// takes the least time.
    pub(crate) fn digest(&self) -> Option<Digest> {
        self.blake3.map(Digest::Blake3).or(self.md5.map(Digest::Md5))
    }
}

impl Client {
    /// Asks for the facts about a file and not for its bytes (pcs-rest 4.5).
    ///
    /// # Errors
    /// 31066 when there is no file: a directory is none.
    pub async fn facts(&self, path: &PanPath) -> Result<FileFacts, Error> {
        let head = Call::head(Object::File, "download").on_host(Host::Download).with_path(path);
        let get = Call::get(Object::File, "download").on_host(Host::Download).with_path(path);
        let mut pauses = self.retry().pauses();
        loop {
            let error = match self.facts_once(&head, &get).await {
                Ok(facts) => return Ok(facts),
                Err(error) => error,
            };
            pauses.wait(error, get.repeat).await?;
        }
    }

    /// An error has no body under HEAD, and not every service knows HEAD: what
    /// it refuses is asked again for a single byte.
    async fn facts_once(&self, head: &Call, get: &Call) -> Result<FileFacts, Error> {
        let response = self.open(head, |request| request).await?;
        if response.status().is_success()
            && let Some(facts) = FileFacts::of(&response)
        {
            return Ok(facts);
        }
        let response = self.open(get, |request| request.header(RANGE, "bytes=0-0")).await?;
        match FileFacts::of(&response).filter(|_| response.status().is_success()) {
            Some(facts) => Ok(facts),
            None => Err(self.read_refusal(get, response).await),
        }
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::FileFacts;

    fn facts(status: u16, headers: &[(&'static str, &'static str)]) -> Option<FileFacts> {
        let pairs = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let headers: HeaderMap = pairs.collect();
        FileFacts::of_headers(StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn the_size_is_that_of_the_whole() {
        for (status, headers, size) in [
            (200, &[("content-length", "7")][..], Some(7)),
            (206, &[("content-length", "7"), ("content-range", "bytes 0-6/100")], Some(100)),
            (206, &[("content-length", "7"), ("x-bs-file-size", "9")], Some(9)),
            (206, &[("content-length", "7"), ("content-range", "bytes 0-6/*")], None),
            (206, &[("content-length", "7")], None),
            (200, &[], None),
        ] {
            assert_eq!(facts(status, headers).map(|facts| facts.size.0), size, "{headers:?}");
        }
    }

    #[test]
    fn facts_differ_only_where_both_know() {
        let length = ("content-length", "3");
        let bare = facts(200, &[length]).unwrap();
        let md5 = facts(200, &[length, ("content-md5", "900150983cd24fb0d6963f7d28e17f72")]);
        let other = facts(200, &[length, ("content-md5", "d41d8cd98f00b204e9800998ecf8427e")]);
        assert!(bare.is_same_content(md5.as_ref().unwrap()));
        assert!(!md5.unwrap().is_same_content(&other.unwrap()));
    }
}
