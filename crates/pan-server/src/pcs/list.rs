//! `file?method=list` (pcs-rest 4.9).

use pan_core::{Error, Listing, Located, Pan};

use super::answer::Answer;
use super::long_list::{self, Windows};
use super::request::Call;

pub(super) async fn answer(pan: &Pan, call: &Call) -> Answer {
    let path = call.params.path("path")?;
    let (order, window) = (call.params.list_order()?, call.params.window()?);
    let listing = pan.list(&call.caller, &path, order, window).await?;
    long_list::answer(listing, call).await
}

impl Windows for Listing {
    async fn next(&mut self) -> Result<Vec<Located>, Error> {
        let entries = self.next_window().await?;
        let located = |entry: pan_core::Entry| {
            let path = self.directory.join(&entry.name);
            Located { path, entry }
        };
        Ok(entries.into_iter().map(located).collect())
    }
}
