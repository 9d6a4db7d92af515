//! `file?method=search` (pcs-rest 4.13).

use pan_core::{Error, Located, Pan, Search};

use super::answer::Answer;
use super::long_list::{self, Windows};
use super::request::Call;

pub(super) async fn answer(pan: &Pan, call: &Call) -> Answer {
    let (keyword, deep) = call.params.search()?;
    let path = call.params.path("path")?;
    let window = call.params.window()?;
    let search = pan.search(&call.caller, &path, keyword, deep, window).await?;
    long_list::answer(search, call).await
}

impl Windows for Search {
    async fn next(&mut self) -> Result<Vec<Located>, Error> {
        self.next_window().await
    }
}
