use pan_model::{Blake3, ByteSize, Crc32, Fingerprint};

use crate::md5::ContentMd5;

/// All digests of a small body, computed in place.
pub fn fingerprint(body: &[u8]) -> Fingerprint {
    let mut md5 = ContentMd5::default();
    md5.update(body);
    let md5 = md5.finish();
    Fingerprint {
        size: ByteSize(body.len() as u64),
        md5: md5.whole,
        slice_md5: md5.slice,
        crc32: Crc32(crc32fast::hash(body)),
        blake3: body_blake3(body),
    }
}

/// The BLAKE3 of a small body: what it is checked by when it is read.
pub fn body_blake3(body: &[u8]) -> Blake3 {
    Blake3(*blake3::hash(body).as_bytes())
}
