//! Many small uploads in one request (pcs-rest 4.26).
//!
//! Each is an upload of its own, by the same rule; what they share is the
//! commit. While one is received those before it wait for theirs, so that the
//! metadata engine finds many to commit together.

use bytes::Bytes;
use futures_util::Stream;
use pan_engine::{EngineError, ErrorKind};
use pan_model::{ByteSize, Caller, Ondup, PanPath};
use tokio::task::JoinHandle;

use crate::receive::{Allowance, Received};
use crate::tree::{Located, authorize_below};
use crate::upload::{Upload, begin};
use crate::{BodyError, Pan, Result, receive};

/// Uploads of all bulk requests that may wait for their commit at once: no
/// more than half of what an engine lets wait, and 8 MiB of small contents.
pub(crate) const WAITING_MAX: usize = 512;

/// An upload that waits for its commit. It goes on when this is dropped.
pub struct PendingUpload(JoinHandle<Result<Located>>);

impl PendingUpload {
    /// Waits for the commit.
    ///
    /// # Errors
    /// As [`Pan::upload`].
    pub async fn finish(self) -> Result<Located> {
        self.0.await.map_err(|error| {
            EngineError::new(ErrorKind::Panicked, "committing an upload").with_source(error)
        })?
    }
}

impl Pan {
    /// Takes in the bytes of a small upload, of at most `size` bytes. What an
    /// earlier one of the same request changes is not known yet: room and
    /// conflicts are judged at the commit and nowhere else.
    ///
    /// # Errors
    /// [`OutsideRoot`](crate::Error::OutsideRoot), and
    /// [`Body`](crate::Error::Body) when the bytes do not arrive.
    pub async fn receive_small<S>(
        &self,
        caller: &Caller,
        path: &PanPath,
        size: ByteSize,
        body: S,
    ) -> Result<Received>
    where
        S: Stream<Item = std::result::Result<Bytes, BodyError>> + Unpin,
    {
        authorize_below(caller, path)?;
        receive::receive(self, Allowance { limit: size, free: ByteSize::UNLIMITED }, body).await
    }

    /// Begins [`Pan::upload`], as soon as there is room for one more, and does
    /// not wait for its end. Uploads of a user that are begun one after the
    /// other are committed in this order.
    pub async fn begin_upload(
        &self,
        caller: &Caller,
        path: &PanPath,
        ondup: Ondup,
        received: Received,
    ) -> PendingUpload {
        let turn = match self.inner().bulk_turns.clone().acquire_owned().await {
            Ok(turn) => turn,
            Err(_) => unreachable!("the semaphore is never closed"),
        };
        let mut place = Upload::new(self, caller, path, ondup).into_place();
        let commit = self.committing(caller, received, move |tx, received| {
            // Given back with this closure: when the commit has ended.
            let _turn = &turn;
            place(tx, received)
        });
        PendingUpload(begin(commit).await)
    }
}
