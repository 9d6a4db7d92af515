//! The data directory: one process owns it.
//!
//! ```text
//! lock           held by the process that has the directory open
//! meta.db        rows: the tree, small contents, users, tokens (SQLite)
//! blobs/         bytes
//! control.sock   administration of a running server
//! tls/           the certificate that --tls-self-signed made
//! ```

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// A data directory that belongs to this process until it is dropped.
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Takes the directory, making it if it is not there. `None` when another
    /// process has it.
    pub(crate) fn take(path: &Path) -> Result<Option<Self>> {
        prepare(path).with_context(|| format!("the data directory {}", path.display()))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .with_context(|| format!("could not open the lock of {}", path.display()))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { path: path.into(), _lock: lock })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error).context("could not lock the data directory"),
        }
    }

    pub(crate) fn meta(&self) -> PathBuf {
        self.path.join("meta.db")
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.path.join("blobs")
    }

    pub(crate) fn tls(&self) -> PathBuf {
        self.path.join("tls")
    }

    pub(crate) fn control_socket(&self) -> PathBuf {
        control_socket(&self.path)
    }
}

/// Where a running server listens for its operator.
pub(crate) fn control_socket(data_dir: &Path) -> PathBuf {
    data_dir.join("control.sock")
}

/// Nobody else may read or plant anything in it.
fn prepare(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).context("could not be made")?;
    let metadata = fs::metadata(path)?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        bail!("belongs to another user");
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
