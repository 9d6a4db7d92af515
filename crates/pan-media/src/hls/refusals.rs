//! Places of streams where a transcoder failed, for a while.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::runs::StreamKey;

/// A player asks again and again; a transcoder need not fail as often.
const KEPT: Duration = Duration::from_secs(60);
const COUNT_MAX: usize = 1024;

/// What failed lately, and why.
#[derive(Default)]
pub(crate) struct Refusals {
    places: HashMap<(StreamKey, u32), (Instant, String)>,
}

impl Refusals {
    /// Why a piece could not be made, if that was a moment ago.
    pub(crate) fn of(&self, stream: StreamKey, index: u32) -> Option<String> {
        let (since, reason) = self.places.get(&(stream, index))?;
        (since.elapsed() < KEPT).then(|| reason.clone())
    }

    /// Remembers why a piece could not be made.
    pub(crate) fn add(&mut self, stream: StreamKey, index: u32, reason: String) {
        if self.places.len() >= COUNT_MAX {
            self.places.retain(|_, (since, _)| since.elapsed() < KEPT);
        }
        if self.places.len() < COUNT_MAX {
            self.places.insert((stream, index), (Instant::now(), reason));
        }
    }
}
