//! The `pan` command: one file per command, and what they share.
//!
//! Data goes to stdout and everything else to stderr. What a command prints
//! and when it ends with which code is in `docs/cli.md`.

mod bars;
mod cat;
mod claims;
mod cli;
mod config;
mod copy_args;
mod cp;
mod diff;
mod exit;
mod failure;
mod filter;
mod find;
mod get;
mod local_walk;
mod login;
mod logout;
mod ls;
mod media;
mod mkdir;
mod mv;
mod place;
mod progress;
mod pump;
mod put;
mod quota;
mod recycle;
mod remote;
mod retry_notes;
mod rm;
mod screen;
mod session;
mod show;
mod stat;
mod stderr;
mod tally;
mod transfers;
mod whoami;

use std::process::ExitCode;

use clap::Parser;
use tokio::signal;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;
use crate::session::Session;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let screen = Screen::new(&cli.global);
    retry_notes::install(screen.stderr.clone(), cli.global.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return screen.end(Err(Failure::other(format!("cannot start: {error}")))),
    };
    let session = Session::new(&cli.global, &screen);
    // Leaving the select drops the command, and with it its temporary files.
    let result = runtime.block_on(async {
        tokio::select! {
            result = cli.command.run(&session) => result,
            exit = interrupted() => Err(Failure::silent(exit)),
        }
    });
    // A thread may be waiting for input that never comes.
    runtime.shutdown_background();
    screen.end(result)
}

/// Waits for Ctrl-C or a request to end.
async fn interrupted() -> Exit {
    #[cfg(unix)]
    if let Ok(mut terminate) = signal::unix::signal(signal::unix::SignalKind::terminate()) {
        return tokio::select! {
            _ = terminate.recv() => Exit::Terminated,
            _ = signal::ctrl_c() => Exit::Interrupted,
        };
    }
    let _ = signal::ctrl_c().await;
    Exit::Interrupted
}
