use futures_util::stream::{self, Stream, TryStreamExt};
use pan_model::{ListOrder, PanPath, Window};
use pan_pcs::Object;

use crate::call::Call;
use crate::{Client, Entry, Error};

/// How many entries a page of a stream has: what every service is used to.
pub(crate) const PAGE_ENTRIES: u64 = 1000;

impl Client {
    /// Lists a directory: the entries of a window of it (pcs-rest 4.9).
    ///
    /// A window beyond the end is shorter or empty. A file has no entries.
    ///
    /// # Errors
    /// 31066 when nothing is there.
    pub async fn list(
        &self,
        path: &PanPath,
        order: ListOrder,
        window: Window,
    ) -> Result<Vec<Entry>, Error> {
        let mut call = Call::get(Object::File, "list").with_path(path);
        if let Some(word) = order.by.as_str() {
            call = call.with("by", word);
        }
        call = call.with("order", if order.descending { "desc" } else { "asc" });
        if window != Window::ALL {
            // What every decoder holds; nobody has more entries.
            let end = window.end.min(i64::MAX as u64);
            call = call.with("limit", format!("{}-{end}", window.start));
        }
        self.ask_list(&call).await
    }

    /// Lists a whole directory, a page of 1000 entries at a time.
    ///
    /// An entry that is added or removed meanwhile may shift the pages, so
    /// that a neighbour is missed or comes twice.
    ///
    /// # Errors
    /// The stream ends with the first error, which is one of [`list`](Self::list).
    pub fn list_all(
        &self,
        path: &PanPath,
        order: ListOrder,
    ) -> impl Stream<Item = Result<Entry, Error>> + Send + use<> {
        self.pages(path.clone(), order)
            .map_ok(|page| stream::iter(page.into_iter().map(Ok)))
            .try_flatten()
    }

    /// The pages of a directory. The first one comes even when it is empty.
    pub(crate) fn pages(
        &self,
        path: PanPath,
        order: ListOrder,
    ) -> impl Stream<Item = Result<Vec<Entry>, Error>> + Send + use<> {
        let client = self.clone();
        stream::try_unfold(Some(0), move |start| {
            let (client, path) = (client.clone(), path.clone());
            async move {
                let Some(start) = start else { return Ok(None) };
                let end = start + PAGE_ENTRIES;
                let page = client.list(&path, order, Window { start, end }).await?;
                // A longer page is that of a service without windows: all entries.
                let next = (page.len() as u64 == PAGE_ENTRIES).then_some(end);
                Ok(Some((page, next)))
            }
        })
    }
}
