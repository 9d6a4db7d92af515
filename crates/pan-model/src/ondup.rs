/// What to do when the name of a new file is taken (pcs-rest 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ondup {
    /// Refuse with 31061; nothing changes. PCS does this when `ondup` is absent.
    #[default]
    Fail,
    /// Replace the old file atomically; it keeps its `fs_id` and `ctime`.
    Overwrite,
    /// Keep both: the new file is stored as `stem_YYYYMMDDhhmmss.ext`.
    NewCopy,
}

impl Ondup {
    /// Reads the value of the `ondup` parameter; `None` for an unknown word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "overwrite" => Some(Self::Overwrite),
            "newcopy" => Some(Self::NewCopy),
            _ => None,
        }
    }

    /// The value of the `ondup` parameter; `None` where it is left out.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Fail => None,
            Self::Overwrite => Some("overwrite"),
            Self::NewCopy => Some("newcopy"),
        }
    }
}
