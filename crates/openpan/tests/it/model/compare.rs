//! Compares what the server tells with what the model knows.

use pan_conformance::pcs::{Reply, name_of};
use serde_json::{Value, json};

use super::drive::{Kind, Node, Walk, key};
use super::program::Op;
use super::rules::parse;
use super::run::Program;

impl Program {
    /// A listing or an entry is told as the model has it.
    pub(super) fn is_told(&mut self, op: &Op, path: &str, reply: &Reply) {
        let names = parse(path).unwrap();
        let list = reply.json()["list"].as_array().unwrap().clone();
        let Op::List { by, order, limit, .. } = op else {
            self.holds(list.len() == 1, reply, "one entry");
            return self.is_entry(&names, &list[0], reply);
        };
        let node = self.drive.get(&names).unwrap();
        let children: Vec<Node> =
            node.children().into_iter().flat_map(|map| map.values().cloned()).collect();
        let sorted = sort(children, by, *order == "asc");
        let (start, end) = limit.unwrap_or((0, usize::MAX));
        let window: Vec<Node> = sorted
            .into_iter()
            .enumerate()
            .filter(|(i, _)| (start..end).contains(i))
            .map(|(_, n)| n)
            .collect();
        let told: Vec<&str> = list.iter().map(name_of).collect();
        let due: Vec<&str> = window.iter().map(|node| node.name.as_str()).collect();
        self.holds(told == due, reply, &format!("{due:?}"));
        for (node, entry) in window.iter().zip(&list) {
            self.is_entry(&[names.clone(), vec![node.name.clone()]].concat(), entry, reply);
        }
    }

    /// The bin is told as the model has it: the caller's part, latest first.
    pub(super) fn is_bin(&mut self, who: usize, reply: &Reply) {
        let list = reply.json()["list"].as_array().unwrap().clone();
        let bin: Vec<_> = self.drive.bin.iter().rev().cloned().collect();
        let due: Vec<_> =
            bin.into_iter().filter(|one| self.callers[who].0.reaches(&one.names)).collect();
        let told: Vec<&str> = list.iter().map(|entry| entry["path"].as_str().unwrap()).collect();
        let paths: Vec<_> = due.iter().map(|one| format!("/{}", one.names.join("/"))).collect();
        self.holds(told == paths, reply, &format!("{paths:?} in the bin"));
        for (one, entry) in due.iter().zip(&list) {
            let size = if one.node.is_directory() { 0 } else { one.node.bytes() };
            self.holds(entry["size"] == size, reply, &format!("size = {size}"));
            let fs_id = entry["fs_id"].as_u64().unwrap();
            let known = *self.ids.entry(one.node.id).or_insert(fs_id);
            self.holds(known == fs_id, reply, &format!("fs_id {known}"));
        }
    }

    /// The entry says of itself what the model knows.
    pub(super) fn is_entry(&mut self, names: &[String], entry: &Value, reply: &Reply) {
        let Walk::Found(node, path) = self.drive.walk(names) else {
            panic!("{}: the model lost {names:?}", self.title);
        };
        let (size, md5) = match &node.kind {
            Kind::File(content) => (content.size, content.md5.clone()),
            Kind::Directory(_) => (0, String::new()),
        };
        let has_subdirectory =
            node.children().is_some_and(|children| children.values().any(Node::is_directory));
        let id = node.id;
        let due = json!({
            "path": path, "isdir": u8::from(node.is_directory()), "size": size, "md5": md5,
            "ifhassubdir": u8::from(has_subdirectory),
        });
        for (field, value) in due.as_object().unwrap() {
            self.holds(&entry[field] == value, reply, &format!("{field} = {value} of {path}"));
        }
        let fs_id = entry["fs_id"].as_u64().unwrap();
        let known = *self.ids.entry(id).or_insert(fs_id);
        self.holds(known == fs_id, reply, &format!("fs_id {known} of {path}"));
        let others = self.ids.values().filter(|other| **other == fs_id).count();
        self.holds(others == 1, reply, &format!("an fs_id of its own for {path}"));
    }

    /// The whole tree as the owner sees it, the part that demo sees, the quota.
    pub(super) fn compare_everything(&mut self) {
        let mut open = vec![Vec::<String>::new()];
        while let Some(names) = open.pop() {
            let path = format!("/{}", names.join("/"));
            let node = self.drive.get(&names).unwrap();
            let children: Vec<Node> = node.children().unwrap().values().cloned().collect();
            open.extend(
                children
                    .iter()
                    .filter(|c| c.is_directory())
                    .map(|c| [names.clone(), vec![c.name.clone()]].concat()),
            );
            let is_demos = path.starts_with("/apps/demo");
            for (_, client) in self.callers.iter().skip(usize::from(!is_demos)) {
                let reply = client.list(&path);
                let list = reply.ok()["list"].as_array().unwrap().clone();
                let told: Vec<&str> = list.iter().map(name_of).collect();
                let due: Vec<&str> = children.iter().map(|node| node.name.as_str()).collect();
                self.holds(told == due, &reply, &format!("in the end {due:?}"));
            }
            let reply = self.callers[1].1.list(&path);
            for (node, entry) in children.iter().zip(reply.ok()["list"].as_array().unwrap()) {
                self.is_entry(&[names.clone(), vec![node.name.clone()]].concat(), entry, &reply);
            }
        }
        for who in 0..2 {
            let reply = self.callers[who].1.file("listrecycle").get().send();
            self.is_bin(who, &reply);
        }
        let used = self.callers[1].1.quota().1;
        assert_eq!(used, self.drive.root.bytes(), "{}: used", self.title);
    }

    /// It is so, or the program failed.
    #[track_caller]
    pub(super) fn holds(&self, is_so: bool, reply: &Reply, due: &str) {
        if !is_so {
            let from = self.log.len().saturating_sub(20);
            let shown: Vec<String> =
                self.log[from..].iter().map(|line| line.chars().take(300).collect()).collect();
            panic!("{}: {due} was due, but {reply}\nafter\n{}", self.title, shown.join("\n"));
        }
    }
}

/// The order of the book (4.9) without times.
fn sort(mut nodes: Vec<Node>, by: &str, is_ascending: bool) -> Vec<Node> {
    let extension = |node: &Node| match key(&node.name).rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension.to_lowercase(),
        _ => String::new(),
    };
    nodes.sort_by_key(|node| match by {
        "name" => (String::new(), 0, key(&node.name)),
        "size" => {
            (String::new(), if node.is_directory() { 0 } else { node.bytes() }, key(&node.name))
        }
        _ if node.is_directory() => (String::new(), 0, key(&node.name)),
        _ => (extension(node), 0, key(&node.name)),
    });
    if !is_ascending {
        nodes.reverse();
    }
    if by != "name" {
        nodes.sort_by_key(|node| !node.is_directory());
    }
    nodes
}
