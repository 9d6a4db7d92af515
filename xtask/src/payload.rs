//! Contents for uploads: bytes that do not compress and files that are never equal.

use std::io::{self, Write};

/// Large enough for large writes, small enough to stay in a core's cache.
const BLOCK: usize = 512 << 10;

/// Contents of any size, made without copying.
pub(crate) struct Payload {
    block: Vec<u8>,
}

impl Payload {
    /// Fills the block with pseudo-random bytes, the same in every run.
    pub(crate) fn new() -> Self {
        let words = (0..BLOCK as u64 / 8).flat_map(|word| scatter(word).to_le_bytes());
        Self { block: words.collect() }
    }

    /// Appends the beginning of a content, at most a block of it.
    ///
    /// The stamp makes the content differ from every other one.
    pub(crate) fn begin(&self, stamp: u64, size_bytes: u64, to: &mut Vec<u8>) {
        let stamp = scatter(!stamp).to_le_bytes();
        let length = self.block.len().min(usize::try_from(size_bytes).unwrap_or(usize::MAX));
        let stamped = stamp.len().min(length);
        to.extend_from_slice(&stamp[..stamped]);
        to.extend_from_slice(&self.block[stamped..length]);
    }

    /// Writes what follows the beginning.
    pub(crate) fn write_rest(&self, size_bytes: u64, to: &mut impl Write) -> io::Result<()> {
        let mut left = size_bytes.saturating_sub(self.block.len() as u64);
        while left > 0 {
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(self.block.len());
            to.write_all(&self.block[..length])?;
            left -= length as u64;
        }
        Ok(())
    }

    /// Whether the bytes at an offset are the ones that were uploaded; the stamp is not looked at.
    pub(crate) fn matches(&self, offset: u64, bytes: &[u8]) -> bool {
        let mut at = (offset % BLOCK as u64) as usize;
        let mut rest = if offset < 8 { &bytes[bytes.len().min(8 - at)..] } else { bytes };
        at += bytes.len() - rest.len();
        while !rest.is_empty() {
            let length = rest.len().min(BLOCK - at);
            if rest[..length] != self.block[at..at + length] {
                return false;
            }
            rest = &rest[length..];
            at = 0;
        }
        true
    }
}

/// A number that looks like chance and depends only on `number` (SplitMix64).
pub(crate) fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Payload};

    fn content(payload: &Payload, stamp: u64, size_bytes: u64) -> Vec<u8> {
        let mut content = Vec::new();
        payload.begin(stamp, size_bytes, &mut content);
        payload.write_rest(size_bytes, &mut content).unwrap();
        content
    }

    #[test]
    fn contents_have_their_size_and_differ() {
        let payload = Payload::new();
        for size in [0, 1, 8, 4096, BLOCK, BLOCK + 1, 3 * BLOCK - 5] {
            assert_eq!(content(&payload, 1, size as u64).len(), size);
        }
        assert_ne!(content(&payload, 1, 4096), content(&payload, 2, 4096));
    }

    #[test]
    fn a_changed_byte_is_noticed_anywhere() {
        let payload = Payload::new();
        let mut content = content(&payload, 7, 2 * BLOCK as u64 + 100);
        for (from, to) in [(0, content.len()), (3, 20), (BLOCK - 1, BLOCK + 1), (9, 9)] {
            assert!(payload.matches(from as u64, &content[from..to]), "{from}..{to}");
        }
        content[BLOCK + 1] ^= 1;
        assert!(!payload.matches(0, &content));
        assert!(!payload.matches(BLOCK as u64 + 1, &content[BLOCK + 1..=BLOCK + 1]));
    }
}
