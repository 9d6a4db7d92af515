use std::fmt;
use std::ops::{Bound, Range, RangeBounds};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};
use pan_model::PanPath;
use pan_pcs::Object;
use reqwest::header::{IF_RANGE, RANGE};
use reqwest::{RequestBuilder, Response, StatusCode};
use tokio::time::timeout;

use crate::call::Call;
use crate::digest::{Hasher, compare};
use crate::endpoint::Host;
use crate::retry::{Pauses, Repeat};
use crate::{Client, Error, FileFacts};

impl Client {
    /// Begins to download a file, or a range of its bytes (pcs-rest 4.5):
    /// `..` is all of it, `0..100` the first hundred bytes. A range is cut at
    /// the end of the file.
    ///
    /// # Errors
    /// 31066 when there is no file: a directory is none. 31023 for a range
    /// that begins behind the end.
    pub async fn download(
        &self,
        path: &PanPath,
        range: impl RangeBounds<u64>,
    ) -> Result<Download, Error> {
        let asked = Asked::new(range)?;
        let mut pauses = self.retry().pauses();
        loop {
            match Download::begin(self, path, asked).await {
                Ok(download) => return Ok(download),
                Err(error) => pauses.wait(error, Repeat::Harmless).await?,
            }
        }
    }
}

/// A download that has begun: the facts about the file are known and its bytes
/// are on their way.
///
/// When the connection breaks it goes on where it stopped, as long as the
/// file on the server is the same. A whole file is compared with its digest
/// at the end.
pub struct Download {
    client: Client,
    call: Call,
    path: PanPath,
    facts: FileFacts,
    range: Range<u64>,
    position: u64,
    response: Response,
    pauses: Pauses,
    /// While the digest of the whole is known and can be compared.
    hasher: Option<Hasher>,
}

/// The bytes that were asked for; the end of the file may be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    start: u64,
    end: Option<u64>,
}

impl Asked {
    fn new(range: impl RangeBounds<u64>) -> Result<Self, Error> {
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&start) => start.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&end) => Some(end.saturating_add(1)),
            Bound::Excluded(&end) => Some(end),
            Bound::Unbounded => None,
        };
        if end.is_some_and(|end| end <= start) {
            return Err(Error::Input(String::from("a range of no bytes cannot be downloaded")));
        }
        Ok(Self { start, end })
    }

    /// The `Range` header; none for the whole.
    fn dress(self, request: RequestBuilder) -> RequestBuilder {
        match (self.start, self.end) {
            (0, None) => request,
            (start, None) => request.header(RANGE, format!("bytes={start}-")),
            (start, Some(end)) => request.header(RANGE, format!("bytes={start}-{}", end - 1)),
        }
    }

    /// The bytes that an answer will bring. A service may answer with the
    /// whole where a range was asked for.
    fn granted(self, status: StatusCode, size: u64) -> Option<Range<u64>> {
        let end = self.end.unwrap_or(size).min(size);
        match status {
            StatusCode::PARTIAL_CONTENT => Some(self.start..end),
            _ if self.start == 0 => Some(0..end),
            _ => None,
        }
    }
}

impl Download {
    async fn begin(client: &Client, path: &PanPath, asked: Asked) -> Result<Self, Error> {
        let call = Call::get(Object::File, "download").on_host(Host::Download).with_path(path);
        let response = client.open(&call, |request| asked.dress(request)).await?;
        if !response.status().is_success() {
            return Err(client.read_refusal(&call, response).await);
        }
        let no_range = |reason: &str| Error::Reply {
            host: client.host_of(&call),
            status: response.status().as_u16(),
            reason: reason.to_owned(),
        };
        let facts =
            FileFacts::of(&response).ok_or_else(|| no_range("it does not tell the size"))?;
        let range = asked
            .granted(response.status(), facts.size.0)
            .ok_or_else(|| no_range("it is not the range that was asked for"))?;
        let is_whole = range == (0..facts.size.0);
        let digest = facts.digest().filter(|_| is_whole);
        Ok(Self {
            client: client.clone(),
            call,
            path: path.clone(),
            position: range.start,
            range,
            facts,
            response,
            pauses: client.retry().pauses(),
            hasher: digest.map(|digest| digest.algorithm().hasher()),
        })
    }

    /// What the headers say about the file.
    pub fn facts(&self) -> &FileFacts {
        &self.facts
    }

    /// The bytes that will come: what was asked for, cut at the end of the file.
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// The next bytes; `None` after the last ones.
    ///
    /// # Errors
    /// When the connection broke and could not be made again;
    /// [`Error::RemoteChanged`], [`Error::Damaged`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        while self.position < self.range.end {
            match self.receive().await {
                Ok(chunk) => return Ok(Some(chunk)),
                Err(error) => self.recover(error).await?,
            }
        }
        match self.hasher.take() {
            Some(hasher) => compare(self.facts.digest(), Some(hasher.finish())).map(|()| None),
            None => Ok(None),
        }
    }

    /// All the bytes at once, for a range that fits in memory.
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk).
    pub async fn bytes(mut self) -> Result<Bytes, Error> {
        let mut all = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// The bytes as a stream.
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk), of which the first ends the stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Error>> + Send {
        stream::try_unfold(self, async |mut download| {
            Ok(download.chunk().await?.map(|chunk| (chunk, download)))
        })
    }

    /// The next bytes of the present connection.
    async fn receive(&mut self) -> Result<Bytes, Error> {
        let host = || self.client.host_of(&self.call);
        let after = self.client.stall_timeout();
        let chunk = timeout(after, self.response.chunk())
            .await
            .map_err(|_| Error::Stalled { host: host(), after })?
            .map_err(|error| Error::transport(&host(), error))?;
        let left = self.range.end - self.position;
        let ended = || Error::Broken { host: host(), reason: format!("{left} bytes are missing") };
        let mut chunk = chunk.ok_or_else(ended)?;
        chunk.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        self.position += chunk.len() as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&chunk);
        }
        self.pauses = self.client.retry().pauses();
        Ok(chunk)
    }

    /// Goes on after a failure, or gives up with the last one.
    async fn recover(&mut self, mut error: Error) -> Result<(), Error> {
        loop {
            self.pauses.wait(error, Repeat::Harmless).await?;
            match self.resume().await {
                Ok(()) => return Ok(()),
                Err(next) => error = next,
            }
        }
    }

    /// Asks for the rest on a new connection.
    async fn resume(&mut self) -> Result<(), Error> {
        let rest = Asked { start: self.position, end: Some(self.range.end) };
        let dress = |request| match &self.facts.etag {
            Some(etag) => rest.dress(request).header(IF_RANGE, etag),
            None => rest.dress(request),
        };
        let response = self.client.open(&self.call, dress).await?;
        if !response.status().is_success() {
            return Err(self.client.read_refusal(&self.call, response).await);
        }
        let same = FileFacts::of(&response).is_some_and(|now| self.facts.is_same_content(&now));
        if !same || rest.granted(response.status(), self.facts.size.0).is_none() {
            return Err(Error::RemoteChanged { path: self.path.clone() });
        }
        self.response = response;
        Ok(())
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Download")
            .field("path", &self.path)
            .field("facts", &self.facts)
            .field("range", &self.range)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::Asked;

    #[test]
    fn ranges_as_they_are_asked_for() {
        let asked = |start, end| Asked { start, end };
        assert_eq!(Asked::new(..).unwrap(), asked(0, None));
        assert_eq!(Asked::new(5..).unwrap(), asked(5, None));
        assert_eq!(Asked::new(5..=9).unwrap(), asked(5, Some(10)));
        assert_eq!(Asked::new(..10).unwrap(), asked(0, Some(10)));
        assert!(Asked::new(5..5).is_err());
    }

    #[test]
    fn ranges_as_they_are_granted() {
        let granted = |start, end, status, size| {
            Asked { start, end }.granted(StatusCode::from_u16(status).unwrap(), size)
        };
        assert_eq!(granted(0, None, 200, 9), Some(0..9));
        assert_eq!(granted(0, Some(100), 206, 9), Some(0..9));
        assert_eq!(granted(0, Some(100), 200, 0), Some(0..0));
        assert_eq!(granted(0, Some(5), 200, 9), Some(0..5));
        assert_eq!(granted(3, Some(5), 206, 9), Some(3..5));
        assert_eq!(granted(3, Some(5), 200, 9), None);
    }
}
