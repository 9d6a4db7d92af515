use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::Engine;
use crate::{Error, FileFacts};

/// A download that has begun, as [`crate::Download`]; it can be read from.
pub struct Download {
    pub(super) download: crate::Download,
    pub(super) engine: Arc<Engine>,
    /// What came and was not read yet.
    pub(super) rest: Bytes,
}

impl Download {
    /// What the headers say about the file.
    pub fn facts(&self) -> &FileFacts {
        self.download.facts()
    }

    /// The bytes that will come: what was asked for, cut at the end of the file.
    pub fn range(&self) -> Range<u64> {
        self.download.range()
    }

    /// The next bytes; `None` after the last ones.
    ///
    /// # Errors
    /// As [`chunk`](crate::Download::chunk).
    pub fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if !self.rest.is_empty() {
            return Ok(Some(std::mem::take(&mut self.rest)));
        }
        self.engine.wait(|| self.download.chunk())
    }

    /// All the bytes that are left, for a range that fits in memory.
    ///
    /// # Errors
    /// As [`chunk`](crate::Download::chunk).
    pub fn bytes(mut self) -> Result<Bytes, Error> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk()? {
            all.extend_from_slice(&chunk);
        }
        Ok(all.into())
    }
}

/// The end comes after the md5 of a whole file was compared: a reader that
/// stops before it has not seen that.
impl Read for Download {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        while self.rest.is_empty() {
            match self.chunk().map_err(io::Error::other)? {
                Some(chunk) => self.rest = chunk,
                None => return Ok(0),
            }
        }
        let count = into.len().min(self.rest.len());
        self.rest.copy_to_slice(&mut into[..count]);
        Ok(count)
    }
}

impl std::fmt::Debug for Download {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.download.fmt(out)
    }
}
