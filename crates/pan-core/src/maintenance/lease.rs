//! The lease of a backup: while one is held, no stored blob that a row ever
//! named is deleted or moved.

use std::sync::Arc;

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// Backups share it; whoever removes blobs has it alone.
#[derive(Default)]
pub(crate) struct Leases(Arc<RwLock<()>>);

/// No blob goes as long as it lives.
pub(crate) struct Lease(#[expect(dead_code, reason = "held, not read")] OwnedRwLockReadGuard<()>);

/// Nobody holds a lease as long as it lives.
pub(crate) struct Removal(
    #[expect(dead_code, reason = "held, not read")] OwnedRwLockWriteGuard<()>,
);

impl Leases {
    /// Waits for what is being removed right now.
    pub(crate) async fn hold(&self) -> Lease {
        Lease(self.0.clone().read_owned().await)
    }

    /// `None` while somebody holds a lease: come back later.
    pub(crate) fn try_remove(&self) -> Option<Removal> {
        self.0.clone().try_write_owned().ok().map(Removal)
    }

    /// Waits until nobody holds a lease.
    pub(crate) async fn remove(&self) -> Removal {
        Removal(self.0.clone().write_owned().await)
    }
}

#[cfg(test)]
mod tests {
    use super::Leases;

    #[tokio::test]
    async fn nothing_is_removed_under_a_lease() {
        let leases = Leases::default();
        let (one, two) = (leases.hold().await, leases.hold().await);
        assert!(leases.try_remove().is_none());
        drop(one);
        assert!(leases.try_remove().is_none());
        drop(two);
        let removal = leases.try_remove();
        assert!(removal.is_some() && leases.try_remove().is_none());
        drop(removal);
        drop(leases.remove().await);
    }
}
