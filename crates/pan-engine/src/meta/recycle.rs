use std::ops::ControlFlow;

use pan_model::{ByteSize, FsId, PanPath, Timestamp, UserNo};

use super::Result;

/// A bin record: one deleted entry, with everything below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recycled {
    /// The deleted entry; its row is detached and keeps its name.
    pub fs_id: FsId,
    /// When it was deleted.
    pub deleted_at: Timestamp,
    /// The directory it was in.
    pub parent: FsId,
    /// Its path when it was deleted: what it may be listed and restored by.
    pub path: PanPath,
    /// Bytes of it and everything below.
    pub bytes: ByteSize,
}

/// Reading the recycle bin.
pub trait RecycleRead {
    /// The record of one entry of this user.
    fn get_recycled(&mut self, fs_id: FsId) -> Result<Option<Recycled>>;

    /// A user's records, latest deletion first.
    fn list_recycled(
        &mut self,
        user: UserNo,
        each: &mut dyn FnMut(Recycled) -> ControlFlow<()>,
    ) -> Result<()>;
}

/// Changing the recycle bin.
pub trait RecycleTxn {
    /// Adds a record.
    fn insert_recycled(&mut self, recycled: &Recycled) -> Result<()>;

    /// Removes a record: the entry was restored or purged.
    fn remove_recycled(&mut self, fs_id: FsId) -> Result<()>;
}
