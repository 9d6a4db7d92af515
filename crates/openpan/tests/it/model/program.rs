//! Random programs: requests whose names meet, in several scripts.

use pan_conformance::pcs::digest;
use rand::Rng;
use rand::rngs::StdRng;

use super::drive::{Content, Drive, Kind, Node};

/// A request.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Mkdir(String),
    Put {
        path: String,
        content: Content,
        ondup: &'static str,
    },
    /// In one request: path, block and `ondup` of each.
    PutMany(Vec<(String, (u64, usize), &'static str)>),
    Merge {
        path: String,
        blocks: Vec<(u64, usize)>,
        whole: Content,
        ondup: &'static str,
        has_unknown: bool,
    },
    Move(String, String),
    Copy(String, String),
    Delete(String),
    MoveMany(Vec<(String, String)>),
    DeleteMany(Vec<String>),
    List {
        path: String,
        by: &'static str,
        order: &'static str,
        limit: Option<(usize, usize)>,
    },
    Meta(String),
    Rapid {
        path: String,
        content: Content,
        ondup: &'static str,
    },
    /// By the model's ids; one or a batch.
    Restore(Vec<u64>),
    EmptyRecycle,
    ListRecycle {
        start: usize,
        limit: usize,
    },
    Search {
        path: String,
        wd: &'static str,
        is_recursive: bool,
    },
    ListMedia {
        kind: &'static str,
        prefix: &'static str,
    },
    Diff,
    /// Days pass.
    Wait(i64),
}

/// What rapid upload asks the md5 of; smaller files it does not take.
const SLICE: usize = 262_144;

/// Names that every token may make: twins by case and by normal form.
const NAMES: &[&str] = &[
    "a",
    "A",
    "b.txt",
    "B.TXT",
    "文件",
    "文件夹",
    "e\u{301}",
    "\u{e9}",
    "😀",
    "x y",
    "dir",
    "sub",
    "cafe\u{301}.jpg",
    "caf\u{e9}.jpg",
    "файл.doc",
];
/// Names that only relaxed rules allow.
const ODD: &[&str] = &[".git", "a:b", "x.", "what?", " lead"];

/// Parts of names, and what looks like a pattern and is none.
const KEYWORDS: &[&str] = &[
    "a",
    "A",
    "b.t",
    ".TXT",
    "文",
    "件夹",
    "文件",
    "e\u{301}",
    "CAF\u{c9}",
    "😀",
    "ФАЙЛ",
    "%",
    "_",
    "x y",
];

/// Makes requests for one drive.
pub(crate) struct Generator<'a> {
    pub(crate) random: &'a mut StdRng,
    pub(crate) next_content: u64,
    /// Whether the user's quota is small.
    pub(crate) is_tight: bool,
    /// Whether days can pass.
    pub(crate) has_clock: bool,
}

impl Generator<'_> {
    /// The next request of `demo` or, otherwise, of the owner.
    pub(crate) fn next(&mut self, drive: &Drive, is_demo: bool) -> Op {
        let ondup = ["", "overwrite", "newcopy"][self.random.random_range(0..3)];
        if self.has_clock && self.random.random_range(0..10) == 0 {
            return Op::Wait(self.random.random_range(1..5));
        }
        match self.random.random_range(0..148) {
            0..12 => Op::Mkdir(self.path(drive, is_demo)),
            12..36 => {
                let path = self.path(drive, is_demo);
                let (seed, size) = self.block();
                Op::Put { path, content: content_of(&[(seed, size)]), ondup }
            }
            36..46 => {
                let count = self.random.random_range(1..4);
                let blocks: Vec<_> = (0..count).map(|_| self.block()).collect();
                let whole = content_of(&blocks);
                let has_unknown = self.random.random_range(0..8) == 0;
                Op::Merge { path: self.path(drive, is_demo), blocks, whole, ondup, has_unknown }
            }
            46..58 => Op::Move(self.inner(drive, is_demo), self.path(drive, is_demo)),
            58..68 => Op::Copy(self.inner(drive, is_demo), self.path(drive, is_demo)),
            68..75 => Op::Delete(self.inner(drive, is_demo)),
            75..79 => {
                let count = self.random.random_range(1..5);
                let pair =
                    |this: &mut Self| (this.inner(drive, is_demo), this.path(drive, is_demo));
                Op::MoveMany((0..count).map(|_| pair(self)).collect())
            }
            79..82 => {
                let count = self.random.random_range(1..4);
                Op::DeleteMany((0..count).map(|_| self.inner(drive, is_demo)).collect())
            }
            82..92 => Op::List {
                path: self.known(drive, is_demo),
                by: ["", "name", "size"][self.random.random_range(0..3)],
                order: ["", "asc", "desc"][self.random.random_range(0..3)],
                limit: (self.random.random_range(0..3) == 0).then(|| {
                    let start = self.random.random_range(0..4);
                    (start, start + self.random.random_range(0..4))
                }),
            },
            92..93 if is_demo => Op::Delete("/apps/demo".into()),
            93..99 => Op::Meta(self.known(drive, is_demo)),
            99..101 => Op::EmptyRecycle,
            101..105 => Op::ListRecycle {
                start: self.random.random_range(0..3),
                limit: self.random.random_range(0..6),
            },
            105..115 => Op::Restore(self.deleted(drive)),
            115..121 => {
                Op::Rapid { path: self.path(drive, is_demo), content: self.content(drive), ondup }
            }
            121..128 => Op::Search {
                path: self.known(drive, is_demo),
                wd: KEYWORDS[self.random.random_range(0..KEYWORDS.len())],
                is_recursive: self.random.random_range(0..3) > 0,
            },
            128..132 => Op::ListMedia {
                kind: ["doc", "image", "video"][self.random.random_range(0..3)],
                prefix: ["", "/apps/demo/d", "/apps/demo", "/own/"][self.random.random_range(0..4)],
            },
            132..140 => Op::PutMany(self.many(drive, is_demo)),
            _ => Op::Diff,
        }
    }

    /// Small files, some of them at one place.
    fn many(&mut self, drive: &Drive, is_demo: bool) -> Vec<(String, (u64, usize), &'static str)> {
        let mut items: Vec<(String, _, _)> = Vec::new();
        for _ in 0..self.random.random_range(1..6) {
            let twin = items.last().filter(|_| self.random.random_range(0..3) == 0);
            let path = twin.map(|(path, ..)| path.clone());
            let path = path.unwrap_or_else(|| self.path(drive, is_demo));
            let ondup = ["", "overwrite", "newcopy"][self.random.random_range(0..3)];
            items.push((path, self.block(), ondup));
        }
        items
    }

    /// Entries of the bin, and now and then one that is not there.
    fn deleted(&mut self, drive: &Drive) -> Vec<u64> {
        let count = [1, 1, 1, 2, 3][self.random.random_range(0..5)];
        let any = |random: &mut StdRng| match drive.bin.len() {
            0 => 0,
            _ if random.random_range(0..8) == 0 => 0,
            many => drive.bin[random.random_range(0..many)].node.id,
        };
        (0..count).map(|_| any(self.random)).collect()
    }

    /// A content that is or was somewhere, if any is large enough, or one
    /// that nobody has.
    fn content(&mut self, drive: &Drive) -> Content {
        let mut known = Vec::new();
        let trees = drive.bin.iter().map(|deleted| &deleted.node).chain([&drive.root]);
        trees.for_each(|tree| contents_of(tree, &mut known));
        if self.random.random_range(0..3) > 0 {
            known.retain(|content| content.size > SLICE as u64);
        }
        if known.is_empty() || self.random.random_range(0..5) == 0 {
            return content_of(&[(u64::MAX - self.next_content, SLICE + 1)]);
        }
        known.swap_remove(self.random.random_range(0..known.len()))
    }

    fn block(&mut self) -> (u64, usize) {
        self.next_content += 1;
        let limits: &[usize] = if self.is_tight {
            &[1, 100, 5_000, 20_000]
        } else {
            &[1, 100, 5_000, 17_000, 17_000, 400_000]
        };
        let limit = limits[self.random.random_range(0..limits.len())];
        (self.next_content, self.random.random_range(0..limit))
    }

    /// A path to make, sometimes one that is there, sometimes none at all.
    fn path(&mut self, drive: &Drive, is_demo: bool) -> String {
        match self.random.random_range(0..100) {
            0..40 => self.inner(drive, is_demo),
            40..43 if is_demo => {
                self.pick(&["/own/a", "/apps/other/a", "/apps/demo2", "/apps", "/"])
            }
            43..45 => {
                self.pick(&["relative", "/apps/demo/../x", "/apps/demo/a\0b", "/apps/demo/./a"])
            }
            _ => self.fresh(is_demo),
        }
    }

    fn pick(&mut self, paths: &[&str]) -> String {
        paths[self.random.random_range(0..paths.len())].into()
    }

    fn fresh(&mut self, is_demo: bool) -> String {
        let is_own = !is_demo && self.random.random_range(0..3) == 0;
        let mut path = String::from(if is_own { "/own" } else { "/apps/demo" });
        for _ in 0..[1, 1, 1, 2, 2, 3][self.random.random_range(0..6)] {
            let is_odd = self.random.random_range(0..if is_demo { 30 } else { 6 }) == 0;
            let names = if is_odd { ODD } else { NAMES };
            let slash = if self.random.random_range(0..20) == 0 { "//" } else { "/" };
            path = format!("{path}{slash}{}", names[self.random.random_range(0..names.len())]);
        }
        if self.random.random_range(0..20) == 0 { path + "/" } else { path }
    }

    /// A path where something is, most of the time; never a root.
    fn inner(&mut self, drive: &Drive, is_demo: bool) -> String {
        let mut all = Vec::new();
        paths_of(&drive.root, "", &mut all);
        all.retain(|path| {
            path.starts_with("/apps/demo/") || (!is_demo && path.starts_with("/own/"))
        });
        if all.is_empty() || self.random.random_range(0..8) == 0 {
            return self.fresh(is_demo);
        }
        let path = all.swap_remove(self.random.random_range(0..all.len()));
        // In another spelling, now and then.
        match self.random.random_range(0..6) {
            0 => path.replace("e\u{301}", "\u{e9}"),
            1 => path.replace('\u{e9}', "e\u{301}"),
            _ => path,
        }
    }

    fn known(&mut self, drive: &Drive, is_demo: bool) -> String {
        match self.random.random_range(0..10) {
            0..2 => "/apps/demo".into(),
            2 if !is_demo => self.pick(&["/", "/apps", "/own"]),
            3 => self.path(drive, is_demo),
            _ => self.inner(drive, is_demo),
        }
    }
}

/// The content of a file that is these blocks one after the other.
pub(crate) fn content_of(blocks: &[(u64, usize)]) -> Content {
    let bytes = bytes_of(blocks);
    let slice_md5 = digest::md5_hex(&bytes[..bytes.len().min(SLICE)]);
    Content { size: bytes.len() as u64, md5: digest::md5_hex(&bytes), slice_md5 }
}

pub(crate) fn bytes_of(blocks: &[(u64, usize)]) -> Vec<u8> {
    blocks.iter().flat_map(|&(seed, size)| digest::content(seed, size)).collect()
}

fn contents_of(node: &Node, all: &mut Vec<Content>) {
    match &node.kind {
        Kind::File(content) => all.push(content.clone()),
        Kind::Directory(children) => children.values().for_each(|child| contents_of(child, all)),
    }
}

fn paths_of(node: &Node, path: &str, all: &mut Vec<String>) {
    for child in node.children().into_iter().flat_map(|children| children.values()) {
        let path = format!("{path}/{}", child.name);
        paths_of(child, &path, all);
        all.push(path);
    }
}
