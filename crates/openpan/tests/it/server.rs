//! A server of one's own: start, stop, kill, ask its command line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::sleep;
use std::time::{Duration, Instant};

use pan_conformance::pcs::{Accounts, Client, TokenSpec};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long a server may take to come up or to go.
const PATIENCE: Duration = Duration::from_secs(20);

/// The binary under test.
const OPENPAN: &str = env!("CARGO_BIN_EXE_openpan");

/// An empty directory on the disk that the build uses: fsync is real there.
pub(crate) fn empty_directory() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary directory")
}

/// `openpan` with these arguments on a data directory.
pub(crate) fn openpan(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(OPENPAN);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OPENPAN_")) {
        command.env_remove(name);
    }
    command.args(arguments).arg("--data-dir").arg(data).stdin(Stdio::null());
    command
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    lines: Receiver<String>,
    data: PathBuf,
    log: PathBuf,
    /// Everything on stdout up to readiness.
    pub(crate) printed: Vec<String>,
    /// `host:port` of the plain listener.
    pub(crate) address: String,
    /// `host:port` of the TLS listener.
    pub(crate) tls_address: Option<String>,
}

impl Server {
    /// Starts on a port of its choice.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &["--listen", "127.0.0.1:0"], &[])
    }

    /// Starts with options and environment variables.
    pub(crate) fn start_with(data: &Path, options: &[&str], variables: &[(&str, &str)]) -> Self {
        // Beside the data directory: nothing of ours lies in it.
        let log = data.with_extension("log");
        let stderr = File::options().create(true).append(true).open(&log).unwrap();
        let mut command = openpan(data, &["serve"]);
        command.args(options).envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let has_tls = options.contains(&"--tls-listen");
        let mut server = Self {
            child,
            lines,
            data: data.into(),
            log,
            printed: Vec::new(),
            address: String::new(),
            tls_address: None,
        };
        server.wait_until_ready(has_tls);
        server
    }

    fn wait_until_ready(&mut self, has_tls: bool) {
        let deadline = Instant::now() + PATIENCE;
        while self.address.is_empty() || (has_tls && self.tls_address.is_none()) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    if let Some(address) = line.strip_prefix("listening on http://") {
                        self.address = address.trim_end_matches('/').into();
                    } else if let Some(address) = line.strip_prefix("listening on https://") {
                        self.tls_address = Some(address.trim_end_matches('/').into());
                    }
                    self.printed.push(line);
                }
                Err(RecvTimeoutError::Timeout) => panic!("not ready in time: {}", self.log()),
                Err(RecvTimeoutError::Disconnected) => panic!("ended early: {}", self.log()),
            }
        }
    }

    /// What the server has written to stderr.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The lines on stdout since readiness.
    pub(crate) fn printed_since(&self) -> Vec<String> {
        self.lines.try_iter().collect()
    }

    /// The token that the first start printed.
    pub(crate) fn setup_token(&self) -> Option<String> {
        self.setup_value("token")
    }

    /// A value of the block that the first start printed.
    pub(crate) fn setup_value(&self, name: &str) -> Option<String> {
        let mut words = self.printed.iter().map(|line| line.split_whitespace());
        words.find_map(|mut words| {
            (words.next() == Some(name)).then(|| words.next())?.map(Into::into)
        })
    }

    /// The administrator that the first start made.
    pub(crate) fn admin(&self) -> Client {
        Client::new(&self.address, &self.setup_token().expect("a first start prints a token"))
    }

    /// Runs an `openpan` command on this server's data directory.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        succeed(openpan(&self.data, arguments))
    }

    /// `openpan check --read-data` finds nothing wrong.
    #[track_caller]
    pub(crate) fn check(&self) {
        self.run(&["check", "--read-data"]);
    }

    /// Asks it to end, as service managers do.
    pub(crate) fn terminate(&self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
    }

    /// Ends it as power does, without asking.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            sleep(Duration::from_millis(5));
        }
        panic!("the server does not end: {}", self.log())
    }

    /// Asks it to end and expects success.
    #[track_caller]
    pub(crate) fn stop(mut self) {
        self.terminate();
        let status = self.wait();
        assert!(status.success(), "{status}: {}", self.log());
    }

    /// Its process number.
    pub(crate) fn number(&self) -> u32 {
        self.child.id()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of the server in {} ---\n{}", self.data.display(), self.log());
        }
    }
}

/// Users and tokens by the command line, on a data directory.
pub(crate) struct CommandLine<'a>(pub(crate) &'a Path);

impl Accounts for CommandLine<'_> {
    fn add_user(&self, name: &str, quota: Option<u64>) {
        let mut command = openpan(self.0, &["user", "add", name]);
        if let Some(quota) = quota {
            command.arg("--quota").arg(quota.to_string());
        }
        succeed(command);
    }

    fn issue_token(&self, user: &str, spec: &TokenSpec) -> String {
        let mut command = openpan(self.0, &["token", "issue", "--user", user]);
        command.args(["--root", &spec.root]);
        command.args(["--path-rules", if spec.relaxed { "relaxed" } else { "pcs" }]);
        command.args(["--md5-style", if spec.baidu_md5 { "baidu" } else { "plain" }]);
        if let Some(expires) = spec.expires {
            command.args(["--expires", expires]);
        }
        let printed = succeed(command);
        let token = printed.strip_suffix('\n').expect("the token is a line");
        assert!(!token.is_empty() && !token.contains(char::is_whitespace), "only it: {printed:?}");
        token.to_owned()
    }
}

/// Runs a command that must succeed; what it printed.
#[track_caller]
pub(crate) fn succeed(mut command: Command) -> String {
    let output = output_of(&mut command);
    assert!(output.status.success(), "{command:?}: {}", both(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs a command that must fail; what it wrote to stderr.
#[track_caller]
pub(crate) fn fail(mut command: Command) -> String {
    let output = output_of(&mut command);
    assert!(!output.status.success(), "{command:?} should fail: {}", both(&output));
    assert!(output.status.code().is_some(), "{command:?} was killed: {}", both(&output));
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(!said.contains("panicked"), "{command:?}: {said}");
    said
}

/// Runs a command to its end, which must come: a server that should have
/// refused to start would run for ever.
#[track_caller]
fn output_of(command: &mut Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Checking much data may take its time.
    let deadline = Instant::now() + 6 * PATIENCE;
    // What it prints fits into a pipe.
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            panic!("{command:?} does not end: {}", both(&output));
        }
        sleep(Duration::from_millis(2));
    }
    child.wait_with_output().unwrap()
}

fn both(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}{}", output.status, text(&output.stdout), text(&output.stderr))
}

fn lines_of(stdout: std::process::ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
