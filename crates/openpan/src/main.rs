//! The OpenPan server and its administration.
//!
//! The only crate that names engines: it puts SQLite and the local disk under
//! the rules, and the edges on top.

mod admin;
mod cli;
mod config;
mod data_dir;
mod open;
mod serve;
mod setup;
mod system;
mod tls;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    start_logging(&arguments.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Disk and search threads: enough to keep a disk busy, and no more
        // stacks than that.
        .max_blocking_threads(64)
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let outcome = runtime.block_on(async {
        match arguments.command {
            cli::Command::Serve(options) => {
                serve::run(&arguments.place, options).await.map(|()| ExitCode::SUCCESS)
            }
            command => admin::run(&arguments.place, command).await,
        }
    });
    // What still runs on blocking threads holds nothing that must end well.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|error| fail(&error))
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

fn start_logging(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info,access=off"));
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(terminal)
        .init();
}
