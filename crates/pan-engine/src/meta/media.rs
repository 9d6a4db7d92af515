use std::ops::ControlFlow;

use pan_model::{FsId, MediaType, Timestamp, UserNo};

use super::{Entry, Result};

/// Where the last window of a media list ended: the next begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MediaPlace {
    /// The last entry's modification time.
    pub mtime: Timestamp,
    /// Its id.
    pub fs_id: FsId,
}

impl MediaPlace {
    /// The place of an entry.
    pub fn of(entry: &Entry) -> Self {
        Self { mtime: entry.mtime, fs_id: entry.fs_id }
    }
}

/// Finding files by their media type, which is that of their name
/// ([`MediaType::of_name`]).
pub trait MediaRead {
    /// A user's files of one type, live and detached: the latest mtime first,
    /// then the largest id; those after a place, at most `limit`. Of
    /// [`MediaType::Other`] there are none.
    fn list_media(
        &mut self,
        user: UserNo,
        media: MediaType,
        after: Option<MediaPlace>,
        limit: u64,
        each: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<()>;

    /// How many files of one type there are among the children of a directory
    /// whose key begins with `prefix`, and below them. Looks at no more than
    /// these children.
    fn count_media(&mut self, directory: FsId, media: MediaType, prefix: &str) -> Result<u64>;
}
