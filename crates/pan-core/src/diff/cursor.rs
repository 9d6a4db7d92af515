//! Where a reader is, sealed: a client can keep it and not look into it.
//!
//! It is bound to the user and to the token's root.

use pan_model::{Caller, FsId, PanPath, Rev, UserNo};

use super::position::{Anchor, Position, ShortDigest, keys_of, short_digest};
use crate::seal::{Opened, Seal};
use crate::{Error, Result};

/// Cursors of another version begin anew.
const VERSION: u8 = 1;

/// Where a reader is and whose reader it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    user: UserNo,
    root: ShortDigest,
    pub(super) place: Place,
}

/// A place in the feed: after everything up to `rev`, and some steps of what
/// comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) rev: Rev,
    pub(super) step: Step,
}

/// What is next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// What was there at `rev`, after this position.
    Snapshot(Position),
    /// What the row after `rev` says is gone.
    Gone,
    /// What it says came.
    Came,
    /// What came with that, after this position.
    Below(Position),
}

impl Cursor {
    pub(super) fn new(caller: &Caller, place: Place) -> Self {
        Self { user: caller.user, root: digest_of_root(&caller.root), place }
    }

    /// Whether this is a cursor of this caller, or of another token of the
    /// same user with the same root.
    pub(super) fn is_of(&self, caller: &Caller) -> bool {
        self.user == caller.user && self.root == digest_of_root(&caller.root)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let (tag, position) = match &self.place.step {
            Step::Snapshot(position) => (0, Some(position)),
            Step::Gone => (1, None),
            Step::Came => (2, None),
            Step::Below(position) => (3, Some(position)),
        };
        let mut bytes = vec![VERSION];
        bytes.extend(self.user.0.to_be_bytes());
        bytes.extend(self.root);
        bytes.extend(self.place.rev.0.to_be_bytes());
        bytes.push(tag);
        if let Some(Position { anchor, keys }) = position {
            bytes.push(u8::from(anchor.is_some()));
            if let Some(Anchor { directory, digest }) = anchor {
                bytes.extend(directory.get().to_be_bytes());
                bytes.extend(digest);
            }
            bytes.extend(keys.join("/").as_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        let [VERSION] = bytes.take()? else { return None };
        let user = UserNo(u32::from_be_bytes(bytes.take()?));
        let root = bytes.take()?;
        let rev = Rev(u64::from_be_bytes(bytes.take()?));
        let [tag] = bytes.take()?;
        let step = match tag {
            0 => Step::Snapshot(bytes.position()?),
            1 => Step::Gone,
            2 => Step::Came,
            3 => Step::Below(bytes.position()?),
            _ => return None,
        };
        Some(Self { user, root, place: Place { rev, step } })
    }
}

fn digest_of_root(root: &PanPath) -> ShortDigest {
    short_digest(&keys_of(root, 0).join("/"))
}

/// Bytes that are taken from the front.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    /// A position, which takes all that is left.
    fn position(&mut self) -> Option<Position> {
        let [anchored] = self.take()?;
        let anchor = match anchored {
            0 => None,
            _ => {
                let directory = FsId::from_u64(u64::from_be_bytes(self.take()?))?;
                Some(Anchor { directory, digest: self.take()? })
            }
        };
        let keys = std::str::from_utf8(self.0).ok()?;
        Some(Position { anchor, keys: keys.split_terminator('/').map(str::to_owned).collect() })
    }
}

/// The cursor of a text; `None` for one that another key sealed, or that
/// another version wrote.
pub(super) fn open(key: &Seal, text: &str) -> Result<Option<Cursor>> {
    match key.open(text) {
        Opened::Ours(bytes) => Ok(Cursor::from_bytes(&bytes)),
        Opened::Foreign => Ok(None),
        Opened::Nothing => Err(Error::CursorInvalid),
    }
}

#[cfg(test)]
mod tests {
    use pan_model::{FsId, Rev, UserNo};

    use super::super::position::{Anchor, POSITION_BYTES_MAX, Position};
    use super::{Cursor, Place, Step, open};
    use crate::Error;
    use crate::seal::Seal;

    fn cursor(step: Step) -> Cursor {
        Cursor { user: UserNo(7), root: [5; 16], place: Place { rev: Rev(u64::MAX), step } }
    }

    fn anchored(keys: &[&str]) -> Position {
        let anchor = Anchor { directory: FsId::compose(UserNo(7), 9), digest: [3; 16] };
        let keys = keys.iter().map(|&key| key.to_owned()).collect();
        Position { anchor: Some(anchor), keys }
    }

    #[test]
    fn a_cursor_goes_both_ways_and_stays_short() {
        let key = Seal::of(&[1; 32]).unwrap();
        let long = "n".repeat(POSITION_BYTES_MAX);
        for step in [
            Step::Snapshot(Position::default()),
            Step::Snapshot(Position { anchor: None, keys: vec!["a".into(), "é b".into()] }),
            Step::Gone,
            Step::Came,
            Step::Below(Position::default()),
            Step::Below(anchored(&["x", "y"])),
            Step::Below(anchored(&[&long])),
        ] {
            let cursor = cursor(step);
            let text = key.seal(cursor.to_bytes(), [9; 12]).unwrap();
            assert!(text.len() <= 3 << 10, "{}", text.len());
            assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)));
            assert_eq!(open(&key, &text).unwrap(), Some(cursor));
        }
    }

    #[test]
    fn what_is_no_cursor_is_told_from_a_foreign_one() {
        let key = Seal::of(&[1; 32]).unwrap();
        let text = key.seal(cursor(Step::Gone).to_bytes(), [9; 12]).unwrap();
        let other = Seal::of(&[2; 32]).unwrap();
        assert_eq!(open(&other, &text).unwrap(), None);
        for (i, _) in text.char_indices().take(text.len() - 1) {
            let mut changed = text.clone();
            let with = if &text[i..=i] == "A" { "B" } else { "A" };
            changed.replace_range(i..=i, with);
            assert_eq!(open(&key, &changed).unwrap(), None, "{i}");
        }
        for wrong in ["x", "abc", "null0", "a b", "a+b/", &format!("{text}="), &text[..30]] {
            assert!(matches!(open(&key, wrong), Err(Error::CursorInvalid)), "{wrong}");
        }
    }
}
