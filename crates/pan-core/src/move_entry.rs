//! Moving and renaming (pcs-rest 4.10): constant, whatever lies below.

use pan_engine::{MetaStoreExt, MetaTxn, Scope};
use pan_model::{Caller, PanPath};

use crate::ledger::{self, Node};
use crate::tree::{Found, Target, authorize_below, look_up, target};
use crate::{Error, Pan, Result};

impl Pan {
    /// Moves a file, or a directory with everything below it, to a new full
    /// path. It keeps its `fs_id` and times; missing parents are created. A
    /// rename that changes only the spelling of a name is a rename.
    ///
    /// # Errors
    /// In this order: [`Error::OutsideRoot`] for either path or for a root,
    /// [`Error::NotFound`], [`Error::AlreadyExists`], [`Error::IntoItself`];
    /// [`Error::NameInvalid`], [`Error::ParentIsFile`] for the target.
    pub async fn move_entry(&self, caller: &Caller, from: &PanPath, to: &PanPath) -> Result<()> {
        authorize_below(caller, from)?;
        authorize_below(caller, to)?;
        let scope = Scope::User(caller.user);
        let (caller, from, to, now) = (caller.clone(), from.clone(), to.clone(), self.now());
        let job = move |tx: &mut dyn MetaTxn| {
            let source = look_up(tx.as_read(), &caller, &from)?;
            let place = target(tx.as_read(), &caller, &to)?;
            check_target(&caller, &source, &place, &to)?;
            let parent = place.make_parents(tx, now)?;
            let old = Node::found(tx, &source)?;
            let new = old.moved_to(&parent, &place.name);
            ledger::apply(tx, now, Some(old), Some(new))?;
            Ok::<_, Error>(())
        };
        self.meta().write(scope, job).await
    }
}

fn check_target(caller: &Caller, source: &Found, place: &Target, to: &PanPath) -> Result<()> {
    match &place.existing {
        Some(existing) if existing.fs_id == source.entry.fs_id && existing.name != place.name => {
            // The same node by another spelling: the new name is created.
            let rules = caller.rules.check_name(&place.name);
            rules.map_err(|reason| Error::NameInvalid { path: to.clone(), reason })
        }
        Some(_) => Err(Error::AlreadyExists { path: place.path() }),
        None => check_not_into_itself(source, place, to),
    }
}

/// A directory must not become its own descendant.
pub(crate) fn check_not_into_itself(source: &Found, place: &Target, to: &PanPath) -> Result<()> {
    let directory = source.entry.fs_id;
    if place.parent.entry.fs_id == directory || place.parent.above.contains(&directory) {
        return Err(Error::IntoItself { from: source.path.clone(), to: to.clone() });
    }
    Ok(())
}
