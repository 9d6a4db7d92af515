//! The release build of `pan`, as a user with a home of their own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::process::{self, Run};
use crate::workspace;

/// Somebody who runs `pan` against a server.
pub(super) struct Pan {
    home: PathBuf,
    url: String,
    token: String,
}

impl Pan {
    /// Makes a home in `dir` for the owner of a token.
    pub(super) fn new(dir: &Path, url: String, token: &str) -> Result<Self> {
        let home = dir.join("home");
        fs::create_dir_all(&home)?;
        Ok(Self { home, url, token: token.to_owned() })
    }

    /// A command that has not been started.
    pub(super) fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = workspace::release("pan");
        command
            .env("HOME", &self.home)
            .env("XDG_CONFIG_HOME", self.home.join("config"))
            .env("XDG_STATE_HOME", self.home.join("state"))
            .env("OPENPAN_ENDPOINT", &self.url)
            .env("OPENPAN_TOKEN", &self.token)
            .args(arguments);
        command
    }

    /// Runs a command to its end, quietly.
    pub(super) fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Run> {
        let mut command = self.command(&["-q"]);
        command.args(arguments);
        process::run(command, &self.home.join("output"))
    }

    /// What a command prints.
    pub(super) fn output<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<String> {
        let output = self.command(arguments).output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pan ended with {}: {complaint}", output.status);
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Fails unless so many files are in a remote directory and below it: a client that
    /// leaves out files would look fast.
    pub(super) fn expect_files(&self, dir: &str, files: usize) -> Result<()> {
        let listing = self.output(&["ls", "-R", dir])?;
        let found = listing.lines().filter(|line| !line.ends_with('/')).count();
        ensure!(found == files, "{found} of {files} files came to {dir}");
        Ok(())
    }

    /// Whether a command has an option; `--help` means that there is the command.
    pub(super) fn knows(&self, command: &str, option: &str) -> bool {
        self.output(&[command, "--help"]).is_ok_and(|help| help.contains(option))
    }
}
