//! What a program needs of a storage, and what it keeps of a feed.

use std::collections::BTreeMap;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

/// The readers of a program: whose token is limited to what. Two read
/// everything, one has a root of two spellings.
pub(crate) const ROOTS: [&str; 6] = ["/", "/a", "/a/b", "/c", "/", "/\u{e9}"];

/// What is known of an entry: its id, whether it is a directory, its md5.
pub(crate) type Fact = (u64, bool, String);

/// Entries by their paths.
pub(crate) type Tree = BTreeMap<String, Fact>;

/// One request. Whether it is refused is no matter here.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Put {
        path: String,
        content: String,
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
    /// The record of the bin with this number, counted round.
    Restore {
        nth: usize,
    },
    /// The part of the bin that a token with this root sees.
    Empty {
        root: usize,
    },
}

/// A page: what is there now, or nothing any more.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) changes: Vec<(String, Option<Fact>)>,
    pub(crate) cursor: String,
    pub(crate) has_more: bool,
    pub(crate) reset: bool,
}

/// A user's storage, and tokens with [`ROOTS`].
pub(crate) trait Storage {
    /// Does it, or is refused.
    fn act(&self, op: &Op);

    /// The page after a cursor; of about this size where that can be chosen.
    fn page(&self, root: usize, cursor: Option<&str>, size: usize) -> Page;

    /// Everything below the root.
    fn listing(&self, root: usize) -> Tree;
}

/// Whoever follows the feed.
pub(crate) struct Reader {
    pub(crate) root: usize,
    pub(crate) tree: Tree,
    /// How often it was told everything anew.
    pub(crate) resets: u64,
    cursor: Option<String>,
    /// Pages that are held back, for a reader that takes several for one.
    held: Vec<(String, Option<Fact>)>,
    hold: bool,
}

impl Reader {
    pub(crate) fn new(root: usize) -> Self {
        let (tree, held) = (Tree::new(), Vec::new());
        Self { root, tree, resets: 0, cursor: None, held, hold: false }
    }

    /// A reader that takes two pages for one, as if a page never ended where
    /// order begins to matter.
    pub(crate) fn careless(root: usize) -> Self {
        Self { hold: true, ..Self::new(root) }
    }

    /// Takes a page, in any order. Returns whether there is more.
    pub(crate) fn read(&mut self, storage: &dyn Storage, random: &mut StdRng, size: usize) -> bool {
        let page = storage.page(self.root, self.cursor.as_deref(), size);
        let paths: std::collections::BTreeSet<_> =
            page.changes.iter().map(|(path, _)| path).collect();
        assert_eq!(paths.len(), page.changes.len(), "two changes for one path: {page:?}");
        if page.reset {
            self.resets += 1;
            self.tree.clear();
            self.held.clear();
        }
        self.cursor = Some(page.cursor);
        self.held.extend(page.changes);
        if !self.hold || !page.has_more || random.random_bool(0.5) {
            self.held.shuffle(random);
            for (path, fact) in std::mem::take(&mut self.held) {
                apply(&mut self.tree, path, fact);
            }
        }
        page.has_more
    }

    /// Reads until there is no more.
    pub(crate) fn catch_up(&mut self, storage: &dyn Storage, random: &mut StdRng, size: usize) {
        for _ in 0..100_000 {
            if !self.read(storage, random, size) {
                return;
            }
        }
        panic!("the feed does not end");
    }
}

fn apply(tree: &mut Tree, path: String, fact: Option<Fact>) {
    match fact {
        Some(fact) => drop(tree.insert(path, fact)),
        None => {
            let below = format!("{path}/");
            tree.retain(|other, _| *other != path && !other.starts_with(&below));
        }
    }
}

/// Where two trees differ; `None` when they do not.
pub(crate) fn difference(folded: &Tree, listed: &Tree) -> Option<String> {
    let missed = listed.iter().find(|(path, fact)| folded.get(*path) != Some(fact));
    let stale = folded.iter().find(|(path, _)| !listed.contains_key(*path));
    match (missed, stale) {
        (None, None) => None,
        (missed, stale) => Some(format!("missed {missed:?}, stale {stale:?}")),
    }
}
