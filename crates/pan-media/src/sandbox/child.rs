//! What a confined process does, from its first instruction on: it gives up what
//! it has, layer by layer, and then works.
//!
//! It has one thread and no runtime. Its stdin is a socket to its parent, or a
//! pipe, its stdout and stderr are pipes.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use super::{INPUT_PORT, calls, files, handover, limits, namespaces, privileges};

/// The first argument of a confined process: nothing that anybody types.
pub(super) const MARKER: &str = "--openpan-confined";

/// It becomes a program of the system.
pub(super) const PROGRAM: &str = "program";

/// It does a job of its own.
pub(super) const JOB: &str = "job";

/// A job that is out of time ends by a signal that says so; ffmpeg would handle
/// that signal.
const JOB_GRACE_SECONDS: u64 = 1;

/// The exit code of a process that could not confine itself.
pub(super) const UNCONFINED: u8 = 70;

/// What a confined process can do itself: it gets the words after its name, and
/// all of its input.
pub type Job = fn(&[String], Vec<u8>) -> Result<Vec<u8>, String>;

/// What a program that holds a media engine does first in `main`: if it was
/// started as a confined process it does that work, and the result is the exit
/// code; `None` for every other start. The jobs are found by their names.
pub fn confined_main(jobs: &[(&str, Job)]) -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != MARKER {
        return None;
    }
    let (code, error) = match confined(jobs, arguments) {
        Ok(Ok(())) => return Some(ExitCode::SUCCESS),
        Ok(Err(error)) => (ExitCode::FAILURE, error),
        Err(error) => (ExitCode::from(UNCONFINED), error),
    };
    let _ = writeln!(io::stderr(), "{error}");
    Some(code)
}

/// Confines this process and does its work. The outer error is that of the
/// confinement, the inner one that of the work.
fn confined(
    jobs: &[(&str, Job)],
    mut arguments: impl Iterator<Item = OsString>,
) -> Result<Result<(), String>, String> {
    let mut word = || arguments.next().ok_or("a confined process lacks its orders");
    let kind = word()?;
    let (memory_bytes, cpu_seconds) = (number(&word()?)?, number(&word()?)?);
    let work = word()?;
    close_inherited().map_err(because("close what was inherited"))?;
    let grace_seconds = if kind == PROGRAM { 0 } else { JOB_GRACE_SECONDS };
    limits::apply(memory_bytes, cpu_seconds, grace_seconds).map_err(because("limit a process"))?;
    if kind == PROGRAM {
        Err(become_program(Path::new(&work), arguments))
    } else {
        let job = jobs.iter().find(|(name, _)| work == *name);
        let (_, job) = job.ok_or_else(|| format!("no job {}", work.display()))?;
        let words: Vec<_> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();
        privileges::drop_all()?;
        files::allow_none()?;
        calls::allow_computing()?;
        Ok(run(*job, &words))
    }
}

fn run(job: Job, words: &[String]) -> Result<(), String> {
    let mut input = Vec::new();
    io::stdin().read_to_end(&mut input).map_err(|error| error.to_string())?;
    let answer = job(words, input)?;
    let mut stdout = io::stdout().lock();
    stdout.write_all(&answer).and_then(|()| stdout.flush()).map_err(|error| error.to_string())
}

/// Returns only if it fails.
fn become_program(program: &Path, arguments: impl Iterator<Item = OsString>) -> String {
    match prepare_program(program) {
        Err(error) => error,
        Ok(()) => {
            let error = Command::new(program).args(arguments).exec();
            format!("cannot run {}: {error}", program.display())
        }
    }
}

fn prepare_program(program: &Path) -> Result<(), String> {
    let parent = io::stdin().as_fd().try_clone_to_owned().map_err(because("keep a socket"))?;
    let nothing = File::open("/dev/null").map_err(because("open /dev/null"))?;
    rustix::stdio::dup2_stdin(nothing).map_err(because("read from /dev/null"))?;

    namespaces::enter()?;
    let input = TcpListener::bind((Ipv4Addr::LOCALHOST, INPUT_PORT))
        .map_err(because("listen in a network of its own"))?;
    privileges::drop_all()?;
    files::allow_program(program)?;
    calls::allow_program()?;
    // The parent takes this for the word that all layers are in place.
    handover::send(parent, &input).map_err(because("hand over a socket"))
}

/// Closes everything but stdin, stdout and stderr: what is open stays usable,
/// whatever is forbidden later.
fn close_inherited() -> io::Result<()> {
    let names = std::fs::read_dir("/proc/self/fd")?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    for name in names {
        if let Some(fd @ 3..) = name.to_str().and_then(|name| name.parse::<RawFd>().ok()) {
            // The directory itself was among them and is closed already.
            let _ = nix::unistd::close(fd);
        }
    }
    Ok(())
}

fn number(word: &OsStr) -> Result<u64, String> {
    let number = word.to_str().and_then(|word| word.parse().ok());
    number.ok_or_else(|| format!("{} is no number", word.display()))
}

/// Says what could not be done, and why.
pub(super) fn because<E: Display>(what: &'static str) -> impl Fn(E) -> String {
    move |error| format!("cannot {what}: {error}")
}
