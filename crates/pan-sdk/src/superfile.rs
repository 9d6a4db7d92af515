use pan_model::{Md5, Ondup, PanPath};
use pan_pcs::{MAX_BLOCKS, write_block_list};

use crate::call::Call;
use crate::digest::ReplyDigests;
use crate::{Client, Entry, Error};

impl Client {
    /// Merges uploaded blocks into a file (pcs-rest 4.4): 1 to 1024 of them,
    /// in order; a block may be named several times.
    ///
    /// # Errors
    /// 31363 when the service does not know a block (any more), and as
    /// [`upload`](Self::upload).
    pub async fn create_superfile(
        &self,
        path: &PanPath,
        blocks: &[Md5],
        ondup: Ondup,
    ) -> Result<Entry, Error> {
        self.merge_blocks(path, blocks, ondup).await.map(|(entry, _)| entry)
    }

    /// As [`create_superfile`](Self::create_superfile), with what the headers
    /// say of the whole.
    pub(crate) async fn merge_blocks(
        &self,
        path: &PanPath,
        blocks: &[Md5],
        ondup: Ondup,
    ) -> Result<(Entry, ReplyDigests), Error> {
        if blocks.is_empty() || blocks.len() > MAX_BLOCKS {
            let count = blocks.len();
            return Err(Error::Input(format!("a file has 1 to {MAX_BLOCKS} blocks, not {count}")));
        }
        let call = Call::post("createsuperfile")
            .with_path(path)
            .with_ondup(ondup)
            .with_param(write_block_list(blocks));
        let (body, told) = self.ask_digested(&call).await?;
        let entry = Entry::read(body).map_err(|reason| self.malformed(&call, reason))?;
        Ok((entry, told))
    }
}
