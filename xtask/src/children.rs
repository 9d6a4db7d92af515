//! Programs and directories that must not outlive this process: they go when their
//! guard is dropped, and on ctrl-c.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::steps::line_of;

static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
static DIRECTORIES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Stops and removes everything that has a guard when this process is interrupted.
pub(crate) fn clean_up_on_interrupt() -> Result<()> {
    ctrlc::set_handler(|| {
        for group in GROUPS.lock().expect("never poisoned").iter() {
            let _ = kill_process_group(*group, Signal::KILL);
        }
        for dir in DIRECTORIES.lock().expect("never poisoned").iter() {
            let _ = fs::remove_dir_all(dir);
        }
        std::process::exit(130);
    })
    .context("cannot watch for ctrl-c")
}

/// A running program with all the processes it starts.
pub(crate) struct Guarded {
    child: Child,
    group: Pid,
}

impl Guarded {
    /// Starts a program in a process group of its own.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let child = command
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start `{}`", line_of(command)))?;
        let group = Pid::from_child(&child);
        GROUPS.lock().expect("never poisoned").push(group);
        Ok(Self { child, group })
    }

    /// The process id of the program itself.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The program, to take its pipes.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Asks the program to end and waits for it.
    pub(crate) fn terminate(mut self, patience: Duration) -> Result<ExitStatus> {
        kill_process(self.group, Signal::TERM)?;
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(2));
        }
        bail!("process {} did not end within {patience:?} of SIGTERM", self.id());
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // The group may be empty by now; a group of workers may have outlived its leader.
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = self.child.wait();
        GROUPS.lock().expect("never poisoned").retain(|group| *group != self.group);
    }
}

/// A directory that is removed with everything in it.
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes a fresh directory below `parent`.
    pub(crate) fn new(parent: &Path) -> Result<Self> {
        let path = parent.join(format!("run-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let path = path.canonicalize()?;
        DIRECTORIES.lock().expect("never poisoned").push(path.clone());
        Ok(Self { path })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("warning: {} is left behind: {error}", self.path.display());
        }
        DIRECTORIES.lock().expect("never poisoned").retain(|dir| *dir != self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::thread;
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, test_kill_process};

    use super::Guarded;

    #[test]
    fn a_dropped_guard_takes_the_grandchildren_along() {
        let file = std::env::temp_dir().join(format!("xtask-children-{}", std::process::id()));
        let script =
            format!("sleep 60 & echo $! > '{0}.part'; mv '{0}.part' '{0}'; wait", file.display());
        let guard = Guarded::spawn(Command::new("sh").args(["-c", &script])).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        let grandchild = loop {
            if let Ok(text) = std::fs::read_to_string(&file) {
                break Pid::from_raw(text.trim().parse().unwrap()).unwrap();
            }
            assert!(Instant::now() < deadline, "the shell did not start");
            thread::sleep(Duration::from_millis(5));
        };
        drop(guard);
        std::fs::remove_file(&file).unwrap();
        while !gone(grandchild) {
            assert!(Instant::now() < deadline, "the grandchild still runs");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Killed, whether or not somebody has waited for it.
    fn gone(process: Pid) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
        test_kill_process(process).is_err() || stat.is_ok_and(|stat| stat.contains(") Z "))
    }
}
