use pan_model::{Md5, Ondup, PanPath};
use pan_pcs::{MAX_BLOCKS, write_block_list};

use crate::call::Call;
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
        if blocks.is_empty() || blocks.len() > MAX_BLOCKS {
            let count = blocks.len();
            return Err(Error::Input(format!("a file has 1 to {MAX_BLOCKS} blocks, not {count}")));
        }
        let call = Call::post("createsuperfile")
            .with_path(path)
            .with_ondup(ondup)
            .with_param(write_block_list(blocks));
        self.ask_entry(&call).await
    }
}
