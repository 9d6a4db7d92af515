//! How much a user has, uses and may still store (pcs-rest 4.1).

use pan_engine::meta::Usage;
use pan_engine::{MetaStoreExt, ReadCost};
use pan_model::{ByteSize, Caller};

use crate::ledger::check_quota;
use crate::{Error, Pan, Result};

/// A user's quota. The recycle bin is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaInfo {
    /// The most bytes that live files may have together.
    pub quota: ByteSize,
    /// Bytes of all live files, exact at any moment.
    pub used: ByteSize,
}

impl Pan {
    /// How much the caller has and uses.
    ///
    /// # Errors
    /// Only those of the engine.
    pub async fn quota(&self, caller: &Caller) -> Result<QuotaInfo> {
        let user = caller.user;
        let look = move |read: &mut dyn pan_engine::MetaRead| {
            let usage = read.get_usage(user)?.ok_or(Error::TokenInvalid)?;
            Ok(QuotaInfo { quota: usage.quota, used: usage.used })
        };
        self.meta().read(ReadCost::Bounded, look).await
    }
}

/// What limits the bytes that a user adds: the quota and, since it does not
/// count what was deleted, a limit for files and recycle bin together.
///
/// The bin is never made smaller for it: what is in there can be restored for
/// as long as was promised.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    recycle_ratio: f64,
}

impl Limits {
    pub(crate) fn of(pan: &Pan) -> Self {
        Self { recycle_ratio: pan.settings().recycle_limit_ratio }
    }

    /// Whether `added` bytes fit in when `removed` bytes go.
    pub(crate) fn check(self, usage: &Usage, added: ByteSize, removed: ByteSize) -> Result<()> {
        check_quota(usage, added, removed)?;
        let needed = added.saturating_sub(removed);
        if needed > self.room_beside_bin(usage) {
            return Err(Error::RecycleFull { needed, recycled: usage.recycled });
        }
        Ok(())
    }

    /// The bytes that fit in.
    pub(crate) fn free(self, usage: &Usage) -> ByteSize {
        usage.quota.saturating_sub(usage.used).min(self.room_beside_bin(usage))
    }

    fn room_beside_bin(self, usage: &Usage) -> ByteSize {
        if usage.quota == ByteSize::UNLIMITED {
            return ByteSize::UNLIMITED;
        }
        // A ratio is no exact number; what is beyond all numbers is the largest.
        let limit = ByteSize((usage.quota.0 as f64 * self.recycle_ratio) as u64);
        limit.saturating_sub(usage.used).saturating_sub(usage.recycled)
    }
}
