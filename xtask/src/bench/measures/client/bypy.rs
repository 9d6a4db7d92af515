//! bypy, unmodified, from `target/pyenv` where `cargo xtask test` puts it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::process::{self, Run};
use crate::server::Server;
use crate::setup;

/// Leads bypy to a server without TLS, which is kind to it: the addresses are constants of
/// its own that it reads when it starts.
const LEAD: &str = "\
import importlib.util, os, sys
package = importlib.util.find_spec('bypy').submodule_search_locations
import types
bypy = types.ModuleType('bypy')
bypy.__path__ = list(package)
sys.modules['bypy'] = bypy
from bypy import const
const.PcsUrl = const.CPcsUrl = const.DPcsUrl = os.environ['PCS_URL']
from bypy.bypy import main
main()
";

/// bypy with a configuration of its own.
pub(super) struct Bypy {
    python: PathBuf,
    dir: PathBuf,
    url: String,
}

impl Bypy {
    /// Sets it up for the administrator of a server; nothing where it is not installed.
    pub(super) fn new(dir: &Path, server: &Server) -> Result<Option<Self>> {
        let Some(python) = setup::bypy_python() else { return Ok(None) };
        let dir = dir.join("bypy");
        fs::create_dir_all(&dir)?;
        let token = serde_json::json!({
            "access_token": server.token, "refresh_token": "x",
            "expires_in": 2_592_000, "scope": "basic netdisk",
        });
        fs::write(dir.join("bypy.json"), token.to_string())?;
        // No look for updates.
        fs::write(dir.join("bypy.setting.json"), r#"{"lastUpdateCheck": 4000000000}"#)?;
        Ok(Some(Self { python, dir, url: format!("{}/rest/2.0/pcs/", server.url()) }))
    }

    /// Uploads a tree to `/apps/bypy/REMOTE`. It ends with 0 whatever happens: look at what
    /// is there afterwards.
    pub(super) fn upload(&self, tree: &Path, remote: &str) -> Result<Run> {
        let mut command = Command::new(&self.python);
        command
            .args(["-c", LEAD, "-r", "1", "--config-dir"])
            .arg(&self.dir)
            .arg("upload")
            .arg(tree)
            .arg(remote)
            .env("PCS_URL", &self.url)
            .env("HOME", &self.dir)
            .env("PYTHONWARNINGS", "ignore")
            .current_dir(&self.dir);
        process::run(command, &self.output()).context("bypy")
    }

    /// Where its output is.
    pub(super) fn output(&self) -> PathBuf {
        self.dir.join("output")
    }
}
