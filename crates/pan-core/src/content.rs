//! Contents at the moment of a commit: stored anew, or found again.

use std::ops::ControlFlow;

use pan_engine::MetaTxn;
use pan_engine::meta::{ContentRow, ContentState, FileFacts, NewContent};
use pan_model::{BlobKey, ContentId, SLICE_BYTES};

use crate::Result;
use crate::receive::{Received, Stored, StoredBlob};

/// What became of received bytes.
pub(crate) struct Kept {
    pub(crate) facts: FileFacts,
    pub(crate) blobs: Fate,
}

/// Whose the blobs of received bytes are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A content has them.
    Taken,
    /// This older copy serves, if it is whole, and they are nobody's.
    Spare(ContentId),
    /// A content has them instead of these, some of which are damaged.
    Healing(Vec<BlobKey>),
}

/// Makes received bytes a content, or finds the one that has the same bytes.
///
/// Only contents that came in one piece are found again: whether somebody
/// else merged the same bytes from parts must not show in a `block_list`.
pub(crate) fn keep(tx: &mut dyn MetaTxn, received: &Received) -> Result<Kept> {
    let fingerprint = received.fingerprint;
    let (content, blobs) = match find_twin(tx, received)? {
        Some(twin) => {
            let blobs = heal(tx, &twin, received)?;
            (revive(tx, twin)?, blobs)
        }
        None => (insert(tx, received)?, Fate::Taken),
    };
    let facts =
        FileFacts { content, size: fingerprint.size, md5: fingerprint.md5, one_block: true };
    Ok(Kept { facts, blobs })
}

/// A copy that is known to be damaged gets the new bytes instead of its own.
///
/// A body is replaced where it is: its digest shows that it is no other
/// content's either, as a blob in a wrong place may be.
fn heal(tx: &mut dyn MetaTxn, twin: &ContentRow, received: &Received) -> Result<Fate> {
    if !tx.is_damaged(twin.id)? {
        return Ok(Fate::Spare(twin.id));
    }
    match &received.stored {
        Stored::Inline(body) => {
            tx.replace_body(twin.id, body)?;
            tx.set_damaged(twin.id, false)?;
            Ok(Fate::Taken)
        }
        Stored::Blobs(blobs) => Ok(Fate::Healing(replace(tx, twin.id, blobs)?)),
    }
}

/// Gives a content other blobs; returns those that it had.
fn replace(tx: &mut dyn MetaTxn, id: ContentId, blobs: &[StoredBlob]) -> Result<Vec<BlobKey>> {
    let suspects = tx.list_blobs(id, 0, u64::MAX)?;
    tx.remove_blobs(id)?;
    for blob in blobs {
        tx.insert_blob(id, blob.row())?;
    }
    tx.set_damaged(id, false)?;
    Ok(suspects.iter().map(|blob| blob.key).collect())
}

/// Gives a content that has just been found damaged the blobs of its twin,
/// unless it went away meanwhile.
pub(crate) fn replace_damaged(
    tx: &mut dyn MetaTxn,
    id: ContentId,
    received: &Received,
) -> Result<Fate> {
    let Stored::Blobs(blobs) = &received.stored else { return Ok(Fate::Spare(id)) };
    match tx.get_content(id)? {
        Some(row) if row.state != ContentState::Deleting => {
            Ok(Fate::Healing(replace(tx, id, blobs)?))
        }
        _ => Ok(Fate::Spare(id)),
    }
}

/// Identity is BLAKE3 and size; md5 only finds the candidates.
fn find_twin(tx: &mut dyn MetaTxn, received: &Received) -> Result<Option<ContentRow>> {
    let wanted = received.fingerprint;
    let kind = received.kind();
    let mut twin = None;
    let mut look = |row: ContentRow| {
        let same = row.fingerprint.blake3 == wanted.blake3 && row.kind == kind;
        if same && row.state != ContentState::Deleting {
            twin = Some(row);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    // Smaller contents are in no index and are stored twice, but for those
    // that are to be healed.
    match wanted.size.0 > SLICE_BYTES {
        true => tx.find_contents(wanted.size, wanted.md5, &mut look)?,
        false => tx.find_damaged(wanted.size, wanted.md5, &mut look)?,
    }
    Ok(twin)
}

/// A hit makes a deletable content present again, in this transaction.
pub(crate) fn revive(tx: &mut dyn MetaTxn, content: ContentRow) -> Result<ContentId> {
    if content.state != ContentState::Present {
        tx.set_content_state(content.id, ContentState::Present)?;
    }
    Ok(content.id)
}

fn insert(tx: &mut dyn MetaTxn, received: &Received) -> Result<ContentId> {
    let new = NewContent { fingerprint: received.fingerprint, kind: received.kind() };
    let content = tx.insert_content(&new)?;
    match &received.stored {
        Stored::Inline(body) => tx.insert_body(content, body)?,
        Stored::Blobs(blobs) => {
            for blob in blobs {
                tx.insert_blob(content, blob.row())?;
            }
        }
    }
    Ok(content)
}
