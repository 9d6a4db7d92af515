//! The kernel, over the names of a register's operations.
//!
//! It is a macro because a function can only be compiled for one kind of
//! register. Where it stands, `LANES`, `Register`, `add`, `and`, `or`, `xor`,
//! `splat`, `shift_left`, `shift_right`, `unpack_*`, `join` and `split` have a
//! meaning; `registers` gives it to them.
//!
//! A register holds a word of every stream. Its lanes come in fours, one four
//! for each 128 bits, because that is how far the unpack instructions reach.

use std::arch::x86_64::{__m128i, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_unpackhi_epi64};
use std::array;

use crate::md5::block::{BLOCK_BYTES, Words};

/// A block of a stream.
pub(super) type Block = [u8; BLOCK_BYTES];

/// The next block of every stream.
#[inline(always)]
pub(super) fn blocks_at<'a, const LANES: usize>(
    streams: &[&'a [Block]; LANES],
    index: usize,
) -> [&'a Block; LANES] {
    array::from_fn(|lane| &streams[lane][index])
}

/// A quarter of a block from every fourth stream, beginning with stream `row`.
#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn load_row<const LANES: usize, const FOURS: usize>(
    blocks: &[&Block; LANES],
    quarter: usize,
    row: usize,
) -> [__m128i; FOURS] {
    array::from_fn(|four| {
        let bytes = blocks[four * 4 + row].as_chunks().0[quarter];
        let bytes = u128::from_le_bytes(bytes);
        _mm_set_epi64x((bytes >> 64) as i64, bytes as i64)
    })
}

/// The words of every fourth stream, beginning with stream `row`.
#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn load_words<const LANES: usize, const FOURS: usize>(
    words: &[Words; LANES],
    row: usize,
) -> [__m128i; FOURS] {
    let pair = |low: u32, high: u32| (u64::from(high) << 32 | u64::from(low)) as i64;
    array::from_fn(|four| {
        let [a, b, c, d] = words[four * 4 + row];
        _mm_set_epi64x(pair(c, d), pair(a, b))
    })
}

/// Undoes [`load_words`].
#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn store_words<const LANES: usize, const FOURS: usize>(
    words: &mut [Words; LANES],
    row: usize,
    registers: [__m128i; FOURS],
) {
    for (four, register) in registers.into_iter().enumerate() {
        let low = _mm_cvtsi128_si64(register) as u64;
        let high = _mm_cvtsi128_si64(_mm_unpackhi_epi64(register, register)) as u64;
        words[four * 4 + row] = [low as u32, (low >> 32) as u32, high as u32, (high >> 32) as u32];
    }
}

/// Turns four words of each of four streams into four streams of each word,
/// within each 128 bits. Done twice, it undoes itself.
macro_rules! transpose {
    ($rows:expr) => {{
        let [r0, r1, r2, r3] = $rows;
        let (low01, high01) = (unpack_low_32(r0, r1), unpack_high_32(r0, r1));
        let (low23, high23) = (unpack_low_32(r2, r3), unpack_high_32(r2, r3));
        [
            unpack_low_64(low01, low23),
            unpack_high_64(low01, low23),
            unpack_low_64(high01, high23),
            unpack_high_64(high01, high23),
        ]
    }};
}

/// One step, like the one in `block`: see there for what is kept off the chain.
macro_rules! step {
    ($round:literal, $turn:literal, $step:expr, $message:ident, $class:ident,
     $a:ident, $b:ident, $c:ident, $d:ident) => {{
        let addend = add($message[word_of_step($step)], splat(SINES[$step] as i32));
        let mut early = add($a, addend);
        #[expect(unsafe_code, reason = "an assembler comment has no effect")]
        // SAFETY: no instruction is emitted; the value is read and written back.
        unsafe {
            asm!("/* {0} */", inlateout($class) early, options(pure, nomem, nostack, preserves_flags));
        }
        let mixed = match $round {
            0 => xor($d, and($b, xor($c, $d))),
            1 => xor($c, and($d, xor($b, $c))),
            2 => xor($b, xor($c, $d)),
            _ => xor($c, or($b, xor($d, splat(-1)))),
        };
        let sum = add(early, mixed);
        const ROTATION: u32 = ROTATIONS[$round][$turn];
        let left = shift_left::<{ ROTATION as _ }>(sum);
        let right = shift_right::<{ (32 - ROTATION) as _ }>(sum);
        $a = add($b, or(left, right));
    }};
}

/// Sixteen steps, by fours so that the words need not move.
macro_rules! round {
    ($round:literal, $message:ident, $class:ident, $a:ident, $b:ident, $c:ident, $d:ident) => {
        for first in ($round * 16..$round * 16 + 16).step_by(4) {
            step!($round, 0, first, $message, $class, $a, $b, $c, $d);
            step!($round, 1, first + 1, $message, $class, $d, $a, $b, $c);
            step!($round, 2, first + 2, $message, $class, $c, $d, $a, $b);
            step!($round, 3, first + 3, $message, $class, $b, $c, $d, $a);
        }
    };
}

/// The block function for `LANES` streams.
macro_rules! kernel {
    ($features:literal, $class:ident) => {
        use std::arch::asm;

        use crate::md5::block::{ROTATIONS, SINES, Words, word_of_step};
        use crate::md5::x86::kernel::{Block, blocks_at, load_row, load_words, store_words};

        /// Digests all blocks of the streams, which have equally many.
        #[target_feature(enable = $features)]
        pub(crate) fn digest(words: &mut [Words; LANES], streams: &[&[Block]; LANES]) {
            let rows = [0, 1, 2, 3];
            let [mut a, mut b, mut c, mut d] =
                transpose!(rows.map(|row| join(load_words(words, row))));
            for index in 0..streams[0].len() {
                let blocks = blocks_at(streams, index);
                let mut message = [a; 16];
                for quarter in 0..4 {
                    let words = transpose!(rows.map(|row| join(load_row(&blocks, quarter, row))));
                    message[quarter * 4..][..4].copy_from_slice(&words);
                }
                let before = [a, b, c, d];
                round!(0, message, $class, a, b, c, d);
                round!(1, message, $class, a, b, c, d);
                round!(2, message, $class, a, b, c, d);
                round!(3, message, $class, a, b, c, d);
                let [a0, b0, c0, d0] = before;
                (a, b, c, d) = (add(a, a0), add(b, b0), add(c, c0), add(d, d0));
            }
            for (row, register) in transpose!([a, b, c, d]).into_iter().enumerate() {
                store_words(words, row, split(register));
            }
        }
    };
}
