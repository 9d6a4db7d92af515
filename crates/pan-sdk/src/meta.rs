use pan_model::PanPath;
use pan_pcs::{MAX_BATCH_ITEMS, MetaItem, Object, write_batch};

use crate::call::Call;
use crate::{Client, Entry, Error};

impl Client {
    /// Describes one entry (pcs-rest 4.7).
    ///
    /// # Errors
    /// 31066 when nothing is there.
    pub async fn meta(&self, path: &PanPath) -> Result<Entry, Error> {
        let call = Call::get(Object::File, "meta").with_path(path);
        let list = self.ask_list(&call).await?;
        let empty = || self.malformed(&call, format!("it has nothing about `{path}`"));
        list.into_iter().next().ok_or_else(empty)
    }

    /// Describes entries, in the order of the paths (pcs-rest 4.8). More than
    /// 999 are asked for in several calls.
    ///
    /// # Errors
    /// 31066 when one of them is missing: it is all or nothing.
    pub async fn meta_batch(&self, paths: &[PanPath]) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::with_capacity(paths.len());
        for slice in paths.chunks(MAX_BATCH_ITEMS) {
            let items = slice.iter().map(|path| MetaItem::new(path.as_str())).collect();
            let call = Call::get(Object::File, "meta").with_param(write_batch::<MetaItem>(items));
            entries.extend(self.ask_list(&call).await?);
        }
        Ok(entries)
    }
}
