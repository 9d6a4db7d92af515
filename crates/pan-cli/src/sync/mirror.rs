//! The rule of `up` and `down`: one side is made like the other. Pure.

use super::model::{Item, Kind, Side};
use super::plan::{Action, Step, in_order};

/// How one side is made like the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mirror {
    /// Whether the local side is the model.
    pub(crate) up: bool,
    /// Whether what the model does not have is deleted.
    pub(crate) delete: bool,
    /// Whether files stay that are newer than those of the model.
    pub(crate) update: bool,
}

impl Mirror {
    /// What has to be done.
    pub(crate) fn plan(self, items: Vec<Item>) -> Vec<Step> {
        let decide = |item: Item| Some((self.decide(&item)?, item));
        let decided = items.into_iter().filter_map(decide);
        in_order(decided.map(|(action, item)| (item, action)).collect())
    }

    fn decide(self, item: &Item) -> Option<Action> {
        let local = item.local.as_ref().map(|local| local.stat.kind);
        let remote = item.remote.as_ref().map(|remote| remote.kind);
        let (model, copy) = if self.up { (local, remote) } else { (remote, local) };
        match (model, copy) {
            (None, None) => item.pair.map(|_| Action::Forget),
            (None, Some(_)) => self.delete.then(|| self.delete_copy()),
            (Some(model), None) => Some(self.make(model)),
            (Some(model), Some(copy)) if model != copy => {
                Some(if self.delete { self.delete_copy() } else { Action::InTheWay })
            }
            (Some(_), Some(_)) if is_equal(item) => {
                (item.agreed() != item.pair).then_some(Action::Agree)
            }
            (Some(_), Some(_)) if self.update && self.is_copy_newer(item) => None,
            (Some(model), Some(_)) => Some(self.make(model)),
        }
    }

    fn make(self, kind: Kind) -> Action {
        match (self.up, kind) {
            (true, Kind::File) => Action::Upload,
            (true, Kind::Dir) => Action::MakeRemoteDir,
            (false, Kind::File) => Action::Download,
            (false, Kind::Dir) => Action::MakeLocalDir,
        }
    }

    fn delete_copy(self) -> Action {
        if self.up { Action::DeleteRemote } else { Action::DeleteLocal }
    }

    fn is_copy_newer(self, item: &Item) -> bool {
        let (Some(local), Some(remote)) = (&item.local, &item.remote) else { return false };
        let local = local.stat.mtime.div_euclid(1_000_000_000);
        if self.up { remote.mtime > local } else { local > remote.mtime }
    }
}

fn is_equal(item: &Item) -> bool {
    let (Some(local), Some(remote)) = (&item.local, &item.remote) else { return false };
    local.stat.kind == Kind::Dir
        || local.has_content_of(remote)
        || (item.local_side(), item.remote_side()) == (Side::Same, Side::Same)
}
