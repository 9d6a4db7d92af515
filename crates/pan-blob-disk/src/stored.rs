//! Reading a blob as the disk has it.

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;
use pan_engine::{EngineError, ErrorKind, MAX_BLOB_BYTES};
use pan_model::BlobKey;

use crate::store::Shared;
use crate::{blocking, read};

/// Reads a whole blob, opened by its name now and read from the disk.
pub(crate) async fn get(shared: &Arc<Shared>, key: BlobKey) -> Result<Bytes, EngineError> {
    let shared = Arc::clone(shared);
    blocking::run(move || {
        let blob = read::open_from_disk(&shared, key)?;
        if blob.size > MAX_BLOB_BYTES {
            let context = format!("blob {key} has {} bytes, more than any", blob.size);
            return Err(EngineError::new(ErrorKind::Corrupt, context));
        }
        // Memory may hold what the disk no longer does, and must not fill up
        // with what nobody asked for.
        forget(&blob.file);
        let bytes = read::read_from_disk(&blob, 0..blob.size);
        forget(&blob.file);
        bytes
    })
    .await
}

/// Asks the system to drop a file from its memory. It is a wish: a refusal
/// changes nothing about what is read.
#[cfg(target_os = "linux")]
fn forget(file: &File) {
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
fn forget(_file: &File) {}
