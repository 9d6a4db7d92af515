//! Uploading a block that waits for createsuperfile (pcs-rest 4.3).

use bytes::Bytes;
use futures_util::Stream;
use pan_engine::meta::{TmpfileKey, TmpfileRow, UsageDelta};
use pan_engine::{MetaStoreExt, MetaTxn, ReadCost};
use pan_model::{ByteSize, Caller, Md5, Timestamp};

use crate::content::Fate;
use crate::ledger::check_quota;
use crate::receive::{Allowance, Received};
use crate::{BodyError, Error, MAX_UPLOAD, Pan, Result, content, receive};

impl Pan {
    /// Takes in the bytes of a block. It is charged to nobody until it is
    /// merged, but the blocks of an account may not be more than it has free.
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
        let user = caller.user;
        let look = move |read: &mut dyn pan_engine::MetaRead| {
            let usage = read.get_usage(user)?.ok_or(Error::TokenInvalid)?;
            Ok::<_, Error>(usage.quota.saturating_sub(usage.used + usage.tmpfiles))
        };
        let free = self.meta().read(ReadCost::Bounded, look).await?;
        let allowance = Allowance { limit: MAX_UPLOAD, free };
        allowance.check(declared.unwrap_or(ByteSize::ZERO))?;
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
    let freed = old.as_ref().map_or(ByteSize::ZERO, charged);
    let mut usage = tx.get_usage(key.user)?.ok_or(Error::TokenInvalid)?;
    usage.used += usage.tmpfiles;
    check_quota(&usage, size, freed)?;
    if let Some(old) = &old
        && old.content != kept.facts.content
    {
        tx.add_maybe_unreferenced(old.content)?;
    }
    let row = TmpfileRow { content: kept.facts.content, size, used_at: now, merged: false };
    tx.put_tmpfile(key, &row)?;
    let tmpfiles = size.0 as i64 - freed.0 as i64;
    tx.add_usage(key.user, &UsageDelta { tmpfiles, ..UsageDelta::default() })?;
    Ok(((), kept.blobs))
}

/// What a tmpfile counts for: nothing once a superfile has used it.
pub(crate) fn charged(tmpfile: &TmpfileRow) -> ByteSize {
    if tmpfile.merged { ByteSize::ZERO } else { tmpfile.size }
}
