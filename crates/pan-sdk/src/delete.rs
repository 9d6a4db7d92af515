use pan_model::PanPath;
use pan_pcs::{DeleteItem, MAX_BATCH_ITEMS, write_batch};
use serde::de::IgnoredAny;

use crate::call::Call;
use crate::{Client, Error, PartlyDone};

impl Client {
    /// Moves a file or a whole directory into the recycle bin (pcs-rest 4.12),
    /// from which it can be restored for ten days.
    ///
    /// # Errors
    /// 31066 when nothing is there.
    pub async fn delete_entry(&self, path: &PanPath) -> Result<(), Error> {
        let call = Call::post("delete").with_path(path);
        self.ask::<IgnoredAny>(&call).await.map(|_| ())
    }

    /// Deletes entries one after the other, up to the first that fails. More
    /// than 999 take several calls.
    ///
    /// # Errors
    /// As [`delete_entry`](Self::delete_entry), with what was deleted before.
    pub async fn delete_batch(
        &self,
        paths: &[PanPath],
    ) -> Result<Vec<PanPath>, PartlyDone<PanPath>> {
        let mut done = Vec::with_capacity(paths.len());
        for slice in paths.chunks(MAX_BATCH_ITEMS) {
            let items = slice.iter().map(|path| DeleteItem::new(path.as_str())).collect();
            let call = Call::post("delete").with_param(write_batch::<DeleteItem>(items));
            match self.ask::<IgnoredAny>(&call).await {
                Ok(_) => done.extend_from_slice(slice),
                Err(error) => {
                    done.extend_from_slice(&slice[..error.done_items().min(slice.len())]);
                    return Err(PartlyDone { done, error });
                }
            }
        }
        Ok(done)
    }
}
