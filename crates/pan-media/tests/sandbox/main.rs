//! What a confined process cannot do, shown with real programs, a real ffmpeg
//! and videos that were made to break out.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod canary;
mod engine;
mod hostile;
mod input;
mod jobs;
mod matroska;
mod mov;
mod programs;
#[path = "../media/source.rs"]
mod source;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    // The engine starts this very program for what it does confined.
    if let Some(code) = pan_media::sandbox::confined_main(jobs::JOBS) {
        return code;
    }
    if std::env::args().nth(1).is_some_and(|word| word == programs::PARENT) {
        run(programs::parent());
        return ExitCode::SUCCESS;
    }
    let trials = [jobs::trials(), programs::trials(), hostile::trials(), engine::trials()];
    let trials = trials.into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A test that runs in a runtime of its own.
fn trial<F>(name: &str, test: fn() -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    Trial::test(name, move || {
        run(test());
        Ok(())
    })
}

fn run(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.unwrap().block_on(future);
}
