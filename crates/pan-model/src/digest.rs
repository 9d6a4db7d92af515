use std::fmt;
use std::str::FromStr;

/// The length of the leading slice whose md5 rapid upload asks for: 256 KiB.
pub const SLICE_BYTES: u64 = 256 * 1024;

/// A digest was not the right number of hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a hexadecimal digest of the expected length")]
pub struct ParseDigestError;

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $bytes]);

        impl $name {
            /// Takes the digest from stored bytes; `None` when the length is wrong.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0u8; $bytes * 2];
                write_hex(&self.0, &mut text);
                out.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }

        impl FromStr for $name {
            type Err = ParseDigestError;

            /// Accepts upper and lower case.
            fn from_str(text: &str) -> Result<Self, ParseDigestError> {
                let mut bytes = [0u8; $bytes];
                read_hex(text.as_bytes(), &mut bytes)?;
                Ok(Self(bytes))
            }
        }
    };
}

digest! {
    /// An md5: what PCS shows and searches by. Never the identity of bytes,
    /// because anybody can make two files that share one.
    Md5, 16
}
digest! {
    /// A BLAKE3 digest: with the size, the identity of bytes.
    Blake3, 32
}

impl Md5 {
    /// The md5 of zero bytes.
    pub const EMPTY: Self = Self([
        0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42,
        0x7e,
    ]);
}

/// A CRC-32 (IEEE), as `x-bs-meta-crc32` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Crc32(pub u32);

/// All digests of one content, computed by us while its bytes came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// Length in bytes.
    pub size: crate::ByteSize,
    /// Of the whole content.
    pub md5: Md5,
    /// Of the first [`SLICE_BYTES`]; of the whole when it is shorter.
    pub slice_md5: Md5,
    /// Of the whole content.
    pub crc32: Crc32,
    /// Of the whole content; with `size` its identity.
    pub blake3: Blake3,
}

fn write_hex(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

fn read_hex(text: &[u8], bytes: &mut [u8]) -> Result<(), ParseDigestError> {
    if text.len() != bytes.len() * 2 {
        return Err(ParseDigestError);
    }
    let digit = |c: u8| char::from(c).to_digit(16).ok_or(ParseDigestError);
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Md5, ParseDigestError};

    #[test]
    fn hex_goes_both_ways() {
        let text = "900150983cd24fb0d6963f7d28e17f72";
        let md5: Md5 = text.parse().unwrap();
        assert_eq!(md5.to_string(), text);
        assert_eq!(text.to_uppercase().parse(), Ok(md5));
        assert_eq!(Md5::EMPTY.to_string(), "d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for text in ["", "9", "zz0150983cd24fb0d6963f7d28e17f72", "900150983cd24fb0d6963f7d28e17f7"]
        {
            assert_eq!(text.parse::<Md5>(), Err(ParseDigestError), "{text}");
        }
    }
}
