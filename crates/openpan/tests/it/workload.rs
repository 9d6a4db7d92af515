//! Random work on one directory, and what must be there afterwards.
//!
//! Every byte that is uploaded is made from a number that is used once, so
//! that a file tells which upload it came from.

use std::collections::BTreeMap;

use pan_conformance::pcs::{BulkItem, Carrier, Client, Reply, bulk_body, digest};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Directory,
    File { size: u64, md5: String },
}

/// Everything below a worker's directory, by full path.
pub(crate) type Tree = BTreeMap<String, Node>;

/// One request that changes something.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Put {
        path: String,
        content: Vec<u8>,
        ondup: &'static str,
    },
    /// In one request: path, content and `ondup` of each.
    PutMany {
        items: Vec<(String, Vec<u8>, &'static str)>,
    },
    Merge {
        path: String,
        blocks: Vec<Vec<u8>>,
        ondup: &'static str,
    },
    Mkdir {
        path: String,
    },
    Move {
        from: String,
        to: String,
    },
    Copy {
        from: String,
        to: String,
    },
    Delete {
        path: String,
    },
    DeleteMany {
        paths: Vec<String>,
    },
}

/// What a request may do to a tree.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It succeeds: the tree afterwards.
    Done(Tree),
    /// It succeeds and stores this file beside `path`, under a name that the
    /// server finds.
    NewName { path: String, node: Node },
    /// It is refused with one of these codes.
    Refused(&'static [u64]),
}

/// A source of work in its own directory.
pub(crate) struct Worker {
    pub(crate) directory: String,
    pub(crate) tree: Tree,
    random: StdRng,
    next_content: u64,
}

impl Worker {
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        Self {
            directory: format!("/w{number}"),
            tree: Tree::new(),
            random: StdRng::seed_from_u64(seed ^ (number << 32)),
            next_content: number << 40 | 1,
        }
    }

    /// The next request.
    pub(crate) fn next(&mut self) -> Op {
        if self.tree.len() > 60 {
            // Copies of copies grow fast; the shortest path holds the most.
            let path = self.tree.keys().min_by_key(|path| path.len()).unwrap().clone();
            return Op::Delete { path };
        }
        let ondup = ["", "overwrite", "overwrite", "newcopy"][self.random.random_range(0..4)];
        match self.random.random_range(0..100) {
            0..12 => Op::PutMany { items: self.many() },
            12..45 => {
                let size = self.size();
                Op::Put { path: self.file(), content: self.content(size), ondup }
            }
            45..55 => {
                let count = self.random.random_range(1..4);
                let blocks = (0..count).map(|_| {
                    let size = self.size();
                    self.content(size)
                });
                let blocks = blocks.collect();
                Op::Merge { path: self.file(), blocks, ondup }
            }
            55..62 => Op::Mkdir { path: self.path() },
            62..74 => Op::Move { from: self.known(), to: self.path() },
            74..84 => Op::Copy { from: self.known(), to: self.path() },
            84..94 => Op::Delete { path: self.known() },
            _ => Op::DeleteMany { paths: (0..4).map(|_| self.known()).collect() },
        }
    }

    /// Files of every size that is small. None gets a name from the server,
    /// which would not be known when no reply comes.
    fn many(&mut self) -> Vec<(String, Vec<u8>, &'static str)> {
        let count = self.random.random_range(1..30);
        let item = |this: &mut Self| {
            let limit = [100, 20_000, 100_000][this.random.random_range(0..3)];
            let size = this.random.random_range(0..limit);
            let ondup = ["", "overwrite"][this.random.random_range(0..2)];
            (this.file(), this.content(size), ondup)
        };
        (0..count).map(|_| item(self)).collect()
    }

    fn size(&mut self) -> usize {
        let limit = [100, 5_000, 20_000, 60_000, 600_000, 5_000_000];
        let kind =
            [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5][self.random.random_range(0..17)];
        self.random.random_range(0..limit[kind])
    }

    fn content(&mut self, size: usize) -> Vec<u8> {
        self.next_content += 1;
        digest::content(self.next_content, size)
    }

    /// One of few paths, so that names meet.
    fn path(&mut self) -> String {
        let inner = ["", "/d0", "/d1", "/d0/s", "/d2/s/t"][self.random.random_range(0..5)];
        let name = ["d0", "d1", "s", "t", "f0", "f1", "f2"][self.random.random_range(0..7)];
        format!("{}{inner}/{name}", self.directory)
    }

    fn file(&mut self) -> String {
        let inner = ["", "/d0", "/d1", "/d0/s"][self.random.random_range(0..4)];
        format!("{}{inner}/f{}", self.directory, self.random.random_range(0..4))
    }

    /// A path where something probably is.
    fn known(&mut self) -> String {
        if self.tree.is_empty() || self.random.random_range(0..10) == 0 {
            return self.path();
        }
        let nth = self.random.random_range(0..self.tree.len());
        self.tree.keys().nth(nth).unwrap().clone()
    }
}

/// Sends a request; an error means that its effect is unknown.
pub(crate) fn send(client: &Client, op: &Op) -> std::io::Result<Reply> {
    let file = |method: &str| client.file(method);
    match op {
        Op::Put { path, content, ondup } => client
            .try_send(&file("upload").param("path", path).param("ondup", ondup).content(content)),
        Op::PutMany { items } => {
            let items: Vec<_> = items
                .iter()
                .map(|(path, content, ondup)| BulkItem::new(path, content).ondup(ondup))
                .collect();
            client.try_send(&client.bulk_call(bulk_body(&items)))
        }
        Op::Merge { path, blocks, ondup } => {
            for block in blocks {
                client.try_send(&file("upload").param("type", "tmpfile").content(block))?.ok();
            }
            let blocks: Vec<String> = blocks.iter().map(|block| digest::md5_hex(block)).collect();
            let param = json!({ "block_list": blocks }).to_string();
            let call = file("createsuperfile").by(Carrier::PostForm).param("path", path);
            client.try_send(&call.param("ondup", ondup).param("param", param))
        }
        Op::Mkdir { path } => client.try_send(&file("mkdir").param("path", path)),
        Op::Move { from, to } => client.try_send(&file("move").param("from", from).param("to", to)),
        Op::Copy { from, to } => client.try_send(&file("copy").param("from", from).param("to", to)),
        Op::Delete { path } => client.try_send(&file("delete").param("path", path)),
        Op::DeleteMany { paths } => {
            let list: Vec<_> = paths.iter().map(|path| json!({ "path": path })).collect();
            let param = json!({ "list": list }).to_string();
            client.try_send(&file("delete").by(Carrier::PostForm).param("param", param))
        }
    }
}

/// What a request does to a tree, by the book.
pub(crate) fn outcome(tree: &Tree, op: &Op) -> Outcome {
    match op {
        Op::Put { path, content, ondup } => store(tree, path, file_node(content), ondup),
        // Always answered as a whole: see `bulk_states`.
        Op::PutMany { items } => Outcome::Done(bulk_states(tree, items).pop().unwrap().0),
        Op::Merge { path, blocks, ondup } => store(tree, path, file_node(&blocks.concat()), ondup),
        Op::Mkdir { path } => store(tree, path, Node::Directory, ""),
        Op::Move { from, to } => carry(tree, from, to, true),
        Op::Copy { from, to } => carry(tree, from, to, false),
        Op::Delete { path } if tree.contains_key(path) => Outcome::Done(without(tree, path)),
        Op::Delete { .. } => Outcome::Refused(&[31066]),
        // As far as it goes: see `prefixes`.
        Op::DeleteMany { paths } => {
            let states = prefixes(tree, paths);
            let is_whole = states.len() == paths.len() + 1;
            let last = states.into_iter().next_back().unwrap();
            if is_whole { Outcome::Done(last) } else { Outcome::Refused(&[31066]) }
        }
    }
}

/// The trees that a batch delete goes through, up to its first failure.
pub(crate) fn prefixes(tree: &Tree, paths: &[String]) -> Vec<Tree> {
    let mut states = vec![tree.clone()];
    for path in paths {
        let last = states.last().unwrap();
        if !last.contains_key(path) {
            break;
        }
        states.push(without(last, path));
    }
    states
}

/// The trees that a bulk upload goes through, each with the code that the item
/// before it was refused with.
pub(crate) fn bulk_states(
    tree: &Tree,
    items: &[(String, Vec<u8>, &'static str)],
) -> Vec<(Tree, Option<u64>)> {
    let mut states = vec![(tree.clone(), None)];
    for (path, content, ondup) in items {
        let last = &states.last().unwrap().0;
        states.push(match store(last, path, file_node(content), ondup) {
            Outcome::Done(after) => (after, None),
            Outcome::Refused(codes) => (last.clone(), Some(codes[0])),
            Outcome::NewName { .. } => panic!("no item asks for a new name"),
        });
    }
    states
}

fn file_node(content: &[u8]) -> Node {
    Node::File { size: content.len() as u64, md5: digest::md5_hex(content) }
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

fn without(tree: &Tree, path: &str) -> Tree {
    let kept = tree.iter().filter(|(other, _)| *other != path && !is_below(other, path));
    kept.map(|(path, node)| (path.clone(), node.clone())).collect()
}

fn has_file_above(tree: &Tree, path: &str) -> bool {
    tree.iter().any(|(other, node)| is_below(path, other) && *node != Node::Directory)
}

/// The tree with a node at a path, and its parents.
pub(crate) fn with(tree: &Tree, path: &str, node: Node) -> Tree {
    let mut tree = tree.clone();
    // The worker's own directory is not in its tree.
    let parents = path.match_indices('/').skip(2).map(|(end, _)| path[..end].to_owned());
    for parent in parents.collect::<Vec<_>>() {
        tree.entry(parent).or_insert(Node::Directory);
    }
    tree.insert(path.to_owned(), node);
    tree
}

fn store(tree: &Tree, path: &str, node: Node, ondup: &str) -> Outcome {
    if has_file_above(tree, path) {
        return Outcome::Refused(&[31063]);
    }
    match (tree.get(path), ondup) {
        (None, _) | (Some(Node::File { .. }), "overwrite") => Outcome::Done(with(tree, path, node)),
        (Some(_), "newcopy") => Outcome::NewName { path: path.to_owned(), node },
        (Some(_), _) => Outcome::Refused(&[31061]),
    }
}

fn carry(tree: &Tree, from: &str, to: &str, is_move: bool) -> Outcome {
    let Some(source) = tree.get(from) else { return Outcome::Refused(&[31066]) };
    if tree.contains_key(to) {
        return Outcome::Refused(&[31061]);
    }
    if is_below(to, from) && *source == Node::Directory {
        // Which of the two is said first is nobody's promise.
        return Outcome::Refused(if has_file_above(tree, to) { &[31023, 31063] } else { &[31023] });
    }
    if has_file_above(tree, to) {
        return Outcome::Refused(&[31063]);
    }
    let base = if is_move { without(tree, from) } else { tree.clone() };
    let mut after = with(&base, to, source.clone());
    for (path, node) in tree.iter().filter(|(path, _)| is_below(path, from)) {
        after.insert(format!("{to}{}", &path[from.len()..]), node.clone());
    }
    Outcome::Done(after)
}
