/// How large a thumbnail may be, and how good (pcs-rest 4.14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ThumbnailSize {
    /// The most pixels across, 1 to 1600.
    pub width: u16,
    /// The most pixels down, 1 to 1600.
    pub height: u16,
    /// The quality of a lossy image, 1 to 100.
    pub quality: u8,
}

impl ThumbnailSize {
    /// The most pixels of a side.
    pub const MAX_PIXELS: u16 = 1600;

    /// At most so many pixels across and down, in full quality.
    pub fn within(width: u16, height: u16) -> Self {
        Self { width, height, quality: 100 }
    }

    /// Whether every number is in its range.
    pub fn is_valid(self) -> bool {
        let sides = 1..=Self::MAX_PIXELS;
        sides.contains(&self.width)
            && sides.contains(&self.height)
            && (1..=100).contains(&self.quality)
    }
}
