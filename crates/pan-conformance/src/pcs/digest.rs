//! Digests by other ways than those of the server, and content to digest.

use md5::{Digest, Md5};

/// The md5, as 32 lower-case hex digits.
pub fn md5_hex(content: &[u8]) -> String {
    Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The BLAKE3, as 64 lower-case hex digits. The server puts it together from
/// the groups of a content; this is one pass over all of it.
pub fn blake3_hex(content: &[u8]) -> String {
    blake3::hash(content).to_string()
}

/// The CRC-32.
pub fn crc32(content: &[u8]) -> u32 {
    crc32fast::hash(content)
}

/// Bytes that no two seeds share: every upload of a test can be told from
/// every other by its bytes alone.
pub fn content(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
