//! `cargo xtask test`: every test there is, on a machine that has only Rust and a
//! C compiler.

use std::env;

use anyhow::Result;

use crate::steps::{self, Tally};
use crate::{check, setup, workspace};

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Check the licences of the dependencies, and install cargo-deny for it (implied by CI=true)
    #[arg(long)]
    deny: bool,
}

/// Installs what is missing, then runs the checks and all tests.
pub(crate) fn run(options: &Options) -> Result<()> {
    setup::prepare()?;
    check::lints()?;
    let tally = check::tests(&["--no-fail-fast"])? + doc_tests()?;
    if options.deny || env::var("CI").is_ok_and(|value| value == "true") {
        // Last, because building cargo-deny takes minutes.
        setup::cargo_tool("cargo-deny")?;
        check::licences()?;
    }
    println!("tests: {tally}");
    Ok(())
}

/// nextest does not run the examples in the documentation.
fn doc_tests() -> Result<Tally> {
    steps::tests("doc tests", workspace::cargo(&["test", "--quiet", "--workspace", "--doc"]))
}
