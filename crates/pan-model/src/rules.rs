use crate::PanPath;

/// The longest path that a request may create, in UTF-8 bytes.
pub const MAX_CREATED_PATH_BYTES: usize = 1000;
/// The longest name that a request may create, in UTF-8 bytes.
pub const MAX_NAME_BYTES: usize = 255;
/// The deepest path that a request may create, in names.
pub const MAX_DEPTH: usize = 256;

/// Why a name or path cannot be created (error 31062).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The path is longer than [`MAX_CREATED_PATH_BYTES`].
    #[error("the path is longer than {MAX_CREATED_PATH_BYTES} bytes")]
    PathTooLong,
    /// The name is longer than [`MAX_NAME_BYTES`].
    #[error("a name in the path is longer than {MAX_NAME_BYTES} bytes")]
    NameTooLong,
    /// The path has more than [`MAX_DEPTH`] names.
    #[error("the path is deeper than {MAX_DEPTH} directories")]
    TooDeep,
    /// The name contains a character that the dialect forbids.
    #[error("a name in the path contains {0:?}, which this token's path rules forbid")]
    ForbiddenCharacter(char),
    /// The name begins or ends with a dot or a blank, under `pcs` rules.
    #[error(
        "a name in the path begins or ends with `.` or a blank, which this token's path rules forbid"
    )]
    DotOrBlankAtEnd,
}

/// Which names a token may create. Reading, listing, moving and deleting what
/// exists is never bound by it, so that both dialects see one tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PathRules {
    /// The rules of the PCS book (pcs-rest 3.3): none of `\ ? | " > < : *`,
    /// no control characters, no dot or blank at either end of a name.
    #[default]
    Pcs,
    /// A person's own files: anything but control characters.
    Relaxed,
}

impl PathRules {
    /// The word used on the command line and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pcs => "pcs",
            Self::Relaxed => "relaxed",
        }
    }

    /// Reads the word back; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "pcs" => Some(Self::Pcs),
            "relaxed" => Some(Self::Relaxed),
            _ => None,
        }
    }

    /// Checks one name that is about to be created.
    ///
    /// # Errors
    /// [`NameError`], with the reason for people.
    pub fn check_name(self, name: &str) -> Result<(), NameError> {
        if name.len() > MAX_NAME_BYTES {
            return Err(NameError::NameTooLong);
        }
        if let Some(c) = name.chars().find(|&c| self.forbids(c)) {
            return Err(NameError::ForbiddenCharacter(c));
        }
        let edge = |c: Option<char>| matches!(c, Some('.' | ' '));
        if self == Self::Pcs && (edge(name.chars().next()) || edge(name.chars().next_back())) {
            return Err(NameError::DotOrBlankAtEnd);
        }
        Ok(())
    }

    /// Checks the length and depth of a path that is about to be created.
    /// Its names are checked one by one, where they are created.
    ///
    /// # Errors
    /// [`NameError`], with the reason for people.
    pub fn check_length(path: &PanPath) -> Result<(), NameError> {
        if path.as_str().len() > MAX_CREATED_PATH_BYTES {
            return Err(NameError::PathTooLong);
        }
        if path.depth() > MAX_DEPTH {
            return Err(NameError::TooDeep);
        }
        Ok(())
    }

    fn forbids(self, c: char) -> bool {
        c.is_control() || (self == Self::Pcs && r#"\?|"><:*"#.contains(c))
    }
}

#[cfg(test)]
mod tests {
    use super::{NameError, PathRules};
    use crate::PanPath;

    #[test]
    fn pcs_rules_are_those_of_the_book() {
        for name in
            ["a.txt", "测试 文件.txt", "a..b", "ü%20x", "a'b&c#d;e,f=g+h@i!j$k(l)[m]{n}~o^p", "😀"]
        {
            assert_eq!(PathRules::Pcs.check_name(name), Ok(()), "{name}");
        }
        for name in ["a:b", "a?b", "a*b", "a|b", "a\"b", "a<b", "a>b", "a\\b", "a\tb"] {
            let refused = PathRules::Pcs.check_name(name);
            assert!(matches!(refused, Err(NameError::ForbiddenCharacter(_))), "{name}");
        }
        for name in [".hidden", "name.", " name", "name "] {
            assert_eq!(PathRules::Pcs.check_name(name), Err(NameError::DotOrBlankAtEnd), "{name}");
        }
    }

    #[test]
    fn relaxed_rules_forbid_control_characters_only() {
        for name in [".git", "a:b", "x.", " x ", "what?"] {
            assert_eq!(PathRules::Relaxed.check_name(name), Ok(()), "{name}");
        }
        for name in ["a\nb", "a\u{7f}", "a\u{85}"] {
            assert!(PathRules::Relaxed.check_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn the_limits_are_inclusive() {
        assert_eq!(PathRules::Pcs.check_name(&"a".repeat(255)), Ok(()));
        assert_eq!(PathRules::Pcs.check_name(&"a".repeat(256)), Err(NameError::NameTooLong));
        let path = |bytes: usize| PanPath::parse(&"/aaaa".repeat(bytes / 5)).unwrap();
        assert_eq!(PathRules::check_length(&path(1000)), Ok(()));
        assert_eq!(PathRules::check_length(&path(1005)), Err(NameError::PathTooLong));
        let deep = |names: usize| PanPath::parse(&"/a".repeat(names)).unwrap();
        assert_eq!(PathRules::check_length(&deep(256)), Ok(()));
        assert_eq!(PathRules::check_length(&deep(257)), Err(NameError::TooDeep));
    }
}
