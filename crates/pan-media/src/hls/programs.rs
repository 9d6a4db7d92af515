//! ffmpeg and ffprobe: where they are, and whether they can be let near a
//! stranger's video on this machine.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pan_engine::MediaError;
use rustix::fs::{Access, access};
use tokio::sync::OnceCell;
use tracing::{info, warn};

use crate::sandbox::self_test;

/// A test that failed is not repeated sooner: the machine may have been busy,
/// or it may never pass.
const TEST_PAUSE: Duration = Duration::from_secs(60);

/// The programs of this machine, looked for when they are needed.
pub(crate) struct Programs {
    ffmpeg: PathBuf,
    /// Programs that passed the test of the sandbox.
    tested: OnceCell<Found>,
    /// When the test failed last.
    failed: Mutex<Option<Instant>>,
}

/// Programs that the sandbox holds.
pub(crate) struct Found {
    pub(crate) ffmpeg: PathBuf,
    pub(crate) ffprobe: PathBuf,
}

impl Programs {
    /// `ffmpeg` is a path, or a name to look for.
    pub(crate) fn new(ffmpeg: PathBuf) -> Self {
        Self { ffmpeg, tested: OnceCell::new(), failed: Mutex::default() }
    }

    /// The programs, if the sandbox holds them.
    pub(crate) async fn found(&self) -> Result<&Found, MediaError> {
        self.tested.get_or_try_init(|| self.test()).await
    }

    async fn test(&self) -> Result<Found, MediaError> {
        let found = find(&self.ffmpeg).map_err(MediaError::Unavailable)?;
        let failed = *self.failed();
        if failed.is_some_and(|at| at.elapsed() < TEST_PAUSE) {
            return Err(MediaError::Unavailable(String::from(UNSAFE)));
        }
        match self_test::check(&found.ffmpeg).await {
            Ok(()) => {
                info!("videos are transcoded by `{}`, confined", found.ffmpeg.display());
                Ok(found)
            }
            Err(reason) => {
                warn!("videos are not transcoded: {reason}");
                *self.failed() = Some(Instant::now());
                Err(MediaError::Unavailable(String::from(UNSAFE)))
            }
        }
    }

    fn failed(&self) -> MutexGuard<'_, Option<Instant>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The reason is the operator's, who finds it in the log.
const UNSAFE: &str = "this server cannot run ffmpeg safely; its log says why";

fn find(ffmpeg: &Path) -> Result<Found, String> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let ffmpeg = look_for(ffmpeg, &paths)?;
    let ffprobe = look_for(&ffmpeg.with_file_name("ffprobe"), &paths)?;
    Ok(Found { ffmpeg, ffprobe })
}

/// A name without a slash is looked for as a shell does.
fn look_for(program: &Path, paths: &OsStr) -> Result<PathBuf, String> {
    let found = if program.parent() == Some(Path::new("")) {
        let places = std::env::split_paths(paths).filter(|place| place.is_absolute());
        places.map(|place| place.join(program)).find(|path| is_program(path))
    } else {
        is_program(program).then(|| program.to_owned())
    };
    found.ok_or_else(|| {
        format!("this server has no transcoder: `{}` is not there", program.display())
    })
}

fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_for_and_a_path_is_taken() {
        let paths = OsStr::new("relative:/nowhere:/bin:/usr/bin");
        assert_eq!(look_for(Path::new("sh"), paths), Ok(PathBuf::from("/bin/sh")));
        assert_eq!(look_for(Path::new("/bin/sh"), OsStr::new("")), Ok(PathBuf::from("/bin/sh")));
        for missing in ["sh-that-is-not-there", "/bin/sh-that-is-not-there", "/bin", ""] {
            assert!(look_for(Path::new(missing), paths).is_err(), "{missing}");
        }
    }
}
