//! The feed of the real binary: small programs, and trees that need pages.

use pan_conformance::pcs::{Client, Target, TokenSpec};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;

use super::program::run;
use super::storage::{Fact, Op, Page, ROOTS, Reader, Storage, Tree, difference};
use crate::crash::seed;
use crate::shared::with_target;

crate::tests![
    random_programs_end_in_the_listing_over_http,
    a_large_tree_is_told_in_pages_while_it_moves,
];

const PROGRAMS: u64 = 16;

/// A user of a running server.
pub(crate) struct OverHttp {
    clients: Vec<Client>,
}

impl OverHttp {
    pub(crate) fn new(t: &Target<'_>) -> Self {
        let client = |root: &&str| t.caller(&TokenSpec::rooted(root).relaxed());
        Self { clients: ROOTS.iter().map(client).collect() }
    }

    fn owner(&self) -> &Client {
        &self.clients[0]
    }
}

impl Storage for OverHttp {
    fn act(&self, op: &Op) {
        let owner = self.owner();
        drop(match op {
            Op::Put { path, content } => owner.put_ondup(path, content.as_bytes(), "overwrite"),
            Op::Mkdir { path } => owner.mkdir(path),
            Op::Move { from, to } => owner.mv(from, to),
            Op::Copy { from, to } => owner.cp(from, to),
            Op::Delete { path } => owner.rm(path),
            Op::Restore { nth } => {
                let bin = owner.file("listrecycle").get().send().ok();
                let bin = bin["list"].as_array().unwrap().clone();
                let Some(record) = bin.get(nth % bin.len().max(1)) else { return };
                owner.file("restore").param("fs_id", record["fs_id"].to_string()).send()
            }
            Op::Empty { root } => {
                self.clients[*root].file("delete").param("type", "recycle").send()
            }
        });
    }

    fn page(&self, root: usize, cursor: Option<&str>, _: usize) -> Page {
        read_page(&self.clients[root], cursor)
    }

    fn listing(&self, root: usize) -> Tree {
        listing(&self.clients[root], ROOTS[root])
    }
}

/// One page of the feed.
pub(crate) fn read_page(client: &Client, cursor: Option<&str>) -> Page {
    let call = client.file("diff").get().param("cursor", cursor.unwrap_or("null"));
    let reply = call.send().ok();
    let entries = reply["entries"].as_object().unwrap().iter();
    let changes = entries.map(|(path, entry)| {
        assert_eq!(entry["path"], path.as_str());
        (path.clone(), (entry["isdelete"] == 0).then(|| fact(entry)))
    });
    Page {
        changes: changes.collect(),
        cursor: reply["cursor"].as_str().unwrap().into(),
        has_more: reply["has_more"].as_bool().unwrap(),
        reset: reply["reset"].as_bool().unwrap(),
    }
}

/// Everything below a directory.
pub(crate) fn listing(client: &Client, directory: &str) -> Tree {
    let mut tree = Tree::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        let list = client.list(&directory).ok();
        for entry in list["list"].as_array().unwrap() {
            let path = entry["path"].as_str().unwrap().to_owned();
            if entry["isdir"] == 1 {
                open.push(path.clone());
            }
            tree.insert(path, fact(entry));
        }
    }
    tree
}

fn fact(entry: &Value) -> Fact {
    let md5 = entry["md5"].as_str().unwrap().to_owned();
    (entry["fs_id"].as_u64().unwrap(), entry["isdir"] == 1, md5)
}

fn random_programs_end_in_the_listing_over_http() {
    let seed = seed();
    println!("feed over HTTP: OPENPAN_TEST_SEED={seed}");
    for number in 0..PROGRAMS {
        with_target(|t| {
            let storage = OverHttp::new(t);
            let readers = (0..ROOTS.len()).map(Reader::new).collect();
            if let Err(wrong) = run(&storage, seed ^ (number << 20), 40, readers) {
                panic!("seed {seed}, program {number}: {wrong}");
            }
        });
    }
}

/// Makes a directory of 2^`doublings` × 10 files, in directories of ten.
pub(crate) fn plant(client: &Client, directory: &str, doublings: u32) {
    for i in 0..10 {
        client.put(&format!("{directory}/0/{i}"), format!("{i}").as_bytes()).ok();
    }
    for i in 0..doublings {
        client.cp(directory, &format!("/half-{i}")).ok();
        client.mv(&format!("/half-{i}"), &format!("{directory}/half-{i}")).ok();
    }
}

fn a_large_tree_is_told_in_pages_while_it_moves() {
    with_target(|t| {
        let storage = OverHttp::new(t);
        let owner = storage.owner();
        plant(owner, "/a/b/big", 9);
        let random = &mut StdRng::seed_from_u64(1);
        let mut readers: Vec<Reader> = (0..ROOTS.len()).map(Reader::new).collect();
        let mut everything = Reader::new(0);
        let mut pages = 1;
        while everything.read(&storage, random, 0) {
            pages += 1;
        }
        let entries = everything.tree.len();
        assert!(entries > 5_000 && pages == entries.div_ceil(2_000), "{entries} in {pages}");
        let moves =
            [("/a/b/big", "/c/big"), ("/c", "/a/c"), ("/a/c", "/c"), ("/c/big/half-8", "/a/b/x")];
        for (from, to) in moves {
            for reader in &mut readers {
                reader.read(&storage, random, 0);
            }
            owner.mv(from, to).ok();
        }
        owner.rm("/c/big").ok();
        for reader in &mut readers {
            reader.read(&storage, random, 0);
        }
        storage.act(&Op::Restore { nth: 0 });
        for reader in readers.iter_mut().chain([&mut everything]) {
            reader.catch_up(&storage, random, 0);
            let difference = difference(&reader.tree, &storage.listing(reader.root));
            assert_eq!(difference, None, "root {}", ROOTS[reader.root]);
        }
        assert_eq!(everything.tree.len(), entries);
    });
}
