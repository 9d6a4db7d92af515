//! The media engine: thumbnails, and video as HLS, made on demand.
//!
//! Nothing that a stranger may have written is decoded in this process. A
//! decoder runs as a process of its own, confined (`sandbox`): it has no network,
//! no file but the programs of the system, and limits of memory and time. What
//! it makes is kept in a bounded cache on the disk (`cache`).

mod cache;
mod engine;
mod hls;
mod options;
pub mod sandbox;
mod thumbnail;
mod turns;

use std::process::ExitCode;

pub use engine::LocalMedia;
pub use options::Options;

/// What a program that holds a media engine does first in `main`, before it has
/// a second thread: if it was started as a confined process of the engine it
/// does that work, and the result is the exit code; `None` for every other start.
pub fn confined_main() -> Option<ExitCode> {
    sandbox::confined_main(JOBS)
}

/// What confined processes do themselves, by its name.
const JOBS: &[(&str, sandbox::Job)] = &[(thumbnail::job::JOB, thumbnail::job::run)];
