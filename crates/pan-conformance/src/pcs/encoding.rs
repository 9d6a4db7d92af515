//! How parameters and content are written into a request.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// The boundary of every multipart body.
pub const BOUNDARY: &str = "openpan-conformance-7d4f";

/// What urlencoding leaves alone (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A part of a multipart body that has a filename, or wants to look odd.
#[derive(Debug, Clone)]
pub struct Part {
    /// The part's name.
    pub name: String,
    /// The part's filename; a part without one looks like a parameter.
    pub filename: Option<String>,
    /// The part's own type.
    pub content_type: Option<&'static str>,
    /// The content.
    pub content: Vec<u8>,
}

impl Part {
    /// A file part as bypy sends it.
    pub fn file(content: &[u8]) -> Self {
        Self {
            name: "file".into(),
            filename: Some("file".into()),
            content_type: Some("application/octet-stream"),
            content: content.to_vec(),
        }
    }

    /// The same part under another name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The same part with another filename, or none.
    #[must_use]
    pub fn with_filename(self, filename: Option<&str>) -> Self {
        Self { filename: filename.map(Into::into), ..self }
    }
}

/// `name=value&…` with blanks as `+`, as Python writes it.
pub(super) fn urlencoded(pairs: &[(String, Vec<u8>)]) -> Vec<u8> {
    let pairs = pairs.iter().map(|(name, value)| {
        format!("{}={}", encode(name.as_bytes()), encode(value).replace("%20", "+"))
    });
    pairs.collect::<Vec<_>>().join("&").into_bytes()
}

/// A multipart body: text parts, and the file part before or after them.
pub(super) fn multipart(
    pairs: &[(String, Vec<u8>)],
    part: Option<&Part>,
    part_first: bool,
) -> Vec<u8> {
    let texts = pairs.iter().map(|(name, value)| Part {
        name: name.clone(),
        filename: None,
        content_type: None,
        content: value.clone(),
    });
    let mut parts: Vec<Part> = texts.collect();
    if let Some(part) = part {
        parts.insert(if part_first { 0 } else { parts.len() }, part.clone());
    }
    let mut body = Vec::new();
    for part in parts {
        let mut head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; ");
        head.push_str(&format!("name=\"{}\"", part.name));
        if let Some(filename) = &part.filename {
            head.push_str(&format!("; filename=\"{filename}\""));
        }
        if let Some(content_type) = part.content_type {
            head.push_str(&format!("\r\nContent-Type: {content_type}"));
        }
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(&part.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// Percent-encodes everything but unreserved characters.
pub fn encode(value: &[u8]) -> String {
    percent_encode(value, ENCODED).to_string()
}
