/// What a video is transcoded to: a playlist of pieces in one of these sizes
/// (pcs-rest 4.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamFormat {
    /// 320 × 240 pixels.
    M3u8_320x240,
    /// 480 × 224 pixels.
    M3u8_480x224,
    /// 480 × 360 pixels.
    M3u8_480x360,
    /// 640 × 480 pixels.
    M3u8_640x480,
    /// 854 × 480 pixels.
    M3u8_854x480,
    /// About 480 lines, in the shape of the source; newer than the manual.
    M3u8Auto480,
    /// About 720 lines, in the shape of the source; newer than the manual.
    M3u8Auto720,
}

impl StreamFormat {
    /// Every format, from the smallest picture to the largest.
    pub const ALL: [Self; 7] = [
        Self::M3u8_320x240,
        Self::M3u8_480x224,
        Self::M3u8_480x360,
        Self::M3u8_640x480,
        Self::M3u8_854x480,
        Self::M3u8Auto480,
        Self::M3u8Auto720,
    ];

    /// The value of `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::M3u8_320x240 => "M3U8_320_240",
            Self::M3u8_480x224 => "M3U8_480_224",
            Self::M3u8_480x360 => "M3U8_480_360",
            Self::M3u8_640x480 => "M3U8_640_480",
            Self::M3u8_854x480 => "M3U8_854_480",
            Self::M3u8Auto480 => "M3U8_AUTO_480",
            Self::M3u8Auto720 => "M3U8_AUTO_720",
        }
    }

    /// Reads the value of `type`, also in the spellings of Baidu's example and
    /// SDK; `None` for an unknown one.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "MP4_480P" => Some(Self::M3u8Auto480),
            "MP4_360P" => Some(Self::M3u8_480x360),
            word => Self::ALL.into_iter().find(|format| format.as_str() == word),
        }
    }

    /// The largest picture: the longer side and the shorter one, for a source
    /// that lies; for one that stands they change places. The auto formats
    /// bound the shorter side alone.
    pub fn bounds(self) -> (Option<u32>, u32) {
        match self {
            Self::M3u8_320x240 => (Some(320), 240),
            Self::M3u8_480x224 => (Some(480), 224),
            Self::M3u8_480x360 => (Some(480), 360),
            Self::M3u8_640x480 => (Some(640), 480),
            Self::M3u8_854x480 => (Some(854), 480),
            Self::M3u8Auto480 => (None, 480),
            Self::M3u8Auto720 => (None, 720),
        }
    }
}
