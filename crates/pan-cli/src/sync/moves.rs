//! Renaming: what only has another name on one side gets it on the other one
//! too, and no byte moves. Pure.
//!
//! A move that is found here is never needed and can never lose anything: it
//! changes names, and what was agreed on follows. So it is enough that it is
//! usually right.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use pan_sdk::Md5;

use super::model::{Item, Kind, Local, Pair};
use super::names::{is_below, rebase};

/// The side on which something has to be renamed, because it was on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    Locally,
    Remotely,
}

/// A renaming that has to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) kind: Kind,
}

/// The moves to do on a side, in no order. Directories come before what is in
/// them: as long as there are any, they are all that is found.
pub(crate) fn moves(items: &[Item], side: Where) -> Vec<Move> {
    let places: HashMap<&str, &Item> = items.iter().map(|item| (item.key.as_str(), item)).collect();
    let found = match side {
        Where::Remotely => moved_locally(items, &places),
        Where::Locally => moved_remotely(items),
    };
    feasible(outermost(found), |key| {
        places.get(key).is_some_and(|item| match side {
            Where::Remotely => item.remote.is_some(),
            Where::Locally => item.local.is_some(),
        })
    })
}

/// Files that must be read to see whether they were moved: new ones as large
/// as one that is gone.
pub(crate) fn to_be_read(items: &[Item]) -> Vec<usize> {
    let gone: BTreeSet<u64> =
        items.iter().filter_map(|item| left_locally(item).map(|pair| pair.stat.size)).collect();
    let inodes: BTreeSet<u64> =
        items.iter().filter_map(|item| left_locally(item).map(|pair| pair.stat.inode)).collect();
    let is_suspect = |item: &Item| {
        item.pair.is_none()
            && item.remote.is_none()
            && item.local.as_ref().is_some_and(|local| {
                local.is_file()
                    && local.md5.is_none()
                    && local.stat.size > 0
                    && gone.contains(&local.stat.size)
                    && !inodes.contains(&local.stat.inode)
            })
    };
    let suspects = items.iter().enumerate().filter(|(_, item)| is_suspect(item));
    suspects.map(|(index, _)| index).collect()
}

/// What was agreed on, where it left this place locally and is still there
/// remotely.
fn left_locally(item: &Item) -> Option<Pair> {
    let pair = item.pair?;
    let left = item.local.as_ref().is_none_or(|local| local.stat.inode != pair.stat.inode);
    let is_there = item.remote.as_ref().is_some_and(|remote| {
        remote.kind == pair.remote.kind
            && (remote.is_same_content(&pair.remote) || remote.is_same_entry(&pair.remote))
    });
    (left && is_there).then_some(pair)
}

fn moved_locally(items: &[Item], places: &HashMap<&str, &Item>) -> Vec<Move> {
    let mut by_inode: HashMap<u64, (&str, Pair)> = HashMap::new();
    let mut by_content: HashMap<(u64, Md5), &str> = HashMap::new();
    for item in items {
        let Some(pair) = left_locally(item) else { continue };
        by_inode.insert(pair.stat.inode, (&item.key, pair));
        if let (None, Kind::File, Some(md5)) = (&item.local, pair.stat.kind, pair.md5) {
            by_content.insert((pair.stat.size, md5), &item.key);
        }
    }
    let mut taken = BTreeSet::new();
    let mut found = Vec::new();
    for item in items {
        let Some(local) = &item.local else { continue };
        if item.pair.is_some_and(|pair| pair.stat.inode == local.stat.inode) {
            continue;
        }
        let by_inode = by_inode.get(&local.stat.inode).filter(|(from, pair)| {
            pair.stat.is_same_entry(&local.stat)
                && (local.is_file() || has_child_of(item, from, items, places))
        });
        let by_content = || {
            let md5 = local.md5.filter(|_| item.pair.is_none() && local.stat.size > 0)?;
            by_content.get(&(local.stat.size, md5)).copied()
        };
        let from = by_inode.map(|(from, _)| *from).or_else(by_content);
        if let Some(from) = from.filter(|from| *from != item.key)
            && taken.insert(from)
        {
            found.push(one(from, &item.key, local));
        }
    }
    found
}

fn one(from: &str, to: &str, local: &Local) -> Move {
    Move { from: from.to_owned(), to: to.to_owned(), kind: local.stat.kind }
}

/// Whether something in a directory was in the one that it is taken for. File
/// systems give the numbers of deleted directories to new ones at once.
fn has_child_of(
    directory: &Item,
    from: &str,
    items: &[Item],
    places: &HashMap<&str, &Item>,
) -> bool {
    let begin = format!("{}/", directory.key);
    let first = items.partition_point(|item| item.key < begin);
    let below = items[first..].iter().take_while(|item| item.key.starts_with(&begin));
    let was_there = |item: &Item, local: &Local| {
        let before = places.get(rebase(&item.key, &directory.key, from).as_str());
        let pair = before.and_then(|before| before.pair);
        pair.is_some_and(|pair| pair.stat.is_same_entry(&local.stat))
    };
    below
        .filter_map(|item| Some((item, item.local.as_ref()?)))
        .any(|(item, local)| was_there(item, local))
}

fn moved_remotely(items: &[Item]) -> Vec<Move> {
    let mut by_id: HashMap<u64, (&str, Pair)> = HashMap::new();
    for item in items {
        let Some(pair) = item.pair else { continue };
        let left = item.remote.as_ref().is_none_or(|remote| remote.fs_id != pair.remote.fs_id);
        let is_there = item.local.as_ref().is_some_and(|local| local.stat.kind == pair.stat.kind);
        if left && is_there && pair.remote.fs_id != 0 {
            by_id.insert(pair.remote.fs_id, (&item.key, pair));
        }
    }
    let found = items.iter().filter_map(|item| {
        let remote = item.remote.as_ref()?;
        let (from, _) = by_id
            .get(&remote.fs_id)
            .filter(|(from, pair)| pair.remote.is_same_entry(remote) && *from != item.key)?;
        Some(Move { from: (*from).to_owned(), to: item.key.clone(), kind: remote.kind })
    });
    found.collect()
}

/// Those of directories that are not in one another; without any, all.
fn outermost(mut found: Vec<Move>) -> Vec<Move> {
    if found.iter().all(|one| one.kind == Kind::File) {
        return found;
    }
    found.retain(|one| one.kind == Kind::Dir);
    let all = found.clone();
    let touches =
        |path: &str, other: &Move| is_below(path, &other.from) || is_below(path, &other.to);
    found.retain(|one| {
        !all.iter().any(|other| touches(&one.from, other) || touches(&one.to, other))
    });
    found
}

/// Those whose target is free, or will be.
fn feasible(mut found: Vec<Move>, is_taken: impl Fn(&str) -> bool) -> Vec<Move> {
    loop {
        let leaving: BTreeSet<String> = found.iter().map(|one| one.from.clone()).collect();
        let before = found.len();
        found.retain(|one| !is_taken(&one.to) || leaving.contains(&one.to));
        if found.len() == before {
            return found;
        }
    }
}

/// Renamings one after the other, so that each target is free in its turn.
/// What goes round in a circle takes a step aside first.
pub(crate) fn in_turn(moves: Vec<Move>, aside: impl Fn(&str) -> String) -> Vec<(String, String)> {
    let mut waiting: BTreeMap<String, String> =
        moves.into_iter().map(|one| (one.from, one.to)).collect();
    let mut steps = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let free = waiting.iter().find(|(_, to)| !waiting.contains_key(*to));
        match free.map(|(from, to)| (from.clone(), to.clone())) {
            Some((from, to)) => {
                waiting.remove(&from);
                steps.push((from, to));
            }
            None => {
                let Some((from, to)) = waiting.pop_first() else { break };
                let between = aside(&to);
                steps.push((from, between.clone()));
                waiting.insert(between, to);
            }
        }
    }
    steps
}
