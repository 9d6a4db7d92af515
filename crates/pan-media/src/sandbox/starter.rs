//! Starts processes from a thread that lives as long as this process.
//!
//! A confined process asks the kernel to be killed with its parent. The kernel
//! takes the *thread* that started it for the parent, and the threads of a
//! runtime come and go.

use std::io;
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::mpsc;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::{Limits, child};

struct Request {
    command: Command,
    runtime: Handle,
    answer: oneshot::Sender<io::Result<Child>>,
}

/// A command that starts this very program as a confined process. It has no
/// environment, and signals of a terminal are not for it.
pub(super) fn command(kind: &str, limits: Limits) -> Command {
    // Not by its path: the file may have been replaced by an upgrade.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg(child::MARKER)
        .arg(kind)
        .arg(limits.memory_bytes.to_string())
        .arg(limits.cpu.as_secs().max(1).to_string())
        .env_clear()
        .current_dir("/")
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Starts a command. If nobody waits for the answer any more, what was started
/// is killed.
pub(super) async fn start(command: Command) -> io::Result<Child> {
    let (answer, started) = oneshot::channel();
    let request = Request { command, runtime: Handle::current(), answer };
    starter()?.send(request).map_err(|_| io::Error::other("the starting thread is gone"))?;
    started.await.map_err(io::Error::other)?
}

fn starter() -> io::Result<&'static mpsc::Sender<Request>> {
    static STARTER: OnceLock<mpsc::Sender<Request>> = OnceLock::new();
    if STARTER.get().is_none() {
        let (sender, requests) = mpsc::channel();
        std::thread::Builder::new().name("starter".into()).spawn(move || serve(&requests))?;
        // If another was first, the thread of this one ends with its sender.
        let _ = STARTER.set(sender);
    }
    STARTER.get().ok_or_else(|| io::Error::other("no starting thread"))
}

fn serve(requests: &mpsc::Receiver<Request>) {
    while let Ok(mut request) = requests.recv() {
        let _runtime = request.runtime.enter();
        let started = request.command.spawn();
        // It holds the other end of what the child writes to.
        drop(request.command);
        let _ = request.answer.send(started);
    }
}
