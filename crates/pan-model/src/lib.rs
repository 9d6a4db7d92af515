//! The words of OpenPan.
//!
//! Plain values that every other crate speaks: paths, ids, digests, sizes,
//! orders. A value of one of these types is right by construction; whoever
//! holds one need not check it again. Nothing here does I/O, and nothing here
//! knows HTTP, SQL or JSON.

mod caller;
mod claim;
mod digest;
mod ids;
mod media;
mod name;
mod ondup;
mod order;
mod path;

mod rules;
mod search_key;
mod size;
mod streaming;
mod thumbnail;
mod time;
mod window;

pub use caller::{Caller, Md5Style};
pub use claim::{ContentClaim, ContentProbe};
pub use digest::{Blake3, Crc32, Fingerprint, Md5, ParseDigestError, SLICE_BYTES};
pub use ids::{BlobKey, ContentId, FsId, Rev, UserNo};
pub use media::MediaType;
pub use name::{NameKey, extension};
pub use ondup::Ondup;
pub use order::{ListBy, ListOrder};
pub use path::{MAX_PATH_BYTES, PanPath, PathError};

pub use rules::{MAX_CREATED_PATH_BYTES, MAX_DEPTH, MAX_NAME_BYTES, NameError, PathRules};
pub use search_key::SearchKey;
pub use size::{ByteSize, ParseSizeError};
pub use streaming::StreamFormat;
pub use thumbnail::ThumbnailSize;
pub use time::Timestamp;
pub use window::Window;
