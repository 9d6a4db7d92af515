//! Moving and copying: the same call in two colours (pcs-rest 4.10, 4.11).

use pan_model::PanPath;
use pan_pcs::{MAX_BATCH_ITEMS, MoveItem, write_batch};
use serde::de::IgnoredAny;

use crate::call::Call;
use crate::{Client, Error, PartlyDone};

/// A source and its target, both in full.
type Pair = (PanPath, PanPath);

impl Client {
    /// Moves or renames a file or a whole directory, at once. `to` is the full
    /// target path; its missing parents are created.
    ///
    /// # Errors
    /// 31061 when the target exists: nothing is ever overwritten. 31066 when
    /// the source is missing, 31023 for a directory into itself.
    pub async fn move_entry(&self, from: &PanPath, to: &PanPath) -> Result<(), Error> {
        self.transplant("move", from, to).await
    }

    /// Moves entries one after the other, up to the first that fails. More
    /// than 999 take several calls.
    ///
    /// # Errors
    /// As [`move_entry`](Self::move_entry), with what was moved before.
    pub async fn move_batch(&self, pairs: &[Pair]) -> Result<Vec<Pair>, PartlyDone<Pair>> {
        self.transplant_batch("move", pairs).await
    }

    /// Copies a file or a whole directory, at once. No bytes are copied, but
    /// they count against the quota.
    ///
    /// # Errors
    /// As [`move_entry`](Self::move_entry); 31112 when the account has no room.
    pub async fn copy_entry(&self, from: &PanPath, to: &PanPath) -> Result<(), Error> {
        self.transplant("copy", from, to).await
    }

    /// Copies entries one after the other, up to the first that fails. More
    /// than 999 take several calls.
    ///
    /// # Errors
    /// As [`copy_entry`](Self::copy_entry), with what was copied before.
    pub async fn copy_batch(&self, pairs: &[Pair]) -> Result<Vec<Pair>, PartlyDone<Pair>> {
        self.transplant_batch("copy", pairs).await
    }

    async fn transplant(
        &self,
        method: &'static str,
        from: &PanPath,
        to: &PanPath,
    ) -> Result<(), Error> {
        let call = Call::post(method).with("from", from.as_str()).with("to", to.as_str());
        self.ask::<IgnoredAny>(&call).await.map(|_| ())
    }

    async fn transplant_batch(
        &self,
        method: &'static str,
        pairs: &[Pair],
    ) -> Result<Vec<Pair>, PartlyDone<Pair>> {
        let mut done = Vec::with_capacity(pairs.len());
        for slice in pairs.chunks(MAX_BATCH_ITEMS) {
            let items = slice.iter().map(|(from, to)| MoveItem::new(from.as_str(), to.as_str()));
            let call = Call::post(method).with_param(write_batch::<MoveItem>(items.collect()));
            match self.ask::<IgnoredAny>(&call).await {
                Ok(_) => done.extend_from_slice(slice),
                Err(error) => {
                    done.extend_from_slice(&slice[..error.done_items().min(slice.len())]);
                    return Err(PartlyDone { done, error });
                }
            }
        }
        Ok(done)
    }
}
