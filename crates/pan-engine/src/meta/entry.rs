use std::ops::ControlFlow;

use pan_model::{
    ByteSize, ContentId, FsId, ListOrder, Md5, MediaType, NameKey, Rev, Timestamp, UserNo,
};

use super::Result;

/// What a file entry repeats of its content, so that lists need no join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileFacts {
    /// The content it points to.
    pub content: ContentId,
    /// The content's size.
    pub size: ByteSize,
    /// The content's md5.
    pub md5: Md5,
    /// Whether the content was uploaded in one piece, so that its
    /// `block_list` is its md5.
    pub one_block: bool,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory. `has_subdirectory` is derived from its totals; writes ignore it.
    Directory {
        /// Whether at least one directory lies in it.
        has_subdirectory: bool,
    },
    /// A file.
    File(FileFacts),
}

/// A name in a user's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id, for life.
    pub fs_id: FsId,
    /// The directory it is in. `None` for a root, and for an entry that is
    /// detached: in the bin, staged, or being purged.
    pub parent: Option<FsId>,
    /// The name in its creator's spelling; empty for a root.
    pub name: String,
    /// Directory or file.
    pub kind: EntryKind,
    /// When it was created.
    pub ctime: Timestamp,
    /// When it was last modified.
    pub mtime: Timestamp,
    /// The user's rev when it last came to its place or changed.
    pub rev: Rev,
}

impl Entry {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self.kind, EntryKind::Directory { .. })
    }

    /// Whether it is a directory with a directory in it.
    pub fn has_subdirectory(&self) -> bool {
        matches!(self.kind, EntryKind::Directory { has_subdirectory: true })
    }

    /// The facts of a file; `None` for a directory.
    pub fn file(&self) -> Option<&FileFacts> {
        match &self.kind {
            EntryKind::File(facts) => Some(facts),
            EntryKind::Directory { .. } => None,
        }
    }
}

/// What lies below a directory, the directory itself not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Files and directories.
    pub entries: u64,
    /// Directories.
    pub directories: u64,
    /// Bytes of all files.
    pub bytes: ByteSize,
    /// Files by media type, in the order of [`MediaType::LISTED`].
    pub media: [u64; 4],
    /// The user's rev when anything below last changed.
    pub rev: Rev,
}

/// A change of [`Totals`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TotalsDelta {
    /// Files and directories.
    pub entries: i64,
    /// Directories.
    pub directories: i64,
    /// Bytes of all files.
    pub bytes: i64,
    /// Files by media type, as in [`Totals`].
    pub media: [i64; 4],
}

impl TotalsDelta {
    /// What an entry adds to every directory above it.
    ///
    /// `below` is what lies in it when it is a directory.
    pub fn of(entry: &Entry, below: &Totals) -> Self {
        match &entry.kind {
            EntryKind::Directory { .. } => Self {
                entries: below.entries as i64 + 1,
                directories: below.directories as i64 + 1,
                bytes: below.bytes.0 as i64,
                media: below.media.map(|count| count as i64),
            },
            EntryKind::File(facts) => Self {
                entries: 1,
                directories: 0,
                bytes: facts.size.0 as i64,
                media: media_delta(&entry.name),
            },
        }
    }

    /// Whether it changes nothing.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// The opposite.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self {
            entries: -self.entries,
            directories: -self.directories,
            bytes: -self.bytes,
            media: self.media.map(|count| -count),
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let mut media = self.media;
        media.iter_mut().zip(other.media).for_each(|(count, more)| *count += more);
        Self {
            entries: self.entries + other.entries,
            directories: self.directories + other.directories,
            bytes: self.bytes + other.bytes,
            media,
        }
    }
}

impl Totals {
    /// The totals after a change at `rev`.
    #[must_use]
    pub fn changed(&self, delta: &TotalsDelta, rev: Rev) -> Self {
        let mut media = self.media;
        media
            .iter_mut()
            .zip(delta.media)
            .for_each(|(count, change)| *count = count.saturating_add_signed(change));
        Self {
            entries: self.entries.saturating_add_signed(delta.entries),
            directories: self.directories.saturating_add_signed(delta.directories),
            bytes: ByteSize(self.bytes.0.saturating_add_signed(delta.bytes)),
            media,
            rev: self.rev.max(rev),
        }
    }
}

fn media_delta(name: &str) -> [i64; 4] {
    let mut media = [0; 4];
    if let Some(index) = MediaType::of_name(name).index() {
        media[index] = 1;
    }
    media
}

/// Where the last window of a listing ended: the next begins after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedAfter {
    /// Whether the last entry was a directory.
    pub directory: bool,
    /// Its extension, size or mtime, whichever the listing is sorted by.
    pub extension: String,
    /// See `extension`.
    pub size: ByteSize,
    /// See `extension`.
    pub mtime: Timestamp,
    /// Its name key.
    pub key: String,
}

impl ListedAfter {
    /// The place of an entry in any order.
    pub fn entry(entry: &Entry) -> Self {
        Self {
            directory: entry.is_directory(),
            // The extension is that of the key, as the key decides the order.
            extension: pan_model::extension(NameKey::of(&entry.name).as_str()),
            size: entry.file().map_or(ByteSize::ZERO, |facts| facts.size),
            mtime: entry.mtime,
            key: NameKey::of(&entry.name).as_str().to_owned(),
        }
    }
}

/// Which children of a directory a window wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildrenQuery {
    /// The order: total and stable, see [`ListOrder`].
    pub order: ListOrder,
    /// Only what comes after this place.
    pub after: Option<ListedAfter>,
    /// How many entries to leave out, counted from `after`.
    pub skip: u64,
    /// How many entries to give at most.
    pub limit: u64,
}

/// Reading the tree.
pub trait EntryRead {
    /// The entry with this id, live or detached.
    fn get_entry(&mut self, fs_id: FsId) -> Result<Option<Entry>>;

    /// The child of a directory that this name addresses, by its key.
    fn get_child(&mut self, parent: FsId, key: &NameKey<'_>) -> Result<Option<Entry>>;

    /// The children of a directory, one window, in the query's order.
    fn list_children(
        &mut self,
        parent: FsId,
        query: &ChildrenQuery,
        each: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<()>;

    /// A user's entries that point to a content, live and detached, by id,
    /// those after `after`, at most `limit`.
    fn list_entries_of(
        &mut self,
        content: ContentId,
        user: UserNo,
        after: Option<FsId>,
        limit: u64,
    ) -> Result<Vec<Entry>>;

    /// What lies below a directory; zero for what is no directory.
    fn get_totals(&mut self, directory: FsId) -> Result<Totals>;

    /// A user's entries in the order of their ids, live and detached, those
    /// after `after`. For check: it reads everything.
    fn scan_entries(
        &mut self,
        user: UserNo,
        after: Option<FsId>,
        limit: u64,
        each: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<()>;
}

/// Changing the tree. Only `ledger` calls these.
///
/// A file is found by its name ([`SearchRead`](super::SearchRead)) and by its
/// media type ([`MediaRead`](super::MediaRead)) as soon as it is here, in the
/// same transaction.
pub trait EntryTxn {
    /// Adds an entry. A directory begins with the totals given here. A second
    /// entry of the same key in one directory is an error of the engine.
    fn insert_entry(&mut self, entry: &Entry, totals: &Totals) -> Result<()>;

    /// Replaces everything about the entry of this id but its totals.
    fn update_entry(&mut self, entry: &Entry) -> Result<()>;

    /// Removes an entry and its totals; its children must be gone.
    fn remove_entry(&mut self, fs_id: FsId) -> Result<()>;

    /// Adds to a directory's totals and raises their rev to `rev`.
    fn add_totals(&mut self, directory: FsId, delta: &TotalsDelta, rev: Rev) -> Result<()>;
}
