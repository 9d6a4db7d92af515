//! The body of a bulk upload, frame by frame (pcs-rest 4.26).

use serde_json::{Value, json};

use super::digest::md5_hex;

/// A file among many.
#[derive(Debug, Clone)]
pub struct BulkItem {
    header: Value,
    content: Vec<u8>,
}

impl BulkItem {
    /// A file that goes to a free name, and whose md5 is said.
    pub fn new(path: &str, content: &[u8]) -> Self {
        let header = json!({ "path": path, "size": content.len(), "md5": md5_hex(content) });
        Self { header, content: content.to_vec() }
    }

    /// The same with `ondup`.
    #[must_use]
    pub fn ondup(self, word: &str) -> Self {
        self.with("ondup", word)
    }

    /// The same with another member of the header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    /// The same without a member of the header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.header.as_object_mut().map(|header| header.remove(name));
        self
    }

    /// The frame: the length of the header, the header, the content.
    pub fn frame(&self) -> Vec<u8> {
        frame(self.header.to_string().as_bytes(), &self.content)
    }
}

/// A frame with any header.
pub(super) fn frame(header: &[u8], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(header.len()).expect("a header is short");
    [&length.to_be_bytes(), header, content].concat()
}

/// Frames, and the end.
pub fn bulk_body(items: &[BulkItem]) -> Vec<u8> {
    let frames: Vec<Vec<u8>> = items.iter().map(BulkItem::frame).collect();
    [frames.concat(), vec![0; 4]].concat()
}
