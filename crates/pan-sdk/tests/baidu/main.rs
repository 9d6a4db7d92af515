//! The client against a service that answers as Baidu's does: the samples of
//! the manuals, and what was seen on the wire instead.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[allow(dead_code, reason = "shared with tests that use the rest of it")]
#[path = "../faults/fake.rs"]
mod fake;

mod any_json;
mod cancel;
mod client;
mod cloud_dl;
mod media;
mod oauth;
mod replies;
mod streams;

use pan_sdk::PanPath;

fn path(text: &str) -> PanPath {
    PanPath::parse(text).unwrap()
}

/// The value of a parameter in the query of a request, undecoded.
fn parameter(request: &fake::Request, name: &str) -> Option<String> {
    let (_, query) = request.line.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}
