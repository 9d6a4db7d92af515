//! Replies, as a client reads them (pcs-rest 2).
//!
//! Services were seen to send numbers as strings, `block_list` as an array, a
//! string or null, and ids of requests in both forms. All of that is read
//! here; what is absent gets its zero. What the server writes is in `reply`.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::scalar::{any_text, block_list, fault, flag, list, number, request_id, text};

/// An entry, wherever one appears (2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct EntryBody {
    /// The id of the entry; 0 when absent.
    #[serde(default, deserialize_with = "number")]
    pub fs_id: u64,
    /// The absolute path.
    pub path: String,
    /// Creation, Unix seconds.
    #[serde(default, deserialize_with = "number")]
    pub ctime: i64,
    /// Modification, Unix seconds.
    #[serde(default, deserialize_with = "number")]
    pub mtime: i64,
    /// Bytes; 0 for directories.
    #[serde(default, deserialize_with = "number")]
    pub size: u64,
    /// Whether this is a directory.
    #[serde(default, deserialize_with = "flag")]
    pub isdir: bool,
    /// Whether this is a directory with a directory in it.
    #[serde(default, deserialize_with = "flag")]
    pub ifhassubdir: bool,
    /// In the service's style, see [`decode_md5`](crate::decode_md5); empty when unknown.
    #[serde(default, deserialize_with = "text")]
    pub md5: String,
    /// The md5s of the blocks; empty when unknown.
    #[serde(default, deserialize_with = "block_list")]
    pub block_list: Vec<String>,
    /// In the change feed: not 0 when it is gone, −1 into the recycle bin (4.15).
    #[serde(default, deserialize_with = "number")]
    pub isdelete: i64,
}

/// The reply of `quota?method=info` (4.1).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct QuotaBody {
    /// Total bytes.
    #[serde(deserialize_with = "number")]
    pub quota: u64,
    /// Bytes in use.
    #[serde(deserialize_with = "number")]
    pub used: u64,
}

/// The reply of `upload&type=tmpfile` (4.3).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TmpfileBody {
    /// The plain md5 of the block: its handle.
    pub md5: String,
}

/// The reply of `list` and `meta` (4.7, 4.9).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListBody {
    /// The entries.
    #[serde(deserialize_with = "list")]
    pub list: Vec<EntryBody>,
}

/// The reply of `diff` (4.15).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DiffBody {
    /// The changes, each with its path.
    #[serde(default, deserialize_with = "entries")]
    pub entries: Vec<EntryBody>,
    /// Whether there is more to be had at once.
    #[serde(default, deserialize_with = "flag")]
    pub has_more: bool,
    /// Whether everything is told from the beginning.
    #[serde(default, deserialize_with = "flag")]
    pub reset: bool,
    /// Where the next page begins.
    pub cursor: String,
}

/// An entry of `listrecycle` (4.25).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct RecycledBody {
    /// The entry, with the path it had.
    #[serde(flatten)]
    pub entry: EntryBody,
    /// When it was deleted, Unix seconds; 0 when the service does not say.
    #[serde(default, deserialize_with = "number")]
    pub delete_time: i64,
}

/// The reply of `listrecycle` (4.25).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RecycleBody {
    /// The entries, latest deletion first.
    #[serde(deserialize_with = "list")]
    pub list: Vec<RecycledBody>,
}

/// The reply of `stream?method=list` (4.17).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MediaListBody {
    /// How many files there are in all.
    #[serde(deserialize_with = "number")]
    pub total: u64,
    /// The files of the page.
    #[serde(deserialize_with = "list")]
    pub list: Vec<EntryBody>,
}

/// The error body (2.4), and the one of Baidu's newer services: `errno`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ErrorBody {
    /// The code.
    #[serde(default, deserialize_with = "fault")]
    error_code: Fault,
    /// The code of the newer services, which have numbers of their own.
    #[serde(default, deserialize_with = "fault")]
    errno: Fault,
    /// The service's text.
    #[serde(default, deserialize_with = "any_text")]
    pub error_msg: String,
    /// The text of the newer services.
    #[serde(default, deserialize_with = "any_text")]
    errmsg: String,
    /// The id of the request, when it is a number.
    #[serde(default, deserialize_with = "request_id")]
    pub request_id: Option<u64>,
    /// What a batch did before it failed (5), unread.
    #[serde(default)]
    pub extra: Option<serde_json::Value>,
}

/// What a reply says of an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing, or that there is none.
    #[default]
    None,
    /// A code.
    Code(u32),
    /// Something that is no number of the table.
    Unreadable,
}

/// The numbers that mean the same in `errno` as in `error_code`.
const SHARED_CODES: std::ops::Range<u32> = 31_000..40_000;

impl ErrorBody {
    /// Finds the error in a reply: a JSON object with a non-zero `error_code`
    /// is one, whatever the HTTP status (9.3).
    pub fn find(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok().and_then(Self::if_any)
    }

    /// The error, where there is one.
    pub(crate) fn if_any(mut self) -> Option<Self> {
        if self.error_code == Fault::None && self.errno == Fault::None {
            return None;
        }
        if self.error_msg.is_empty() {
            self.error_msg = std::mem::take(&mut self.errmsg);
        }
        Some(self)
    }

    /// The code; `None` where the service named none that is in the table.
    pub fn code(&self) -> Option<u32> {
        match (self.error_code, self.errno) {
            (Fault::Code(code), _) => Some(code),
            (_, Fault::Code(code)) if SHARED_CODES.contains(&code) => Some(code),
            _ => None,
        }
    }
}

/// An object of entries by path. Where nothing is in it, some services write
/// an empty array.
fn entries<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<EntryBody>, D::Error> {
    struct Entries;

    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<EntryBody>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("an object of entries")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some((IgnoredAny, entry)) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(entries)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = list.next_element()? {
                entries.push(entry);
            }
            Ok(entries)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }
    }

    input.deserialize_any(Entries)
}

#[cfg(test)]
mod tests {
    use super::{DiffBody, EntryBody, ErrorBody, ListBody, QuotaBody, RecycleBody};

    fn entry(json: &str) -> EntryBody {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_entry_is_read_in_every_spelling() {
        let plain = entry(
            r#"{"fs_id":12,"path":"/a","ctime":1,"mtime":2,"size":3,"isdir":0,"ifhassubdir":0,
                "md5":"m","block_list":["x","y"],"server_filename":"a","request_id":1}"#,
        );
        let odd = entry(
            r#"{"fs_id":"12","path":"\/a","ctime":"1","mtime":"2","size":"3","isdir":"0",
                "ifhassubdir":false,"md5":"m","block_list":"[\"x\",\"y\"]"}"#,
        );
        assert_eq!(plain, odd);
        assert_eq!(plain.block_list, ["x", "y"]);
    }

    #[test]
    fn an_entry_of_the_bin_has_one_time_more() {
        let read = |json: &str| serde_json::from_str::<RecycleBody>(json).unwrap().list.remove(0);
        let ours = read(r#"{"list":[{"path":"/a","fs_id":7,"delete_time":"5","mtime":3}]}"#);
        assert_eq!((ours.entry.fs_id, ours.entry.mtime, ours.delete_time), (7, 3, 5));
        let books = read(r#"{"list":[{"fs_id":"7","path":"/a","ctime":"1"}],"request_id":1}"#);
        assert_eq!((books.entry.fs_id, books.entry.ctime, books.delete_time), (7, 1, 0));
    }

    #[test]
    fn what_is_absent_or_null_is_zero() {
        let bare = entry(r#"{"path":"/a","md5":null,"block_list":null,"size":null,"isdir":"1"}"#);
        assert_eq!(bare, EntryBody { path: "/a".into(), isdir: true, ..EntryBody::default() });
        assert!(entry(r#"{"path":"/a","block_list":""}"#).block_list.is_empty());
        for json in ["{}", r#"{"path":"/a","size":"x"}"#, r#"{"path":"/a","size":-1}"#] {
            assert!(serde_json::from_str::<EntryBody>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn errors_are_told_by_their_code() {
        let cases = [
            (
                r#"{"error_code":31066,"error_msg":"gone","request_id":7}"#,
                Some((Some(31066), Some(7))),
            ),
            (r#"{"error_code":"110","error_msg":null,"request_id":"x"}"#, Some((Some(110), None))),
            (r#"  {"error_code":111,"request_id":"8999554055650542809"}"#, {
                Some((Some(111), Some(8_999_554_055_650_542_809)))
            }),
            (r#"{"error_code":31066,"error_msg":{},"request_id":[]}"#, Some((Some(31066), None))),
            (r#"{"error_code":-7,"error_msg":5}"#, Some((None, None))),
            (r#"{"error_code":"x"}"#, Some((None, None))),
            (r#"{"errno":-9,"errmsg":"no","request_id":3}"#, Some((None, Some(3)))),
            (r#"{"errno":2}"#, Some((None, None))),
            (r#"{"errno":31066}"#, Some((Some(31066), None))),
            (r#"{"errno":0,"list":[]}"#, None),
            (r#"{"error_code":null,"quota":1}"#, None),
            (r#"{"error_code":0,"error_msg":"no error"}"#, None),
            (r#"{"list":[],"request_id":1}"#, None),
            ("", None),
            ("<html>", None),
        ];
        for (json, expected) in cases {
            let found = ErrorBody::find(json.as_bytes());
            assert_eq!(found.map(|body| (body.code(), body.request_id)), expected, "{json}");
        }
    }

    #[test]
    fn a_page_of_changes_is_read_in_every_spelling() {
        let page: DiffBody = serde_json::from_str(
            r#"{"entries":{"/a":{"path":"/a","isdir":1,"isdelete":"-1"},"/b":{"path":"/b"}},
                "has_more":true,"reset":"0","cursor":"x%3D","request_id":1}"#,
        )
        .unwrap();
        assert_eq!(page.entries.iter().map(|entry| entry.isdelete).collect::<Vec<_>>(), [-1, 0]);
        assert_eq!((page.has_more, page.reset, page.cursor.as_str()), (true, false, "x%3D"));
        for none in [r#""entries":[],"#, r#""entries":{},"#, r#""entries":null,"#, ""] {
            let page = format!(r#"{{{none}"cursor":"x"}}"#);
            assert!(serde_json::from_str::<DiffBody>(&page).unwrap().entries.is_empty(), "{page}");
        }
    }

    #[test]
    fn replies_of_the_book() {
        let quota: QuotaBody =
            serde_json::from_str(r#"{"quota":"15000000000","used":5221166,"request_id":1}"#)
                .unwrap();
        assert_eq!((quota.quota, quota.used), (15_000_000_000, 5_221_166));
        let list: ListBody = serde_json::from_str(r#"{"list":[{"path":"/a"}]}"#).unwrap();
        assert_eq!(list.list.len(), 1);
        let none: ListBody = serde_json::from_str(r#"{"list":null}"#).unwrap();
        assert!(none.list.is_empty());
        // Nothing said is not the same as nothing there.
        assert!(serde_json::from_str::<ListBody>("{}").is_err());
    }
}
