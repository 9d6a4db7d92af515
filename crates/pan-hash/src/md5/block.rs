//! The md5 block function for one stream, and the tables of the algorithm.
//!
//! Every step of md5 needs the one before, so its speed is the length of that
//! chain: 64 steps of a mix, an addition, a rotation and an addition. The code
//! below keeps everything else off the chain.

/// The chaining state: the words A, B, C, D of RFC 1321.
pub(crate) type Words = [u32; 4];

/// The bytes of one block.
pub(crate) const BLOCK_BYTES: usize = 64;

/// RFC 1321 §3.3.
pub(super) const INITIAL: Words = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// RFC 1321 §3.4: `floor(2^32 · |sin(step + 1)|)`.
#[rustfmt::skip]
pub(super) const SINES: [u32; 64] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
];

/// How far the steps of each round rotate, in turn.
pub(super) const ROTATIONS: [[u32; 4]; 4] =
    [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// Which word of the block a step adds.
pub(super) const fn word_of_step(step: usize) -> usize {
    match step / 16 {
        0 => step % 16,
        1 => (step * 5 + 1) % 16,
        2 => (step * 3 + 5) % 16,
        _ => (step * 7) % 16,
    }
}

/// Digests whole blocks; `blocks` is a multiple of [`BLOCK_BYTES`] long.
pub(crate) fn digest(words: &mut Words, blocks: &[u8]) {
    for block in blocks.as_chunks::<BLOCK_BYTES>().0 {
        let mut message = [0; 16];
        for (word, bytes) in message.iter_mut().zip(block.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let mut mixed = *words;
        round::<0>(&mut mixed, &message);
        round::<1>(&mut mixed, &message);
        round::<2>(&mut mixed, &message);
        round::<3>(&mut mixed, &message);
        for (word, mixed) in words.iter_mut().zip(mixed) {
            *word = word.wrapping_add(mixed);
        }
    }
}

/// Sixteen steps, by fours so that the words need not move: a loop of
/// sixty-four is not unrolled.
#[inline(always)]
fn round<const ROUND: usize>([a, b, c, d]: &mut Words, message: &[u32; 16]) {
    let [r0, r1, r2, r3] = ROTATIONS[ROUND];
    for step in (ROUND * 16..ROUND * 16 + 16).step_by(4) {
        let addend = |ahead| (message[word_of_step(step + ahead)], SINES[step + ahead]);
        *a = one_step::<ROUND>([*a, *b, *c, *d], addend(0), r0);
        *d = one_step::<ROUND>([*d, *a, *b, *c], addend(1), r1);
        *c = one_step::<ROUND>([*c, *d, *a, *b], addend(2), r2);
        *b = one_step::<ROUND>([*b, *c, *d, *a], addend(3), r3);
    }
}

/// One step. The chain goes through `b`, which the step before has made.
#[inline(always)]
fn one_step<const ROUND: usize>(
    [a, b, c, d]: Words,
    (message, sine): (u32, u32),
    rotation: u32,
) -> u32 {
    let early = computed(a.wrapping_add(message).wrapping_add(sine));
    let sum = match ROUND {
        0 => early.wrapping_add(d ^ (b & (c ^ d))),
        // The two halves have no bit in common, so both may be added, and the
        // one without `b` before `b` is there.
        1 => computed(early.wrapping_add(c & !d)).wrapping_add(b & d),
        2 => early.wrapping_add(b ^ computed(c ^ d)),
        _ => early.wrapping_add(c ^ (b | !d)),
    };
    sum.rotate_left(rotation).wrapping_add(b)
}

/// A value that the compiler takes as it is. Left alone, it regroups a sum so
/// that more of it waits for the chain: a quarter of the speed.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "an assembler comment has no effect")]
#[inline(always)]
fn computed(mut value: u32) -> u32 {
    // SAFETY: no instruction is emitted; the value is read and written back.
    unsafe {
        std::arch::asm!(
            "/* {0:e} */",
            inlateout(reg) value,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    value
}

/// Elsewhere nobody has measured yet what helps.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn computed(value: u32) -> u32 {
    value
}
