//! `file?method=list` (pcs-rest 4.9), written as it is read.

use pan_core::{Entry, Listing, Pan};
use pan_model::Md5Style;

use super::answer::Answer;
use super::reply;
use super::request::Call;
use super::windows::{self, Windows};

pub(super) async fn answer(pan: &Pan, call: &Call) -> Answer {
    let path = call.params.path("path")?;
    let (order, window) = (call.params.list_order()?, call.params.window()?);
    let listing = pan.list(&call.caller, &path, order, window).await?;
    let md5_style = call.caller.md5_style;
    windows::answer(Children { listing, md5_style }, call.request_id).await
}

/// The children of a directory.
struct Children {
    listing: Listing,
    md5_style: Md5Style,
}

impl Windows for Children {
    type Item = Entry;

    async fn next_window(&mut self) -> pan_core::Result<Vec<Entry>> {
        self.listing.next_window().await
    }

    fn write(&self, text: &mut Vec<u8>, entry: &Entry) {
        let path = self.listing.directory.join(&entry.name);
        reply::write_entry(text, &path, entry, self.md5_style);
    }
}
