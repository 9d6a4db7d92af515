//! The release server as a child process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::children::Guarded;
use crate::workspace;

/// How long a start or a stop may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// `openpan serve` on a port of its own choice.
pub(crate) struct Server {
    process: Guarded,
    data: PathBuf,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The administrator's token.
    pub(crate) token: String,
}

impl Server {
    /// Starts a server on an empty data directory, which sets itself up.
    pub(crate) fn start(data: &Path) -> Result<Self> {
        Self::launch(data, None)
    }

    /// Starts a server on the data directory of an earlier one.
    pub(crate) fn restart(data: &Path, token: &str) -> Result<Self> {
        Self::launch(data, Some(token.to_owned()))
    }

    fn launch(data: &Path, token: Option<String>) -> Result<Self> {
        let log = data.with_extension("log");
        let mut command = workspace::release("openpan");
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            // Away from any openpan.toml of the caller.
            .current_dir(data.parent().context("a data directory has a parent")?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&log)?);
        let mut process = Guarded::spawn(&mut command)?;
        let lines = lines_of(process.child().stdout.take().context("no stdout")?);
        let greeting = read_greeting(&lines)
            .with_context(|| format!("openpan did not start; it said:\n{}", tail(&log)))?;
        let token = token.or(greeting.token).context("openpan printed no token")?;
        Ok(Self { process, data: data.to_owned(), address: greeting.address, token })
    }

    /// The URL without a slash at its end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a user and returns a token of theirs.
    pub(crate) fn add_user(&self, name: &str) -> Result<String> {
        self.administer(&["user", "add", name])?;
        Ok(self.administer(&["token", "issue", "--user", name])?.trim().to_owned())
    }

    /// Runs an administrative command on it.
    fn administer(&self, arguments: &[&str]) -> Result<String> {
        let mut command = workspace::release("openpan");
        let output = command.args(arguments).arg("--data-dir").arg(&self.data).output()?;
        if !output.status.success() {
            bail!("openpan {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks the server to end; a status other than 0 is an error.
    pub(crate) fn stop(self) -> Result<()> {
        let status = self.process.terminate(PATIENCE)?;
        if !status.success() {
            bail!("openpan ended with {status} after SIGTERM");
        }
        Ok(())
    }
}

/// Reads to the end in a thread, so that the server never waits for a full pipe.
fn lines_of(stdout: std::process::ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}

struct Greeting {
    address: SocketAddr,
    token: Option<String>,
}

fn read_greeting(lines: &Receiver<String>) -> Result<Greeting> {
    let deadline = Instant::now() + PATIENCE;
    let mut token = None;
    loop {
        let line = match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => bail!("no listener within {PATIENCE:?}"),
            Err(RecvTimeoutError::Disconnected) => bail!("it ended before it listened"),
        };
        let mut words = line.split_whitespace();
        if words.next() == Some("token") {
            token = words.next().map(str::to_owned);
        } else if let Some(address) = line.strip_prefix("listening on http://") {
            return Ok(Greeting { address: address.trim().parse()?, token });
        }
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines = text.lines().collect::<Vec<_>>();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::read_greeting;

    #[test]
    fn the_greeting_of_a_first_start_is_understood() {
        let (sender, lines) = mpsc::channel();
        for line in
            ["OpenPan is set up.", "", "  token     abc.def", "listening on http://127.0.0.1:9"]
        {
            sender.send(line.to_owned()).unwrap();
        }
        let greeting = read_greeting(&lines).unwrap();
        assert_eq!(greeting.token.as_deref(), Some("abc.def"));
        assert_eq!(greeting.address.port(), 9);
        drop(sender);
        assert!(read_greeting(&lines).is_err());
    }
}
