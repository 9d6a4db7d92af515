//! The project's own commands: `cargo xtask check | test | bench | real-input`.
//!
//! What they have in common is in `workspace`, `steps`, `children` and `server`;
//! each command has a file of its own name.

mod bench;
mod check;
mod children;
mod memory;
mod payload;
mod real_input;
mod release;
mod server;
mod setup;
mod steps;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about, disable_help_subcommand = true)]
enum Xtask {
    /// The inner loop: format, lints, tidy, tests, documentation, licences
    Check,
    /// All tests on a fresh machine: installs what they need, then runs everything
    Test(test::Options),
    /// Measures the release binary beside nginx and the limits of this machine
    Bench(bench::Options),
    /// Puts real trees and a superfile through the `pan` command and compares them
    RealInput(real_input::Options),
}

fn main() -> ExitCode {
    let result = match Xtask::parse() {
        Xtask::Check => check::run(),
        Xtask::Test(options) => test::run(&options),
        Xtask::Bench(options) => bench::run(&options),
        Xtask::RealInput(options) => real_input::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
