//! The places that a command has filled: two sources must not take the same
//! one, of which the first would be lost without a word.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use unicode_normalization::UnicodeNormalization;

/// The places, as hashes: 16 bytes or so each, however long their names are.
#[derive(Debug)]
pub(crate) struct Claims {
    taken: HashSet<u64>,
    hasher: RandomState,
    sameness: Sameness,
    /// Whether everything comes from one tree, in which no two names are equal.
    is_one_tree: bool,
}

/// Which names are one and the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sameness {
    ignores_case: bool,
    ignores_composition: bool,
}

impl Claims {
    pub(crate) fn new(sameness: Sameness, is_one_tree: bool) -> Self {
        Self { taken: HashSet::new(), hasher: RandomState::new(), sameness, is_one_tree }
    }

    /// Takes a place; not when it is taken.
    pub(crate) fn claim(&mut self, place: &str) -> bool {
        let is_exact =
            !self.sameness.ignores_case && (!self.sameness.ignores_composition || place.is_ascii());
        if self.is_one_tree && is_exact {
            return true;
        }
        self.taken.insert(self.hasher.hash_one(self.sameness.fold(place).as_str()))
    }
}

impl Sameness {
    /// That of the storage (pcs-rest 2.2).
    pub(crate) fn of_storage() -> Self {
        Self { ignores_case: false, ignores_composition: true }
    }

    /// Asks the file system of a directory, with a file that exists for a
    /// moment. What cannot be asked is taken for exact.
    pub(crate) fn of_directory(directory: &Path) -> Self {
        let made = |name: &str| {
            tempfile::Builder::new().prefix(name).suffix(".part").tempfile_in(directory).ok()
        };
        let Some(file) = made(".pan-\u{e9}") else { return Self::default() };
        let Some(name) = file.path().file_name().and_then(|name| name.to_str()) else {
            return Self::default();
        };
        let finds = |name: &str| directory.join(name).symlink_metadata().is_ok();
        Self {
            ignores_case: finds(&name.replace(".pan-", ".PAN-")),
            ignores_composition: finds(&name.replace('\u{e9}', "e\u{301}")),
        }
    }

    fn fold(self, place: &str) -> String {
        let lower = if self.ignores_case { place.to_lowercase() } else { place.to_owned() };
        if self.ignores_composition { lower.nfc().collect() } else { lower }
    }
}

#[cfg(test)]
mod tests {
    use super::{Claims, Sameness};

    #[test]
    fn places_are_taken_once() {
        let exact = Sameness::default();
        let cases = Sameness { ignores_case: true, ..exact };
        let composed = Sameness { ignores_composition: true, ..exact };
        for (sameness, one, other, is_free) in [
            (exact, "a", "a", false),
            (exact, "a", "A", true),
            (exact, "\u{e9}", "e\u{301}", true),
            (cases, "d/a", "D/A", false),
            (cases, "Ä", "ä", false),
            (cases, "\u{e9}", "e\u{301}", true),
            (composed, "\u{e9}", "e\u{301}", false),
            (composed, "a", "A", true),
        ] {
            let mut claims = Claims::new(sameness, false);
            assert!(claims.claim(one));
            assert_eq!(claims.claim(other), is_free, "{sameness:?} {one} {other}");
            if one != other {
                let mut claims = Claims::new(sameness, true);
                assert!(claims.claim(one));
                assert_eq!(claims.claim(other), is_free, "one tree: {sameness:?} {one} {other}");
            }
        }
    }

    #[test]
    fn a_file_system_is_asked() {
        let directory = tempfile::tempdir().unwrap();
        let sameness = Sameness::of_directory(directory.path());
        #[cfg(target_os = "linux")]
        assert_eq!(sameness, Sameness::default());
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
        let missing = directory.path().join("missing");
        assert_eq!(Sameness::of_directory(&missing), Sameness::default());
    }
}
