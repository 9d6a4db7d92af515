/// What a directory listing is sorted by (pcs-rest 4.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum ListBy {
    /// Directories, then files by lower-case extension, then by name.
    #[default]
    FileType,
    /// The UTF-8 bytes of the name's key, directories mixed in.
    Name,
    /// The modification time, directories mixed in; then by name.
    Time,
    /// Directories (they have no size), then files by size; then by name.
    Size,
}

impl ListBy {
    /// Reads the value of the `by` parameter; `None` for an unknown word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "name" => Some(Self::Name),
            "time" => Some(Self::Time),
            "size" => Some(Self::Size),
            _ => None,
        }
    }

    /// The value of the `by` parameter; `None` where it is left out.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::FileType => None,
            Self::Name => Some("name"),
            Self::Time => Some("time"),
            Self::Size => Some("size"),
        }
    }
}

/// A total and stable order of a listing: ties go by name and turn with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListOrder {
    /// The sort field.
    pub by: ListBy,
    /// Whether each group is turned round. Directories stay before files
    /// where the sort field puts them there.
    pub descending: bool,
}

impl Default for ListOrder {
    /// By file type, descending, as PCS does when nothing is asked for.
    fn default() -> Self {
        Self { by: ListBy::FileType, descending: true }
    }
}
