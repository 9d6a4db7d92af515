use pan_engine::{EngineError, ErrorKind};
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

/// Begins work that may wait for the disk, where waiting harms nobody.
pub(crate) fn begin<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> JoinHandle<Result<T, EngineError>> {
    spawn_blocking(work)
}

/// Begins it and waits for it.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    ended(begin(work).await)
}

/// The result of work that has ended.
pub(crate) fn ended<T>(
    joined: Result<Result<T, EngineError>, JoinError>,
) -> Result<T, EngineError> {
    joined.unwrap_or_else(|error| {
        Err(EngineError::new(ErrorKind::Failed, "disk work was interrupted").with_source(error))
    })
}
