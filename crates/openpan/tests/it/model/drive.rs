//! The drive as the book describes it, in memory: a hundred lines that the
//! server is compared with.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) size: u64,
    pub(crate) md5: String,
    /// The md5 of its first 256 KiB.
    pub(crate) slice_md5: String,
}

/// An entry. `id` stands for the server's `fs_id`, one for one.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Directory(BTreeMap<String, Node>),
    File(Content),
}

/// A user's tree.
#[derive(Debug, Clone)]
pub(crate) struct Drive {
    pub(crate) root: Node,
    next_id: u64,
    /// What was deleted, the latest last.
    pub(crate) bin: Vec<Deleted>,
    /// Days since the beginning.
    today: i64,
}

/// An entry in the bin.
#[derive(Debug, Clone)]
pub(crate) struct Deleted {
    pub(crate) node: Node,
    /// Where it was, in the spelling of whoever created each name.
    pub(crate) names: Vec<String>,
    /// When it was deleted.
    day: i64,
}

/// How far a path leads.
pub(crate) enum Walk<'a> {
    /// To an entry, whose path in its creator's spelling this is.
    Found(&'a Node, String),
    /// Not to the end: this many names of it exist, and whether the last of
    /// them is a file.
    Missing { found: usize, is_blocked: bool },
}

/// What makes two spellings one name.
pub(crate) fn key(name: &str) -> String {
    name.nfc().collect()
}

impl Node {
    pub(crate) fn children(&self) -> Option<&BTreeMap<String, Node>> {
        match &self.kind {
            Kind::Directory(children) => Some(children),
            Kind::File(_) => None,
        }
    }

    fn children_mut(&mut self) -> &mut BTreeMap<String, Node> {
        match &mut self.kind {
            Kind::Directory(children) => children,
            Kind::File(_) => panic!("the model walked into a file"),
        }
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.children().is_some()
    }

    /// Bytes of all files in it.
    pub(crate) fn bytes(&self) -> u64 {
        match &self.kind {
            Kind::File(content) => content.size,
            Kind::Directory(children) => children.values().map(Node::bytes).sum(),
        }
    }

    /// Every name in it, itself included.
    pub(crate) fn all_names(&self) -> Vec<&str> {
        let below = self.children().into_iter().flat_map(BTreeMap::values);
        std::iter::once(self.name.as_str()).chain(below.flat_map(Node::all_names)).collect()
    }
}

impl Drive {
    pub(crate) fn new() -> Self {
        let root = Node { id: 0, name: String::new(), kind: Kind::Directory(BTreeMap::new()) };
        Self { root, next_id: 1, bin: Vec::new(), today: 0 }
    }

    /// Follows a path as far as it goes.
    pub(crate) fn walk(&self, names: &[String]) -> Walk<'_> {
        let mut node = &self.root;
        let mut path = String::new();
        for (found, name) in names.iter().enumerate() {
            let Some(children) = node.children() else {
                return Walk::Missing { found, is_blocked: true };
            };
            let Some(child) = children.get(&key(name)) else {
                return Walk::Missing { found, is_blocked: false };
            };
            path = format!("{path}/{}", child.name);
            node = child;
        }
        Walk::Found(node, if path.is_empty() { "/".into() } else { path })
    }

    /// The entry at a path.
    pub(crate) fn get(&self, names: &[String]) -> Option<&Node> {
        match self.walk(names) {
            Walk::Found(node, _) => Some(node),
            Walk::Missing { .. } => None,
        }
    }

    fn directory_mut(&mut self, names: &[String]) -> &mut Node {
        let Self { root, next_id, .. } = self;
        let mut node = root;
        for name in names {
            node = node.children_mut().entry(key(name)).or_insert_with(|| {
                *next_id += 1;
                Node { id: *next_id, name: name.clone(), kind: Kind::Directory(BTreeMap::new()) }
            });
        }
        node
    }

    /// Makes a directory, and its parents.
    pub(crate) fn mkdir(&mut self, names: &[String]) {
        self.directory_mut(names);
    }

    /// Stores a file, over another one if there is one.
    pub(crate) fn put(&mut self, names: &[String], content: Content) {
        self.next_id += 1;
        let id = self.next_id;
        let (name, parent) = names.split_last().expect("a file has a name");
        let children = self.directory_mut(parent).children_mut();
        let new = Node { id, name: name.clone(), kind: Kind::File(content.clone()) };
        let node = children.entry(key(name)).or_insert(new);
        node.kind = Kind::File(content);
    }

    /// Takes an entry out.
    pub(crate) fn take(&mut self, names: &[String]) -> Node {
        let (name, parent) = names.split_last().expect("the root stays");
        self.directory_mut(parent).children_mut().remove(&key(name)).expect("it is there")
    }

    /// Deletes an entry into the bin.
    pub(crate) fn delete(&mut self, names: &[String]) {
        let Walk::Found(_, path) = self.walk(names) else { panic!("it is there") };
        let names = path.split('/').skip(1).map(str::to_owned).collect::<Vec<_>>();
        let node = self.take(&names);
        self.bin.push(Deleted { node, names, day: self.today });
    }

    /// Takes an entry out of the bin to where it was.
    pub(crate) fn restore(&mut self, id: u64) {
        let at = self.bin.iter().position(|deleted| deleted.node.id == id).expect("it is there");
        let Deleted { node, names, .. } = self.bin.remove(at);
        self.place(&names, node);
    }

    /// Lets days pass: what was deleted ten days ago is gone.
    pub(crate) fn wait(&mut self, days: i64) {
        self.today += days;
        let today = self.today;
        self.bin.retain(|deleted| today - deleted.day < 10);
    }

    /// Bytes of everything in the bin.
    pub(crate) fn recycled(&self) -> u64 {
        self.bin.iter().map(|deleted| deleted.node.bytes()).sum()
    }

    /// Puts an entry, with all that is in it, at a path.
    pub(crate) fn place(&mut self, names: &[String], mut node: Node) {
        let (name, parent) = names.split_last().expect("an entry has a name");
        node.name.clone_from(name);
        self.directory_mut(parent).children_mut().insert(key(name), node);
    }

    /// A copy with ids of its own.
    pub(crate) fn copy_of(&mut self, node: &Node) -> Node {
        self.next_id += 1;
        let id = self.next_id;
        let kind = match &node.kind {
            Kind::File(content) => Kind::File(content.clone()),
            Kind::Directory(children) => {
                let children = children.iter();
                let copies = children.map(|(key, child)| (key.clone(), self.copy_of(child)));
                Kind::Directory(copies.collect())
            }
        };
        Node { id, name: node.name.clone(), kind }
    }
}
