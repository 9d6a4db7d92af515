//! Where a blob lies: `<hour, 8 hex digits>/<random, 24 hex digits>`.

use pan_model::BlobKey;

/// The directory of an hour's blobs.
pub(crate) fn bucket_name(hour: u32) -> String {
    format!("{hour:08x}")
}

/// The file of a blob in its bucket.
pub(crate) fn file_name(key: BlobKey) -> String {
    key.random.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Both, below the store's directory.
pub(crate) fn path(key: BlobKey) -> String {
    format!("{}/{}", bucket_name(key.hour), file_name(key))
}

/// The hour of a bucket; `None` when the name is not one of ours.
pub(crate) fn parse_bucket_name(name: &[u8]) -> Option<u32> {
    parse_hex(name).map(u32::from_be_bytes)
}

/// The key of a file in the bucket of `hour`; `None` when the name is not one
/// of ours.
pub(crate) fn parse_file_name(hour: u32, name: &[u8]) -> Option<BlobKey> {
    parse_hex(name).map(|random| BlobKey { hour, random })
}

/// Lower case only: two names must not mean one blob.
fn parse_hex<const BYTES: usize>(text: &[u8]) -> Option<[u8; BYTES]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; BYTES];
    if text.len() != 2 * BYTES {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        let key = BlobKey { hour: 0x0007_85c8, random: *b"abcdefghijk\xff" };
        assert_eq!(bucket_name(key.hour), "000785c8");
        assert_eq!(file_name(key), "6162636465666768696a6bff");
        assert_eq!(path(key), "000785c8/6162636465666768696a6bff");
        assert_eq!(parse_bucket_name(b"000785c8"), Some(key.hour));
        assert_eq!(parse_file_name(key.hour, b"6162636465666768696a6bff"), Some(key));
    }

    #[test]
    fn other_names_are_not_ours() {
        for name in ["", "785c8", "000785C8", "+00785c8", "000785c8.", "lost+found"] {
            assert_eq!(parse_bucket_name(name.as_bytes()), None, "{name}");
        }
        assert_eq!(parse_file_name(0, b"6162636465666768696A6BFF"), None);
    }
}
