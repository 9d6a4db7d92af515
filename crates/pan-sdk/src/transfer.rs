//! Whole files, of any size: parts in parallel, everything verified.

mod download_file;
mod download_journal;
mod journal;
mod parts;
mod ranges;
mod sweep;
mod target;
mod upload_file;
mod upload_journal;
mod upload_large;
mod upload_many;
mod upload_reader;
mod write_back;

use std::path::PathBuf;
use std::time::SystemTime;

use pan_model::ByteSize;

use crate::{Progress, Throttle};

pub(crate) use self::parts::cut;
pub use self::upload_many::SmallFile;

/// How files are transferred.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TransferOptions {
    /// Larger files go in parts. 64 MiB unless set; an upload in one request
    /// has at most 2 GiB.
    pub threshold: ByteSize,
    /// How large a part is. 32 MiB unless set; a file that would have more
    /// than 1024 parts gets larger ones.
    pub part_size: ByteSize,
    /// How many parts of a file are on their way at once. 4 unless set.
    pub parallel: usize,
    /// Whether a service is asked first if it has the content already, for
    /// files of more than 256 KiB: then no byte is sent. What
    /// the service cannot call new after its
    /// [beginning](crate::Client::rapid_probe) costs one pass over the file. For files of up to 256 MiB, or
    /// the threshold, that pass comes first; while a larger one is read, its
    /// first parts are on their way. Yes unless set.
    pub rapid: bool,
    /// Who is told of the bytes that have moved.
    pub progress: Progress,
    /// The modification time that a downloaded file gets.
    pub modified: Option<SystemTime>,
    /// A directory where it is remembered which parts are done, so that a
    /// transfer of a file above the threshold that was broken off, by
    /// whatever, goes on there when it is begun again with the same arguments
    /// by the same token. It is made when it is missing. A file that looks
    /// another way than before begins anew. None unless set: then every
    /// transfer begins anew.
    pub journal: Option<PathBuf>,
    /// What limits the bytes a second. Clones share the limit.
    pub throttle: Throttle,
}

impl Default for TransferOptions {
    fn default() -> Self {
        Self {
            threshold: ByteSize(64 << 20),
            part_size: ByteSize(32 << 20),
            parallel: 4,
            rapid: true,
            progress: Progress::default(),
            modified: None,
            journal: None,
            throttle: Throttle::default(),
        }
    }
}
