//! rclone, with each WebDAV server that is installed, as it comes and with 16 transfers.
//!
//! It lets ten milliseconds pass between two calls to a WebDAV server and has no option
//! (in 1.60) to change that: some 30 small files a second, whatever the server can do.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

use super::process::{self, Run};
use crate::bench::peers::{self, Site};
use crate::children::Guarded;
use crate::workspace::find_program;

/// rclone on one server in one setting.
pub(super) struct Rclone {
    /// What it is called in the report.
    pub(super) name: &'static str,
    program: PathBuf,
    dir: PathBuf,
    address: SocketAddr,
    transfers: u32,
}

/// All that there are, and rclone's own server.
pub(super) struct Rclones {
    /// Two for each server.
    pub(super) all: Vec<Rclone>,
    _server: Option<Guarded>,
}

impl Rclones {
    /// Starts rclone's own server beside those of the site; none where rclone is missing.
    pub(super) fn start(dir: &Path, site: &Site) -> Result<Self> {
        let Some(program) = find_program("rclone") else {
            return Ok(Self { all: Vec::new(), _server: None });
        };
        let dir = dir.join("rclone");
        fs::create_dir_all(dir.join("root"))?;
        let address = peers::free_address()?;
        let server = serve(&program, &dir, address)?;
        let mut all = Vec::new();
        let mut add = |names: [&'static str; 2], address| {
            for (name, transfers) in names.into_iter().zip([4, 16]) {
                let (program, dir) = (program.clone(), dir.clone());
                all.push(Rclone { name, program, dir, address, transfers });
            }
        };
        add(["rclone to rclone", "rclone to rclone, 16"], address);
        for target in &site.targets {
            match target.name {
                "nginx" if peers::nginx_speaks_dav() => {
                    add(["rclone to nginx", "rclone to nginx, 16"], target.address);
                }
                "dufs" => add(["rclone to dufs", "rclone to dufs, 16"], target.address),
                _ => {}
            }
        }
        Ok(Self { all, _server: Some(server) })
    }
}

fn serve(program: &Path, dir: &Path, address: SocketAddr) -> Result<Guarded> {
    let log = File::create(dir.join("log"))?;
    let mut command = rclone(program, dir);
    command.args(["serve", "webdav", "--addr", &address.to_string()]).arg(dir.join("root"));
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let server = Guarded::spawn(&mut command)?;
    peers::wait_until_it_listens("rclone", address)?;
    Ok(server)
}

/// rclone without anybody's configuration.
fn rclone(program: &Path, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("RCLONE_CONFIG", dir.join("rclone.conf")).env("HOME", dir);
    command
}

impl Rclone {
    /// Copies a tree into a directory of the server.
    pub(super) fn up(&self, tree: &Path, remote: &str) -> Result<Run> {
        self.copy(tree.as_os_str(), format!(":webdav:{remote}").as_ref())
    }

    /// Copies a directory of the server into a local one.
    pub(super) fn down(&self, remote: &str, tree: &Path) -> Result<Run> {
        self.copy(format!(":webdav:{remote}").as_ref(), tree.as_os_str())
    }

    fn copy(&self, from: &std::ffi::OsStr, to: &std::ffi::OsStr) -> Result<Run> {
        let mut command = rclone(&self.program, &self.dir);
        command.args(["copy", "--webdav-vendor", "other", "--webdav-url"]);
        command.arg(format!("http://{}", self.address));
        command.args(["--transfers", &self.transfers.to_string()]).arg(from).arg(to);
        process::run(command, &self.dir.join("output"))
    }
}
