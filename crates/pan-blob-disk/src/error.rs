use std::io;

use pan_engine::{EngineError, ErrorKind};
use rustix::io::Errno;

/// What the system refused, as the seam's error. `doing` says what was tried.
pub(crate) fn refused(errno: Errno, doing: impl Into<String>) -> EngineError {
    let kind = match errno {
        Errno::NOSPC | Errno::DQUOT => ErrorKind::Full,
        _ => ErrorKind::Failed,
    };
    EngineError::new(kind, doing).with_source(io::Error::from(errno))
}

/// The same for an error of the standard library.
pub(crate) fn failed(error: io::Error, doing: impl Into<String>) -> EngineError {
    match Errno::from_io_error(&error) {
        Some(errno) => refused(errno, doing),
        None => EngineError::new(ErrorKind::Failed, doing).with_source(error),
    }
}
