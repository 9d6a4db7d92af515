use std::fmt;

/// Bits of an [`FsId`] that count within one user: 2^33 entries each.
const COUNTER_BITS: u32 = 33;

/// A user's number, 1 to 2^20 − 1; names may change, numbers do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserNo(pub u32);

impl UserNo {
    /// The largest number that an [`FsId`] has room for.
    pub const MAX: Self = Self((1 << 20) - 1);
}

impl fmt::Display for UserNo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// The id of an entry, below 2^53 so that every JSON reader keeps it whole.
///
/// The upper 20 bits are the user, so that one user's entries are one range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FsId(u64);

impl FsId {
    /// The root directory of a user's tree, which has no parent and no name.
    pub fn root(user: UserNo) -> Self {
        Self::compose(user, 0)
    }

    /// The `n`-th entry a user ever made; 0 is the root.
    pub fn compose(user: UserNo, n: u64) -> Self {
        debug_assert!(n < 1 << COUNTER_BITS && user <= UserNo::MAX);
        Self((u64::from(user.0) << COUNTER_BITS) | n)
    }

    /// Takes an id from storage or from a request; `None` when it is out of range.
    pub fn from_u64(id: u64) -> Option<Self> {
        (id < 1 << 53).then_some(Self(id))
    }

    /// The number on the wire.
    pub fn get(self) -> u64 {
        self.0
    }

    /// Whose entry this is.
    pub fn user(self) -> UserNo {
        UserNo((self.0 >> COUNTER_BITS) as u32)
    }

    /// Whether this is the root of its user's tree.
    pub fn is_root(self) -> bool {
        self.0 & ((1 << COUNTER_BITS) - 1) == 0
    }
}

impl fmt::Display for FsId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// The id of a content: what file entries, parts and tmpfiles point to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentId(pub i64);

/// A place in a user's sequence of changes: gapless, in commit order, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Rev(pub u64);

/// The name of a blob: an hour bucket and 96 random bits. Never used twice,
/// so that a late delete can never hit newer bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobKey {
    /// Hours since 1970 when the blob was begun.
    pub hour: u32,
    /// Random bits.
    pub random: [u8; 12],
}

impl BlobKey {
    /// The stored form: the hour, big-endian, then the random bits.
    pub fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&self.hour.to_be_bytes());
        bytes[4..].copy_from_slice(&self.random);
        bytes
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let [h0, h1, h2, h3, random @ ..] = bytes;
        Self { hour: u32::from_be_bytes([h0, h1, h2, h3]), random }
    }
}

impl fmt::Display for BlobKey {
    /// `HOUR-RANDOM` in hex: 8 and 24 digits.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:08x}-", self.hour)?;
        self.random.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::{BlobKey, FsId, UserNo};

    #[test]
    fn an_fs_id_knows_its_user_and_fits_in_53_bits() {
        let id = FsId::compose(UserNo::MAX, (1 << 33) - 1);
        assert_eq!(id.get(), (1 << 53) - 1);
        assert_eq!(id.user(), UserNo::MAX);
        assert!(!id.is_root());
        assert!(FsId::root(UserNo(7)).is_root());
        assert_eq!(FsId::from_u64(1 << 53), None);
    }

    #[test]
    fn a_blob_key_goes_both_ways() {
        let key = BlobKey { hour: 493_000, random: *b"abcdefghijkl" };
        assert_eq!(BlobKey::from_bytes(key.to_bytes()), key);
        assert_eq!(key.to_string(), "000785c8-6162636465666768696a6b6c");
    }
}
