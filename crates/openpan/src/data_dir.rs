//! The data directory: one process owns it.
//!
//! ```text
//! lock           held by the process that has the directory open
//! meta.db        rows: the tree, small contents, users, tokens (SQLite)
//! blobs/         bytes
//! frozen/        copies of meta.db that something reads just now
//! control.sock   administration of a running server
//! tls/           the certificate that --tls-self-signed made
//! ```

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

const META: &str = "meta.db";

/// A data directory that belongs to this process until the process ends.
pub(crate) struct DataDir {
    path: PathBuf,
}

impl DataDir {
    /// Takes the directory, making it if it is not there. `None` when another
    /// process has it.
    pub(crate) fn take(path: &Path) -> Result<Option<Self>> {
        let Some((directory, lock)) = Self::borrow(path)? else { return Ok(None) };
        // Held to the very end: the engines close after everything that could
        // hold the lock for them.
        std::mem::forget(lock);
        Ok(Some(directory))
    }

    /// The same, but it is free again when the file is closed.
    pub(crate) fn borrow(path: &Path) -> Result<Option<(Self, File)>> {
        prepare(path).with_context(|| format!("the data directory {}", path.display()))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .with_context(|| format!("could not open the lock of {}", path.display()))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some((Self { path: path.into() }, lock))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error).context("could not lock the data directory"),
        }
    }

    pub(crate) fn meta(&self) -> PathBuf {
        meta(&self.path)
    }

    /// What becomes [`Self::meta`] when it is whole.
    pub(crate) fn new_meta(&self) -> PathBuf {
        new_meta(&self.path)
    }

    pub(crate) fn frozen(&self) -> PathBuf {
        self.path.join("frozen")
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

/// Where the rows are.
pub(crate) fn meta(data_dir: &Path) -> PathBuf {
    data_dir.join(META)
}

/// Where rows are that come to be there.
pub(crate) fn new_meta(data_dir: &Path) -> PathBuf {
    data_dir.join("meta.db.new")
}

/// Whether a server has ever stored anything there.
pub(crate) fn is_set_up(data_dir: &Path) -> bool {
    data_dir.join(META).exists()
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
