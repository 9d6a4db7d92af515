//! MD5 over a stream: the running state around the block functions.

mod block;
mod lanes;
#[cfg(target_arch = "x86_64")]
mod x86;

use pan_model::{Md5, SLICE_BYTES};

pub(crate) use block::{BLOCK_BYTES, Words};
pub(crate) use lanes::{LaneInput, MAX_LANES, digest_together};

/// The md5 of a content and of its first [`SLICE_BYTES`], while it grows.
#[derive(Default)]
pub(crate) struct ContentMd5 {
    running: Running,
    slice: Option<Md5>,
}

/// The two md5 sums of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Md5Pair {
    pub(crate) whole: Md5,
    pub(crate) slice: Md5,
}

impl ContentMd5 {
    /// Appends bytes.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let align = self.align(bytes);
            bytes = &bytes[align..];
            let blocks = self.whole_blocks(bytes);
            block::digest(&mut self.running.words, blocks);
            let digested = blocks.len();
            self.advance(digested);
            bytes = &bytes[digested..];
        }
    }

    /// Takes from the front of `bytes` what does not belong to whole blocks:
    /// the rest of a begun block, or a last piece shorter than one. Returns
    /// how many bytes were taken.
    pub(crate) fn align(&mut self, bytes: &[u8]) -> usize {
        let filled = self.running.filled();
        if filled == 0 && bytes.len() >= BLOCK_BYTES {
            return 0;
        }
        let taken = bytes.len().min(BLOCK_BYTES - filled);
        self.running.begun[filled..filled + taken].copy_from_slice(&bytes[..taken]);
        if filled + taken == BLOCK_BYTES {
            block::digest(&mut self.running.words, &self.running.begun);
        }
        self.advance(taken);
        taken
    }

    /// The whole blocks at the front of `bytes` that may be digested at once.
    /// Only after [`ContentMd5::align`].
    pub(crate) fn whole_blocks<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let mut length = bytes.len() / BLOCK_BYTES * BLOCK_BYTES;
        if self.slice.is_none() {
            // The sum of the first slice is read when exactly that much is in.
            length = length.min((SLICE_BYTES - self.running.bytes) as usize);
        }
        &bytes[..length]
    }

    /// The chaining words, for a block function that runs outside.
    pub(crate) fn words(&mut self) -> &mut Words {
        &mut self.running.words
    }

    /// Notes that `bytes` more have gone through [`ContentMd5::words`].
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.running.bytes += bytes as u64;
        if self.running.bytes == SLICE_BYTES {
            self.slice = Some(self.running.clone().finish());
        }
    }

    /// The sums of everything.
    pub(crate) fn finish(self) -> Md5Pair {
        let whole = self.running.finish();
        Md5Pair { whole, slice: self.slice.unwrap_or(whole) }
    }
}

/// One md5 that has begun.
#[derive(Clone)]
struct Running {
    words: Words,
    bytes: u64,
    /// The block that is not yet full.
    begun: [u8; BLOCK_BYTES],
}

impl Default for Running {
    fn default() -> Self {
        Self { words: block::INITIAL, bytes: 0, begun: [0; BLOCK_BYTES] }
    }
}

impl Running {
    fn filled(&self) -> usize {
        (self.bytes % BLOCK_BYTES as u64) as usize
    }

    /// Pads as RFC 1321 §3.1 and §3.2 say: a bit, zeroes, the length in bits.
    fn finish(mut self) -> Md5 {
        const LENGTH_AT: usize = BLOCK_BYTES - 8;
        let filled = self.filled();
        self.begun[filled] = 0x80;
        self.begun[filled + 1..].fill(0);
        if filled >= LENGTH_AT {
            block::digest(&mut self.words, &self.begun);
            self.begun.fill(0);
        }
        self.begun[LENGTH_AT..].copy_from_slice(&(self.bytes.wrapping_mul(8)).to_le_bytes());
        block::digest(&mut self.words, &self.begun);
        let mut sum = [0; 16];
        for (bytes, word) in sum.as_chunks_mut::<4>().0.iter_mut().zip(self.words) {
            *bytes = word.to_le_bytes();
        }
        Md5(sum)
    }
}
