//! `cargo xtask check`: the inner loop. Nothing is installed and nothing is written
//! outside Cargo's output directory.

use anyhow::Result;

use crate::steps::{self, Tally};
use crate::{setup, workspace};

/// Runs every check, the cheap ones first.
pub(crate) fn run() -> Result<()> {
    lints()?;
    let tally = tests(&[])?;
    licences_if_installed()?;
    println!("tests: {tally}");
    Ok(())
}

/// Everything that reads the code without running it, and tidy.
pub(crate) fn lints() -> Result<()> {
    steps::quiet("fmt", workspace::cargo(&["fmt", "--all", "--check"]))?;
    let mut clippy = workspace::cargo(&["clippy", "--quiet", "--workspace", "--all-features"]);
    clippy.args(["--all-targets", "--", "-D", "warnings"]);
    steps::quiet("clippy", clippy)?;
    steps::quiet(
        "tidy",
        workspace::cargo(&["test", "--quiet", "--package", "xtask", "--test", "tidy"]),
    )?;
    let mut doc =
        workspace::cargo(&["doc", "--quiet", "--workspace", "--all-features", "--no-deps"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    steps::quiet("doc", doc)
}

/// Every test but those in documentation, with nextest when it is installed.
pub(crate) fn tests(options: &[&str]) -> Result<Tally> {
    let args: &[&str] = if workspace::find_program("cargo-nextest").is_some() {
        &["nextest", "run", "--workspace", "--all-features"]
    } else {
        &["test", "--workspace", "--all-features", "--all-targets"]
    };
    let mut command = workspace::cargo(args);
    command.args(options).envs(setup::test_environment());
    steps::tests("test", command)
}

/// Licences, bans and sources of what we depend on.
///
/// Advisories need a database from the network and are no part of the inner loop.
pub(crate) fn licences() -> Result<()> {
    let deny = ["deny", "--log-level", "error", "check", "bans", "licenses", "sources"];
    steps::quiet("deny", workspace::cargo(&deny))
}

fn licences_if_installed() -> Result<()> {
    if workspace::find_program("cargo-deny").is_some() {
        return licences();
    }
    eprintln!("{:>9}  skipped: `cargo install --locked cargo-deny` installs it", "deny");
    Ok(())
}
