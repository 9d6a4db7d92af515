use std::sync::Arc;

use crate::{BlobStore, BoxFuture, EngineError, MetaStore};

/// What tells one store from another: random bytes in its settings.
pub type StoreId = [u8; 16];

/// Copies of a whole store beside it. Whoever puts the engines together can
/// make them; what belongs into one is a rule.
pub trait Backups: Send + Sync + 'static {
    /// Opens a place for backups of the store with this id, in the words of
    /// the operator. Nobody else has it open. A place that holds anything but
    /// backups of this store is refused untouched.
    fn open<'a>(
        &'a self,
        place: &'a str,
        store: StoreId,
    ) -> BoxFuture<'a, Result<Box<dyn BackupPlace>, EngineError>>;

    /// Copies all rows, as they are at one moment, for those who read more
    /// than one snapshot may span. Changes go on meanwhile, and the copy does
    /// not see them. Dropping it removes it.
    fn freeze(&self) -> BoxFuture<'_, Result<Box<dyn MetaStore>, EngineError>>;
}

/// A place for a backup, which is the last one until the next is finished.
pub trait BackupPlace: Send + Sync {
    /// The blobs that are there, for adding and removing.
    fn blobs(&self) -> &Arc<dyn BlobStore>;

    /// Whether the last backup came to its end, so that every blob of the
    /// right length is also durable.
    fn is_whole(&self) -> bool;

    /// Copies all rows, as they are at one moment: every change that was
    /// acknowledged before the call is among them. Changes go on meanwhile.
    fn copy_rows(&mut self) -> BoxFuture<'_, Result<Box<dyn MetaStore>, EngineError>>;

    /// Puts the copied rows in the place of the last backup's: at once, and
    /// durably. Every blob that they name is durable already. Returns them for
    /// reading on.
    fn finish(
        &mut self,
        rows: Box<dyn MetaStore>,
    ) -> BoxFuture<'_, Result<Box<dyn MetaStore>, EngineError>>;
}
