use futures_util::stream::{self, Stream, TryStreamExt};
use pan_model::MediaType;
use pan_pcs::{MediaListBody, Object};

use crate::call::Call;
use crate::list::PAGE_ENTRIES;
use crate::{Client, Entry, Error};

/// A page of the files of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MediaPage {
    /// How many files there are in all.
    pub total: u64,
    /// Those of the page, the latest first.
    pub files: Vec<Entry>,
}

impl Client {
    /// Lists files of one type, the latest first: up to `limit` of them after
    /// the first `start` (pcs-rest 4.17). A service may give fewer than asked for.
    ///
    /// `prefix` is what their paths begin with: text, not a directory.
    ///
    /// # Errors
    /// 31023 for [`MediaType::Other`], which is not listed.
    pub async fn list_media(
        &self,
        media: MediaType,
        prefix: Option<&str>,
        start: u64,
        limit: u64,
    ) -> Result<MediaPage, Error> {
        let mut call = Call::get(Object::Stream, "list").with("type", media.as_str());
        call = call.with("start", start.to_string()).with("limit", limit.to_string());
        if let Some(prefix) = prefix {
            call = call.with("filter_path", prefix);
        }
        let body: MediaListBody = self.ask(&call).await?;
        let files: Result<_, String> = body.list.into_iter().map(Entry::read).collect();
        let files = files.map_err(|reason| self.malformed(&call, reason))?;
        Ok(MediaPage { total: body.total, files })
    }

    /// Lists all files of one type, a page of 1000 at a time.
    ///
    /// A file that is added or removed meanwhile may shift the pages, so that
    /// a neighbour is missed or comes twice.
    ///
    /// # Errors
    /// The stream ends with the first error, which is one of
    /// [`list_media`](Self::list_media).
    pub fn list_media_all(
        &self,
        media: MediaType,
        prefix: Option<&str>,
    ) -> impl Stream<Item = Result<Entry, Error>> + Send + use<> {
        let (client, prefix) = (self.clone(), prefix.map(str::to_owned));
        let pages = stream::try_unfold(Some(0), move |start| {
            let (client, prefix) = (client.clone(), prefix.clone());
            async move {
                let Some(start) = start else { return Ok(None) };
                let page = client.list_media(media, prefix.as_deref(), start, PAGE_ENTRIES).await?;
                let count = page.files.len() as u64;
                let end = start + count;
                // A total that is less than what came is none.
                let more = end < page.total || (end > page.total && count == PAGE_ENTRIES);
                let next = (count > 0 && more).then_some(end);
                Ok::<_, Error>(Some((page.files, next)))
            }
        });
        pages.map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten()
    }
}
