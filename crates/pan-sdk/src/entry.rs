use pan_model::{ByteSize, FsId, Md5, PanPath, Timestamp};
use pan_pcs::{EntryBody, ListBody, decode_md5};

use crate::call::Call;
use crate::{Client, Error};

/// A file or a directory, as the service describes it (pcs-rest 2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The id; `None` when the service did not say.
    pub fs_id: Option<FsId>,
    /// The path, spelt as it is stored.
    pub path: PanPath,
    /// When it was created, by the server's clock.
    pub ctime: Timestamp,
    /// When it was last modified, by the server's clock.
    pub mtime: Timestamp,
    /// Bytes; 0 for directories.
    pub size: ByteSize,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Whether it is a directory with a directory in it. Not every call says.
    pub has_subdirectory: bool,
    /// The md5 of a file, when the service knows it. For a file that was
    /// merged at Baidu it is not the md5 of its bytes (pcs-rest 9.2).
    pub md5: Option<Md5>,
    /// The md5s of the blocks of a file, when the service tells them.
    pub blocks: Vec<Md5>,
}

impl Entry {
    /// The last name of the path; empty for the root.
    pub fn name(&self) -> &str {
        self.path.name().unwrap_or_default()
    }

    /// Reads an entry of a reply; the error is for people.
    pub(crate) fn read(body: EntryBody) -> Result<Self, String> {
        let path = PanPath::parse_existing(&body.path)
            .map_err(|error| format!("`{}` is no path: {error}", body.path))?;
        Ok(Self {
            fs_id: FsId::from_u64(body.fs_id).filter(|id| id.get() != 0),
            path,
            ctime: Timestamp(body.ctime),
            mtime: Timestamp(body.mtime),
            size: ByteSize(body.size),
            is_dir: body.isdir,
            has_subdirectory: body.ifhassubdir,
            md5: decode_md5(&body.md5),
            blocks: body.block_list.iter().filter_map(|md5| md5.parse().ok()).collect(),
        })
    }
}

impl Client {
    /// Makes a call whose reply is an entry.
    pub(crate) async fn ask_entry(&self, call: &Call) -> Result<Entry, Error> {
        Entry::read(self.ask(call).await?).map_err(|reason| self.malformed(call, reason))
    }

    /// Makes a call whose reply is a list of entries.
    pub(crate) async fn ask_list(&self, call: &Call) -> Result<Vec<Entry>, Error> {
        let body: ListBody = self.ask(call).await?;
        let entries: Result<_, String> = body.list.into_iter().map(Entry::read).collect();
        entries.map_err(|reason| self.malformed(call, reason))
    }
}
