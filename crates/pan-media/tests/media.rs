//! The media engine with real images, a real ffmpeg and the real sandbox.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "media/bombs.rs"]
mod bombs;
#[path = "media/files.rs"]
mod files;
#[path = "media/hls.rs"]
mod hls;
#[path = "media/packets.rs"]
mod packets;
#[path = "media/source.rs"]
mod source;
#[path = "media/thumbnails.rs"]
mod thumbnails;
#[path = "media/videos.rs"]
mod videos;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    // The engine starts this very program for what it does confined.
    if let Some(code) = pan_media::confined_main() {
        return code;
    }
    let trials = [thumbnails::trials(), bombs::trials(), hls::trials()];
    let trials = trials.into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A test that runs in a runtime of its own.
fn trial<F>(name: &str, test: fn() -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.map_err(Failed::from)?.block_on(test());
        Ok(())
    })
}
