//! The md5 block function for many streams at once.
//!
//! The chain of md5 leaves most of a core idle. SIMD registers let other
//! streams use it: each lane of a register belongs to one stream, and a batch
//! takes hardly longer than a single stream would.

use super::block::{self, BLOCK_BYTES, Words};

/// The most streams that are digested together.
pub(crate) const MAX_LANES: usize = 16;

/// One stream's part in a common run.
pub(crate) struct LaneInput<'a> {
    pub(crate) words: &'a mut Words,
    pub(crate) bytes: &'a [u8],
}

/// Digests the first `blocks` blocks of every lane; each has that many.
pub(crate) fn digest_together(lanes: &mut [LaneInput<'_>], blocks: usize) {
    #[cfg(target_arch = "x86_64")]
    super::x86::digest_together(lanes, blocks);
    #[cfg(not(target_arch = "x86_64"))]
    digest_one_by_one(lanes, blocks);
}

/// The same without SIMD.
pub(super) fn digest_one_by_one(lanes: &mut [LaneInput<'_>], blocks: usize) {
    for lane in lanes {
        block::digest(lane.words, &lane.bytes[..blocks * BLOCK_BYTES]);
    }
}
