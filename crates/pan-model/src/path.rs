use std::borrow::Borrow;
use std::fmt;

use crate::NameKey;

/// The longest path that can be addressed at all, in UTF-8 bytes.
///
/// What a request may *create* is shorter: see [`crate::PathRules`].
pub const MAX_PATH_BYTES: usize = 4096;

/// Why a text is not a path (error 31062).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The text does not begin with a slash.
    #[error("the path must begin with `/`")]
    NotAbsolute,
    /// A component is `.` or `..`; such paths are refused, never resolved.
    #[error("the path must not contain `.` or `..`")]
    Dots,
    /// The text contains NUL.
    #[error("the path must not contain NUL")]
    Nul,
    /// The text is longer than [`MAX_PATH_BYTES`].
    #[error("the path is longer than {MAX_PATH_BYTES} bytes")]
    TooLong,
}

/// An absolute path in a user's tree.
///
/// * It begins with `/`; it ends with `/` only when it is the root.
/// * It has no empty component, no `.`, no `..` and no NUL.
/// * It has at most [`MAX_PATH_BYTES`] bytes, but for the path of something
///   that exists.
///
/// It says nothing about which names may be created: that is the dialect of
/// the caller's token, [`crate::PathRules`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PanPath(String);

impl PanPath {
    /// The root of a tree, `/`.
    pub fn root() -> Self {
        Self("/".into())
    }

    /// Reads a path: runs of slashes become one, a trailing slash is dropped.
    ///
    /// # Errors
    /// [`PathError`] when the text has no such reading; nothing is "cleaned".
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let path = Self::parse_existing(text)?;
        if path.0.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong);
        }
        Ok(path)
    }

    /// Reads the path of something that exists, however long it is: a request
    /// may have named it in fewer bytes than its creators.
    ///
    /// # Errors
    /// As [`PanPath::parse`], but for [`PathError::TooLong`].
    pub fn parse_existing(text: &str) -> Result<Self, PathError> {
        if !text.starts_with('/') {
            return Err(PathError::NotAbsolute);
        }
        if text.contains('\0') {
            return Err(PathError::Nul);
        }
        let mut path = String::with_capacity(text.len());
        for component in text.split('/').filter(|component| !component.is_empty()) {
            if matches!(component, "." | "..") {
                return Err(PathError::Dots);
            }
            path.push('/');
            path.push_str(component);
        }
        if path.is_empty() {
            path.push('/');
        }
        Ok(Self(path))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `/`.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// The names along the path, topmost first; none for the root.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0[1..].split('/').filter(|component| !component.is_empty())
    }

    /// How many names the path has; 0 for the root.
    pub fn depth(&self) -> usize {
        self.components().count()
    }

    /// The last name; `None` for the root.
    pub fn name(&self) -> Option<&str> {
        self.components().next_back()
    }

    /// The path without its last name; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let name = self.name()?;
        let parent = &self.0[..self.0.len() - name.len() - 1];
        Some(if parent.is_empty() { Self::root() } else { Self(parent.into()) })
    }

    /// The path of a child. The name must be that of an entry: it has no
    /// slash and is not empty.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        debug_assert!(!name.is_empty() && !name.contains('/'));
        let parent = if self.is_root() { "" } else { self.0.as_str() };
        let mut path = String::with_capacity(parent.len() + 1 + name.len());
        path.push_str(parent);
        path.push('/');
        path.push_str(name);
        Self(path)
    }

    /// Whether this path is `ancestor` or lies below it. Whole components are
    /// compared, by their keys: `/a/bc` is not within `/a/b`.
    pub fn is_within(&self, ancestor: &Self) -> bool {
        let mut own = self.components();
        ancestor
            .components()
            .all(|name| own.next().is_some_and(|mine| NameKey::of(mine) == NameKey::of(name)))
    }
}

/// Paths compare, sort and hash as their texts, so a map of them can be asked
/// with a text.
impl Borrow<str> for PanPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PanPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for PanPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_PATH_BYTES, PanPath, PathError};

    fn path(text: &str) -> PanPath {
        PanPath::parse(text).unwrap()
    }

    #[test]
    fn slashes_are_normalised_and_nothing_else() {
        assert_eq!(path("//a///b/").as_str(), "/a/b");
        assert_eq!(path("/").as_str(), "/");
        assert_eq!(path("/a b/%2e/c:d").as_str(), "/a b/%2e/c:d");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        assert_eq!(PanPath::parse(""), Err(PathError::NotAbsolute));
        assert_eq!(PanPath::parse("a/b"), Err(PathError::NotAbsolute));
        assert_eq!(PanPath::parse("/a/../b"), Err(PathError::Dots));
        assert_eq!(PanPath::parse("/a/./b"), Err(PathError::Dots));
        assert_eq!(PanPath::parse("/a\0b"), Err(PathError::Nul));
        let longest = format!("/{}", "a".repeat(MAX_PATH_BYTES - 1));
        assert!(PanPath::parse(&longest).is_ok());
        let longer = format!("{longest}a");
        assert_eq!(PanPath::parse(&longer), Err(PathError::TooLong));
        assert_eq!(PanPath::parse_existing(&longer).unwrap().as_str(), longer);
    }

    #[test]
    fn parents_and_names() {
        assert_eq!(path("/a/b").parent(), Some(path("/a")));
        assert_eq!(path("/a").parent(), Some(PanPath::root()));
        assert_eq!(PanPath::root().parent(), None);
        assert_eq!(path("/a/b").name(), Some("b"));
        assert_eq!(PanPath::root().join("a").join("b"), path("/a/b"));
        assert_eq!(path("/a/b").depth(), 2);
    }

    #[test]
    fn a_sandbox_compares_whole_components_by_their_keys() {
        assert!(path("/apps/demo/x").is_within(&path("/apps/demo")));
        assert!(path("/apps/demo").is_within(&path("/apps/demo")));
        assert!(!path("/apps/demo2").is_within(&path("/apps/demo")));
        assert!(!path("/apps").is_within(&path("/apps/demo")));
        assert!(path("/x").is_within(&PanPath::root()));
        assert!(path("/caf\u{e9}/x").is_within(&path("/cafe\u{301}")));
    }
}
