//! What the tests need beyond Cargo, installed when it is missing: some Debian
//! packages, cargo-nextest, two old PCS clients from PyPI, kept in `target/pyenv`, and a
//! video player for browsers from npm, kept in `target/hlsjs`.
//!
//! nginx and other makers of thumbnails are not among them: only the benchmark looks at
//! them, and only if they are there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::steps;
use crate::workspace::{self, find_program};

/// The old client that the tests run unmodified.
const BYPY: &str = "bypy==1.8.9";
/// The old library whose calls the tests replay.
const BAIDUPCS: &str = "baidupcs==0.3.2";
/// The player that plays the server's video in a browser.
const HLS_JS: &str = "hls.js@1.6.19";

/// Programs that the tests start, and the Debian packages that bring them.
const PROGRAMS: &[(&str, &str)] = &[
    ("chromium", "chromium"),
    ("curl", "curl"),
    ("ffmpeg", "ffmpeg"),
    ("fish", "fish"),
    ("groff", "groff-base"),
    ("npm", "npm"),
    ("python3", "python3"),
    ("tmux", "tmux"),
    ("zsh", "zsh"),
];

/// Installs what is missing and says so.
pub(crate) fn prepare() -> Result<()> {
    debian_packages()?;
    old_clients()?;
    video_player()?;
    cargo_tool("cargo-nextest")
}

/// Where the tests find what is kept in `target`; nothing where it is not installed.
pub(crate) fn test_environment() -> Vec<(&'static str, PathBuf)> {
    [
        ("OPENPAN_TEST_PYTHON", python()),
        ("OPENPAN_TEST_BAIDUPCS", baidupcs()),
        ("OPENPAN_TEST_HLS_JS", hls_js()),
    ]
    .into_iter()
    .filter(|(_, path)| path.exists())
    .collect()
}

/// The Python that has bypy; nothing where it is not installed.
pub(crate) fn bypy_python() -> Option<PathBuf> {
    Some(python()).filter(|python| python.with_file_name("bypy").is_file())
}

/// Builds a Cargo subcommand unless it is there.
pub(crate) fn cargo_tool(name: &str) -> Result<()> {
    if find_program(name).is_some() {
        return Ok(());
    }
    eprintln!("  install  {name} with `cargo install` (takes some minutes)");
    // The tool is not part of the workspace and must not see its settings.
    run(Command::new("cargo").args(["install", "--quiet", "--locked", name]).current_dir("/"))
}

fn debian_packages() -> Result<()> {
    let mut missing = PROGRAMS
        .iter()
        .filter(|(program, _)| find_program(program).is_none())
        .map(|(_, package)| *package)
        .collect::<Vec<_>>();
    if !python_makes_environments() {
        missing.push("python3-venv");
    }
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("  install  {} with apt-get", missing.join(" "));
    apt_get(&["update"])
        .and_then(|()| {
            apt_get(&[&["install", "-y", "--no-install-recommends"], &*missing].concat())
        })
        .with_context(|| format!("install these Debian packages: {}", missing.join(" ")))
}

fn python_makes_environments() -> bool {
    Command::new("python3")
        .args(["-c", "import ensurepip, venv"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn apt_get(args: &[&str]) -> Result<()> {
    let mut command = if workspace::is_root() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "--preserve-env=DEBIAN_FRONTEND", "apt-get"]);
        sudo
    };
    run(command.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq").args(args))
}

fn pyenv() -> PathBuf {
    workspace::target().join("pyenv")
}

fn python() -> PathBuf {
    pyenv().join("bin/python")
}

/// The directory that belongs on `PYTHONPATH`.
fn baidupcs() -> PathBuf {
    pyenv().join("baidupcs")
}

fn old_clients() -> Result<()> {
    // Written last, so that an interrupted installation is done again.
    let stamp = pyenv().join("installed");
    let wanted = format!("{BYPY} {BAIDUPCS}");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    eprintln!("  install  {wanted} from PyPI into {}", pyenv().display());
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(pyenv()))?;
    run(pip(&["install", BYPY]).stdout(Stdio::null()))?;
    unpack_baidupcs()?;
    fs::write(stamp, wanted)?;
    Ok(())
}

fn pip(args: &[&str]) -> Command {
    let mut command = Command::new(python());
    command.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]).args(args);
    command
}

/// Takes the package out of its sdist.
///
/// Its `setup.py` needs Python 2 while the package itself does not, so pip gives up
/// on it after unpacking; `--no-clean` leaves what it has unpacked.
fn unpack_baidupcs() -> Result<()> {
    let unpacked = pyenv().join("unpacked");
    fs::create_dir_all(&unpacked)?;
    let output = pip(&["download", "--no-deps", "--no-build-isolation", "--no-clean", BAIDUPCS])
        .args(["--dest".as_ref(), unpacked.as_os_str()])
        .env("TMPDIR", &unpacked)
        .output()?;
    let package = find_dir(&unpacked, |dir| dir.join("baidupcs/__init__.py").is_file())?
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())
        .with_context(|| format!("pip did not unpack {BAIDUPCS}"))?;
    fs::rename(package, baidupcs())?;
    fs::remove_dir_all(unpacked)?;
    Ok(())
}

fn find_dir(dir: &Path, wanted: impl Fn(&Path) -> bool + Copy) -> Result<Option<PathBuf>> {
    if wanted(dir) {
        return Ok(Some(dir.to_owned()));
    }
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir()
            && let Some(found) = find_dir(&entry.path(), wanted)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn player() -> PathBuf {
    workspace::target().join("hlsjs")
}

/// The script that a page includes.
fn hls_js() -> PathBuf {
    player().join("node_modules/hls.js/dist/hls.min.js")
}

fn video_player() -> Result<()> {
    let stamp = player().join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == HLS_JS) {
        return Ok(());
    }
    eprintln!("  install  {HLS_JS} from npm into {}", player().display());
    fs::create_dir_all(player())?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]);
    run(npm.arg("--prefix").arg(player()).arg(HLS_JS))?;
    fs::write(stamp, HLS_JS)?;
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let line = steps::line_of(command);
    let status =
        command.stdin(Stdio::null()).status().with_context(|| format!("cannot run `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed");
    }
    Ok(())
}
