//! `cargo xtask real-input`: real trees and one superfile through the `pan` command and
//! back, compared with what they were.
//!
//! Every step prints a JSON line with its time, rate and memory.

mod superfile;
mod tree;

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::children::{self, Guarded, Scratch};
use crate::memory::Sampler;
use crate::server::Server;
use crate::{release, steps, workspace};

/// Options of `cargo xtask real-input`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Trees to put [default: the registry's sources and the toolchain's documentation]
    #[arg(long, value_name = "DIR")]
    source: Vec<PathBuf>,
    /// Size of the superfile in GiB; 0 leaves it out
    #[arg(long, value_name = "GIB", default_value_t = 3)]
    superfile: u64,
    /// Where to put the data, removed at the end [default: target/real-input]
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Runs every tree and then the superfile.
pub(crate) fn run(options: &Options) -> Result<()> {
    release::enter()?;
    children::clean_up_on_interrupt()?;
    let dir = options.dir.clone().unwrap_or_else(|| workspace::target().join("real-input"));
    let scratch = Scratch::new(&dir)?;
    let data = scratch.path().join("openpan");
    let server = Server::start(&data)?;
    let pan = Pan { server, log: scratch.path().join("pan.log") };
    let sources =
        if options.source.is_empty() { default_sources()? } else { options.source.clone() };
    for (number, source) in sources.iter().enumerate() {
        tree::round_trip(&pan, scratch.path(), source, number)?;
    }
    if options.superfile > 0 {
        superfile::round_trip(&pan, scratch.path(), options.superfile << 30)?;
    }
    let check = ["check", "--read-data", "--data-dir", text(&data)?];
    output_of(workspace::release("openpan").args(check))?;
    pan.server.stop()?;
    eprintln!("everything came back as it was, and `openpan check` found nothing");
    Ok(())
}

/// Tens of thousands of files that every Rust developer has.
fn default_sources() -> Result<Vec<PathBuf>> {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output()?.stdout;
    let sysroot = PathBuf::from(String::from_utf8(sysroot)?.trim());
    let sources =
        [cargo_home.context("no CARGO_HOME")?.join("registry/src"), sysroot.join("share/doc")];
    Ok(sources.into_iter().filter(|source| source.is_dir()).collect())
}

/// The `pan` command, and the server it talks to.
struct Pan {
    server: Server,
    log: PathBuf,
}

/// What a step moves.
struct Load {
    files: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct StepLine<'a> {
    step: &'a str,
    what: &'a Path,
    files: u64,
    bytes: u64,
    seconds: f64,
    files_per_second: f64,
    mb_per_second: f64,
    server_rss_anon_peak_mb: f64,
    client_rss_anon_peak_mb: f64,
}

impl Pan {
    /// Runs a `pan` command and prints what it took.
    fn step(&self, step: &str, what: &Path, load: &Load, args: &[&str]) -> Result<()> {
        let started = Instant::now();
        let mut child = Guarded::spawn(
            self.command(args).stdout(Stdio::null()).stderr(File::create(&self.log)?),
        )?;
        let (server, client) = (Sampler::start(self.server.id()), Sampler::start(child.id()));
        let status = child.child().wait()?;
        let seconds = started.elapsed().as_secs_f64();
        let (server, client) = (server.peak_bytes(), client.peak_bytes());
        if !status.success() {
            bail!("`pan {}` failed:\n{}", args.join(" "), fs::read_to_string(&self.log)?);
        }
        let line = StepLine {
            step,
            what,
            files: load.files,
            bytes: load.bytes,
            seconds,
            files_per_second: load.files as f64 / seconds,
            mb_per_second: load.bytes as f64 / 1e6 / seconds,
            server_rss_anon_peak_mb: server as f64 / 1e6,
            client_rss_anon_peak_mb: client as f64 / 1e6,
        };
        println!("{}", serde_json::to_string(&line)?);
        Ok(())
    }

    /// Runs a `pan` command and returns what it prints.
    fn output(&self, args: &[&str]) -> Result<String> {
        let output = self.command(args).output()?;
        if !output.status.success() {
            bail!("`pan {}` failed:\n{}", args.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = workspace::release("pan");
        command
            .args(args)
            .env("OPENPAN_ENDPOINT", self.server.url())
            .env("OPENPAN_TOKEN", &self.server.token)
            .stdin(Stdio::null());
        command
    }
}

/// Runs a command of the system and returns what it prints.
fn output_of(command: &mut Command) -> Result<String> {
    let output =
        command.output().with_context(|| format!("cannot run `{}`", steps::line_of(command)))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` says:\n{text}{errors}", steps::line_of(command));
    }
    Ok(text)
}

/// A path as an argument.
fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}
