//! How a file is cut.

use std::ops::Range;

use pan_model::ByteSize;
use pan_pcs::MAX_BLOCKS;

use crate::TransferOptions;

/// The most bytes of one request (pcs-rest 4.2).
pub(super) const MAX_REQUEST_BYTES: u64 = 2 << 30;

impl TransferOptions {
    /// Whether a file of this size is uploaded in parts.
    pub(crate) fn is_cut(&self, size: u64) -> bool {
        size > self.threshold.0.min(MAX_REQUEST_BYTES)
    }

    /// The part size of a file of a known size.
    pub(crate) fn part_bytes(&self, size: u64) -> u64 {
        self.part_size.0.clamp(1, MAX_REQUEST_BYTES).max(size.div_ceil(MAX_BLOCKS as u64))
    }

    /// How many parts may be on their way.
    pub(crate) fn lanes(&self) -> usize {
        self.parallel.max(1)
    }
}

/// Cuts a range into parts; only the last may be smaller.
pub(crate) fn cut(whole: Range<u64>, part: ByteSize) -> impl Iterator<Item = Range<u64>> {
    let end = whole.end;
    let step = usize::try_from(part.0.max(1)).unwrap_or(usize::MAX);
    whole.step_by(step).map(move |start| start..end.min(start + step as u64))
}

#[cfg(test)]
mod tests {
    use pan_model::ByteSize;

    use super::cut;
    use crate::TransferOptions;

    #[test]
    fn parts_cover_the_whole() {
        let parts = |range, part| cut(range, ByteSize(part)).collect::<Vec<_>>();
        assert_eq!(parts(0..10, 4), [0..4, 4..8, 8..10]);
        assert_eq!(parts(0..8, 4), [0..4, 4..8]);
        assert_eq!(parts(5..5, 4), []);
    }

    #[test]
    fn a_file_never_has_too_many_parts() {
        let options = TransferOptions::default();
        assert_eq!(options.part_bytes(1 << 30), 32 << 20);
        for size in [1 << 40, (1 << 40) + 1, (64 << 30) - 1] {
            let part = options.part_bytes(size);
            assert!(size.div_ceil(part) <= 1024, "{size}");
        }
        let tiny = TransferOptions { part_size: ByteSize(0), ..options };
        assert_eq!(tiny.part_bytes(10), 1);
    }

    #[test]
    fn the_threshold_is_inclusive_and_has_an_end() {
        let options = TransferOptions::default();
        assert!(!options.is_cut(64 << 20));
        assert!(options.is_cut((64 << 20) + 1));
        let never = TransferOptions { threshold: ByteSize(u64::MAX), ..options };
        assert!(!never.is_cut(2 << 30));
        assert!(never.is_cut((2 << 30) + 1));
    }
}
