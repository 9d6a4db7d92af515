//! How much a user has and uses (pcs-rest 4.1).

use pan_engine::{MetaStoreExt, ReadCost};
use pan_model::{ByteSize, Caller};

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
