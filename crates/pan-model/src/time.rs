/// A moment of the server's clock, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This many seconds later.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Whole hours since 1970: the bucket of a blob.
    pub fn hour(self) -> u32 {
        u32::try_from(self.0 / 3600).unwrap_or(0)
    }
}
