use crate::{ByteSize, Crc32, Fingerprint, Md5};

/// What is known of a file after its first 256 KiB: too little for a rapid
/// upload, and enough to know that one would be in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentProbe {
    /// Length in bytes.
    pub size: ByteSize,
    /// Of the first 256 KiB.
    pub slice_md5: Md5,
}

/// What somebody says about a file instead of sending it: rapid upload.
///
/// Nothing of it is proof that they have the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentClaim {
    /// Length in bytes.
    pub size: ByteSize,
    /// Of the whole content.
    pub md5: Md5,
    /// Of the first 256 KiB.
    pub slice_md5: Md5,
    /// What the CRC-32 of the whole may be: old clients write it in ways that
    /// cannot be told apart. Empty when it is not said.
    pub crc32: Vec<Crc32>,
}

impl ContentClaim {
    /// Whether a content is what the claim says, as far as it says it.
    pub fn fits(&self, content: &Fingerprint) -> bool {
        content.size == self.size
            && content.md5 == self.md5
            && content.slice_md5 == self.slice_md5
            && (self.crc32.is_empty() || self.crc32.contains(&content.crc32))
    }
}
