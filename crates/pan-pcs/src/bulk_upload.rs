//! The body of a bulk upload, and what it may hold (pcs-rest 4.26).
//!
//! A body is a row of frames: the length of a header in four bytes, the most
//! significant first; the header, JSON; then as many bytes of content as the
//! header says. A length of zero is the end, so that a body that was cut is
//! never taken for a whole one.

use std::borrow::Cow;

use pan_model::{ByteSize, Md5, Ondup, PanPath};
use serde::{Deserialize, Serialize};

use crate::params::{check_md5, parse_ondup, parse_path};
use crate::{ErrorCode, ParamError};

/// The `Content-Type` of a bulk upload.
pub const BULK_TYPE: &str = "application/x-openpan-bulk";
/// The longest header of an item, in bytes: a path has at most 4,096. The
/// replies to a thousand of them stay within bounds, too.
pub const MAX_BULK_HEADER_BYTES: usize = 8 << 10;
/// The end of a body: a header of no bytes.
pub const BULK_END: [u8; 4] = [0; 4];

/// What a service takes in one bulk upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkLimits {
    /// The most items of a request.
    pub items_max: u64,
    /// The most bytes of the content of an item.
    pub item_bytes_max: u64,
    /// The most bytes of the body, frames and all.
    pub bytes_max: u64,
}

impl BulkLimits {
    /// What OpenPan takes: as many items as stand in a page of a listing, an
    /// item of one blob, and a body that is soon over.
    pub const OPENPAN: Self =
        Self { items_max: 1_000, item_bytes_max: 4 << 20, bytes_max: 64 << 20 };
}

/// The header of an item. Members that are not known are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkHeader<'a> {
    /// Where the file goes; as the parameter `path` of an upload.
    #[serde(borrow)]
    pub path: Cow<'a, str>,
    /// How many bytes of content follow the header.
    pub size: u64,
    /// The md5 of the content, in hex, to be compared before it is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<Cow<'a, str>>,
    /// As the parameter `ondup` of an upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ondup: Option<Cow<'a, str>>,
}

impl<'a> BulkHeader<'a> {
    /// The header of an item.
    pub fn new(path: &'a PanPath, size: ByteSize, md5: Md5, ondup: Ondup) -> Self {
        Self {
            path: path.as_str().into(),
            size: size.0,
            md5: Some(md5.to_string().into()),
            ondup: ondup.as_str().map(Cow::Borrowed),
        }
    }

    /// The frame of the item, up to its content.
    pub fn to_frame(&self) -> Vec<u8> {
        let mut frame = BULK_END.to_vec();
        // Writing to memory does not fail, and the members are plain.
        let _ = serde_json::to_writer(&mut frame, self);
        let length = u32::try_from(frame.len() - BULK_END.len()).unwrap_or(u32::MAX);
        frame[..BULK_END.len()].copy_from_slice(&length.to_be_bytes());
        frame
    }

    /// The path.
    ///
    /// # Errors
    /// 31023 when it is empty, 31062 when it is no path.
    pub fn path(&self) -> Result<PanPath, ParamError> {
        if self.path.is_empty() {
            return Err(ParamError::Missing("path"));
        }
        parse_path("path", &self.path)
    }

    /// What happens when the name is taken.
    ///
    /// # Errors
    /// 31023 for an unknown word.
    pub fn ondup(&self) -> Result<Ondup, ParamError> {
        parse_ondup(self.ondup.as_deref().filter(|word| !word.is_empty()))
    }

    /// The md5 that the content must have, if the client says.
    ///
    /// # Errors
    /// 31023 when it is no md5.
    pub fn md5(&self) -> Result<Option<Md5>, ParamError> {
        self.md5.as_deref().map(|text| check_md5("md5", text)).transpose()
    }
}

/// An item of the reply: an entry, or an error with its code and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkItemBody {
    /// What was stored.
    Stored(crate::EntryBody),
    /// Why nothing of the item was stored.
    Refused {
        /// The number, which may be none that [`ErrorCode`] knows; `None` when
        /// it could not be read.
        code: Option<u32>,
        /// The service's own words.
        message: String,
    },
}

impl BulkItemBody {
    /// The HTTP status that an error of its own would have; 400 for a code
    /// that is not known.
    pub fn status_of(code: Option<u32>) -> u16 {
        code.and_then(ErrorCode::from_code).map_or(400, ErrorCode::status)
    }
}

impl<'de> Deserialize<'de> for BulkItemBody {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(input)?;
        let error = crate::ErrorBody::deserialize(&value).map_err(serde::de::Error::custom)?;
        if let Some(error) = error.if_any() {
            return Ok(Self::Refused { code: error.code(), message: error.error_msg });
        }
        serde_json::from_value(value).map(Self::Stored).map_err(serde::de::Error::custom)
    }
}

/// An item of the reply that was refused, as the server writes it.
#[derive(Debug, Clone, Serialize)]
pub struct BulkRefusal<'a> {
    /// The path, as it was sent.
    pub path: &'a str,
    /// The code of pcs-rest 6.
    pub error_code: u32,
    /// Baidu's text, then what happened here.
    pub error_msg: &'a str,
}

/// The reply of `bulkupload`: the items, in order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BulkBody {
    /// One for every item of the request.
    pub list: Vec<BulkItemBody>,
    /// The id of the request.
    #[serde(default)]
    pub request_id: Option<u64>,
}

/// What a service can do beyond the book (4.26).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionList {
    /// Bulk upload; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bulkupload: Option<BulkLimits>,
    /// Which digests of a content the headers of replies tell.
    #[serde(default)]
    pub digests: DigestList,
    /// Whether there is `rapidprobe`.
    #[serde(default)]
    pub rapidprobe: bool,
}

/// The digests that headers tell (4.26).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestList {
    /// BLAKE3, in [`BLAKE3_HEADER`].
    #[serde(default)]
    pub blake3: bool,
}

/// The header with the BLAKE3 of a whole content, 64 hex digits (4.26).
pub const BLAKE3_HEADER: &str = "x-openpan-blake3";
/// The header with the md5 of a content that was stored, 32 hex digits: what
/// the body says as well, so that damage to either shows (4.26).
pub const MD5_HEADER: &str = "x-openpan-md5";

/// The reply of `extensions`, as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ExtensionsBody {
    /// The extensions, by name.
    pub extensions: ExtensionList,
}

/// The reply of `extensions`, as the server writes it.
#[derive(Debug, Clone, Serialize)]
pub struct ExtensionsReply {
    /// The extensions, by name.
    pub extensions: ExtensionList,
    /// The id of the request.
    pub request_id: u64,
}

#[cfg(test)]
mod tests {
    use pan_model::{ByteSize, Md5, Ondup, PanPath};

    use super::{BulkBody, BulkHeader, BulkItemBody, ExtensionsBody};
    use crate::ParamError;

    fn header(json: &str) -> BulkHeader<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_frame_says_how_long_its_header_is() {
        let path = PanPath::parse("/a\"é").unwrap();
        let header = BulkHeader::new(&path, ByteSize(7), Md5([1; 16]), Ondup::Overwrite);
        let frame = header.to_frame();
        let length = u32::from_be_bytes(frame[..4].try_into().unwrap());
        assert_eq!(length as usize, frame.len() - 4);
        let read: BulkHeader<'_> = serde_json::from_slice(&frame[4..]).unwrap();
        assert_eq!(read, header);
        assert_eq!(read.path(), Ok(path));
        assert_eq!((read.ondup(), read.md5()), (Ok(Ondup::Overwrite), Ok(Some(Md5([1; 16])))));
    }

    #[test]
    fn a_header_needs_a_path_and_a_size() {
        let least = header(r#"{"size":0,"path":"/a","mtime":{"x":[1]}}"#);
        assert_eq!((least.ondup(), least.md5()), (Ok(Ondup::Fail), Ok(None)));
        assert_eq!(header(r#"{"size":0,"path":""}"#).path(), Err(ParamError::Missing("path")));
        assert!(header(r#"{"size":0,"path":"a"}"#).path().is_err());
        assert!(header(r#"{"size":0,"path":"/a","md5":"x"}"#).md5().is_err());
        assert!(header(r#"{"size":0,"path":"/a","ondup":"x"}"#).ondup().is_err());
        for wrong in [
            "",
            "{}",
            "[]",
            r#"{"path":"/a"}"#,
            r#"{"size":1}"#,
            r#"{"path":"/a","size":-1}"#,
            r#"{"path":"/a","size":"1"}"#,
            r#"{"path":"/a","size":1.5}"#,
            r#"{"path":"/a","size":18446744073709551616}"#,
            r#"{"path":1,"size":1}"#,
            r#"{"path":"/a","size":1} x"#,
        ] {
            assert!(serde_json::from_str::<BulkHeader<'_>>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_reply_holds_entries_and_errors() {
        let body: BulkBody = serde_json::from_str(
            r#"{"list":[{"path":"/a","size":"3"},{"path":"/b","error_code":31061,
                "error_msg":"no"}],"request_id":1}"#,
        )
        .unwrap();
        assert!(matches!(&body.list[0], BulkItemBody::Stored(entry) if entry.size == 3));
        assert_eq!(
            body.list[1],
            BulkItemBody::Refused { code: Some(31061), message: String::from("no") }
        );
        assert_eq!(
            (BulkItemBody::status_of(Some(31064)), BulkItemBody::status_of(Some(7))),
            (403, 400)
        );
    }

    #[test]
    fn extensions_may_be_others_than_ours() {
        let body: ExtensionsBody =
            serde_json::from_str(r#"{"extensions":{"teleport":{}},"request_id":1}"#).unwrap();
        assert_eq!(body.extensions.bulkupload, None);
        assert!(serde_json::from_str::<ExtensionsBody>(r#"{"list":[]}"#).is_err());
    }
}
