//! Uploading a block that waits for createsuperfile (pcs-rest 4.3).

use bytes::Bytes;
use futures_util::Stream;
use pan_engine::meta::{TmpfileKey, TmpfileRow, UsageDelta};
use pan_engine::{MetaRead, MetaStoreExt, MetaTxn, ReadCost};
use pan_model::{ByteSize, Caller, Md5, Timestamp, UserNo};

use crate::content::Fate;
use crate::receive::{Allowance, Received};
use crate::{BodyError, Error, MAX_UPLOAD, Pan, Result, content, receive};

/// Blocks that one upload removes to make room.
const REMOVED_MAX: usize = 500;

impl Pan {
    /// Takes in the bytes of a block. It does not count as used, but the
    /// blocks of an account may not be more than it has free; those that were
    /// merged already make room for it.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`], [`Error::TooLarge`], [`Error::Body`].
    pub async fn receive_tmpfile<S>(
        &self,
        caller: &Caller,
        declared: Option<ByteSize>,
        body: S,
    ) -> Result<Received>
    where
        S: Stream<Item = std::result::Result<Bytes, BodyError>> + Unpin,
    {
        let (user, wanted) = (caller.user, declared.unwrap_or(ByteSize::ZERO));
        let look = move |read: &mut dyn MetaRead| {
            let free = free(read, user)?;
            if wanted <= free && free >= MAX_UPLOAD {
                return Ok(free);
            }
            let spare = merged(read, user)?.iter().map(|(_, tmpfile)| tmpfile.size).sum();
            Ok::<_, Error>(free + spare)
        };
        let free = self.meta().read(ReadCost::Bounded, look).await?;
        let allowance = Allowance { limit: MAX_UPLOAD, free };
        allowance.check(wanted)?;
        receive::receive(self, allowance, body).await
    }

    /// Keeps a block for createsuperfile. Its md5 is its handle; the same
    /// block again is the same block.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`].
    pub async fn upload_tmpfile(&self, caller: &Caller, received: Received) -> Result<Md5> {
        let user = caller.user;
        let md5 = received.fingerprint.md5;
        let key = TmpfileKey { user, root: caller.root.clone(), md5 };
        let now = self.now();
        self.commit(caller, received, move |tx, received| put(tx, &key, received, now)).await?;
        Ok(md5)
    }
}

fn put(
    tx: &mut dyn MetaTxn,
    key: &TmpfileKey,
    received: &Received,
    now: Timestamp,
) -> Result<((), Fate)> {
    let kept = content::keep(tx, received)?;
    let size = kept.facts.size;
    let old = tx.get_tmpfile(key)?;
    let replaced = old.as_ref().map_or(ByteSize::ZERO, |old| old.size);
    make_room(tx, key, size.saturating_sub(replaced))?;
    if let Some(old) = &old
        && old.content != kept.facts.content
    {
        tx.add_maybe_unreferenced(old.content)?;
    }
    let row = TmpfileRow { content: kept.facts.content, size, used_at: now, merged: false };
    tx.put_tmpfile(key, &row)?;
    let tmpfiles = size.0 as i64 - replaced.0 as i64;
    tx.add_usage(key.user, &UsageDelta { tmpfiles, ..UsageDelta::default() })?;
    Ok(((), kept.blobs))
}

/// Removes blocks that were merged already, longest unused first, until
/// `wanted` more bytes fit: they are kept only for as long as there is room.
fn make_room(tx: &mut dyn MetaTxn, key: &TmpfileKey, wanted: ByteSize) -> Result<()> {
    if wanted <= free(tx.as_read(), key.user)? {
        return Ok(());
    }
    for (spare, tmpfile) in merged(tx.as_read(), key.user)? {
        if spare != *key {
            remove(tx, &spare, &tmpfile)?;
        }
        if wanted <= free(tx.as_read(), key.user)? {
            return Ok(());
        }
    }
    Err(Error::QuotaExceeded { needed: wanted, free: free(tx.as_read(), key.user)? })
}

/// Removes a tmpfile; its content goes if nothing else points to it.
pub(crate) fn remove(tx: &mut dyn MetaTxn, key: &TmpfileKey, tmpfile: &TmpfileRow) -> Result<()> {
    tx.remove_tmpfile(key)?;
    tx.add_maybe_unreferenced(tmpfile.content)?;
    let tmpfiles = -(tmpfile.size.0 as i64);
    Ok(tx.add_usage(key.user, &UsageDelta { tmpfiles, ..UsageDelta::default() })?)
}

/// What blocks may still take up: together with the files they fit in the quota.
fn free(read: &mut dyn MetaRead, user: UserNo) -> Result<ByteSize> {
    let usage = read.get_usage(user)?.ok_or(Error::TokenInvalid)?;
    Ok(usage.quota.saturating_sub(usage.used + usage.tmpfiles))
}

/// The user's blocks that a superfile has used, longest unused first; no more
/// than one closure may remove.
fn merged(read: &mut dyn MetaRead, user: UserNo) -> Result<Vec<(TmpfileKey, TmpfileRow)>> {
    let mut tmpfiles = read.list_idle_tmpfiles(Timestamp(i64::MAX), u64::MAX)?;
    tmpfiles.retain(|(key, tmpfile)| key.user == user && tmpfile.merged);
    tmpfiles.truncate(REMOVED_MAX);
    Ok(tmpfiles)
}
