//! Copies everything to another place while the store is in use: the rows of
//! one moment first, then the blobs that they name, each compared on its way.
//!
//! A lease keeps every blob in its place meanwhile. What was copied before
//! stays: blobs never change.

use futures_util::future::try_join_all;
use pan_engine::meta::BlobRow;
use pan_engine::{
    BackupPlace, BlobStore, ErrorKind, MAX_CHUNK_BYTES, MetaRead, MetaStore, MetaStoreExt, MetaTxn,
    ReadCost, Scope, StoreId,
};
use pan_model::{BlobKey, ByteSize, ContentId};

use super::Progress;
use super::damage::{Damage, Damages};
use super::scrub::{BEGINNING, Slice};
use super::stored::{read_stored, stored_length};
use crate::seal::forget_secrets;
use crate::{Error, Pan, Result};

/// The setting that holds the id of the store.
const STORE_ID: &str = "store_id";
/// Blobs that are copied at once: 16 MiB in memory.
const COPIES_AT_ONCE: usize = 4;
/// Keys that are looked at together.
const KEYS_AT_ONCE: usize = 500;

/// What a backup did.
#[derive(Debug, Clone, Default)]
pub struct BackupReport {
    /// Blobs that were copied.
    pub blobs_copied: u64,
    /// Their bytes, check lists included.
    pub bytes_copied: u64,
    /// Blobs that an earlier backup had copied.
    pub blobs_kept: u64,
    /// Blobs of earlier backups that no row names any more.
    pub blobs_removed: u64,
    /// Contents that are damaged and could not be copied whole.
    pub damages: Damages,
}

/// What became of one blob.
enum Copied {
    Now(u64),
    Before,
    Damaged(Error),
}

impl Pan {
    /// Makes a place hold everything that was acknowledged before the call,
    /// byte for byte, and nothing that is older or half. What is damaged is
    /// left out and told; the rest is copied.
    ///
    /// # Errors
    /// Those of the engines. The place then holds its last backup, if it had
    /// one, and the next run goes on where this one ended.
    pub async fn backup(&self, place: &str, progress: Progress<'_>) -> Result<BackupReport> {
        let store = self.store_id().await?;
        let mut place = self.inner().engines.backups.open(place, store).await?;
        let _lease = self.inner().leases.hold().await;
        let rows = place.copy_rows().await?;
        forget_secrets(&*rows).await?;
        let mut report = BackupReport::default();
        let mut at = Some(BEGINNING);
        while let Some(next) = at {
            let load = move |read: &mut dyn MetaRead| Slice::load(read, next);
            let slice = rows.read(ReadCost::Long, load).await?;
            at = slice.next;
            self.copy_slice(&*place, &*rows, slice, &mut report).await?;
            progress(ByteSize(report.bytes_copied));
        }
        let rows = place.finish(rows).await?;
        report.blobs_removed = prune(&**place.blobs(), &*rows).await?;
        Ok(report)
    }

    /// The id of the store; given to it when it is first asked for.
    async fn store_id(&self) -> Result<StoreId> {
        let mut new = StoreId::default();
        self.inner().engines.entropy.fill(&mut new);
        let job = move |tx: &mut dyn MetaTxn| {
            let known = tx.get_setting(STORE_ID)?.and_then(|id| id.try_into().ok());
            if let Some(id) = known {
                return Ok::<_, Error>(id);
            }
            tx.put_setting(STORE_ID, &new)?;
            Ok(new)
        };
        self.meta().write(Scope::Instance, job).await
    }

    async fn copy_slice(
        &self,
        place: &dyn BackupPlace,
        rows: &dyn MetaStore,
        slice: Slice,
        report: &mut BackupReport,
    ) -> Result<()> {
        let to = &**place.blobs();
        let mut keys: Vec<BlobKey> = Vec::new();
        let mut damaged = slice.bad_bodies;
        for some in slice.blobs.chunks(COPIES_AT_ONCE) {
            let copies = some.iter().map(|(_, blob)| self.copy_blob(to, place.is_whole(), *blob));
            let copied: Vec<Copied> = try_join_all(copies).await?;
            for ((id, blob), copied) in some.iter().zip(copied) {
                match copied {
                    Copied::Now(bytes) => {
                        report.blobs_copied += 1;
                        report.bytes_copied += bytes;
                        keys.push(blob.key);
                    }
                    Copied::Before => report.blobs_kept += 1,
                    Copied::Damaged(error) => damaged.push((*id, Some(*blob), error)),
                }
            }
        }
        to.sync(&keys).await?;
        // In the order of the contents again.
        damaged.sort_by_key(|(id, ..)| *id);
        for (id, blob, error) in damaged {
            let damage = self.note_both(rows, id, blob, &error).await?;
            report.damages.add(damage);
        }
        Ok(())
    }

    /// Copies one blob, unless it is there.
    async fn copy_blob(&self, to: &dyn BlobStore, trusted: bool, blob: BlobRow) -> Result<Copied> {
        let there = match to.head(blob.key).await {
            Ok(length) => length,
            // Something else is in its place.
            Err(error) if error.kind() == ErrorKind::Corrupt => Some(0),
            Err(error) => return Err(error.into()),
        };
        if there == Some(stored_length(&blob)) {
            let kept = if trusted { Ok(()) } else { read_stored(to, &blob).await.map(drop) };
            match kept {
                Ok(()) => return Ok(Copied::Before),
                Err(error) if error.is_damage() => {}
                // It may be the last good copy.
                Err(error) => return Err(error),
            }
        }
        if there.is_some() {
            to.delete(&[blob.key]).await?;
        }
        let bytes = match read_stored(&**self.blobs(), &blob).await {
            Ok(bytes) => bytes,
            Err(error) if error.is_damage() => return Ok(Copied::Damaged(error)),
            Err(error) => return Err(error),
        };
        let mut writer = to.create(blob.key).await?;
        for chunk in bytes.chunks(MAX_CHUNK_BYTES) {
            writer.write(bytes.slice_ref(chunk)).await?;
        }
        writer.finish().await?;
        Ok(Copied::Now(bytes.len() as u64))
    }

    /// Notes damage here and in the copy, so that an upload heals either.
    async fn note_both(
        &self,
        rows: &dyn MetaStore,
        id: ContentId,
        blob: Option<BlobRow>,
        error: &Error,
    ) -> Result<Damage> {
        let job = move |tx: &mut dyn MetaTxn| Ok::<_, Error>(tx.set_damaged(id, true)?);
        rows.write(Scope::Instance, job).await?;
        let damage = self.note_damage(id, blob, error).await?;
        // It may have been healed here since; the copy has the old bytes.
        Ok(damage.unwrap_or(Damage { content: id, what: error.to_string(), files: Vec::new() }))
    }
}

/// Removes what earlier backups copied and the rows do not name any more.
async fn prune(blobs: &dyn BlobStore, rows: &dyn MetaStore) -> Result<u64> {
    let mut removed = 0;
    for hour in blobs.hours().await? {
        let mut after = None;
        loop {
            let keys = blobs.list(hour, after, KEYS_AT_ONCE).await?;
            let Some(&last) = keys.last() else { break };
            let unknown = super::orphans::unknown(rows, keys).await?;
            blobs.delete(&unknown).await?;
            removed += unknown.len() as u64;
            after = Some(last);
        }
    }
    Ok(removed)
}
