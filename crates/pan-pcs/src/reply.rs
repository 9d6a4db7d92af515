//! Replies, as the server writes them (pcs-rest 2, 4).

use serde::Serialize;

/// An entry: one superset of fields wherever an entry appears (2.3).
#[derive(Debug, Clone, Serialize)]
pub struct EntryReply<'a> {
    /// The id of the entry.
    pub fs_id: u64,
    /// The absolute path.
    pub path: &'a str,
    /// The last name of the path.
    pub server_filename: &'a str,
    /// Creation, Unix seconds.
    pub ctime: i64,
    /// Modification, Unix seconds.
    pub mtime: i64,
    /// Bytes; 0 for directories.
    pub size: u64,
    /// 1 for directories, else 0.
    pub isdir: u8,
    /// 1 for a directory with a directory in it, else 0.
    pub ifhassubdir: u8,
    /// In the caller's style; empty for directories.
    pub md5: &'a str,
    /// Plain md5s of the blocks; see the call for when it is filled.
    pub block_list: &'a [String],
    /// Present where the entry is the whole reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<u64>,
}

/// An entry in the change feed (4.15).
#[derive(Debug, Clone, Serialize)]
pub struct ChangeReply<'a> {
    /// The entry.
    #[serde(flatten)]
    pub entry: &'a EntryReply<'a>,
    /// 0 when it is there, −1 when it went into the recycle bin, 1 when it is
    /// gone otherwise.
    pub isdelete: i8,
    /// When it last came to its place or changed, or when it went, in the
    /// user's sequence of changes.
    pub revision: u64,
}

/// The reply of `quota?method=info` (4.1).
#[derive(Debug, Clone, Serialize)]
pub struct QuotaReply {
    /// Total bytes.
    pub quota: u64,
    /// Bytes of live files.
    pub used: u64,
    /// The id of the request.
    pub request_id: u64,
}

/// The reply of `upload&type=tmpfile` (4.3).
#[derive(Debug, Clone, Serialize)]
pub struct TmpfileReply {
    /// The plain md5 of the block: its handle.
    pub md5: String,
    /// The id of the request.
    pub request_id: u64,
}

/// A reply with nothing in it, as of `delete` (4.12).
#[derive(Debug, Clone, Serialize)]
pub struct PlainReply {
    /// The id of the request.
    pub request_id: u64,
}

/// What a batch did (5).
#[derive(Debug, Clone, Serialize)]
pub struct ExtraReply<T> {
    /// The items that were done, in order.
    pub list: Vec<T>,
}

/// The reply of `move` and `copy` (4.10).
#[derive(Debug, Clone, Serialize)]
pub struct MovedReply<T> {
    /// The pairs that were done.
    pub extra: ExtraReply<T>,
    /// The id of the request.
    pub request_id: u64,
}

/// An entry in the recycle bin (4.25): with its own times, and when it went.
#[derive(Debug, Clone, Serialize)]
pub struct RecycledReply<'a> {
    /// The entry, with the path it had.
    #[serde(flatten)]
    pub entry: &'a EntryReply<'a>,
    /// When it was deleted, Unix seconds.
    pub delete_time: i64,
}

/// The reply of `restore` (4.25).
#[derive(Debug, Clone, Serialize)]
pub struct RestoredReply<T> {
    /// The ids that were restored, as strings.
    pub extra: ExtraReply<T>,
    /// The id of the request.
    pub request_id: u64,
}

/// The error body (2.4).
#[derive(Debug, Clone, Serialize)]
pub struct ErrorReply<'a, T> {
    /// The code of pcs-rest 6.
    pub error_code: u32,
    /// Baidu's text, then what happened here.
    pub error_msg: &'a str,
    /// What a batch did before it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<ExtraReply<T>>,
    /// The id of the request.
    pub request_id: u64,
}
