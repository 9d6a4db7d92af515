use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use pan_model::{Ondup, PanPath};

use crate::{Client, Content, Entry, Error};

/// How many files are on their way at once where each needs a call of its own.
const ALONE_AT_ONCE: usize = 16;

/// A small file that is uploaded together with others.
#[derive(Debug, Clone)]
pub struct SmallFile {
    /// Where it goes. Missing parents are created.
    pub path: PanPath,
    /// All its bytes.
    pub bytes: Bytes,
    /// What happens when the name is taken.
    pub ondup: Ondup,
}

impl SmallFile {
    /// Files up to this size are worth uploading together: 256 KiB.
    pub const MAX_BYTES: u64 = 256 << 10;
}

impl Client {
    /// Uploads many small files. Each succeeds or fails on its own; the
    /// results come in the order of the files.
    pub async fn upload_many(&self, files: Vec<SmallFile>) -> Vec<Result<Entry, Error>> {
        stream::iter(files)
            .map(|file| async move {
                self.upload(&file.path, Content::bytes(file.bytes), file.ondup).await
            })
            .buffered(ALONE_AT_ONCE)
            .collect()
            .await
    }
}
