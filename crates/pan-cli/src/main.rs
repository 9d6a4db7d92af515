//! The `pan` command: one file per command, and what they share.
//!
//! Data goes to stdout and everything else to stderr. What a command prints
//! and when it ends with which code is in `docs/cli.md`.

mod bars;
mod cat;
mod check;
mod check_walk;
mod claims;
mod cli;
mod completion;
mod config;
mod copy_args;
mod cp;
mod df;
mod diff;
mod du;
mod exit;
mod failure;
mod filter;
mod find;
mod fresh_file;
mod get;
mod glob;
mod links;
mod local_walk;
mod login;
mod logout;
mod ls;
mod man;
mod media;
mod mkdir;
mod mv;
mod pattern;
mod place;
mod play;
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
mod sync;
mod tally;
mod thumb;
mod transfers;
mod tree;
mod whoami;

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::signal;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;
use crate::session::Session;

/// How long a command that has ended waits for what its threads have begun.
const LAST_WORK: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    respect_dumb_terminals();
    if completion::answer() {
        return ExitCode::SUCCESS;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misread(&error),
    };
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
    // A thread that writes a file removes it where nobody wants it any more;
    // another may be waiting for input that never comes.
    runtime.shutdown_timeout(LAST_WORK);
    screen.end(result)
}

/// Ends where the command line cannot be understood, or asked for help.
fn misread(error: &clap::Error) -> ExitCode {
    let wants_json = env::args_os().any(|argument| argument == "--json");
    if !error.use_stderr() || !wants_json {
        error.exit();
    }
    let text = error.render().to_string();
    let mut paragraphs = text.trim_end().split("\n\n").map(str::trim);
    let message = paragraphs.next().unwrap_or_default();
    let tip = paragraphs.find_map(|text| text.strip_prefix("tip: "));
    let failure = Failure::usage(message.strip_prefix("error: ").unwrap_or(message));
    let failure = failure.hint(tip.unwrap_or("see `pan --help`"));
    eprintln!("{}", stderr::error_object(&failure));
    ExitCode::from(failure.exit.code())
}

/// A terminal that says it is dumb gets no colours, unless they are forced;
/// `anstream` alone would believe a set `CI` more.
fn respect_dumb_terminals() {
    let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    let is_forced = env::var_os("CLICOLOR_FORCE").is_some_and(|force| force != "0");
    if is_dumb && !is_forced {
        anstream::ColorChoice::Never.write_global();
    }
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
