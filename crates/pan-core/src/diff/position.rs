//! How far a subtree was told: the key path of the last entry, below the top.
//!
//! Text, not ids: what comes after it is well defined whatever moves, comes or
//! goes between two pages. One that is too long for a cursor begins at a
//! directory further down instead, and is void when that directory moves.

use pan_engine::MetaRead;
use pan_model::{FsId, NameKey, PanPath};
use sha2::{Digest, Sha256};

use super::view::View;
use crate::{Error, Result};

/// The most bytes of keys in a cursor: sealed and written as text, it stays
/// below 3 KiB.
pub(super) const POSITION_BYTES_MAX: usize = 2_048;

/// The beginning of a SHA-256.
pub(super) type ShortDigest = [u8; 16];

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Position {
    /// The directory that the keys begin below; `None` for the top.
    pub(super) anchor: Option<Anchor>,
    /// The name keys on the way to the last entry; none when nothing was told.
    pub(super) keys: Vec<String>,
}

/// A directory below the top that stands for the keys above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) directory: FsId,
    /// Of the keys from the top to the directory.
    pub(super) digest: ShortDigest,
}

impl Position {
    /// The position of an entry, cut to what a cursor can hold. The entry and
    /// all above it are there in this snapshot.
    pub(super) fn of(read: &mut dyn MetaRead, top: FsId, mut keys: Vec<String>) -> Result<Self> {
        let mut bytes: usize = keys.iter().map(|key| key.len() + 1).sum();
        let mut dropped = 0;
        while bytes > POSITION_BYTES_MAX && dropped + 1 < keys.len() {
            bytes -= keys[dropped].len() + 1;
            dropped += 1;
        }
        if dropped == 0 {
            return Ok(Self { anchor: None, keys });
        }
        let rest = keys.split_off(dropped);
        let mut directory = top;
        for key in &keys {
            let child = read.get_child(directory, &NameKey::of(key))?;
            let lost = || Error::Damaged { what: format!("directory {directory} lost a child") };
            directory = child.ok_or_else(lost)?.fs_id;
        }
        let anchor = Anchor { directory, digest: digest_of_keys(&keys) };
        Ok(Self { anchor: Some(anchor), keys: rest })
    }

    /// All keys from the top on; `None` when the anchor is not where it was.
    pub(super) fn keys_below(
        &self,
        read: &mut dyn MetaRead,
        view: &mut View<'_>,
        top: &PanPath,
    ) -> Result<Option<Vec<String>>> {
        let Some(anchor) = self.anchor else { return Ok(Some(self.keys.clone())) };
        let Some(path) = view.directory(read, anchor.directory)? else { return Ok(None) };
        if !path.is_within(top) {
            return Ok(None);
        }
        let mut keys = keys_of(&path, top.depth());
        if digest_of_keys(&keys) != anchor.digest {
            return Ok(None);
        }
        keys.extend_from_slice(&self.keys);
        Ok(Some(keys))
    }
}

/// The name keys of a path, without its first `skip` names.
pub(super) fn keys_of(path: &PanPath, skip: usize) -> Vec<String> {
    path.components().skip(skip).map(|name| NameKey::of(name).as_str().to_owned()).collect()
}

/// What of a position is left below a directory whose keys below the top are
/// `prefix`: `None` when the position lies behind all that is in it.
pub(super) fn below<'p>(prefix: &[String], position: &'p [String]) -> Option<&'p [String]> {
    for (own, told) in prefix.iter().zip(position) {
        match own.cmp(told) {
            std::cmp::Ordering::Less => return None,
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Greater => return Some(&[]),
        }
    }
    Some(position.get(prefix.len()..).unwrap_or_default())
}

fn digest_of_keys(keys: &[String]) -> ShortDigest {
    short_digest(&keys.join("/"))
}

pub(super) fn short_digest(text: &str) -> ShortDigest {
    let digest: [u8; 32] = Sha256::digest(text).into();
    let mut short = ShortDigest::default();
    short.copy_from_slice(&digest[..16]);
    short
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn what_is_left_below_a_directory() {
        let keys = |path: &str| path.split_terminator('/').map(str::to_owned).collect::<Vec<_>>();
        for (prefix, position, left) in [
            ("", "", Some("")),
            ("", "a/b", Some("a/b")),
            ("a", "", Some("")),
            ("a/b", "a", Some("")),
            ("a/b", "a/b", Some("")),
            ("a/b", "a/b/c/d", Some("c/d")),
            ("a/b", "a/a/z", Some("")),
            ("a/b", "a/c", None),
            ("b", "a/z", Some("")),
            ("a", "b", None),
        ] {
            let (prefix, position) = (keys(prefix), keys(position));
            let found = below(&prefix, &position).map(<[String]>::to_vec);
            assert_eq!(found, left.map(keys), "{prefix:?} {position:?}");
        }
    }
}
