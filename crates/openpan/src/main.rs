//! The OpenPan server and its administration.
//!
//! The only crate that names engines: it puts SQLite and the local disk under
//! the rules, and the edges on top.

mod admin;
mod backup;
mod cli;
mod config;
mod data_dir;
mod frozen;
mod load;
mod open;
mod output;
mod serve;
mod setup;
mod system;
mod tls;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use rustix::fs::Mode;
use tracing_subscriber::EnvFilter;

/// What still runs on blocking threads at the end may take this long: the
/// metadata engine empties its log.
const END_PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    if let Some(code) = pan_media::confined_main() {
        return code;
    }
    // Whatever is made is its owner's alone.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    run(cli::Arguments::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(arguments: cli::Arguments) -> anyhow::Result<ExitCode> {
    let settings = config::read(&arguments.place)?;
    start_logging(&settings.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Disk and search threads: enough to keep a disk busy, and no more
        // stacks than that.
        .max_blocking_threads(64)
        .build()?;
    let outcome = runtime.block_on(async {
        match arguments.command {
            cli::Command::Serve(options) => {
                serve::run(config::for_serving(settings, options)?).await?;
                Ok(ExitCode::SUCCESS)
            }
            cli::Command::Load { file } => {
                load::run(&settings.data_dir, &file).await?;
                Ok(ExitCode::SUCCESS)
            }
            command => admin::run(&settings.data_dir, command).await,
        }
    });
    // Ends every task, and with the last of them the engines.
    runtime.shutdown_timeout(END_PATIENCE);
    outcome
}

fn start_logging(filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)
        .with_context(|| format!("`{filter}` is no log filter; try `info` or `debug`"))?;
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(terminal)
        .init();
    Ok(())
}
