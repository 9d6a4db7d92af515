use futures_util::stream::{self, Stream, TryStreamExt};
use pan_model::{FsId, Timestamp, Window};
use pan_pcs::{MAX_BATCH_ITEMS, Object, RecycleBody, RecycledBody, RestoreItem, write_batch};
use serde::de::IgnoredAny;

use crate::call::Call;
use crate::list::PAGE_ENTRIES;
use crate::{Client, Entry, Error, PartlyDone};

/// An entry in the recycle bin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecycledEntry {
    /// The entry, with the path that it had.
    pub entry: Entry,
    /// When it was deleted; `None` when the service does not say.
    pub deleted: Option<Timestamp>,
}

impl RecycledEntry {
    fn read(body: RecycledBody) -> Result<Self, String> {
        let deleted = (body.delete_time != 0).then_some(Timestamp(body.delete_time));
        Ok(Self { entry: Entry::read(body.entry)?, deleted })
    }
}

impl Client {
    /// Lists a window of the recycle bin, the latest deletion first
    /// (pcs-rest 4.25). A deleted directory is one entry.
    ///
    /// # Errors
    /// Those that every call has.
    pub async fn list_recycle(&self, window: Window) -> Result<Vec<RecycledEntry>, Error> {
        let limit = window.len().min(i64::MAX as u64);
        let call = Call::get(Object::File, "listrecycle")
            .with("start", window.start.to_string())
            .with("limit", limit.to_string());
        let body: RecycleBody = self.ask(&call).await?;
        let entries: Result<_, String> = body.list.into_iter().map(RecycledEntry::read).collect();
        entries.map_err(|reason| self.malformed(&call, reason))
    }

    /// Lists the whole recycle bin, a page of 1000 entries at a time.
    ///
    /// What is deleted or restored meanwhile shifts the pages, so that a
    /// neighbour is missed or comes twice.
    ///
    /// # Errors
    /// The stream ends with the first error.
    pub fn list_recycle_all(
        &self,
    ) -> impl Stream<Item = Result<RecycledEntry, Error>> + Send + use<> {
        let client = self.clone();
        let pages = stream::try_unfold(Some(0), move |start| {
            let client = client.clone();
            async move {
                let Some(start) = start else { return Ok(None) };
                let end = start + PAGE_ENTRIES;
                let page = client.list_recycle(Window { start, end }).await?;
                // A longer page is that of a service without windows: all entries.
                let next = (page.len() as u64 == PAGE_ENTRIES).then_some(end);
                Ok::<_, Error>(Some((page, next)))
            }
        });
        pages.map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten()
    }

    /// Puts a deleted entry back to where it was, with everything below it.
    /// Missing parents are made anew.
    ///
    /// # Errors
    /// 31078 when the bin holds no such entry, 31061 when its path is taken,
    /// 31112 when the account has no room.
    pub async fn restore(&self, fs_id: FsId) -> Result<(), Error> {
        let call = Call::post("restore").with("fs_id", fs_id.to_string());
        self.ask::<IgnoredAny>(&call).await.map(|_| ())
    }

    /// Restores entries one after the other, up to the first that fails. More
    /// than 999 take several calls.
    ///
    /// # Errors
    /// As [`restore`](Self::restore), with what was restored before.
    pub async fn restore_batch(&self, ids: &[FsId]) -> Result<Vec<FsId>, PartlyDone<FsId>> {
        let mut done = Vec::with_capacity(ids.len());
        for slice in ids.chunks(MAX_BATCH_ITEMS) {
            let items = slice.iter().map(|id| RestoreItem::new(&id.to_string())).collect();
            let call = Call::post("restore").with_param(write_batch::<RestoreItem>(items));
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

    /// Deletes everything in the recycle bin for good.
    ///
    /// # Errors
    /// 31070 when not all of it could be deleted.
    pub async fn empty_recycle(&self) -> Result<(), Error> {
        // Emptying again empties what is left.
        let call = Call::post("delete").with("type", "recycle").harmless_if(true);
        self.ask::<IgnoredAny>(&call).await.map(|_| ())
    }
}
