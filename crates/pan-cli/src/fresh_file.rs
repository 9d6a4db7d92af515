//! A local file in the making: it has a temporary name beside its place until
//! it is whole, and goes when it is dropped before.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::failure::Failure;

pub(crate) struct FreshFile {
    file: NamedTempFile,
    place: PathBuf,
}

impl FreshFile {
    /// Begins the file that will be at `place`, for whom the umask lets.
    pub(crate) fn create(place: &Path) -> Result<Self, Failure> {
        Self::begin(place, 0o666)
    }

    /// The same for what is its owner's alone.
    pub(crate) fn create_private(place: &Path) -> Result<Self, Failure> {
        Self::begin(place, 0o600)
    }

    fn begin(place: &Path, mode: u32) -> Result<Self, Failure> {
        let mut builder = tempfile::Builder::new();
        // What `put` leaves out by its name.
        builder.prefix(".pan-").suffix(".part");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
        #[cfg(not(unix))]
        let _ = mode;
        let directory = place.parent().filter(|parent| !parent.as_os_str().is_empty());
        let file = builder.tempfile_in(directory.unwrap_or(Path::new(".")));
        let file = file.map_err(|error| cannot("create", place, &error))?;
        Ok(Self { file, place: place.to_owned() })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|error| cannot("write", &self.place, &error))
    }

    /// Its temporary name, for another program to write to.
    pub(crate) fn temporary(&self) -> &Path {
        self.file.path()
    }

    /// Puts it in its place, where it replaces what was there, and tells its
    /// size. After a power cut there is the old file or the new one.
    pub(crate) fn finish(self) -> Result<u64, Failure> {
        let Self { file, place } = self;
        let finish = || -> io::Result<u64> {
            file.as_file().sync_all()?;
            let size = fs::metadata(file.path())?.len();
            file.persist(&place).map_err(|error| error.error)?;
            Ok(size)
        };
        finish().map_err(|error| cannot("create", &place, &error))
    }
}

fn cannot(verb: &str, place: &Path, error: &io::Error) -> Failure {
    Failure::from(pan_sdk::Error::Local {
        what: format!("cannot {verb} `{}`", place.display()),
        source: io::Error::new(error.kind(), error.to_string()),
    })
}
