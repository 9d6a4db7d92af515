use futures_util::stream::{self, Stream, TryStreamExt};
use pan_model::{PanPath, Window};
use pan_pcs::Object;

use crate::call::Call;
use crate::{Client, Entry, Error};

/// How many files a page of a stream has. The service finds each page from the
/// beginning, so they are larger than those of a directory.
const PAGE_FILES: u64 = 5000;

impl Client {
    /// Finds files by a part of their name: the newest of a window, in a
    /// directory, or below it too if `deep` (pcs-rest 4.13).
    ///
    /// Case does not matter and every character is plain. Windows are an
    /// extension of OpenPan; other services give all files for each.
    ///
    /// # Errors
    /// 31066 when nothing is there, 31023 for an empty keyword.
    pub async fn search(
        &self,
        path: &PanPath,
        keyword: &str,
        deep: bool,
        window: Window,
    ) -> Result<Vec<Entry>, Error> {
        let mut call = Call::get(Object::File, "search").with_path(path).with("wd", keyword);
        call = call.with("re", if deep { "1" } else { "0" });
        if window != Window::ALL {
            // What every decoder holds; nobody has more files.
            let end = window.end.min(i64::MAX as u64);
            call = call.with("limit", format!("{}-{end}", window.start));
        }
        self.ask_list(&call).await
    }

    /// Finds all files, a page of 5000 at a time.
    ///
    /// A file that is added or removed meanwhile may shift the pages, so that
    /// a neighbour is missed or comes twice.
    ///
    /// # Errors
    /// The stream ends with the first error, which is one of
    /// [`search`](Self::search).
    pub fn search_all(
        &self,
        path: &PanPath,
        keyword: &str,
        deep: bool,
    ) -> impl Stream<Item = Result<Entry, Error>> + Send + use<> {
        let (client, path, keyword) = (self.clone(), path.clone(), keyword.to_owned());
        let pages = stream::try_unfold(Some(0), move |start| {
            let (client, path, keyword) = (client.clone(), path.clone(), keyword.clone());
            async move {
                let Some(start) = start else { return Ok(None) };
                let end = start + PAGE_FILES;
                let page = client.search(&path, &keyword, deep, Window { start, end }).await?;
                // A longer page is that of a service without windows: all files.
                let next = (page.len() as u64 == PAGE_FILES).then_some(end);
                Ok::<_, Error>(Some((page, next)))
            }
        });
        pages.map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten()
    }
}
