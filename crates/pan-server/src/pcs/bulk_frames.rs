//! The frames of a bulk upload, read as they come (pcs-rest 4.26).
//!
//! Content is handed on in the pieces that the connection delivered, without
//! a copy; only a header that is cut in two is put together.

use bytes::{Bytes, BytesMut};
use pan_core::BodyError;
use pan_model::{ByteSize, Md5, Ondup, PanPath};
use pan_pcs::{BulkHeader, BulkLimits, MAX_BULK_HEADER_BYTES, ParamError};

use crate::body::RequestBody;

/// What is taken.
const LIMITS: BulkLimits = BulkLimits::OPENPAN;

/// The body of a bulk upload.
pub(super) struct Frames {
    body: RequestBody,
    /// What has come and is not read yet.
    held: Bytes,
    /// Bytes that the body may still bring.
    allowed: u64,
    /// How many items have begun.
    items: u64,
    /// Bytes of content that the item still has.
    content_left: u64,
}

/// What the header of an item says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// The path as it was sent, for the reply.
    pub(super) path: String,
    pub(super) size: ByteSize,
    pub(super) wanted: Result<Wanted, ParamError>,
}

/// What is to be done with the content of an item.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) path: PanPath,
    pub(super) ondup: Ondup,
    pub(super) md5: Option<Md5>,
}

impl Frames {
    pub(super) fn new(body: RequestBody) -> Self {
        Self { body, held: Bytes::new(), allowed: LIMITS.bytes_max, items: 0, content_left: 0 }
    }

    pub(super) fn into_body(self) -> RequestBody {
        self.body
    }

    /// The header of the next item; what was not read of the one before is
    /// skipped. `None` at the end, which must be that of the body too.
    pub(super) async fn next_item(&mut self) -> Result<Option<Item>, BodyError> {
        while self.next_piece().await?.is_some() {}
        self.items += 1;
        let length = self.take(size_of::<u32>()).await?;
        let length = length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
        if length == 0 {
            return self.end().await;
        }
        if self.items > LIMITS.items_max {
            return Err(self.malformed(&format!("there are more than {}", LIMITS.items_max)));
        }
        if length > MAX_BULK_HEADER_BYTES {
            let most = MAX_BULK_HEADER_BYTES;
            return Err(self.malformed(&format!("its header is longer than {most} bytes")));
        }
        let header = self.take(length).await?;
        let item = read_header(&header)
            .map_err(|error| self.malformed(&format!("its header is wrong: {error}")))?;
        if item.size.0 > LIMITS.item_bytes_max {
            return Err(self.malformed(&format!("it is larger than {}", LIMITS.item_bytes_max)));
        }
        self.content_left = item.size.0;
        Ok(Some(item))
    }

    /// The next piece of the content of the item; `None` at its end.
    pub(super) async fn next_piece(&mut self) -> Result<Option<Bytes>, BodyError> {
        if self.content_left == 0 {
            return Ok(None);
        }
        if self.held.is_empty() {
            self.held = self.fetch().await?;
        }
        let wanted = usize::try_from(self.content_left).unwrap_or(usize::MAX);
        let piece = self.held.split_to(wanted.min(self.held.len()));
        self.content_left -= piece.len() as u64;
        Ok(Some(piece))
    }

    async fn end(&mut self) -> Result<Option<Item>, BodyError> {
        if !self.held.is_empty() || self.body.next().await?.is_some() {
            return Err(BodyError::Malformed("something follows the end of the items".into()));
        }
        Ok(None)
    }

    /// The next so many bytes, in one piece.
    async fn take(&mut self, length: usize) -> Result<Bytes, BodyError> {
        if self.held.len() >= length {
            return Ok(self.held.split_to(length));
        }
        let mut joined = BytesMut::from(&self.held[..]);
        while joined.len() < length {
            self.held = self.fetch().await?;
            let missing = length - joined.len();
            joined.extend_from_slice(&self.held.split_to(missing.min(self.held.len())));
        }
        Ok(joined.freeze())
    }

    /// The next piece of the body, which must have one.
    async fn fetch(&mut self) -> Result<Bytes, BodyError> {
        let piece = self.body.next().await?;
        let piece = piece.ok_or_else(|| self.malformed("the body ends before it does"))?;
        self.allowed = self
            .allowed
            .checked_sub(piece.len() as u64)
            .ok_or_else(|| self.malformed("the body is longer than 64 MiB"))?;
        Ok(piece)
    }

    fn malformed(&self, what: &str) -> BodyError {
        BodyError::Malformed(format!("item {}: {what}", self.items))
    }
}

fn read_header(json: &[u8]) -> serde_json::Result<Item> {
    let header: BulkHeader<'_> = serde_json::from_slice(json)?;
    let wanted = || Ok(Wanted { path: header.path()?, ondup: header.ondup()?, md5: header.md5()? });
    Ok(Item { wanted: wanted(), size: ByteSize(header.size), path: header.path.into_owned() })
}

#[cfg(test)]
mod tests;
