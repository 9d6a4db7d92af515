//! Somebody who uses the `pan` command.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::SystemTime;

use pan_conformance::pcs::Client;
use tempfile::TempDir;

use crate::clients::target;
use crate::server::empty_directory;

/// The binary beside the server's; built when it is not there, or is older
/// than what it is built from.
fn pan() -> &'static Path {
    static PAN: OnceLock<PathBuf> = OnceLock::new();
    PAN.get_or_init(|| {
        let openpan = Path::new(env!("CARGO_BIN_EXE_openpan"));
        let pan = openpan.with_file_name("pan");
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let sources = ["pan-cli", "pan-sdk", "pan-pcs", "pan-model"].map(|name| crates.join(name));
        let newest = sources.iter().map(|directory| changed(directory)).max();
        if fs::metadata(&pan).and_then(|pan| pan.modified()).ok() < newest {
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--quiet", "-p", "pan-cli", "--target-dir"]).arg(target());
            if openpan.parent().unwrap().ends_with("release") {
                build.arg("--release");
            }
            assert!(build.status().unwrap().success(), "pan cannot be built");
        }
        pan
    })
}

/// When anything in a directory was last changed.
fn changed(directory: &Path) -> SystemTime {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let times = entries.map(|path| match path.is_dir() {
        true => changed(&path),
        false => fs::metadata(&path).and_then(|file| file.modified()).unwrap(),
    });
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Somebody at a terminal: a home, a directory, an endpoint, a token.
pub(crate) struct Person {
    home: TempDir,
    pub(crate) endpoint: String,
    pub(crate) token: String,
}

impl Person {
    /// Somebody with this client's token.
    pub(crate) fn new(client: &Client) -> Self {
        let endpoint = format!("http://{}", client.address());
        Self { home: empty_directory(), endpoint, token: client.token().into() }
    }

    /// A place in the home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// `pan` with these arguments, as this person.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(pan());
        command.args(arguments);
        command
    }

    /// Any program, as this person, with `pan` in its path.
    pub(crate) fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::env::split_paths(&path);
        let paths = pan().parent().map(Path::to_owned).into_iter().chain(paths);
        command.env("PATH", std::env::join_paths(paths).unwrap());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OPENPAN_")) {
            command.env_remove(name);
        }
        command.env("HOME", self.home.path()).env("XDG_CONFIG_HOME", self.path("config"));
        command.env("XDG_STATE_HOME", self.path("state"));
        command.env("OPENPAN_ENDPOINT", &self.endpoint).env("OPENPAN_TOKEN", &self.token);
        command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        command.current_dir(self.home.path()).stdin(Stdio::null());
        command
    }

    /// Runs it, however it ends.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs it; it succeeds. What it wrote to stdout.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "pan {arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Runs it; it ends with this code. What it wrote to stderr.
    #[track_caller]
    pub(crate) fn ends(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "pan {arguments:?}: {}", said(&output));
        String::from_utf8(output.stderr).expect("UTF-8")
    }
}

/// Everything that a command wrote.
pub(crate) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}
