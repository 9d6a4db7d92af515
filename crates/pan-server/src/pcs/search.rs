//! `file?method=search` (pcs-rest 4.13).

use pan_core::{Located, Pan, Search};
use pan_model::Md5Style;

use super::answer::Answer;
use super::reply;
use super::request::Call;
use super::windows::{self, Windows};

pub(super) async fn answer(pan: &Pan, call: &Call) -> Answer {
    let (keyword, deep) = call.params.search()?;
    let path = call.params.path("path")?;
    let window = call.params.window()?;
    let search = pan.search(&call.caller, &path, keyword, deep, window).await?;
    let md5_style = call.caller.md5_style;
    windows::answer(Hits { search, md5_style }, call.request_id).await
}

/// The files that were found.
struct Hits {
    search: Search,
    md5_style: Md5Style,
}

impl Windows for Hits {
    type Item = Located;

    async fn next_window(&mut self) -> pan_core::Result<Vec<Located>> {
        self.search.next_window().await
    }

    fn write(&self, text: &mut Vec<u8>, hit: &Located) {
        reply::write_entry(text, &hit.path, &hit.entry, self.md5_style);
    }
}
