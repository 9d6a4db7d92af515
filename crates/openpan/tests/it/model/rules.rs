//! What the book says about a request, given the drive: done or refused.
//!
//! Where two rules refuse one request and the book does not say which speaks
//! first, either code is right.

use super::drive::{Content, Drive, Kind, Node, Walk, key};
use super::program::Op;

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) name: &'static str,
    pub(crate) root: Vec<String>,
    /// The rules of the book; otherwise relaxed ones.
    pub(crate) is_pcs: bool,
}

/// What must come of a request.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Refused with one of these codes, nothing changes.
    Refused(Vec<u64>),
    /// Done: the drive afterwards.
    Done(Drive),
    /// Done, or refused with this code: the book leaves it open.
    DoneOr(u64, Drive),
    /// Stored beside `names` under a name of the server's making.
    NewName { names: Vec<String>, content: Content, or: Option<u64> },
    /// Nothing changes, and this is told.
    Told(Vec<String>),
}

use Verdict::{Done, DoneOr, NewName, Refused, Told};

/// Reads a path: `None` when it is none (31062).
pub(crate) fn parse(path: &str) -> Option<Vec<String>> {
    let names: Vec<String> =
        path.split('/').filter(|name| !name.is_empty()).map(Into::into).collect();
    let is_bad = |name: &String| name == "." || name == ".." || name.contains('\0');
    (path.starts_with('/') && !names.iter().any(is_bad)).then_some(names)
}

impl Caller {
    pub(crate) fn reaches(&self, names: &[String]) -> bool {
        let same = |(a, b): (&String, &String)| key(a) == key(b);
        names.len() >= self.root.len() && self.root.iter().zip(names).all(same)
    }

    fn is_root(&self, names: &[String]) -> bool {
        names.len() == self.root.len()
    }

    fn may_create(&self, name: &str) -> bool {
        let edge = |c: Option<char>| matches!(c, Some('.' | ' '));
        let is_odd = name.contains(['\\', '?', '|', '"', '>', '<', ':', '*'])
            || edge(name.chars().next())
            || edge(name.chars().next_back());
        !(name.contains(char::is_control) || self.is_pcs && is_odd)
    }

    fn may_create_all(&self, names: &[String]) -> bool {
        names.iter().all(|name| self.may_create(name))
    }

    /// A path that this caller may speak of.
    fn path(&self, text: &str) -> Result<Vec<String>, u64> {
        let names = parse(text).ok_or(31062u64)?;
        if self.reaches(&names) { Ok(names) } else { Err(31064) }
    }
}

/// What is there, or the codes for what is not (12.3).
fn find<'a>(
    drive: &'a Drive,
    caller: &Caller,
    names: &[String],
) -> Result<(&'a Node, String), Vec<u64>> {
    match drive.walk(names) {
        Walk::Found(node, path) => Ok((node, path)),
        Walk::Missing { found, is_blocked } => {
            Err(match (caller.may_create_all(&names[found..]), is_blocked) {
                (true, _) => vec![31066],
                (false, false) => vec![31062],
                (false, true) => vec![31062, 31066],
            })
        }
    }
}

/// The codes that refuse making what is missing of a path; none when all is well.
fn creation_codes(drive: &Drive, caller: &Caller, names: &[String]) -> Vec<u64> {
    let mut codes = Vec::new();
    if let Walk::Missing { found, is_blocked } = drive.walk(names) {
        if !caller.may_create_all(&names[found..]) {
            codes.push(31062);
        }
        if is_blocked {
            codes.push(31063);
        }
    }
    codes
}

/// What a request must come to.
pub(crate) fn judge(drive: &Drive, caller: &Caller, quota: u64, op: &Op) -> Verdict {
    let rules = Rules { drive, caller, quota };
    match op {
        Op::Mkdir(path) => rules.mkdir(path),
        Op::Put { path, content, ondup } => rules.store(path, content, ondup, false),
        Op::Merge { path, whole, ondup, has_unknown, .. } => {
            rules.store(path, whole, ondup, *has_unknown)
        }
        Op::Move(from, to) => rules.carry(from, to, true),
        Op::Copy(from, to) => rules.carry(from, to, false),
        Op::Delete(path) => rules.delete(path),
        Op::List { path, .. } | Op::Meta(path) | Op::Search { path, .. } => rules.read(path),
        Op::Rapid { path, content, ondup } => rules.rapid(path, content, ondup),
        Op::Restore(ids) => rules.restore(ids[0]),
        Op::EmptyRecycle => rules.empty_recycle(),
        Op::ListRecycle { .. } | Op::ListMedia { .. } => Told(Vec::new()),
        Op::PutMany(_) | Op::MoveMany(_) | Op::DeleteMany(_) | Op::Diff | Op::Wait(_) => {
            panic!("judged in its own way")
        }
    }
}

struct Rules<'a> {
    drive: &'a Drive,
    caller: &'a Caller,
    quota: u64,
}

impl Rules<'_> {
    fn mkdir(&self, path: &str) -> Verdict {
        let names = match self.caller.path(path) {
            Ok(names) => names,
            Err(code) => return Refused(vec![code]),
        };
        if self.drive.get(&names).is_some() {
            return Refused(self.conflict(&names));
        }
        let codes = creation_codes(self.drive, self.caller, &names);
        if !codes.is_empty() {
            return Refused(codes);
        }
        let mut after = self.drive.clone();
        after.mkdir(&names);
        Done(after)
    }

    /// 31061; a name that this caller could not have made may be called that.
    fn conflict(&self, names: &[String]) -> Vec<u64> {
        if self.caller.may_create_all(names) { vec![31061] } else { vec![31061, 31062] }
    }

    fn store(&self, path: &str, content: &Content, ondup: &str, has_unknown: bool) -> Verdict {
        let names = match self.caller.path(path) {
            Ok(names) => names,
            Err(code) => return Refused(vec![code]),
        };
        let target = self.drive.get(&names);
        let codes = creation_codes(self.drive, self.caller, &names);
        if codes.contains(&31062) {
            return Refused(codes);
        }
        let is_odd = target.is_some() && !self.caller.may_create_all(&names);
        if has_unknown {
            return Refused([codes, vec![31363], vec![31062; usize::from(is_odd)]].concat());
        }
        let replaced = match target.map(|node| &node.kind) {
            Some(Kind::File(old)) if ondup == "overwrite" => old.size,
            _ => 0,
        };
        let used = self.drive.root.bytes() - replaced + content.size;
        let mut codes = codes;
        // The bin has a limit of its own, twice the quota (S4).
        let both = used + self.drive.recycled();
        if used > self.quota || (content.size > replaced && both > self.quota.saturating_mul(2)) {
            codes.push(31112);
            // Quota comes before the conflict (12.2); a directory in the way
            // of an overwrite is no case of the book.
            if ondup == "overwrite" && target.is_some_and(Node::is_directory) {
                codes.push(31061);
            }
        }
        if !codes.is_empty() {
            return Refused([codes, vec![31062; usize::from(is_odd)]].concat());
        }
        let or = is_odd.then_some(31062);
        match (target, ondup) {
            (Some(_), "newcopy") => NewName { names, content: content.clone(), or },
            (Some(node), _) if node.is_directory() || ondup != "overwrite" => {
                Refused(self.conflict(&names))
            }
            _ => {
                let mut after = self.drive.clone();
                after.put(&names, content.clone());
                or.map_or_else(|| Done(after.clone()), |code| DoneOr(code, after.clone()))
            }
        }
    }

    /// Only what the caller can see is known (4.19).
    fn rapid(&self, path: &str, content: &Content, ondup: &str) -> Verdict {
        if content.size <= 262_144 {
            return Refused(vec![31023, 31062, 31064]);
        }
        let names = match self.caller.path(path) {
            Ok(names) => names,
            Err(code) => return Refused(vec![code]),
        };
        let live = std::iter::once((&self.drive.root, Vec::new()));
        let bin = self.drive.bin.iter().map(|deleted| (&deleted.node, deleted.names.clone()));
        if live.chain(bin).any(|(node, names)| self.sees(node, names, content)) {
            return self.store(path, content, ondup, false);
        }
        let codes = creation_codes(self.drive, self.caller, &names);
        let is_odd = !self.caller.may_create_all(&names);
        Refused([codes, vec![31079], vec![31062; usize::from(is_odd)]].concat())
    }

    /// Whether a file with this content is in a tree, where the caller reaches it.
    fn sees(&self, node: &Node, names: Vec<String>, content: &Content) -> bool {
        match &node.kind {
            Kind::File(other) => other == content && self.caller.reaches(&names),
            Kind::Directory(children) => children.values().any(|child| {
                self.sees(child, [names.clone(), vec![child.name.clone()]].concat(), content)
            }),
        }
    }

    fn restore(&self, id: u64) -> Verdict {
        let deleted = self.drive.bin.iter().find(|deleted| deleted.node.id == id);
        let Some(deleted) = deleted.filter(|deleted| self.caller.reaches(&deleted.names)) else {
            return Refused(vec![31078]);
        };
        let mut codes = Vec::new();
        match self.drive.walk(&deleted.names) {
            Walk::Found(..) => return Refused(vec![31061]),
            Walk::Missing { found, is_blocked } => {
                // Its own name is there; its parents may have to be made.
                if !self.caller.may_create_all(&deleted.names[found..deleted.names.len() - 1]) {
                    codes.push(31062);
                }
                if is_blocked {
                    codes.push(31063);
                }
            }
        }
        if codes.is_empty() && self.drive.root.bytes() + deleted.node.bytes() > self.quota {
            codes.push(31112);
        }
        if !codes.is_empty() {
            return Refused(codes);
        }
        let mut after = self.drive.clone();
        after.restore(id);
        Done(after)
    }

    fn empty_recycle(&self) -> Verdict {
        let mut after = self.drive.clone();
        after.bin.retain(|deleted| !self.caller.reaches(&deleted.names));
        Done(after)
    }

    fn carry(&self, from: &str, to: &str, is_move: bool) -> Verdict {
        let (from, to) = match (self.caller.path(from), self.caller.path(to)) {
            (Ok(from), Ok(to)) => (from, to),
            (from, to) => return Refused(from.err().into_iter().chain(to.err()).collect()),
        };
        if self.caller.is_root(&from) || self.caller.is_root(&to) {
            return Refused(vec![31064]);
        }
        let makes = creation_codes(self.drive, self.caller, &to);
        let source = match find(self.drive, self.caller, &from) {
            Ok((source, _)) => source,
            Err(codes) => return Refused([codes, makes].concat()),
        };
        if let Some(target) = self.drive.get(&to) {
            let is_respelt = is_move && target.id == source.id && Some(&target.name) != to.last();
            if !is_respelt {
                return Refused(self.conflict(&to));
            }
        }
        let is_inside =
            to.len() > from.len() && from.iter().zip(&to).all(|(a, b)| key(a) == key(b));
        if is_inside {
            return Refused([makes, vec![31023]].concat());
        }
        let mut codes = makes;
        let (copied, used) = (source.bytes(), self.drive.root.bytes() + source.bytes());
        let both = used + self.drive.recycled();
        let is_full = used > self.quota || (copied > 0 && both > self.quota.saturating_mul(2));
        if !is_move && is_full {
            codes.push(31112);
        }
        if !codes.is_empty() {
            return Refused(codes);
        }
        let mut after = self.drive.clone();
        let is_odd = !source.all_names().iter().skip(1).all(|name| self.caller.may_create(name));
        let moved = if is_move { after.take(&from) } else { after.copy_of(source) };
        after.place(&to, moved);
        let to_is_odd = !self.caller.may_create_all(&to[to.len() - 1..]);
        if to_is_odd || (is_odd && !is_move) { DoneOr(31062, after) } else { Done(after) }
    }

    fn delete(&self, path: &str) -> Verdict {
        let names = match self.caller.path(path) {
            Ok(names) => names,
            Err(code) => return Refused(vec![code]),
        };
        if names.is_empty() {
            return Refused(vec![31064]);
        }
        let node = match find(self.drive, self.caller, &names) {
            Ok((node, _)) => node,
            Err(codes) => return Refused(codes),
        };
        let mut after = self.drive.clone();
        if self.caller.is_root(&names) {
            // The token's own root is emptied (12.1).
            for child in node.children().expect("a root is a directory").values() {
                after.delete(&[names.clone(), vec![child.name.clone()]].concat());
            }
        } else {
            after.delete(&names);
        }
        Done(after)
    }

    fn read(&self, path: &str) -> Verdict {
        let found = self.caller.path(path).map_err(|code| vec![code]);
        match found.and_then(|names| find(self.drive, self.caller, &names)) {
            Ok((_, path)) => Told(vec![path]),
            Err(codes) => Refused(codes),
        }
    }
}
