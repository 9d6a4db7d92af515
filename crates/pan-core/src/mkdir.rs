//! Making a directory (pcs-rest 4.6).

use pan_engine::{MetaStoreExt, MetaTxn, Scope};
use pan_model::{Caller, PanPath};

use crate::ledger::{self, Node};
use crate::tree::{Located, authorize, target};
use crate::{Error, Pan, Result};

impl Pan {
    /// Makes a directory and the missing ones above it.
    ///
    /// # Errors
    /// [`Error::OutsideRoot`], [`Error::NameInvalid`], [`Error::ParentIsFile`],
    /// [`Error::AlreadyExists`] for a file as for a directory.
    pub async fn mkdir(&self, caller: &Caller, path: &PanPath) -> Result<Located> {
        authorize(caller, path)?;
        if path.is_root() {
            return Err(Error::AlreadyExists { path: path.clone() });
        }
        let scope = Scope::User(caller.user);
        let (mut caller, path, now) = (caller.clone(), path.clone(), self.now());
        // The caller's own root may have been deleted from above.
        if path.depth() == caller.root.depth() {
            caller.root = PanPath::root();
        }
        let make = move |tx: &mut dyn MetaTxn| {
            let place = target(tx.as_read(), &caller, &path)?;
            if place.existing.is_some() {
                return Err(Error::AlreadyExists { path: place.path() });
            }
            let parent = place.make_parents(tx, now)?;
            let node = Node::new_directory(tx, &parent, &place.name, now)?;
            let entry = ledger::apply(tx, now, None, Some(node))?;
            Ok(Located { path: place.path(), entry })
        };
        self.meta().write(scope, make).await
    }
}
