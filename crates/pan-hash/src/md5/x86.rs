//! The md5 block function in the SIMD registers of x86-64.
//!
//! Here is decided which registers are used; `kernel` has the algorithm, and
//! `registers` says it in each kind of them.

#[macro_use]
mod kernel;
mod registers;

use std::arch::is_x86_feature_detected;
use std::array;

use super::block::Words;
use super::lanes::{LaneInput, digest_one_by_one};
use kernel::Block;
use registers::{avx2, avx512, avx512_quarter, sse2};

/// Digests lanes in the widest registers that this processor has.
pub(super) fn digest_together(lanes: &mut [LaneInput<'_>], blocks: usize) {
    let registers = Registers::detect();
    for batch in lanes.chunks_mut(registers.lanes()) {
        registers.digest(batch, blocks);
    }
}

/// The registers that a processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Registers {
    Sse2,
    Avx2,
    Avx512,
}

impl Registers {
    /// The widest. Every processor of this architecture has SSE2.
    fn detect() -> Self {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
            Self::Avx512
        } else if is_x86_feature_detected!("avx2") {
            Self::Avx2
        } else {
            Self::Sse2
        }
    }

    fn lanes(self) -> usize {
        match self {
            Self::Sse2 => sse2::LANES,
            Self::Avx2 => avx2::LANES,
            Self::Avx512 => avx512::LANES,
        }
    }

    /// Digests a batch of at most [`Registers::lanes`].
    #[expect(unsafe_code, reason = "calls functions that need features of the processor")]
    fn digest(self, batch: &mut [LaneInput<'_>], blocks: usize) {
        // SAFETY, four times: a value of `Registers` exists only where
        // `detect` has found the features.
        match self {
            // Rotation and three-way logic are single instructions here, so
            // that even one stream is quicker than in plain registers.
            Self::Avx512 if batch.len() <= avx512_quarter::LANES => {
                in_lanes(batch, blocks, |words, streams| unsafe {
                    avx512_quarter::digest(words, streams);
                });
            }
            Self::Avx512 => in_lanes(batch, blocks, |words, streams| unsafe {
                avx512::digest(words, streams);
            }),
            _ if batch.len() == 1 => digest_one_by_one(batch, blocks),
            Self::Avx2 => in_lanes(batch, blocks, |words, streams| unsafe {
                avx2::digest(words, streams);
            }),
            Self::Sse2 => in_lanes(batch, blocks, |words, streams| unsafe {
                sse2::digest(words, streams);
            }),
        }
    }
}

/// Spreads a batch over `LANES` lanes. Lanes without a stream repeat the first.
fn in_lanes<const LANES: usize>(
    batch: &mut [LaneInput<'_>],
    blocks: usize,
    digest: impl FnOnce(&mut [Words; LANES], &[&[Block]; LANES]),
) {
    let of_lane = |lane| if lane < batch.len() { lane } else { 0 };
    let mut words: [_; LANES] = array::from_fn(|lane| *batch[of_lane(lane)].words);
    let streams: [_; LANES] =
        array::from_fn(|lane| &batch[of_lane(lane)].bytes.as_chunks().0[..blocks]);
    digest(&mut words, &streams);
    for (lane, words) in batch.iter_mut().zip(words) {
        *lane.words = words;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md5::block::{self, BLOCK_BYTES, INITIAL};

    /// Every kernel that this processor can run, with every number of streams.
    #[test]
    fn all_registers_agree_with_the_scalar_block_function() {
        const BLOCKS: usize = 7;
        let bytes: Vec<u8> = (0..200_u8).cycle().take(16 * BLOCKS * BLOCK_BYTES).collect();
        let streams: Vec<_> = bytes.chunks(BLOCKS * BLOCK_BYTES).collect();
        for registers in [Registers::Sse2, Registers::Avx2, Registers::Avx512] {
            if registers as u8 > Registers::detect() as u8 {
                continue;
            }
            for count in 1..=registers.lanes() {
                let mut words = vec![INITIAL; count];
                let mut lanes: Vec<_> = words
                    .iter_mut()
                    .zip(&streams)
                    .map(|(words, bytes)| LaneInput { words, bytes })
                    .collect();
                // In two runs: the words must come out as they go in.
                registers.digest(&mut lanes, 3);
                lanes.iter_mut().for_each(|lane| lane.bytes = &lane.bytes[3 * BLOCK_BYTES..]);
                registers.digest(&mut lanes, BLOCKS - 3);
                for (stream, words) in streams.iter().zip(words) {
                    let mut expected = INITIAL;
                    block::digest(&mut expected, stream);
                    assert_eq!(words, expected, "{registers:?}, {count} streams");
                }
            }
        }
    }
}
