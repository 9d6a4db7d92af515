//! Names: which are the same, which are ours, and what a conflict copy is called.

use std::borrow::Cow;

use md5::{Digest, Md5 as Hasher};
use pan_sdk::Md5;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// What files in the making are called: locally, and in the storage, where
/// not every token may begin a name with a dot.
const OURS: [&str; 2] = [".pan-", "pan-sync-"];
const OURS_END: &str = ".part";
/// The longest name of most file systems and of the storage.
const NAME_BYTES: usize = 255;

/// The NFC form of a name, by which the storage tells names apart.
pub(crate) fn key_of(name: &str) -> Cow<'_, str> {
    match is_nfc_quick(name.chars()) {
        IsNormalized::Yes => Cow::Borrowed(name),
        _ => Cow::Owned(name.nfc().collect()),
    }
}

/// Whether this is a file in the making, which is never synchronised.
pub(crate) fn is_ours(name: &str) -> bool {
    name.ends_with(OURS_END) && OURS.iter().any(|begin| name.starts_with(begin))
}

/// What a file in the making is called that is to be at a place: always the
/// same, so that a transfer that was broken off can go on. `whose` tells apart
/// those who make something for the same place at the same time.
pub(crate) fn name_in_the_making(whose: &str, key: &str) -> String {
    let digest = Md5(Hasher::digest(format!("{whose}/{key}")).into()).to_string();
    format!("pan-sync-{}{OURS_END}", &digest[..16])
}

/// The path of something in a directory; the root is the empty path.
pub(crate) fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// A path without its last name, and that name.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Whether a path lies below a directory.
pub(crate) fn is_below(path: &str, directory: &str) -> bool {
    directory.is_empty() || path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// The same path with another beginning. `path` is `from` or lies below it.
pub(crate) fn rebase(path: &str, from: &str, to: &str) -> String {
    format!("{to}{}", path.strip_prefix(from).unwrap_or_default())
}

/// The directories above a path, the topmost first.
pub(crate) fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
}

/// The path of a copy that a conflict makes: `a/b.conflict-DATE.txt`, with a
/// number behind the date where that is taken.
pub(crate) fn conflict_path(path: &str, date: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let (directory, name) = split(path);
    let dot = name.rfind('.').filter(|&dot| dot > 0).unwrap_or(name.len());
    let (stem, extension) = name.split_at(dot);
    let mut number = 1_u32;
    loop {
        let counted = if number == 1 { String::new() } else { format!("-{number}") };
        let mark = format!(".conflict-{date}{counted}");
        let made = join(directory, &fitting(stem, &mark, extension));
        if !is_taken(&made) {
            return made;
        }
        number += 1;
    }
}

/// Shortens the stem, and an extension that is none, until the name fits.
fn fitting(stem: &str, mark: &str, extension: &str) -> String {
    let extension = if mark.len() + extension.len() < NAME_BYTES { extension } else { "" };
    let mut end = stem.len().min(NAME_BYTES.saturating_sub(mark.len() + extension.len()));
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{mark}{extension}", &stem[..end])
}

#[cfg(test)]
mod tests {
    use super::{conflict_path, is_below, is_ours, key_of, name_in_the_making, parents, rebase};

    #[test]
    fn conflict_copies_have_names_of_their_own() {
        let date = "20261120-140311";
        for (path, made) in [
            ("a.txt", "a.conflict-20261120-140311.txt"),
            ("d/a", "d/a.conflict-20261120-140311"),
            ("d.e/.hidden", "d.e/.hidden.conflict-20261120-140311"),
            ("a.tar.gz", "a.tar.conflict-20261120-140311.gz"),
        ] {
            assert_eq!(conflict_path(path, date, |_| false), made);
        }
        let taken = |path: &str| !path.contains("-3");
        assert_eq!(conflict_path("a", date, taken), "a.conflict-20261120-140311-3");
        for long in ["\u{e9}".repeat(127), format!("a.{}", "b".repeat(250)), "x".repeat(255)] {
            let made = conflict_path(&long, date, |_| false);
            assert!(made.len() <= 255 && made.contains(date), "{made}");
        }
    }

    #[test]
    fn paths_are_compared_by_whole_names() {
        assert!(is_below("a/b", "a") && is_below("a", ""));
        assert!(!is_below("ab", "a") && !is_below("a", "a"));
        assert_eq!(rebase("a/b/c", "a/b", "x"), "x/c");
        assert_eq!(rebase("a/b", "a/b", "x"), "x");
        assert_eq!(parents("a/b/c").collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!(key_of("e\u{301}"), key_of("\u{e9}"));
        assert!(is_ours(".pan-x1.part") && is_ours(&name_in_the_making("me", "a")));
        assert!(!is_ours(".pan-x1") && !is_ours("a.part"));
        assert_ne!(name_in_the_making("me", "a"), name_in_the_making("you", "a"));
    }
}
