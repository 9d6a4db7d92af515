//! One process, from its start to its end.

use std::io;
use std::os::unix::process::ExitStatusExt;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::{child, starter};

/// How much of what a process says is kept: the end, where the reason is.
const SAID_BYTES_MAX: usize = 2048;

/// A process that is killed when this is dropped.
pub struct Process {
    child: Child,
    said: Option<JoinHandle<String>>,
}

/// How a process ended.
pub struct Ending {
    /// Whether it said that it succeeded.
    pub is_success: bool,
    /// Whether it ended because it could not confine itself.
    pub is_unconfined: bool,
    /// Whether it was killed. A job kills itself by other signals, also when it
    /// is out of time or memory.
    pub is_killed: bool,
    /// The last of what it said on stderr, as one line of plain text.
    pub said: String,
}

impl Process {
    pub(super) async fn start(command: Command) -> io::Result<Self> {
        let mut child = starter::start(command).await?;
        let said = child.stderr.take().map(|stderr| tokio::spawn(listen(stderr)));
        Ok(Self { child, said })
    }

    pub(super) fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for its end.
    pub async fn wait(mut self) -> Ending {
        let status = self.child.wait().await.ok();
        // A confined process has no children that could hold its stderr open.
        let said = match self.said.take() {
            Some(listener) => listener.await.unwrap_or_default(),
            None => String::new(),
        };
        let code = status.and_then(|status| status.code());
        Ending {
            is_success: code == Some(0),
            is_unconfined: code == Some(child::UNCONFINED.into()),
            is_killed: status.is_none_or(|status| status.signal() == Some(libc::SIGKILL)),
            said,
        }
    }
}

impl Process {
    /// Kills it and waits until it is gone.
    pub async fn kill(mut self) {
        // One that has ended already is gone as well.
        let _ = self.child.kill().await;
    }
}

/// Keeps the last of what arrives.
async fn listen(mut stderr: ChildStderr) -> String {
    let (mut last, mut buffer) = (Vec::new(), [0; SAID_BYTES_MAX]);
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        last.extend_from_slice(&buffer[..count]);
        let excess = last.len().saturating_sub(SAID_BYTES_MAX);
        last.drain(..excess);
    }
    plain_line(&last)
}

/// Makes one line of what a process said. Much of it is written by whoever made
/// the video: nothing in it may move a cursor or look like a line of its own.
fn plain_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let plain = |c: char| match c {
        ' '..='~' => c,
        c if c.is_whitespace() => ' ',
        c if c.is_alphanumeric() => c,
        _ => '?',
    };
    let line: String = text.trim().chars().map(plain).collect();
    line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::plain_line;

    #[test]
    fn what_a_process_says_is_one_plain_line() {
        let said = "a\nERROR b\r\n\u{1b}[2Jc \u{202e}d\0 é\u{2028}\n".as_bytes();
        assert_eq!(plain_line(said), "a ERROR b ?[2Jc ?d? é");
        assert_eq!(plain_line(b"\xff\xfe"), "??");
    }
}
