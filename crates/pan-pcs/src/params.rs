//! Parameters: where they travel and how they are decoded (pcs-rest 1.5).

use std::borrow::Cow;

use pan_model::{
    Blake3, ListBy, ListOrder, Md5, MediaType, Ondup, PanPath, StreamFormat, ThumbnailSize, Window,
};
use percent_encoding::percent_decode;

use crate::{METHODS, decode_md5};

/// The longest value of a parameter, in bytes: 2 MiB (a batch in `param`).
pub const MAX_PARAM_BYTES: usize = 2 << 20;

/// How many files a page of a media list has when nobody says.
const MEDIA_PAGE: u64 = 1_000;

/// Why parameters cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// A required parameter is absent or empty: 31023.
    #[error("the parameter `{0}` is missing")]
    Missing(&'static str),
    /// A parameter has a value that it cannot have: 31023.
    #[error("the parameter `{name}` is wrong: {reason}")]
    Invalid {
        /// The parameter.
        name: &'static str,
        /// What is wrong, for people.
        reason: Cow<'static, str>,
    },
    /// A path is not one: 31062.
    #[error("`{name}` is not a path: {reason}")]
    Path {
        /// The parameter.
        name: &'static str,
        /// What is wrong, for people.
        reason: String,
    },
}

/// The parameters of one request, decoded and merged.
///
/// A later value of a key replaces an earlier one; the query is merged last,
/// so it wins over the body. An empty value counts as absent. What no call
/// reads is not kept: clients send much that means nothing here.
#[derive(Debug, Clone, Default)]
pub struct Params(Vec<(String, Vec<u8>)>);

impl Params {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Merges the pairs of a query string or an urlencoded body: percent
    /// sequences are decoded once and `+` is a blank.
    pub fn merge_urlencoded(&mut self, text: &[u8]) {
        for pair in text.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |&byte| byte == b'=');
            let name = decode(halves.next().unwrap_or_default());
            let value = decode(halves.next().unwrap_or_default());
            self.set(&String::from_utf8_lossy(&name), value);
        }
    }

    /// Sets one parameter to bytes that need no decoding: a multipart part.
    pub fn set(&mut self, name: &str, value: Vec<u8>) {
        if !is_known(name) {
            return;
        }
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Adds everything in `other`, which wins.
    pub fn merge(&mut self, other: Self) {
        for (name, value) in other.0 {
            self.set(&name, value);
        }
    }

    /// The length of the longest value, in bytes.
    pub fn longest(&self) -> usize {
        self.0.iter().map(|(_, value)| value.len()).max().unwrap_or(0)
    }

    /// The raw value; `None` when absent or empty.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        (!value.is_empty()).then_some(value.as_slice())
    }

    /// The value as text; `None` when absent or empty.
    ///
    /// # Errors
    /// [`ParamError::Invalid`] when it is not UTF-8.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, ParamError> {
        self.bytes(name)
            .map(|value| std::str::from_utf8(value).map_err(|_| invalid(name, "it is not UTF-8")))
            .transpose()
    }

    /// A path.
    ///
    /// # Errors
    /// 31023 when absent, 31062 when it is no path.
    pub fn path(&self, name: &'static str) -> Result<PanPath, ParamError> {
        let value = self.bytes(name).ok_or(ParamError::Missing(name))?;
        let text = std::str::from_utf8(value)
            .map_err(|_| ParamError::Path { name, reason: "it is not UTF-8".into() })?;
        parse_path(name, text)
    }

    /// Whether the path of a new file is here, in either form.
    pub fn names_target(&self) -> bool {
        self.bytes("path").is_some()
            || (self.bytes("dir").is_some() && self.bytes("filename").is_some())
    }

    /// The path of a new file: `path`, or `dir` and `filename` together.
    ///
    /// # Errors
    /// As [`Params::path`].
    pub fn target_path(&self) -> Result<PanPath, ParamError> {
        if self.bytes("path").is_some() || self.bytes("dir").is_none() {
            return self.path("path");
        }
        let name = self.text("filename")?.ok_or(ParamError::Missing("path"))?;
        let directory = self.path("dir")?;
        parse_path("filename", &format!("{directory}/{name}"))
    }

    /// The `ondup` parameter.
    ///
    /// # Errors
    /// 31023 for an unknown word.
    pub fn ondup(&self) -> Result<Ondup, ParamError> {
        parse_ondup(self.text("ondup")?)
    }

    /// The md5 that the content of an upload must have; `None` when the client
    /// does not say.
    ///
    /// Beside `slice-md5` it is left over from a rapid upload: baidupan sends
    /// the parameters of earlier calls again (11.2).
    ///
    /// # Errors
    /// 31023 when it is no md5.
    pub fn content_md5(&self) -> Result<Option<Md5>, ParamError> {
        if self.bytes("slice-md5").is_some() {
            return Ok(None);
        }
        self.text("content-md5")?.map(|text| check_md5("content-md5", text)).transpose()
    }

    /// The BLAKE3 that a content must have, if the client says (4.26).
    ///
    /// # Errors
    /// 31023 when it is no BLAKE3.
    pub fn content_blake3(&self) -> Result<Option<Blake3>, ParamError> {
        let wrong = |_| invalid("content-blake3", "it is not 64 hex digits");
        self.text("content-blake3")?.map(|text| text.parse().map_err(wrong)).transpose()
    }

    /// The `cursor` parameter; `None` when it is absent, empty or `null`.
    ///
    /// Clients encode once more what Baidu had encoded already (4.15). Ours
    /// has no `%` of its own, so that another decoding harms nothing.
    ///
    /// # Errors
    /// 31023 when it is not UTF-8.
    pub fn cursor(&self) -> Result<Option<String>, ParamError> {
        let Some(text) = self.text("cursor")? else { return Ok(None) };
        let cursor = percent_decode(text.as_bytes())
            .decode_utf8()
            .map_err(|_| invalid("cursor", "it is not UTF-8"))?;
        Ok(Some(cursor.into_owned()).filter(|cursor| !matches!(cursor.as_str(), "" | "null")))
    }

    /// The `by` and `order` parameters.
    ///
    /// # Errors
    /// 31023 for an unknown word.
    pub fn list_order(&self) -> Result<ListOrder, ParamError> {
        let by = match self.text("by")? {
            None => ListBy::FileType,
            Some(word) => ListBy::parse(word)
                .ok_or_else(|| invalid("by", "it is none of `name`, `time` and `size`"))?,
        };
        let descending = match self.text("order")? {
            None | Some("desc") => true,
            Some("asc") => false,
            Some(_) => return Err(invalid("order", "it is neither `asc` nor `desc`")),
        };
        Ok(ListOrder { by, descending })
    }

    /// A number of items, from zero on; `None` when absent.
    ///
    /// # Errors
    /// 31023 when it is not one.
    pub fn number(&self, name: &'static str) -> Result<Option<u64>, ParamError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let digits = text.trim();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid(name, "it is not a number from zero on"));
        }
        // More than fits is more than there is.
        Ok(Some(digits.parse().unwrap_or(u64::MAX)))
    }

    /// The `limit` parameter, `n1-n2`; the whole list when it is absent.
    ///
    /// # Errors
    /// 31023 when it is malformed.
    pub fn window(&self) -> Result<Window, ParamError> {
        match self.text("limit")? {
            None => Ok(Window::ALL),
            Some(text) => Window::parse(text)
                .ok_or_else(|| invalid("limit", "it is not `n1-n2` with n1 ≤ n2")),
        }
    }
}

/// The parameters of a media list (pcs-rest 4.17).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaParams {
    /// The type of the files.
    pub media: MediaType,
    /// How many to leave out.
    pub start: u64,
    /// How many to list at most.
    pub limit: u64,
    /// What their paths begin with; every text is good.
    pub prefix: String,
}

impl Params {
    /// The parameters `wd` and `re` of a search: the keyword, and whether to
    /// search below directories too.
    ///
    /// # Errors
    /// 31023 when there is no keyword, or for another `re` than 0 or 1.
    pub fn search(&self) -> Result<(&str, bool), ParamError> {
        let keyword = self.text("wd")?.ok_or(ParamError::Missing("wd"))?;
        match self.text("re")? {
            None | Some("0") => Ok((keyword, false)),
            Some("1") => Ok((keyword, true)),
            Some(_) => Err(invalid("re", "it is neither `0` nor `1`")),
        }
    }

    /// The parameters `width`, `height` and `quality` of a thumbnail.
    ///
    /// # Errors
    /// 31023 for one that is missing, no number or out of its range.
    pub fn thumbnail(&self) -> Result<ThumbnailSize, ParamError> {
        let side = |name| match self.number(name)? {
            None => Err(ParamError::Missing(name)),
            Some(pixels) => u16::try_from(pixels)
                .ok()
                .filter(|pixels| (1..=ThumbnailSize::MAX_PIXELS).contains(pixels))
                .ok_or_else(|| invalid(name, "it is not between 1 and 1600")),
        };
        let (width, height) = (side("width")?, side("height")?);
        let quality = self.number("quality")?.unwrap_or(100);
        match u8::try_from(quality) {
            Ok(quality @ 1..=100) => Ok(ThumbnailSize { width, height, quality }),
            _ => Err(invalid("quality", "it is not between 1 and 100")),
        }
    }

    /// The parameter `type` of a video to be watched; `None` for a word that
    /// names no format.
    ///
    /// # Errors
    /// 31023 when it is missing or no text.
    pub fn stream_format(&self) -> Result<Option<StreamFormat>, ParamError> {
        let word = self.text("type")?.ok_or(ParamError::Missing("type"))?;
        Ok(StreamFormat::parse(word))
    }

    /// The parameters of a media list.
    ///
    /// # Errors
    /// 31023 for a type that is missing or unknown, and for what is no number.
    pub fn media(&self) -> Result<MediaParams, ParamError> {
        let word = self.text("type")?.ok_or(ParamError::Missing("type"))?;
        let media = MediaType::parse(word)
            .ok_or_else(|| invalid("type", "it is none of `video`, `audio`, `image` and `doc`"))?;
        let prefix = self.bytes("filter_path").unwrap_or_default();
        Ok(MediaParams {
            media,
            start: self.number("start")?.unwrap_or(0),
            limit: self.number("limit")?.unwrap_or(MEDIA_PAGE),
            prefix: String::from_utf8_lossy(prefix).into_owned(),
        })
    }
}

/// Whether any call reads a parameter of this name.
fn is_known(name: &str) -> bool {
    matches!(name, "method" | "access_token" | "type")
        || METHODS.iter().any(|row| row.params.contains(&name))
}

/// Reads a path from a parameter or from an item of a batch.
pub(crate) fn parse_path(name: &'static str, text: &str) -> Result<PanPath, ParamError> {
    PanPath::parse(text).map_err(|error| ParamError::Path { name, reason: error.to_string() })
}

/// Reads the word for what happens when a name is taken.
pub(crate) fn parse_ondup(word: Option<&str>) -> Result<Ondup, ParamError> {
    let Some(word) = word else { return Ok(Ondup::Fail) };
    Ondup::parse(word).ok_or_else(|| invalid("ondup", "it is neither `overwrite` nor `newcopy`"))
}

/// Reads an md5, in either form.
pub(crate) fn check_md5(name: &'static str, text: &str) -> Result<Md5, ParamError> {
    decode_md5(text.trim()).ok_or_else(|| invalid(name, "it is not an md5"))
}

fn invalid(name: &'static str, reason: &'static str) -> ParamError {
    ParamError::Invalid { name, reason: reason.into() }
}

fn decode(text: &[u8]) -> Vec<u8> {
    if !text.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return text.to_vec();
    }
    let blanks: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decode(&blanks).collect()
}

#[cfg(test)]
mod tests {
    use pan_model::{ListBy, Window};

    use super::{ParamError, Params};

    fn params(query: &str) -> Params {
        let mut params = Params::new();
        params.merge_urlencoded(query.as_bytes());
        params
    }

    #[test]
    fn values_are_decoded_once_and_the_last_wins() {
        let params = params("path=%2Fa+b%2Bc%2525&by=1&by=2&to=&from&app_id=7");
        assert_eq!(params.text("path"), Ok(Some("/a b+c%25")));
        assert_eq!(params.text("by"), Ok(Some("2")));
        assert_eq!(params.text("to"), Ok(None));
        assert_eq!(params.text("from"), Ok(None));
        assert_eq!(params.text("order"), Ok(None));
        assert_eq!(params.text("app_id"), Ok(None), "no call reads it");
    }

    #[test]
    fn a_path_that_is_missing_differs_from_one_that_is_wrong() {
        assert_eq!(params("").path("path"), Err(ParamError::Missing("path")));
        assert_eq!(params("path=").path("path"), Err(ParamError::Missing("path")));
        for query in ["path=a", "path=%2Fa%2F..", "path=%2F%ff", "path=%2Fa%00"] {
            assert!(matches!(params(query).path("path"), Err(ParamError::Path { .. })), "{query}");
        }
    }

    #[test]
    fn dir_and_filename_stand_for_a_path() {
        let joined = params("dir=/a&filename=b.txt").target_path().unwrap();
        assert_eq!(joined.as_str(), "/a/b.txt");
        let path = params("path=/x&dir=/a&filename=/home/me/b.txt").target_path().unwrap();
        assert_eq!(path.as_str(), "/x");
        assert_eq!(params("filename=b").target_path(), Err(ParamError::Missing("path")));
    }

    #[test]
    fn a_content_md5_may_be_left_over_from_a_rapid_upload() {
        let md5 = "900150983cd24fb0d6963f7d28e17f72";
        let upper = md5.to_uppercase();
        assert_eq!(params("").content_md5(), Ok(None));
        assert_eq!(params("content-md5=").content_md5(), Ok(None));
        let found = params(&format!("content-md5={md5}")).content_md5().unwrap().unwrap();
        assert_eq!(found.to_string(), md5);
        assert_eq!(params(&format!("content-md5={upper}")).content_md5(), Ok(Some(found)));
        assert_eq!(params(&format!("content-md5={md5}&slice-md5={md5}")).content_md5(), Ok(None));
        assert!(params("content-md5=x").content_md5().is_err());
    }

    #[test]
    fn a_cursor_is_decoded_once_more() {
        for (query, cursor) in [
            ("", None),
            ("cursor=", None),
            ("cursor=null", None),
            ("cursor=Ab-_9", Some("Ab-_9")),
            ("cursor=Ab%2D_9", Some("Ab-_9")),
            ("cursor=Ab%252D%255F9", Some("Ab-_9")),
            ("cursor=%256Eull", None),
        ] {
            assert_eq!(params(query).cursor(), Ok(cursor.map(str::to_owned)), "{query}");
        }
        assert!(params("cursor=%25ff").cursor().is_err());
        assert!(params("cursor=%ff").cursor().is_err());
    }

    #[test]
    fn keywords_and_media_types() {
        assert_eq!(params("wd=a+%25").search(), Ok(("a %", false)));
        assert_eq!(params("wd=a&re=1").search(), Ok(("a", true)));
        for query in ["", "wd=", "wd=%ff", "wd=a&re=2", "wd=a&re=true", "wd=a&re=00"] {
            assert!(params(query).search().is_err(), "{query}");
        }
        let media = params("type=doc&start=5&filter_path=/a%ffb").media().unwrap();
        assert_eq!((media.start, media.limit, media.prefix.as_str()), (5, 1000, "/a\u{fffd}b"));
        assert_eq!(params("type=doc&limit=99999999999999999999").media().unwrap().limit, u64::MAX);
        for query in ["", "type=other", "type=Doc", "type=doc&start=-1", "type=doc&limit=1-2"] {
            assert!(params(query).media().is_err(), "{query}");
        }
    }

    #[test]
    fn thumbnails_and_stream_formats() {
        let size = params("width=1600&height=1").thumbnail().unwrap();
        assert_eq!((size.width, size.height, size.quality), (1600, 1, 100));
        assert_eq!(params("width=1&height=1&quality=1").thumbnail().unwrap().quality, 1);
        for query in [
            "",
            "width=1",
            "height=1",
            "width=0&height=1",
            "width=1601&height=1",
            "width=1&height=65537",
            "width=1.5&height=1",
            "width=-1&height=1",
            "width=1&height=1&quality=0",
            "width=1&height=1&quality=101",
            "width=1&height=1&quality=357",
            "width=1&height=1&quality=x",
        ] {
            assert!(params(query).thumbnail().is_err(), "{query}");
        }
        assert!(params("").stream_format().is_err());
        assert_eq!(params("type=M3U8_9_9").stream_format(), Ok(None));
        assert_eq!(params("type=m3u8_320_240").stream_format(), Ok(None));
        assert!(params("type=M3U8_320_240").stream_format().unwrap().is_some());
    }

    #[test]
    fn orders_and_windows() {
        let order = params("by=name&order=asc").list_order().unwrap();
        assert_eq!((order.by, order.descending), (ListBy::Name, false));
        assert!(params("").list_order().unwrap().descending);
        assert!(params("by=type").list_order().is_err());
        assert!(params("order=up").list_order().is_err());
        assert_eq!(params("limit=2-5").window(), Ok(Window { start: 2, end: 5 }));
        assert!(params("limit=5-2").window().is_err());
    }

    #[test]
    fn numbers_begin_at_zero() {
        assert_eq!(params("").number("start"), Ok(None));
        assert_eq!(params("start=0").number("start"), Ok(Some(0)));
        assert_eq!(params("start=17").number("start"), Ok(Some(17)));
        let huge = "9".repeat(30);
        assert_eq!(params(&format!("start={huge}")).number("start"), Ok(Some(u64::MAX)));
        for text in ["-1", "1.5", "x", "0-10", "%2B5", "0x1"] {
            assert!(params(&format!("start={text}")).number("start").is_err(), "{text}");
        }
    }
}
