use crate::Error;

/// A batch that failed on its way: what was done stays done (pcs-rest 5).
#[derive(Debug, thiserror::Error)]
#[error("{error} (after {} items)", .done.len())]
pub struct PartlyDone<T> {
    /// The items that were done, in order. When the connection broke, the
    /// service may have done more than it could tell.
    pub done: Vec<T>,
    /// Why the next one was not.
    #[source]
    pub error: Error,
}
