//! The kernel's words, in each kind of register.

/// Four lanes, on every processor of this architecture.
pub(super) mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi32 as add, _mm_and_si128 as and, _mm_or_si128 as or,
        _mm_set1_epi32 as splat, _mm_slli_epi32 as shift_left, _mm_srli_epi32 as shift_right,
        _mm_unpackhi_epi32 as unpack_high_32, _mm_unpackhi_epi64 as unpack_high_64,
        _mm_unpacklo_epi32 as unpack_low_32, _mm_unpacklo_epi64 as unpack_low_64,
        _mm_xor_si128 as xor,
    };

    pub(crate) const LANES: usize = 4;

    #[inline(always)]
    pub(super) fn join([part]: [__m128i; 1]) -> __m128i {
        part
    }

    #[inline(always)]
    pub(super) fn split(register: __m128i) -> [__m128i; 1] {
        [register]
    }

    kernel!("sse2", xmm_reg);
}

/// Four lanes with the instructions of AVX-512: quicker for few streams, as
/// the wide registers take a moment to fill.
pub(super) mod avx512_quarter {
    use std::arch::x86_64::{
        _mm_add_epi32 as add, _mm_and_si128 as and, _mm_or_si128 as or, _mm_set1_epi32 as splat,
        _mm_slli_epi32 as shift_left, _mm_srli_epi32 as shift_right,
        _mm_unpackhi_epi32 as unpack_high_32, _mm_unpackhi_epi64 as unpack_high_64,
        _mm_unpacklo_epi32 as unpack_low_32, _mm_unpacklo_epi64 as unpack_low_64,
        _mm_xor_si128 as xor,
    };

    use super::sse2::{join, split};
    pub(crate) const LANES: usize = 4;

    kernel!("avx512f,avx512vl", xmm_reg);
}

/// Eight lanes.
pub(super) mod avx2 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm256_add_epi32 as add, _mm256_and_si256 as and, _mm256_castsi256_si128,
        _mm256_extracti128_si256, _mm256_or_si256 as or, _mm256_set_m128i,
        _mm256_set1_epi32 as splat, _mm256_slli_epi32 as shift_left,
        _mm256_srli_epi32 as shift_right, _mm256_unpackhi_epi32 as unpack_high_32,
        _mm256_unpackhi_epi64 as unpack_high_64, _mm256_unpacklo_epi32 as unpack_low_32,
        _mm256_unpacklo_epi64 as unpack_low_64, _mm256_xor_si256 as xor,
    };

    pub(crate) const LANES: usize = 8;

    #[inline]
    #[target_feature(enable = "avx2")]
    fn join([low, high]: [__m128i; 2]) -> __m256i {
        _mm256_set_m128i(high, low)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn split(register: __m256i) -> [__m128i; 2] {
        [_mm256_castsi256_si128(register), _mm256_extracti128_si256::<1>(register)]
    }

    kernel!("avx2", ymm_reg);
}

/// Sixteen lanes.
pub(super) mod avx512 {
    use std::arch::x86_64::{
        __m128i, __m512i, _mm512_add_epi32 as add, _mm512_and_si512 as and, _mm512_castsi128_si512,
        _mm512_extracti32x4_epi32, _mm512_inserti32x4, _mm512_or_si512 as or,
        _mm512_set1_epi32 as splat, _mm512_slli_epi32 as shift_left,
        _mm512_srli_epi32 as shift_right, _mm512_unpackhi_epi32 as unpack_high_32,
        _mm512_unpackhi_epi64 as unpack_high_64, _mm512_unpacklo_epi32 as unpack_low_32,
        _mm512_unpacklo_epi64 as unpack_low_64, _mm512_xor_si512 as xor,
    };

    pub(crate) const LANES: usize = 16;

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn join([p0, p1, p2, p3]: [__m128i; 4]) -> __m512i {
        let register = _mm512_castsi128_si512(p0);
        let register = _mm512_inserti32x4::<1>(register, p1);
        let register = _mm512_inserti32x4::<2>(register, p2);
        _mm512_inserti32x4::<3>(register, p3)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn split(register: __m512i) -> [__m128i; 4] {
        [
            _mm512_extracti32x4_epi32::<0>(register),
            _mm512_extracti32x4_epi32::<1>(register),
            _mm512_extracti32x4_epi32::<2>(register),
            _mm512_extracti32x4_epi32::<3>(register),
        ]
    }

    kernel!("avx512f,avx512vl", zmm_reg);
}
