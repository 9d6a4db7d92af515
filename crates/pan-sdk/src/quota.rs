use pan_model::ByteSize;
use pan_pcs::{Object, QuotaBody};

use crate::call::Call;
use crate::{Client, Error};

/// How much room an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quota {
    /// Bytes that may be used in all.
    pub total: ByteSize,
    /// Bytes in use; the recycle bin is not counted.
    pub used: ByteSize,
}

impl Quota {
    /// Bytes that are left.
    pub fn free(&self) -> ByteSize {
        self.total.saturating_sub(self.used)
    }
}

impl Client {
    /// How much room the account has (pcs-rest 4.1).
    ///
    /// # Errors
    /// Those of any call.
    pub async fn quota(&self) -> Result<Quota, Error> {
        let body: QuotaBody = self.ask(&Call::get(Object::Quota, "info")).await?;
        Ok(Quota { total: ByteSize(body.quota), used: ByteSize(body.used) })
    }
}
