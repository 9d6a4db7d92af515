//! A pass: look, decide, act. Passes follow one another until nothing is left
//! to do.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::Sync;
use super::join::join;
use super::model::{Item, Kind, Local, Side, Stat};
use super::moves::{Where, moves, to_be_read};
use super::names::{is_below, join as path, parents};
use super::plan::{Action, Step, plan};
use super::scan::{Scan, Tree};
use super::tell::Did;
use super::{feed, hash};
use crate::bars::Bars;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::read_or_not;

/// What never comes to rest is left for the next run.
const PASSES: usize = 12;
/// After so many passes renaming is given up: content does as well.
const PASSES_WITH_MOVES: usize = 8;
/// So many passes may be made because something failed.
const RETRIES_MAX: u16 = 6;
/// Nobody deletes that many entries, and no other, and makes new ones instead:
/// that is another disk in their place.
const KNOWN_WELL: usize = 16;
/// How many files are read at once.
const READS_AT_ONCE: usize = 2;

/// What a pass saw.
pub(crate) struct View {
    pub(crate) tree: Tree,
    pub(crate) items: Vec<Item>,
    /// When the tree was looked at, in nanoseconds since 1970.
    pub(crate) at: i64,
    /// Whether something changed while it was looked at.
    pub(crate) is_stale: bool,
}

impl Sync<'_> {
    /// Makes passes until one finds nothing more to do.
    pub(crate) async fn until_quiet(&self) -> Result<(), Failure> {
        let bars = Bars::new(&self.screen.stderr);
        self.bars.replace(bars);
        let done = self.passes().await;
        // A watch that waits has nothing to show.
        self.bars.borrow().clear();
        done
    }

    async fn passes(&self) -> Result<(), Failure> {
        let before = self.teller.done();
        self.retried.set(0);
        self.deleted.set(0);
        // In a watch they may have changed.
        self.filter.forget_files();
        for number in 0..PASSES {
            let again = self.pass(number < PASSES_WITH_MOVES).await?;
            if self.is_retry_due.take() {
                sleep(Duration::from_secs(1 << self.retried.get().min(5))).await;
                self.retried.set(self.retried.get() + 1);
            } else if !again {
                if self.teller.done() > before {
                    // The feed repeats what this run did: so the next one need not hear it.
                    feed::read(&self.client, &self.root, &self.base).await?;
                }
                return Ok(());
            }
        }
        let message = "something keeps changing: the rest is left for the next run";
        Err(Failure::new(Exit::Temporary, message))
    }

    /// One pass. Says whether another one is needed.
    async fn pass(&self, with_moves: bool) -> Result<bool, Failure> {
        let mut view = self.look().await?;
        self.check_roots(&view)?;
        if self.set_twins_aside(&view)? {
            return Ok(true);
        }
        self.read_doubtful(&mut view, with_moves).await?;
        let View { tree, items, at, is_stale } = view;
        let mut view = View { tree, items: Vec::new(), at, is_stale };
        let (items, moved) = match with_moves {
            true => self.rename_what_moved(&view, items).await?,
            false => (items, false),
        };
        if moved {
            return Ok(true);
        }
        let mut steps = match self.mirror() {
            Some(mirror) => mirror.plan(items),
            None => plan(items),
        };
        self.check_deletes(&steps)?;
        if self.args.dry_run {
            self.tell_plan(&steps)?;
            return Ok(false);
        }
        let is_first = steps.iter().any(|step| step.is_first);
        if is_first {
            steps.retain(|step| step.is_first);
        }
        view.is_stale |= is_first;
        let again = self.act(&view, steps).await?;
        read_or_not(self.screen.flush())?;
        Ok(again || view.is_stale)
    }

    /// Looks at both sides at once.
    async fn look(&self) -> Result<View, Failure> {
        let (root, filter, follow) =
            (self.local.clone(), std::sync::Arc::clone(&self.filter), self.args.follow);
        let state = self.state.clone();
        let at = hash::now();
        let scan = spawn_blocking(move || {
            Scan { root: &root, filter: &filter, follow, state: &state }.run()
        });
        feed::read(&self.client, &self.root, &self.base)
            .await
            .map_err(|failure| failure.about(&self.args.remote))?;
        let loaded = self.base.borrow().load()?;
        let cannot = |error: &dyn std::fmt::Display| {
            Failure::other(format!("{}: cannot be read: {error}", self.local.display()))
        };
        let scanned = scan.await.map_err(|error| cannot(&error))?;
        let mut tree = scanned.map_err(|error| cannot(&error))?;
        let entries = std::mem::take(&mut tree.entries);
        let checksum = self.args.checksum;
        let keeps = |item: &Item| checksum && item.local.as_ref().is_some_and(Local::is_file);
        let (mut items, unchanged) = join(entries, loaded, keeps);
        self.teller.unchanged.set(unchanged);
        let hidden = self.hidden(&tree);
        items.retain(|item| !hidden.has(item, self));
        for problem in self.filter.take_problems() {
            self.tally.borrow_mut().failed(problem);
        }
        Ok(View { tree, items, at, is_stale: false })
    }

    /// What nothing may be decided about.
    fn hidden(&self, tree: &Tree) -> Hidden {
        let mut places = self.failed.borrow().clone();
        for blind in &tree.blind {
            places.extend(blind.key.clone());
            if !self.noted.borrow_mut().insert(blind.why.clone()) {
                continue;
            }
            match blind.is_failure {
                true => self.tally.borrow_mut().failed(Failure::other(&blind.why)),
                false => self.screen.stderr.note(&blind.why),
            }
        }
        Hidden { places }
    }

    /// A side that is empty and was not may be one that is not there.
    fn check_roots(&self, view: &View) -> Result<(), Failure> {
        if self.args.force {
            return Ok(());
        }
        let unchanged = self.teller.unchanged.get() > 0;
        let is_model_empty = |is_there: fn(&Item) -> bool| !view.items.iter().any(is_there);
        let (local, remote) = match self.mirror() {
            _ if unchanged || view.items.is_empty() => (false, false),
            None => (is_lost_locally(&view.items), is_lost_remotely(&view.items)),
            Some(mirror) if !mirror.delete => (false, false),
            Some(mirror) if mirror.up => {
                let is_empty = is_model_empty(|item| item.local.is_some());
                (is_empty || is_lost_locally(&view.items), false)
            }
            Some(_) => {
                let is_empty = is_model_empty(|item| item.remote.is_some());
                (false, is_empty || is_lost_remotely(&view.items))
            }
        };
        if local && remote {
            // Both were emptied: there is nothing that could be deleted.
            return Ok(());
        }
        let (what, hint) = match (local, remote) {
            (true, _) => (self.local.display().to_string(), "is its disk mounted?"),
            (_, true) => (self.args.remote.to_string(), "was it moved, or emptied by mistake?"),
            _ => return Ok(()),
        };
        let message = format!(
            "{what} has nothing of what was there, and the other side has: nothing was deleted"
        );
        Err(Failure::new(Exit::Fatal, message)
            .hint(format!("{hint} `--force` deletes everything on the other side too")))
    }

    /// Gives names of their own to entries that the storage would take for
    /// one. Says whether there were any.
    fn set_twins_aside(&self, view: &View) -> Result<bool, Failure> {
        let mut renamed = false;
        for twin in &view.tree.twins {
            let directory = view.tree.path_of(&self.local, &twin.directory);
            let from = directory.join(&twin.name);
            let shown = path(&twin.directory, &twin.name);
            if self.mirror().is_some() || self.args.dry_run {
                let why = format!("{shown}: another name here differs only in its Unicode form");
                if self.noted.borrow_mut().insert(why.clone()) {
                    let hint = "the storage takes both for one: rename one of them";
                    self.tally.borrow_mut().failed(Failure::other(why).hint(hint));
                }
                continue;
            }
            let to = self.conflict_name(&shown, &directory);
            let target = directory.join(super::names::split(&to).1);
            std::fs::rename(&from, &target).map_err(|error| {
                Failure::other(format!("{}: cannot be renamed: {error}", from.display()))
            })?;
            self.teller.did(Did::Conflict, &shown, Some(&to))?;
            renamed = true;
        }
        Ok(renamed)
    }

    /// Reads the files of which only their content can tell what they are.
    async fn read_doubtful(&self, view: &mut View, with_moves: bool) -> Result<(), Failure> {
        let checksum = self.args.checksum;
        let is_read = |item: &Item| {
            let is_file = item.local.as_ref().is_some_and(Local::is_file);
            item.needs_reading()
                || (checksum && is_file && (item.pair.is_some() || item.remote.is_some()))
        };
        let doubtful = view.items.iter().enumerate().filter(|(_, item)| is_read(item));
        let mut wanted: BTreeSet<usize> = doubtful.map(|(index, _)| index).collect();
        if with_moves && self.mirror().is_none_or(|mirror| mirror.up && mirror.delete) {
            wanted.extend(to_be_read(&view.items));
        }
        let mut read = stream::iter(wanted)
            .filter_map(|index| {
                let item = &view.items[index];
                let path = view.tree.path_of(&self.local, &item.key);
                let stat = item.local.as_ref().map(|local| local.stat);
                async move { Some((index, path.clone(), hash::md5_of(path, stat?))) }
            })
            .map(|(index, path, reading)| async move { (index, path, reading.await) })
            .buffer_unordered(READS_AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        // From behind, so that places keep their numbers while some go.
        read.sort_by_key(|(index, ..)| std::cmp::Reverse(*index));
        for (index, path, md5) in read {
            self.teller.read.set(self.teller.read.get() + 1);
            match md5 {
                Ok(Some(md5)) => {
                    if let Some(local) = &mut view.items[index].local {
                        local.md5 = Some(md5);
                    }
                }
                Ok(None) => {
                    view.items.remove(index);
                    view.is_stale = true;
                }
                Err(error) => {
                    let item = view.items.remove(index);
                    let message = format!("{}: cannot be read: {error}", path.display());
                    self.fail(&item.key, Failure::other(message))?;
                }
            }
        }
        Ok(())
    }

    /// Carries renamings over. Says whether there were any.
    async fn rename_what_moved(
        &self,
        view: &View,
        items: Vec<Item>,
    ) -> Result<(Vec<Item>, bool), Failure> {
        let sides: &[Where] = match self.mirror() {
            None => &[Where::Remotely, Where::Locally],
            Some(mirror) if !mirror.delete => &[],
            Some(mirror) if mirror.up => &[Where::Remotely],
            Some(_) => &[Where::Locally],
        };
        for side in sides {
            let found = moves(&items, *side);
            if found.is_empty() {
                continue;
            }
            if self.args.dry_run {
                let did = if *side == Where::Remotely { Did::MoveRemote } else { Did::MoveLocal };
                for one in &found {
                    self.teller.did(did, &one.from, Some(&one.to))?;
                }
                let touched = |key: &str, place: &str| key == place || is_below(key, place);
                let rest = items.into_iter().filter(|item| {
                    !found
                        .iter()
                        .any(|one| touched(&item.key, &one.from) || touched(&item.key, &one.to))
                });
                return Ok((rest.collect(), false));
            }
            if self.rename_all(view, found, *side).await? {
                return Ok((items, true));
            }
        }
        Ok((items, false))
    }

    /// Whether what is to be deleted is within the limit.
    fn check_deletes(&self, steps: &[Step]) -> Result<(), Failure> {
        let Some(limit) = self.args.max_delete else { return Ok(()) };
        let wanted = steps.iter().filter(|step| step.action.is_delete()).count() as u64;
        let wanted = wanted + self.deleted.get();
        if wanted <= limit {
            return Ok(());
        }
        let message = format!(
            "{wanted} deletions, and no more than {limit} are allowed: nothing was deleted"
        );
        Err(Failure::new(Exit::Fatal, message)
            .hint("`--dry-run` shows them; `--max-delete` allows more"))
    }

    /// Says what a run would do.
    fn tell_plan(&self, steps: &[Step]) -> Result<(), Failure> {
        for Step { item, action, .. } in steps {
            let did = match action {
                Action::Upload => Did::Upload,
                Action::Download => Did::Download,
                Action::MakeRemoteDir => Did::MkdirRemote,
                Action::MakeLocalDir => Did::MkdirLocal,
                Action::DeleteRemote => Did::DeleteRemote,
                Action::DeleteLocal => Did::DeleteLocal,
                Action::SetLocalAside | Action::SetRemoteAside => Did::Conflict,
                Action::InTheWay => {
                    self.in_the_way(item)?;
                    continue;
                }
                Action::Agree | Action::Forget => continue,
            };
            self.teller.did(did, &item.key, None)?;
        }
        Ok(())
    }

    /// Tells of a failure, and leaves the place alone from now on; or tries
    /// again, if that may help. It does no harm: both sides are looked at first.
    pub(crate) fn fail(&self, key: &str, failure: Failure) -> Result<(), Failure> {
        if failure.is_fatal() {
            return Err(failure);
        }
        if failure.exit == Exit::Temporary
            && self.retried.get() < self.args.retries.min(RETRIES_MAX)
        {
            self.is_retry_due.set(true);
            self.screen.stderr.say(&failure.message);
            return Ok(());
        }
        self.tally.borrow_mut().failed(failure);
        self.failed.borrow_mut().insert(key.to_owned());
        Ok(())
    }
}

/// Whether nothing is left of the local side, and nothing of it has another name.
fn is_lost_locally(items: &[Item]) -> bool {
    let pairs = items.iter().filter_map(|item| item.pair);
    let known: HashMap<u64, Stat> = pairs.map(|pair| (pair.stat.inode, pair.stat)).collect();
    is_lost(items, Item::local_side, |item| {
        // Another disk has directories with the same numbers.
        let local = item.local.as_ref().filter(|local| local.is_file());
        local.is_some_and(|local| {
            let before = known.get(&local.stat.inode);
            before.is_some_and(|before| before.is_same_entry(&local.stat))
        })
    })
}

/// The same of the remote side.
fn is_lost_remotely(items: &[Item]) -> bool {
    let known: HashSet<u64> =
        items.iter().filter_map(|item| item.pair).map(|pair| pair.remote.fs_id).collect();
    is_lost(items, Item::remote_side, |item| {
        item.remote.is_some_and(|remote| remote.fs_id != 0 && known.contains(&remote.fs_id))
    })
}

fn is_lost(items: &[Item], side: fn(&Item) -> Side, is_renamed: impl Fn(&Item) -> bool) -> bool {
    let known = items.iter().filter(|item| item.pair.is_some()).count();
    let all_gone =
        items.iter().filter(|item| item.pair.is_some()).all(|item| side(item) == Side::Gone);
    let mut news = items.iter().filter(|item| matches!(side(item), Side::News(_))).peekable();
    let is_replaced = known >= KNOWN_WELL && !news.clone().any(is_renamed);
    known > 0 && all_gone && (news.peek().is_none() || is_replaced)
}

/// Places that nothing may be decided about, and all below them.
struct Hidden {
    places: BTreeSet<String>,
}

impl Hidden {
    fn has(&self, item: &Item, sync: &Sync<'_>) -> bool {
        let key = item.key.as_str();
        if self.places.contains("") || self.places.contains(key) {
            return true;
        }
        if !self.places.is_empty() && parents(key).any(|above| self.places.contains(above)) {
            return true;
        }
        // What is here was asked about when it was looked at.
        if item.local.is_some() {
            return false;
        }
        let kind = item.remote.map(|remote| remote.kind).or(item.pair.map(|pair| pair.stat.kind));
        let filter = &sync.filter;
        !parents(key).all(|above| filter.takes(above, true))
            || !filter.takes(key, kind == Some(Kind::Dir))
    }
}
