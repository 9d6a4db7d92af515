//! SQLite's errors in the words of the seam.

use pan_engine::{EngineError, ErrorKind};
use rusqlite::{Error, ErrorCode};

/// Turns an error of SQLite into one of the seam; `what` says what was being
/// done.
pub(crate) fn engine_error(what: &str, error: Error) -> EngineError {
    EngineError::new(kind(&error), what).with_source(error)
}

/// A row is there and makes no sense.
pub(crate) fn corrupt(what: &str) -> EngineError {
    EngineError::new(ErrorKind::Corrupt, what)
}

/// A row that something names is not there.
pub(crate) fn missing(what: &str) -> EngineError {
    EngineError::new(ErrorKind::Missing, what)
}

/// Whether the device failed, so that only the log on it can be trusted.
pub(crate) fn is_device_failure(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

fn kind(error: &Error) -> ErrorKind {
    match error {
        Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DiskFull => ErrorKind::Full,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => ErrorKind::Corrupt,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => ErrorKind::Busy,
            _ => ErrorKind::Failed,
        },
        // A column did not hold what the schema says it holds.
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => ErrorKind::Corrupt,
        _ => ErrorKind::Failed,
    }
}
