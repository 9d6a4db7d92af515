use pan_model::{ByteSize, ContentId, Md5, PanPath, Timestamp, UserNo};

use super::Result;

/// Whose tmpfile, for which token root, by which md5.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TmpfileKey {
    /// The user.
    pub user: UserNo,
    /// The root of the token that uploaded it; other tokens do not see it.
    pub root: PanPath,
    /// The handle that createsuperfile uses.
    pub md5: Md5,
}

/// An uploaded part that waits for createsuperfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TmpfileRow {
    /// Its content, never a superfile.
    pub content: ContentId,
    /// The content's size.
    pub size: ByteSize,
    /// When it was last uploaded or merged.
    pub used_at: Timestamp,
    /// Whether a superfile has used it: it then makes room when room is needed.
    pub merged: bool,
}

/// Reading tmpfiles.
pub trait TmpfileRead {
    /// The tmpfile with this key.
    fn get_tmpfile(&mut self, key: &TmpfileKey) -> Result<Option<TmpfileRow>>;

    /// Tmpfiles last used at or before `until`, at most `limit`.
    fn list_idle_tmpfiles(
        &mut self,
        until: Timestamp,
        limit: u64,
    ) -> Result<Vec<(TmpfileKey, TmpfileRow)>>;
}

/// Changing tmpfiles.
pub trait TmpfileTxn {
    /// Adds a tmpfile or replaces the one with this key.
    fn put_tmpfile(&mut self, key: &TmpfileKey, tmpfile: &TmpfileRow) -> Result<()>;

    /// Removes a tmpfile; one that does not exist is not an error.
    fn remove_tmpfile(&mut self, key: &TmpfileKey) -> Result<()>;
}
