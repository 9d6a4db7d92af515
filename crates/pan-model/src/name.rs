use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// What makes two names of one directory the same: the NFC form.
///
/// A name keeps its creator's spelling everywhere it is shown; the key only
/// decides which entry a spelling addresses. Case matters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameKey<'a>(Cow<'a, str>);

impl<'a> NameKey<'a> {
    /// The key of a name; borrows when the name is its own key.
    pub fn of(name: &'a str) -> Self {
        match is_nfc_quick(name.chars()) {
            IsNormalized::Yes => Self(Cow::Borrowed(name)),
            _ => {
                let composed: String = name.nfc().collect();
                Self(if composed == name { Cow::Borrowed(name) } else { Cow::Owned(composed) })
            }
        }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key when it is spelt otherwise than the name: what is stored beside it.
    pub fn differing(&self) -> Option<&str> {
        match &self.0 {
            Cow::Borrowed(_) => None,
            Cow::Owned(key) => Some(key),
        }
    }
}

/// The lower-case extension of a name, without its dot; empty when there is none.
///
/// It starts at the last dot, unless that is the first character.
pub fn extension(name: &str) -> String {
    match name.rfind('.') {
        Some(dot) if dot > 0 => name[dot + 1..].to_lowercase(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{NameKey, extension};

    #[test]
    fn both_spellings_have_one_key() {
        let composed = "caf\u{e9}";
        let decomposed = "cafe\u{301}";
        assert_eq!(NameKey::of(composed), NameKey::of(decomposed));
        assert_eq!(NameKey::of(composed).differing(), None);
        assert_eq!(NameKey::of(decomposed).differing(), Some(composed));
        assert_ne!(NameKey::of("a"), NameKey::of("A"));
    }

    #[test]
    fn an_extension_starts_at_the_last_dot() {
        assert_eq!(extension("a.tar.GZ"), "gz");
        assert_eq!(extension(".hidden"), "");
        assert_eq!(extension("none"), "");
        assert_eq!(extension("dot."), "");
    }
}
