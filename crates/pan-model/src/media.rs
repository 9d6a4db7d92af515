use crate::extension;

/// The kind of a file, by its extension, as the PCS stream list sorts files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// Moving pictures.
    Video,
    /// Sound.
    Audio,
    /// Still pictures.
    Image,
    /// Documents.
    Doc,
    /// Everything else.
    Other,
}

// pcs-rest 4.17: the streaming formats of 4.16 plus what people keep beside them.
const VIDEO: &[&str] = &[
    "3g2", "3gp", "asf", "avi", "f4v", "flv", "m2ts", "m3u", "m3u8", "m4v", "mj2", "mkv", "mov",
    "mp4", "mpeg", "mpg", "mts", "ogv", "rm", "rmvb", "ts", "vob", "webm", "wmv",
];
const AUDIO: &[&str] = &[
    "aac", "aiff", "amr", "ape", "flac", "m4a", "mid", "midi", "mp3", "oga", "ogg", "opus", "wav",
    "wma",
];
const IMAGE: &[&str] = &[
    "avif", "bmp", "gif", "heic", "heif", "ico", "jpeg", "jpg", "png", "psd", "raw", "svg", "tif",
    "tiff", "webp",
];
const DOC: &[&str] = &[
    "csv", "doc", "docx", "epub", "md", "mobi", "odp", "ods", "odt", "pdf", "ppt", "pptx", "rtf",
    "txt", "xls", "xlsx",
];

impl MediaType {
    /// The types that can be listed, in the order in which totals count them.
    pub const LISTED: [Self; 4] = [Self::Video, Self::Audio, Self::Image, Self::Doc];

    /// Its place in [`LISTED`](Self::LISTED); `None` for the others.
    pub fn index(self) -> Option<usize> {
        Self::LISTED.iter().position(|listed| *listed == self)
    }

    /// The value of the `type` parameter (pcs-rest 4.17); `other` is none.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Image => "image",
            Self::Doc => "doc",
            Self::Other => "other",
        }
    }

    /// Reads the value of the `type` parameter; `None` for an unknown word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::LISTED.into_iter().find(|listed| listed.as_str() == word)
    }

    /// Classifies a file by the extension of its name.
    pub fn of_name(name: &str) -> Self {
        let extension = extension(name);
        let is_in = |table: &[&str]| table.binary_search(&extension.as_str()).is_ok();
        match () {
            () if extension.is_empty() => Self::Other,
            () if is_in(VIDEO) => Self::Video,
            () if is_in(AUDIO) => Self::Audio,
            () if is_in(IMAGE) => Self::Image,
            () if is_in(DOC) => Self::Doc,
            () => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AUDIO, DOC, IMAGE, MediaType, VIDEO};

    #[test]
    fn the_tables_are_sorted() {
        for table in [VIDEO, AUDIO, IMAGE, DOC] {
            assert!(table.is_sorted());
        }
    }

    #[test]
    fn the_extension_decides() {
        assert_eq!(MediaType::of_name("a.MP4"), MediaType::Video);
        assert_eq!(MediaType::of_name("a.b.jpg"), MediaType::Image);
        assert_eq!(MediaType::of_name("jpg"), MediaType::Other);
        assert_eq!(MediaType::of_name(".jpg"), MediaType::Other);
    }

    #[test]
    fn only_listed_types_have_a_word() {
        for (index, media) in MediaType::LISTED.into_iter().enumerate() {
            assert_eq!(media.index(), Some(index));
            assert_eq!(MediaType::parse(media.as_str()), Some(media));
        }
        assert_eq!(MediaType::Other.index(), None);
        assert_eq!(MediaType::parse("other"), None);
        assert_eq!(MediaType::parse("Video"), None);
    }
}
