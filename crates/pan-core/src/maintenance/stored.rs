//! Reading blobs as they are stored at this moment, every byte compared.
//!
//! What clients read comes through `read`, which may find a blob open or in
//! memory; whoever looks for damage must not.

use bytes::Bytes;
use pan_engine::meta::BlobRow;
use pan_engine::{BlobStore, EngineError, ErrorKind, MetaRead, MetaStoreExt, ReadCost};
use pan_hash::{GROUP_BYTES, check_list_root, group_value};
use pan_model::ContentId;

use crate::{Error, Pan, Result};

/// Bytes of a blob with its check list.
pub(super) fn stored_length(row: &BlobRow) -> u64 {
    row.size.0 + row.size.0.div_ceil(GROUP_BYTES) * 32
}

/// Reads a whole blob with its check list. What is damaged is an error that
/// says so ([`Error::is_damage`]).
pub(super) async fn read_stored(store: &dyn BlobStore, row: &BlobRow) -> Result<Bytes> {
    let stored = store.get_stored(row.key).await?;
    let row = *row;
    // A full blob takes a millisecond: too long for a thread that serves.
    let compared = tokio::task::spawn_blocking(move || compare(&row, &stored).map(|()| stored));
    compared.await.map_err(|error| {
        EngineError::new(ErrorKind::Panicked, "comparing a blob").with_source(error)
    })?
}

/// Blob rows of one snapshot.
const ROWS: u64 = 256;

impl Pan {
    /// Reads all blobs of a content. The first that is damaged is the error.
    pub(crate) async fn read_all_stored(&self, id: ContentId) -> Result<()> {
        let (mut seq, mut held) = (0, 0);
        loop {
            let list = move |read: &mut dyn MetaRead| {
                Ok::<_, Error>((read.get_content(id)?, read.list_blobs(id, seq, ROWS)?))
            };
            let (row, blobs) = self.meta().read(ReadCost::Bounded, list).await?;
            let Some(last) = blobs.last() else {
                let size = row.map_or(held, |row| row.fingerprint.size.0);
                let what = format!("blobs of content {} are missing", id.0);
                return if size == held { Ok(()) } else { Err(Error::Damaged { what }) };
            };
            seq = last.seq + 1;
            for blob in &blobs {
                read_stored(&**self.blobs(), blob).await?;
                held += blob.size.0;
            }
        }
    }
}

fn compare(row: &BlobRow, stored: &[u8]) -> Result<()> {
    let damaged = |what: String| Err(Error::Damaged { what: format!("blob {}: {what}", row.key) });
    let (length, wanted) = (stored.len() as u64, stored_length(row));
    if length != wanted {
        return damaged(format!("its length is {length}, not {wanted}"));
    }
    let (bytes, check_list) = stored.split_at(row.size.0 as usize);
    if check_list_root(check_list, row.size.0) != Some(row.root) {
        return damaged("its check list does not match its digest".into());
    }
    let start = u64::from(row.seq) * pan_hash::BLOB_BYTES;
    let groups = bytes.chunks(GROUP_BYTES as usize).zip(check_list.chunks(32));
    for (number, (group, value)) in groups.enumerate() {
        if group_value(start + number as u64 * GROUP_BYTES, group).0 != *value {
            return damaged(format!("group {number} does not match its digest"));
        }
    }
    Ok(())
}
