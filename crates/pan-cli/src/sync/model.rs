//! What is known of one place: what lies here, what lies there, and what both
//! agreed on last.

use pan_sdk::{Entry, FsId, Md5};

/// What lies at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Dir,
}

/// How a local entry looks without being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) kind: Kind,
    /// Bytes; 0 for a directory.
    pub(crate) size: u64,
    /// Nanoseconds since 1970; 0 for a directory, whose time tells nothing.
    pub(crate) mtime: i64,
    /// When anything about the file last changed. 0 where that is not known
    /// or not to be trusted: then the file is read to be sure.
    pub(crate) ctime: i64,
    /// The number in the file system; 0 where there is none.
    pub(crate) inode: u64,
}

/// A local entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Local {
    pub(crate) stat: Stat,
    /// The md5 of its content, once somebody had to read it.
    pub(crate) md5: Option<Md5>,
}

/// A remote entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) kind: Kind,
    /// 0 when the service did not say.
    pub(crate) fs_id: u64,
    pub(crate) size: u64,
    /// Seconds since 1970, by the server's clock.
    pub(crate) mtime: i64,
    /// As the service tells it.
    pub(crate) md5: Option<Md5>,
}

/// What both sides agreed on last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) stat: Stat,
    pub(crate) remote: Remote,
    /// The md5 of the content that both had.
    pub(crate) md5: Option<Md5>,
}

/// A place: its path seen from the roots, and all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// The names in their NFC form with `/` between them.
    pub(crate) key: String,
    pub(crate) pair: Option<Pair>,
    pub(crate) local: Option<Local>,
    pub(crate) remote: Option<Remote>,
}

/// How a side of an item stands to what was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Nothing is there and nothing was.
    Absent,
    /// What was there is gone.
    Gone,
    /// As agreed.
    Same,
    /// New, changed, or of another kind.
    News(Kind),
}

impl Remote {
    pub(crate) fn of(entry: &Entry) -> Self {
        Self {
            kind: if entry.is_dir { Kind::Dir } else { Kind::File },
            fs_id: entry.fs_id.map_or(0, FsId::get),
            size: entry.size.0,
            mtime: entry.mtime.0,
            md5: entry.md5,
        }
    }

    /// Whether it is still the same content, or a directory as before.
    pub(crate) fn is_same_content(&self, other: &Self) -> bool {
        if self.kind != other.kind || self.kind == Kind::Dir {
            return self.kind == other.kind;
        }
        let same = match (self.md5, other.md5) {
            (Some(one), Some(other)) => one == other,
            _ => self.fs_id == other.fs_id && self.mtime == other.mtime,
        };
        same && self.size == other.size
    }

    /// Whether it is the very entry, under whatever name.
    pub(crate) fn is_same_entry(&self, other: &Self) -> bool {
        self.fs_id != 0 && self.fs_id == other.fs_id && self.kind == other.kind
    }
}

impl Stat {
    /// Whether it is the very file or directory, untouched, under whatever
    /// name: renaming changes the ctime of a file.
    pub(crate) fn is_same_entry(&self, other: &Self) -> bool {
        self.inode != 0
            && self.inode == other.inode
            && self.kind == other.kind
            && self.size == other.size
            && self.mtime == other.mtime
    }
}

impl Local {
    pub(crate) fn is_file(&self) -> bool {
        self.stat.kind == Kind::File
    }

    /// Whether it has the content of a remote file, as far as is known.
    pub(crate) fn has_content_of(&self, remote: &Remote) -> bool {
        self.is_file()
            && remote.kind == Kind::File
            && self.stat.size == remote.size
            && self.md5.is_some()
            && self.md5 == remote.md5
    }
}

impl Pair {
    fn is_local_same(&self, local: &Local) -> bool {
        match (self.stat.kind, local.stat.kind) {
            (Kind::Dir, Kind::Dir) => true,
            (Kind::File, Kind::File) => {
                // Whoever read the file knows better than its times.
                let read = local.md5.map(|md5| Some(md5) == self.md5);
                self.stat.size == local.stat.size && read.unwrap_or(self.stat == local.stat)
            }
            _ => false,
        }
    }
}

impl Item {
    /// How the local side stands.
    pub(crate) fn local_side(&self) -> Side {
        match (&self.pair, &self.local) {
            (None, None) => Side::Absent,
            (Some(_), None) => Side::Gone,
            (Some(pair), Some(local)) if pair.is_local_same(local) => Side::Same,
            (_, Some(local)) => Side::News(local.stat.kind),
        }
    }

    /// How the remote side stands.
    pub(crate) fn remote_side(&self) -> Side {
        match (&self.pair, &self.remote) {
            (None, None) => Side::Absent,
            (Some(_), None) => Side::Gone,
            (Some(pair), Some(remote)) if pair.remote.is_same_content(remote) => Side::Same,
            (_, Some(remote)) => Side::News(remote.kind),
        }
    }

    /// Whether the local file must be read before anything can be decided:
    /// its size is that of something known, and its times do not settle it.
    pub(crate) fn needs_reading(&self) -> bool {
        let Some(local) = self.local.as_ref().filter(|local| local.is_file()) else {
            return false;
        };
        let of_size = |remote: &Remote| remote.kind == Kind::File && remote.size == local.stat.size;
        let like_pair = self.pair.as_ref().filter(|pair| of_size(&pair.remote));
        let is_settled = like_pair.is_some_and(|pair| pair.stat == local.stat);
        let is_like_remote = self.remote.as_ref().is_some_and(of_size);
        local.md5.is_none() && !is_settled && (like_pair.is_some() || is_like_remote)
    }

    /// What can be called the content of both, once they agree.
    pub(crate) fn agreed(&self) -> Option<Pair> {
        let (local, remote) = (self.local.as_ref()?, self.remote.as_ref()?);
        let old = self.pair.as_ref().filter(|pair| pair.is_local_same(local));
        let md5 = local.md5.or_else(|| old.and_then(|pair| pair.md5)).or(remote.md5);
        Some(Pair { stat: local.stat, remote: *remote, md5 })
    }
}
