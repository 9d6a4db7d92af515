//! Merging blocks into a superfile (pcs-rest 4.4): O(blocks), never a copy.
//!
//! The md5 of a superfile is the true md5 of the whole, computed in one
//! verified pass over the blocks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use futures_util::StreamExt;
use pan_engine::meta::{ContentKind, ContentRow, ContentState, FileFacts, NewContent, TmpfileKey};
use pan_engine::{EngineError, ErrorKind, MetaRead, MetaStoreExt, MetaTxn, ReadCost, Scope};
use pan_model::{ByteSize, Caller, ContentId, Fingerprint, Md5, Ondup, PanPath, UserNo};
use tokio::sync::{Mutex as TurnMutex, OwnedSemaphorePermit, Semaphore};

use crate::quota::Limits;
use crate::tree::{Located, target};
use crate::upload::{Upload, check_conflict, replaced_size};
use crate::{ContentReader, Error, Pan, Result, content};

/// Chunks that may wait for the hasher during a merge.
const CHUNKS_AHEAD: usize = 16;

/// One merge at a time per user: each may read terabytes.
#[derive(Default)]
pub(crate) struct MergeTurns(Mutex<HashMap<UserNo, Weak<TurnMutex<()>>>>);

impl MergeTurns {
    fn of(&self, user: UserNo) -> Arc<TurnMutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(&user).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        turns.insert(user, Arc::downgrade(&turn));
        turn
    }
}

/// A file that was merged.
pub struct Merged {
    /// The entry and where it is.
    pub located: Located,
    /// All digests of its bytes.
    pub fingerprint: Fingerprint,
}

/// A merge that nothing is known to stand against.
pub struct Merge {
    pan: Pan,
    upload: Upload,
    blocks: Vec<Md5>,
    parts: Vec<ContentRow>,
}

impl Pan {
    /// Checks everything about a merge that can be refused at once: path,
    /// blocks, quota, conflict, in this order.
    ///
    /// # Errors
    /// As [`Pan::upload`], and [`Error::BlockMissing`] for a block that this
    /// token's root has not uploaded.
    pub async fn create_superfile(
        &self,
        caller: &Caller,
        path: &PanPath,
        ondup: Ondup,
        blocks: Vec<Md5>,
    ) -> Result<Merge> {
        let upload = Upload::new(self, caller, path, ondup);
        let limits = Limits::of(self);
        let look = move |read: &mut dyn MetaRead| {
            let place = target(read, &upload.caller, &upload.path)?;
            let parts = find_parts(read, &upload.caller, &blocks)?;
            let size = parts.iter().map(|part| part.fingerprint.size).sum();
            let usage = read.get_usage(upload.caller.user)?.ok_or(Error::TokenInvalid)?;
            limits.check(&usage, size, replaced_size(&place, ondup))?;
            check_conflict(&place, ondup)?;
            Ok::<_, Error>((upload, blocks, parts))
        };
        let (upload, blocks, parts) = self.meta().read(ReadCost::Bounded, look).await?;
        Ok(Merge { pan: self.clone(), upload, blocks, parts })
    }
}

/// The contents of the blocks, in order.
fn find_parts(read: &mut dyn MetaRead, caller: &Caller, blocks: &[Md5]) -> Result<Vec<ContentRow>> {
    let mut known: HashMap<Md5, ContentRow> = HashMap::new();
    let mut parts = Vec::with_capacity(blocks.len());
    for &md5 in blocks {
        let part = match known.get(&md5) {
            Some(part) => *part,
            None => {
                let tmpfile = read.get_tmpfile(&key(caller, md5))?;
                let tmpfile = tmpfile.ok_or(Error::BlockMissing { md5 })?;
                let part = read.get_content(tmpfile.content)?;
                let part = part.ok_or(Error::BlockMissing { md5 })?;
                known.insert(md5, part);
                part
            }
        };
        parts.push(part);
    }
    Ok(parts)
}

fn key(caller: &Caller, md5: Md5) -> TmpfileKey {
    TmpfileKey { user: caller.user, root: caller.root.clone(), md5 }
}

impl Merge {
    /// Computes the digests of the whole and puts the file at its path. Goes
    /// on to its end when nobody waits any more.
    ///
    /// # Errors
    /// What changed since [`Pan::create_superfile`]: the same errors as there;
    /// and [`Error::Damaged`] when a block can no longer be read.
    pub async fn finish(self) -> Result<Merged> {
        let run = tokio::spawn(self.run());
        run.await.map_err(|error| {
            Error::from(EngineError::new(ErrorKind::Panicked, "merging").with_source(error))
        })?
    }

    async fn run(self) -> Result<Merged> {
        let turn = self.pan.inner().merge_turns.of(self.upload.caller.user);
        let _turn = turn.lock().await;
        let fingerprint = match &self.parts[..] {
            [part] => part.fingerprint,
            parts => digest(&self.pan, parts).await?,
        };
        let Self { pan, upload, blocks, parts } = self;
        let caller = upload.caller.clone();
        let scope = Scope::User(caller.user);
        let place = move |tx: &mut dyn MetaTxn| {
            let facts = keep(tx, &parts, &blocks, fingerprint)?;
            Ok::<_, Error>((upload.place(tx, facts)?, blocks.clone()))
        };
        let (located, blocks) = pan.meta().write(scope, place).await?;
        // A closure of its own: 1,024 blocks are as many rows as the merge has.
        let now = pan.now();
        let mark = move |tx: &mut dyn MetaTxn| mark_merged(tx, &caller, &blocks, now);
        pan.meta().write(scope, mark).await?;
        Ok(Merged { located, fingerprint })
    }
}

/// The digests of the parts one after another, verified as they are read.
async fn digest(pan: &Pan, parts: &[ContentRow]) -> Result<Fingerprint> {
    let size: ByteSize = parts.iter().map(|part| part.fingerprint.size).sum();
    let Some(first) = parts.first() else {
        return Err(EngineError::new(ErrorKind::Failed, "a superfile without parts").into());
    };
    let reader = ContentReader::of_parts(pan, parts, Fingerprint { size, ..first.fingerprint });
    let mut steps = Box::pin(reader.stream(0..size.0));
    let mut digest = pan.hasher().whole();
    let room = Arc::new(Semaphore::new(CHUNKS_AHEAD));
    while let Some(step) = steps.next().await {
        let bytes = step?;
        let Ok(turn) = room.clone().acquire_owned().await else {
            unreachable!("the semaphore is never closed")
        };
        digest.push(Bytes::from_owner(Held { bytes, _turn: turn }));
    }
    Ok(digest.finish().await)
}

/// A chunk that keeps its turn until it is digested.
struct Held {
    bytes: Bytes,
    _turn: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Makes the parts one content. A single part serves as it is.
fn keep(
    tx: &mut dyn MetaTxn,
    parts: &[ContentRow],
    blocks: &[Md5],
    fingerprint: Fingerprint,
) -> Result<FileFacts> {
    for (part, &md5) in parts.iter().zip(blocks) {
        match tx.get_content(part.id)? {
            Some(row) if row.state != ContentState::Deleting => content::revive(tx, row)?,
            _ => return Err(Error::BlockMissing { md5 }),
        };
    }
    let facts = |content: ContentId, one_block: bool| FileFacts {
        content,
        size: fingerprint.size,
        md5: fingerprint.md5,
        one_block,
    };
    if let [part] = parts {
        return Ok(facts(part.id, true));
    }
    let superfile = NewContent { fingerprint, kind: ContentKind::Superfile };
    let content = tx.insert_content(&superfile)?;
    for (seq, part) in (0u32..).zip(parts) {
        tx.insert_part(content, seq, part.id)?;
    }
    Ok(facts(content, false))
}

/// The blocks have served: from now on they are kept while there is room.
fn mark_merged(
    tx: &mut dyn MetaTxn,
    caller: &Caller,
    blocks: &[Md5],
    now: pan_model::Timestamp,
) -> Result<()> {
    let distinct: std::collections::BTreeSet<Md5> = blocks.iter().copied().collect();
    for md5 in distinct {
        let key = key(caller, md5);
        if let Some(mut tmpfile) = tx.get_tmpfile(&key)? {
            tmpfile.merged = true;
            tmpfile.used_at = now;
            tx.put_tmpfile(&key, &tmpfile)?;
        }
    }
    Ok(())
}
