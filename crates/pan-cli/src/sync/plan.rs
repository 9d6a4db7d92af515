//! The rule: what is to be done, from what was agreed on and what lies on
//! both sides. Pure: it looks at nothing and does nothing.
//!
//! Nothing here decides about what could not be seen: the caller leaves that
//! out. `mirror` has the rule of `up` and `down`, `moves` that of renaming.

use std::collections::BTreeSet;

use super::model::{Item, Kind, Side};
use super::names::{is_below, parents};

/// What is to be done at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    /// Send the local file; it replaces the remote one that is there.
    Upload,
    /// Fetch the remote file; it replaces the local one that is there.
    Download,
    MakeRemoteDir,
    MakeLocalDir,
    /// Delete what is there in the storage.
    DeleteRemote,
    /// Delete what is there locally.
    DeleteLocal,
    /// Both have the same: remember that.
    Agree,
    /// Both have nothing: forget what was agreed on.
    Forget,
    /// Both were changed: the local file gets the name of a conflict copy.
    SetLocalAside,
    /// The same, where the remote file is the one that must yield.
    SetRemoteAside,
    /// A file is where a directory should be, or the other way round.
    InTheWay,
}

/// Something to do.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) item: Item,
    pub(crate) action: Action,
    /// Whether something else waits for it: the tree is looked at again
    /// before the rest is done.
    pub(crate) is_first: bool,
}

impl Action {
    pub(crate) fn is_delete(self) -> bool {
        matches!(self, Self::DeleteLocal | Self::DeleteRemote)
    }
}

/// What both sides need to become the same without losing anything.
pub(crate) fn plan(items: Vec<Item>) -> Vec<Step> {
    let local_news = Above::of(&items, |item| matches!(item.local_side(), Side::News(_)));
    let remote_news = Above::of(&items, |item| matches!(item.remote_side(), Side::News(_)));
    let decided: Vec<_> = items
        .into_iter()
        .filter_map(|item| {
            let (local, remote) = (item.local_side(), item.remote_side());
            let action =
                decide(&item, (local, local_news.has(&item)), (remote, remote_news.has(&item)))?;
            Some((item, action))
        })
        .collect();
    in_order(decided)
}

/// The directories that have something below them.
struct Above(BTreeSet<String>);

impl Above {
    fn of(items: &[Item], has_news: impl Fn(&Item) -> bool) -> Self {
        let news = items.iter().filter(|item| has_news(item));
        Self(news.flat_map(|item| parents(&item.key)).map(str::to_owned).collect())
    }

    fn has(&self, item: &Item) -> bool {
        self.0.contains(&item.key)
    }
}

/// The rule for one place. Beside each side stands whether there is news
/// below it: then a directory cannot go.
fn decide(item: &Item, local: (Side, bool), remote: (Side, bool)) -> Option<Action> {
    use Action as Do;
    use Kind::{Dir, File};
    use Side::{Absent, Gone, News, Same};
    let was_dir = item.pair.as_ref().is_some_and(|pair| pair.stat.kind == Dir);
    let ((local, news_below_local), (remote, news_below_remote)) = (local, remote);
    let action = match (local, remote) {
        (Absent, Absent) => return None,
        (Same, Same) if item.agreed() == item.pair => return None,
        (Same, Same) => Do::Agree,
        (Absent | Gone, Absent | Gone) => Do::Forget,

        // Only one side has changed.
        (News(File), Same) if was_dir && news_below_remote => Do::SetLocalAside,
        (News(File), Same) if was_dir => Do::DeleteRemote,
        (News(File), Absent | Gone | Same) => Do::Upload,
        (News(Dir), Same) => Do::DeleteRemote,
        (News(Dir), Absent | Gone) => Do::MakeRemoteDir,
        (Same, News(File)) if was_dir && news_below_local => Do::SetRemoteAside,
        (Same, News(File)) if was_dir => Do::DeleteLocal,
        (Same | Absent | Gone, News(File)) => Do::Download,
        (Same, News(Dir)) => Do::DeleteLocal,
        (Absent | Gone, News(Dir)) => Do::MakeLocalDir,
        (Same, _) if was_dir && news_below_local => Do::MakeRemoteDir,
        (Same, _) => Do::DeleteLocal,
        (_, Same) if was_dir && news_below_remote => Do::MakeLocalDir,
        (_, Same) => Do::DeleteRemote,

        // Both have.
        (News(Dir), News(Dir)) => Do::Agree,
        (News(File), News(File)) if is_equal(item) => Do::Agree,
        (News(File), News(_)) => Do::SetLocalAside,
        (News(Dir), News(File)) => Do::SetRemoteAside,
    };
    Some(action)
}

fn is_equal(item: &Item) -> bool {
    match (&item.local, &item.remote) {
        (Some(local), Some(remote)) => local.has_content_of(remote),
        _ => false,
    }
}

/// Marks what must be done before the rest: conflict copies, and whatever
/// lies where something of another kind is to be.
pub(crate) fn in_order(decided: Vec<(Item, Action)>) -> Vec<Step> {
    let in_the_way: BTreeSet<(String, Action)> = decided
        .iter()
        .filter(|(item, action)| is_in_the_way(item, *action))
        .map(|(item, action)| (item.key.clone(), *action))
        .collect();
    let is_first = |item: &Item, action: Action| match action {
        Action::SetLocalAside | Action::SetRemoteAside => true,
        _ if action.is_delete() => in_the_way.iter().any(|(key, reason)| {
            *reason == action && (item.key == *key || is_below(&item.key, key))
        }),
        _ => false,
    };
    let step = |(item, action)| Step { is_first: is_first(&item, action), item, action };
    decided.into_iter().map(step).collect()
}

/// Whether a deletion makes room for what the other side has.
fn is_in_the_way(item: &Item, action: Action) -> bool {
    match action {
        Action::DeleteLocal => item.remote.is_some(),
        Action::DeleteRemote => item.local.is_some(),
        _ => false,
    }
}
