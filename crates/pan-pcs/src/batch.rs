//! The JSON in `param`: batches and block lists (pcs-rest 5).
//!
//! Shape and values are two things: an item without the members that the
//! method needs spoils the whole batch before anything is done; a member with
//! a bad value surfaces when its turn comes.

use pan_model::{FsId, Md5, PanPath};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::ParamError;
use crate::params::parse_path;

/// The most items of a batch.
pub const MAX_BATCH_ITEMS: usize = 999;
/// The most blocks of a superfile.
pub const MAX_BLOCKS: usize = 1024;

/// Why `param` is refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// It is not JSON of the documented shape: 31023.
    #[error("`param` is not the JSON that this method takes")]
    Shape,
    /// It has no item: 31023.
    #[error("the list in `param` is empty")]
    Empty,
    /// It has more than [`MAX_BATCH_ITEMS`] items: 31075.
    #[error("the list in `param` has more than {MAX_BATCH_ITEMS} items")]
    TooMany,
    /// `block_list` is not a list of md5s, or is longer than [`MAX_BLOCKS`]: 31023.
    #[error("request body param error, it must be:param={{\"block_list\":[...]}}")]
    BlockList,
    /// `block_list` has no element: 31082.
    #[error("the block list is empty")]
    BlockListEmpty,
}

/// The deepest nesting of arrays and objects that is read.
const MAX_DEPTH: usize = 16;

#[derive(Serialize, Deserialize)]
struct List<T> {
    list: Vec<T>,
}

/// An item of a `meta` batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetaItem {
    path: String,
}

/// An item of a `delete` batch.
pub type DeleteItem = MetaItem;

/// An item of a `move` or `copy` batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveItem {
    from: String,
    to: String,
}

/// An item of a `restore` batch. Clients send the id as a string or as a
/// number; it goes out as a string.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreItem {
    fs_id: IdText,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum IdText {
    Text(String),
    Number(serde_json::Number),
}

impl RestoreItem {
    /// An item for an id as it was sent.
    pub fn new(fs_id: &str) -> Self {
        Self { fs_id: IdText::Text(fs_id.to_owned()) }
    }

    /// The id; `None` for a number that no entry can have.
    ///
    /// # Errors
    /// 31023 when it is empty or no number.
    pub fn fs_id(&self) -> Result<Option<FsId>, ParamError> {
        let text = match &self.fs_id {
            IdText::Text(text) => text.trim().to_owned(),
            IdText::Number(number) => number.to_string(),
        };
        if text.is_empty() {
            return Err(ParamError::Missing("fs_id"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            let reason = "it is not the number of an entry".into();
            return Err(ParamError::Invalid { name: "fs_id", reason });
        }
        Ok(text.parse().ok().and_then(FsId::from_u64))
    }
}

impl MetaItem {
    /// An item for a path.
    pub fn new(path: &str) -> Self {
        Self { path: path.to_owned() }
    }

    /// The path.
    ///
    /// # Errors
    /// 31023 when it is empty, 31062 when it is no path.
    pub fn path(&self) -> Result<PanPath, ParamError> {
        item_path("path", &self.path)
    }
}

impl MoveItem {
    /// An item for a pair of paths.
    pub fn new(from: &str, to: &str) -> Self {
        Self { from: from.to_owned(), to: to.to_owned() }
    }

    /// Both paths.
    ///
    /// # Errors
    /// 31023 when one is empty, 31062 when one is no path.
    pub fn paths(&self) -> Result<(PanPath, PanPath), ParamError> {
        Ok((item_path("from", &self.from)?, item_path("to", &self.to)?))
    }
}

fn item_path(name: &'static str, text: &str) -> Result<PanPath, ParamError> {
    if text.is_empty() { Err(ParamError::Missing(name)) } else { parse_path(name, text) }
}

/// Reads `{"list":[…]}`.
///
/// # Errors
/// [`BatchError`]; the caller decides whether a complete single form saves it.
pub fn parse_batch<T: for<'a> Deserialize<'a>>(json: &[u8]) -> Result<Vec<T>, BatchError> {
    if is_too_deep(json) {
        return Err(BatchError::Shape);
    }
    // Counted first, and without building anything: a batch of millions must
    // not cost memory before it is refused.
    let counted: List<IgnoredAny> = serde_json::from_slice(json).map_err(|_| BatchError::Shape)?;
    match counted.list.len() {
        0 => Err(BatchError::Empty),
        n if n > MAX_BATCH_ITEMS => Err(BatchError::TooMany),
        _ => serde_json::from_slice::<List<T>>(json)
            .map(|batch| batch.list)
            .map_err(|_| BatchError::Shape),
    }
}

/// Whether arrays and objects are nested deeper than [`MAX_DEPTH`].
fn is_too_deep(json: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

/// Writes `{"list":[…]}`.
pub fn write_batch<T: Serialize>(items: Vec<T>) -> String {
    serde_json::to_string(&List { list: items }).unwrap_or_default()
}

/// The blocks of a superfile, in order.
pub type BlockList = Vec<Md5>;

#[derive(Serialize, Deserialize)]
struct Blocks {
    block_list: Vec<String>,
}

/// Reads `{"block_list":["md5", …]}`.
///
/// # Errors
/// [`BatchError::BlockList`] or [`BatchError::BlockListEmpty`].
pub fn parse_block_list(json: &[u8]) -> Result<BlockList, BatchError> {
    if is_too_deep(json) {
        return Err(BatchError::BlockList);
    }
    let blocks: Blocks = serde_json::from_slice(json).map_err(|_| BatchError::BlockList)?;
    if blocks.block_list.is_empty() {
        return Err(BatchError::BlockListEmpty);
    }
    if blocks.block_list.len() > MAX_BLOCKS {
        return Err(BatchError::BlockList);
    }
    let parse = |md5: &String| md5.parse().map_err(|_| BatchError::BlockList);
    blocks.block_list.iter().map(parse).collect()
}

/// Writes `{"block_list":["md5", …]}`.
pub fn write_block_list(blocks: &[Md5]) -> String {
    let block_list = blocks.iter().map(Md5::to_string).collect();
    serde_json::to_string(&Blocks { block_list }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use pan_model::FsId;

    use super::{BatchError, MetaItem, MoveItem, RestoreItem, parse_batch, parse_block_list};
    use crate::ParamError;

    #[test]
    fn batches_are_read_as_clients_write_them() {
        let json = br#" {"list": [ {"path":"\/a\u4e2d", "extra": [1,{}]}, {"path": ""} ], "x": 1}"#;
        let items: Vec<MetaItem> = parse_batch(json).unwrap();
        assert_eq!(items[0].path().unwrap().as_str(), "/a中");
        assert!(items[1].path().is_err());
    }

    #[test]
    fn a_wrong_shape_spoils_the_whole() {
        for json in [
            "",
            "x",
            "[]",
            "{}",
            r#"{"list":{}}"#,
            r#"{"list":[{"path":1}]}"#,
            r#"{"list":[{"from":"/a"}]}"#,
        ] {
            assert_eq!(parse_batch::<MetaItem>(json.as_bytes()), Err(BatchError::Shape), "{json}");
        }
        assert_eq!(parse_batch::<MoveItem>(br#"{"list":[]}"#), Err(BatchError::Empty));
        let many = format!(r#"{{"list":[{}1]}}"#, "1,".repeat(999));
        assert_eq!(parse_batch::<MoveItem>(many.as_bytes()), Err(BatchError::TooMany));
    }

    #[test]
    fn ids_are_strings_or_numbers() {
        let json =
            br#"{"list":[{"fs_id":"4059450057"},{"fs_id":2959141864},{"fs_id":"x"},{"fs_id":-1}]}"#;
        let items: Vec<RestoreItem> = parse_batch(json).unwrap();
        let ids: Vec<_> = items.iter().map(RestoreItem::fs_id).collect();
        assert_eq!(ids[..2], [4_059_450_057, 2_959_141_864].map(|id| Ok(FsId::from_u64(id))));
        assert!(ids[2].is_err() && ids[3].is_err());
        assert_eq!(RestoreItem::new(&"9".repeat(40)).fs_id(), Ok(None));
        assert_eq!(RestoreItem::new("").fs_id(), Err(ParamError::Missing("fs_id")));
        for json in [r#"{"list":[{"fs_id":true}]}"#, r#"{"list":[{"path":"/a"}]}"#] {
            assert_eq!(parse_batch::<RestoreItem>(json.as_bytes()), Err(BatchError::Shape));
        }
    }

    #[test]
    fn nesting_has_a_limit_and_brackets_in_texts_are_none() {
        let nested = |depth: usize| {
            let inner = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            format!(r#"{{"list":[{{"path":"/[[[[[[[[[[[[[[[[[[\\\"[","x":{inner}}}]}}"#)
        };
        assert!(parse_batch::<MetaItem>(nested(13).as_bytes()).is_ok());
        assert_eq!(parse_batch::<MetaItem>(nested(14).as_bytes()), Err(BatchError::Shape));
    }

    #[test]
    fn block_lists() {
        let md5 = "900150983cd24fb0d6963f7d28e17f72";
        let json = format!(r#"{{"block_list": ["{md5}", "{md5}"]}}"#);
        assert_eq!(parse_block_list(json.as_bytes()).unwrap().len(), 2);
        assert_eq!(parse_block_list(br#"{"block_list":[]}"#), Err(BatchError::BlockListEmpty));
        for json in ["block_list", r#"{"block_list":["x"]}"#, r#"{"block_list":"[]"}"#] {
            assert_eq!(parse_block_list(json.as_bytes()), Err(BatchError::BlockList), "{json}");
        }
    }
}
