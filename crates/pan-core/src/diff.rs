//! The change feed (pcs-rest 4.15): what happened to a tree since a cursor.
//!
//! A page tells the truth of its one snapshot, not history: a deletion where
//! something left a place, and whatever lives there by now when its own row
//! comes. Whoever applies the pages in order to an empty map ends with the
//! recursive listing, whatever ran meanwhile, and the order within a page is
//! of no matter.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `cursor` | where a reader is, sealed into a text that only we can read |
//! | `position` | how far a subtree was told, as text, so that it outlives changes |
//! | `reader` | one page: the rows of the log in order, and what they mean now |
//! | `unfold` | a subtree in the order of its name keys, from any position on |
//! | `view` | where entries are now, and what of it a token sees |
//! | `page` | what a page holds, and what may not stand in one page together |

mod cursor;
mod page;
mod position;
mod reader;
mod unfold;
mod view;

use pan_engine::meta::{Entry, GoneHow};
use pan_engine::{MetaRead, MetaStoreExt, ReadCost};
use pan_model::{Caller, FsId, PanPath, Rev, Timestamp};

use crate::seal::Seal;
use crate::{Pan, Result};

/// The setting that holds the secret that cursors are sealed with.
pub(crate) const SECRET: &str = "diff_cursor_secret";

/// A page of the change feed.
#[derive(Debug, Clone)]
pub struct DiffPage {
    /// What happened, one change for a path. Their order means nothing.
    pub changes: Vec<(PanPath, Change)>,
    /// Where the next page begins.
    pub cursor: String,
    /// Whether there is more to be had at once.
    pub has_more: bool,
    /// Whether everything is told from the beginning, from this page on: what
    /// earlier pages said does not count any more.
    pub reset: bool,
}

/// What happened at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// This entry is there.
    Present(Entry),
    /// What was there is gone, with everything below.
    Gone(Departure),
}

/// What is known of an entry that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// Its id; `None` when it went with a directory above what the token sees.
    pub fs_id: Option<FsId>,
    /// Whether it was a directory.
    pub directory: bool,
    /// How it went.
    pub how: GoneHow,
    /// The user's rev when it went.
    pub rev: Rev,
    /// When it went.
    pub at: Timestamp,
}

impl Pan {
    /// What happened to the part of the tree that the caller sees since
    /// `cursor`; without one, everything that is there.
    ///
    /// A cursor that cannot be continued, because it is another user's or
    /// token root's, or what follows it was trimmed from the log, begins anew
    /// with [`DiffPage::reset`]. A cursor may be used any number of times.
    ///
    /// # Errors
    /// [`crate::Error::CursorInvalid`] for a text that never was a cursor.
    pub async fn diff(&self, caller: &Caller, cursor: Option<&str>) -> Result<DiffPage> {
        let key = self.cursor_key().await?;
        let from = match cursor {
            Some(text) => cursor::open(key, text)?,
            None => None,
        };
        let (caller, entries_max) = (caller.clone(), self.settings().diff_page_entries);
        let look = move |read: &mut dyn MetaRead| {
            reader::read_page(read, &caller, from.as_ref(), entries_max)
        };
        let answer = self.meta().read(ReadCost::Long, look).await?;
        Ok(DiffPage {
            changes: answer.changes,
            cursor: key.seal(answer.cursor.to_bytes(), self.nonce())?,
            has_more: answer.has_more,
            reset: answer.reset,
        })
    }

    /// The key of cursors.
    async fn cursor_key(&self) -> Result<&Seal> {
        self.inner().cursor_key.get_or_try_init(|| self.read_seal(SECRET)).await
    }
}
