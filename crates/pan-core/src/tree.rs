//! Finding one's way in a user's tree, and the sandbox that confines it.

use pan_engine::meta::Entry;
use pan_engine::{MetaRead, MetaTxn};
use pan_model::{Caller, FsId, MAX_PATH_BYTES, NameKey, PanPath, PathRules, Timestamp, UserNo};

use crate::ledger::{self, Node};
use crate::{Error, Result};

/// An entry and where it is, in the spelling of whoever created each name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The path.
    pub path: PanPath,
    /// The entry.
    pub entry: Entry,
}

/// An entry with the ids of the directories above it, topmost first.
pub(crate) struct Found {
    pub(crate) path: PanPath,
    pub(crate) entry: Entry,
    pub(crate) above: Vec<FsId>,
}

impl Found {
    pub(crate) fn located(self) -> Located {
        Located { path: self.path, entry: self.entry }
    }
}

/// A place where an entry is to be, or is already.
pub(crate) struct Target {
    /// The deepest directory that exists on the way, with those above it.
    pub(crate) parent: Found,
    /// Names that do not exist yet; the last is the target's own. Those that
    /// would be created are checked against the caller's path rules.
    pub(crate) missing: Vec<String>,
    /// What lives at the target now.
    pub(crate) existing: Option<Entry>,
    /// The target's own name, in the spelling of the request.
    pub(crate) name: String,
}

/// A directory that exists and the ids from the root down to it.
pub(crate) struct Directory {
    pub(crate) fs_id: FsId,
    pub(crate) path: PanPath,
    /// From the root to the directory itself.
    pub(crate) chain: Vec<FsId>,
}

/// The names in the longest path that a request can say.
pub(crate) const DEPTH_MAX: usize = MAX_PATH_BYTES / 2;

/// Longer than the longest such path in any spelling.
const BYTES_MAX: usize = 4 * MAX_PATH_BYTES;

/// Whether a request can name a path. Directories that are moved into one
/// another make longer ones without end; what lies there is told of, and
/// found, once something above it is moved up again.
pub(crate) fn is_reachable(path: &PanPath) -> bool {
    path.as_str().len() <= BYTES_MAX && path.depth() <= DEPTH_MAX
}

/// Refuses a path outside the caller's root, before anything is looked up.
pub(crate) fn authorize(caller: &Caller, path: &PanPath) -> Result<()> {
    if path.is_within(&caller.root) {
        return Ok(());
    }
    Err(Error::OutsideRoot { path: path.clone() })
}

/// Refuses the caller's root itself and everything outside it: what may not
/// be moved, replaced or created.
pub(crate) fn authorize_below(caller: &Caller, path: &PanPath) -> Result<()> {
    authorize(caller, path)?;
    if path.depth() == caller.root.depth() {
        return Err(Error::OutsideRoot { path: path.clone() });
    }
    Ok(())
}

/// How far a path exists.
struct Walk {
    found: Found,
    rest: Vec<String>,
}

fn walk(read: &mut dyn MetaRead, user: UserNo, path: &PanPath) -> Result<Walk> {
    let root = FsId::root(user);
    let entry = read
        .get_entry(root)?
        .ok_or_else(|| Error::Damaged { what: format!("user {user} has no root directory") })?;
    let mut found = Found { path: PanPath::root(), entry, above: Vec::new() };
    let mut names = path.components();
    while let Some(name) = names.next() {
        let child = if found.entry.is_directory() {
            read.get_child(found.entry.fs_id, &NameKey::of(name))?
        } else {
            None
        };
        let Some(child) = child else {
            let rest = std::iter::once(name).chain(names).map(str::to_owned).collect();
            return Ok(Walk { found, rest });
        };
        found.path = found.path.join(&child.name);
        found.above.push(found.entry.fs_id);
        found.entry = child;
    }
    Ok(Walk { found, rest: Vec::new() })
}

/// The entry at a path, if it is there. The caller was authorized before.
pub(crate) fn find(read: &mut dyn MetaRead, user: UserNo, path: &PanPath) -> Result<Option<Found>> {
    let walk = walk(read, user, path)?;
    Ok(walk.rest.is_empty().then_some(walk.found))
}

/// The entry at a path.
///
/// What does not exist and could not be created by this caller is a bad name;
/// what does not exist otherwise is not found (pcs-rest 12.3).
pub(crate) fn look_up(read: &mut dyn MetaRead, caller: &Caller, path: &PanPath) -> Result<Found> {
    authorize(caller, path)?;
    let walk = walk(read, caller.user, path)?;
    if walk.rest.is_empty() {
        return Ok(walk.found);
    }
    check_names(caller, path, &walk.rest)?;
    Err(Error::NotFound { path: path.clone() })
}

/// The place where an entry is to be created, moved or replaced.
pub(crate) fn target(read: &mut dyn MetaRead, caller: &Caller, path: &PanPath) -> Result<Target> {
    authorize_below(caller, path)?;
    let place = place(read, caller.user, path)?;
    check_names(caller, path, &place.missing)?;
    Ok(place)
}

/// The place that an entry comes back to. Its own name exists; only the
/// directories above it that are missing are created.
pub(crate) fn former_place(
    read: &mut dyn MetaRead,
    caller: &Caller,
    path: &PanPath,
) -> Result<Target> {
    authorize(caller, path)?;
    let place = place(read, caller.user, path)?;
    if let Some((_, parents)) = place.missing.split_last() {
        check_names(caller, &path.parent().unwrap_or_else(PanPath::root), parents)?;
    }
    Ok(place)
}

fn place(read: &mut dyn MetaRead, user: UserNo, path: &PanPath) -> Result<Target> {
    let name = path.name().unwrap_or_default().to_owned();
    let mut walk = walk(read, user, path)?;
    if walk.rest.is_empty() {
        let existing = walk.found.entry;
        let parent = walk.found.above.pop().unwrap_or(FsId::root(user));
        let entry = read.get_entry(parent)?.ok_or_else(|| Error::Damaged {
            what: format!("entry {} has no parent row", existing.fs_id),
        })?;
        let path = walk.found.path.parent().unwrap_or_else(PanPath::root);
        let parent = Found { path, entry, above: walk.found.above };
        return Ok(Target { parent, missing: Vec::new(), existing: Some(existing), name });
    }
    if !walk.found.entry.is_directory() {
        return Err(Error::ParentIsFile { path: walk.found.path });
    }
    Ok(Target { parent: walk.found, missing: walk.rest, existing: None, name })
}

/// Checks the names that would be created on the way to a path, if any.
fn check_names(caller: &Caller, path: &PanPath, missing: &[String]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    PathRules::check_length(path)
        .and_then(|()| missing.iter().try_for_each(|name| caller.rules.check_name(name)))
        .map_err(|reason| Error::NameInvalid { path: path.clone(), reason })
}

impl Target {
    /// Creates the missing directories above the target; each is a change of
    /// its own. Returns the directory that the target goes into.
    pub(crate) fn make_parents(&self, tx: &mut dyn MetaTxn, now: Timestamp) -> Result<Directory> {
        let mut chain = self.parent.above.clone();
        chain.push(self.parent.entry.fs_id);
        let mut directory =
            Directory { fs_id: self.parent.entry.fs_id, path: self.parent.path.clone(), chain };
        let missing = self.missing.split_last().map_or(&[][..], |(_, parents)| parents);
        for name in missing {
            let node = Node::new_directory(tx, &directory, name, now)?;
            let made = ledger::apply(tx, now, None, Some(node))?;
            directory.chain.push(made.fs_id);
            directory.fs_id = made.fs_id;
            directory.path = directory.path.join(name);
        }
        Ok(directory)
    }

    /// The path of the target, parents in their creators' spelling.
    pub(crate) fn path(&self) -> PanPath {
        match &self.existing {
            Some(existing) => self.parent.path.join(&existing.name),
            None => {
                self.missing.iter().fold(self.parent.path.clone(), |path, name| path.join(name))
            }
        }
    }
}
