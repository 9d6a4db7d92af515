//! A content as the media engine sees it: verified bytes, in any order.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use pan_engine::{BoxFuture, EngineError, ErrorKind, MediaSource, SourceKey};
use pan_model::ByteSize;

use crate::read::Cursor;
use crate::{ContentReader, Error};

/// Reads a content for the media engine.
pub(crate) struct ContentSource {
    reader: ContentReader,
    /// Blob rows that were fetched last, for whoever reads on.
    cursor: Mutex<Cursor>,
}

impl ContentSource {
    pub(crate) fn new(reader: ContentReader) -> Self {
        Self { reader, cursor: Mutex::default() }
    }

    /// What a read left in hand; readers side by side each bring their own.
    fn cursor(&self) -> std::sync::MutexGuard<'_, Cursor> {
        self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MediaSource for ContentSource {
    fn key(&self) -> SourceKey {
        let blake3 = self.reader.fingerprint().blake3;
        SourceKey { blake3, size: ByteSize(self.reader.len()) }
    }

    fn read(&self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, EngineError>> {
        Box::pin(async move {
            let mut cursor = std::mem::take(&mut *self.cursor());
            let step = self.reader.step(&mut cursor, range).await;
            *self.cursor() = cursor;
            step.map_err(|error| match error {
                Error::Engine(error) => error,
                Error::Damaged { what } => EngineError::new(ErrorKind::Corrupt, what),
                other => EngineError::new(ErrorKind::Failed, other.to_string()),
            })
        })
    }
}
