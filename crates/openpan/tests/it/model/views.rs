//! Compares what is not a place in the tree: the bin, search, media, the feed.

use std::collections::{BTreeMap, BTreeSet};

use pan_conformance::pcs::Reply;
use pan_model::MediaType;
use serde_json::Value;

use super::drive::{Kind, Node, key};
use super::run::Program;

/// A page of the feed must not be followed by endless others.
const PAGES_MAX: usize = 100;

/// What a reader of the feed has: the cursor, and path by path what is there.
pub(crate) struct Feed {
    cursor: String,
    entries: BTreeMap<String, Told>,
}

/// What an entry is, as the feed and the model both tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    is_directory: bool,
    size: u64,
    md5: String,
}

impl Feed {
    pub(super) fn new() -> Self {
        Self { cursor: "null".into(), entries: BTreeMap::new() }
    }

    fn apply(&mut self, page: &Value) {
        if page["reset"] == true {
            self.entries.clear();
        }
        for (path, entry) in page["entries"].as_object().unwrap() {
            if entry["isdelete"].as_i64().unwrap_or(0) != 0 {
                let below = format!("{path}/");
                self.entries.retain(|other, _| other != path && !other.starts_with(&below));
                continue;
            }
            let told = Told {
                is_directory: entry["isdir"] == 1,
                size: entry["size"].as_u64().unwrap(),
                md5: entry["md5"].as_str().unwrap().to_owned(),
            };
            self.entries.insert(path.clone(), told);
        }
        self.cursor = page["cursor"].as_str().unwrap().to_owned();
    }
}

impl Program {
    /// Reads the feed to its end: what comes out is the tree.
    pub(super) fn follow_feed(&mut self, who: usize) {
        for page in 0.. {
            let cursor = self.feeds[who].cursor.clone();
            let reply = self.callers[who].1.file("diff").get().param("cursor", &cursor).send();
            self.holds(reply.status() == 200, &reply, "a page of the feed");
            let told = reply.json();
            self.feeds[who].apply(&told);
            if told["has_more"] == false {
                return self.is_whole(who, &reply);
            }
            self.holds(page < PAGES_MAX, &reply, "an end of the feed");
        }
    }

    fn is_whole(&self, who: usize, reply: &Reply) {
        let mut due = BTreeMap::new();
        for (path, _, node) in self.reachable(who) {
            let (size, md5) = match &node.kind {
                Kind::File(content) => (content.size, content.md5.clone()),
                Kind::Directory(_) => (0, String::new()),
            };
            due.insert(path, Told { is_directory: node.is_directory(), size, md5 });
        }
        let told = &self.feeds[who].entries;
        self.holds(*told == due, reply, &format!("{due:?} instead of {told:?}"));
    }

    /// A window of the bin, latest first.
    pub(super) fn is_bin(&self, who: usize, start: usize, limit: usize, reply: &Reply) {
        let caller = &self.callers[who].0;
        let seen = self.drive.bin.iter().rev().filter(|deleted| caller.reaches(&deleted.names));
        let due: Vec<_> = seen
            .skip(start)
            .take(limit)
            .map(|deleted| (format!("/{}", deleted.names.join("/")), deleted.node.is_directory()))
            .collect();
        let list = reply.json()["list"].as_array().unwrap().clone();
        let told = list.iter().map(|entry| {
            (entry["path"].as_str().unwrap().to_owned(), entry["isdir"].as_u64() == Some(1))
        });
        self.holds(told.eq(due.clone()), reply, &format!("{due:?}"));
    }

    /// All files whose name has the keyword in it, and nothing else.
    pub(super) fn is_found(&self, path: &str, wd: &str, is_recursive: bool, reply: &Reply) {
        let fold = |text: &str| key(&text.to_lowercase());
        let below = if path == "/" { String::from("/") } else { format!("{path}/") };
        let mut due = BTreeSet::new();
        for (file, name, node) in self.reachable(1) {
            let inside = file.strip_prefix(&below);
            let is_near = inside.is_some_and(|rest| is_recursive || !rest.contains('/'));
            if is_near && !node.is_directory() && fold(&name).contains(&fold(wd)) {
                due.insert(file);
            }
        }
        let list = reply.json()["list"].as_array().unwrap().clone();
        let told: BTreeSet<_> =
            list.iter().map(|entry| entry["path"].as_str().unwrap().to_owned()).collect();
        self.holds(told == due && list.len() == due.len(), reply, &format!("{due:?}"));
        let ids = list.iter().map(|entry| entry["fs_id"].as_u64().unwrap());
        self.holds(ids.rev().is_sorted(), reply, "the newest first");
    }

    /// All files of a kind whose path begins like this.
    pub(super) fn is_media(&self, who: usize, kind: &str, prefix: &str, reply: &Reply) {
        let files = self.reachable(who).into_iter().filter(|(path, name, node)| {
            let is_kind = match MediaType::of_name(name) {
                MediaType::Video => kind == "video",
                MediaType::Image => kind == "image",
                MediaType::Doc => kind == "doc",
                MediaType::Audio | MediaType::Other => false,
            };
            is_kind && !node.is_directory() && path.starts_with(prefix)
        });
        let due: BTreeSet<_> = files.map(|(path, ..)| path).collect();
        let page = reply.json();
        let list = page["list"].as_array().unwrap();
        let told: BTreeSet<_> =
            list.iter().map(|entry| entry["path"].as_str().unwrap().to_owned()).collect();
        self.holds(told == due && list.len() == due.len(), reply, &format!("{due:?}"));
        self.holds(page["total"] == due.len(), reply, "a total of all");
    }

    /// Path, name and entry of everything below a caller's root.
    fn reachable(&self, who: usize) -> Vec<(String, String, &Node)> {
        let mut all = Vec::new();
        let root = &self.callers[who].0.root;
        if let Some(node) = self.drive.get(root) {
            let path = root.iter().map(|name| format!("/{name}")).collect::<String>();
            collect(node, &path, &mut all);
        }
        all
    }
}

fn collect<'a>(node: &'a Node, path: &str, all: &mut Vec<(String, String, &'a Node)>) {
    for child in node.children().into_iter().flat_map(|children| children.values()) {
        let path = format!("{path}/{}", child.name);
        collect(child, &path, all);
        all.push((path, child.name.clone(), child));
    }
}
