//! Sends a program's requests and compares what comes back.

use std::collections::HashMap;

use pan_conformance::pcs::{Carrier, Client, Reply, digest};
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::json;

use super::drive::{Drive, key};
use super::program::{Generator, Op, bytes_of};
use super::rules::{Caller, Verdict, judge, parse};

/// A program on the way.
pub(crate) struct Program {
    pub(super) title: String,
    random: StdRng,
    pub(super) quota: Option<u64>,
    pub(super) callers: [(Caller, Client); 2],
    pub(super) drive: Drive,
    /// Which `fs_id` an entry of the model has, once seen.
    pub(super) ids: HashMap<u64, u64>,
    pub(super) log: Vec<String>,
    next_content: u64,
}

impl Program {
    pub(crate) fn new(
        title: String,
        random: StdRng,
        quota: Option<u64>,
        demo: Client,
        owner: Client,
    ) -> Self {
        let root = vec!["apps".to_owned(), "demo".to_owned()];
        // The bin has a limit of its own, twice the quota.
        let mut drive = Drive::new(quota.map_or(u64::MAX, |quota| quota * 2));
        // A token's root is made when the token is, or when it is first used:
        // here it is there from the beginning.
        owner.mkdir("/own").ok();
        owner.mkdir("/apps/demo");
        drive.mkdir(&["own".into()]);
        drive.mkdir(&root);
        let demo = (Caller { name: "demo", root, is_pcs: true }, demo);
        let owner = (Caller { name: "owner", root: Vec::new(), is_pcs: false }, owner);
        let (ids, log) = (HashMap::new(), Vec::new());
        Self { title, random, quota, callers: [demo, owner], drive, ids, log, next_content: 0 }
    }

    /// Runs it to its end; how many requests changed something.
    pub(crate) fn run(mut self, operations: usize) -> u64 {
        let mut done = 0;
        for _ in 0..operations {
            let who = self.random.random_range(0..2);
            let op = {
                let mut generator = Generator {
                    random: &mut self.random,
                    next_content: self.next_content,
                    is_tight: self.quota.is_some(),
                };
                let op = generator.next(&self.drive, who == 0);
                self.next_content = generator.next_content;
                op
            };
            self.log.push(format!("{}: {op:?}", self.callers[who].0.name));
            done += u64::from(self.step(who, &op));
        }
        self.compare_everything();
        done
    }

    fn step(&mut self, who: usize, op: &Op) -> bool {
        match op {
            Op::MoveMany(pairs) => {
                let items = pairs.iter().map(|(from, to)| json!({ "from": from, "to": to }));
                let reply = self.callers[who].1.batch("move", &items.collect());
                let ops = pairs.iter().map(|(from, to)| Op::Move(from.clone(), to.clone()));
                self.batch(who, &ops.collect::<Vec<_>>(), &reply)
            }
            Op::DeleteMany(paths) => {
                let items = paths.iter().map(|path| json!({ "path": path }));
                let reply = self.callers[who].1.batch("delete", &items.collect());
                let ops = paths.iter().map(|path| Op::Delete(path.clone()));
                self.batch(who, &ops.collect::<Vec<_>>(), &reply)
            }
            _ => {
                let Some(reply) = self.send(who, op) else { return false };
                self.settle(who, op, &reply)
            }
        }
    }

    /// A batch is its items one after the other, up to the first refusal.
    fn batch(&mut self, who: usize, ops: &[Op], reply: &Reply) -> bool {
        let quota = self.quota.unwrap_or(u64::MAX);
        for (done, op) in ops.iter().enumerate() {
            match judge(&self.drive, &self.callers[who].0, quota, op) {
                Verdict::Done(after) => self.drive = after,
                Verdict::DoneOr(code, _) if reply.code() == Some(code) => return done > 0,
                Verdict::DoneOr(_, after) => self.drive = after,
                Verdict::Refused(codes) => {
                    let code = reply.code().unwrap_or_default();
                    self.holds(
                        codes.contains(&code),
                        reply,
                        &format!("one of {codes:?} at item {done}"),
                    );
                    let extra = reply.json()["extra"]["list"].as_array().map(Vec::len);
                    self.holds(extra == Some(done), reply, &format!("{done} items done"));
                    return done > 0;
                }
                Verdict::NewName { .. } | Verdict::Told(_) => panic!("no batch tells anything"),
            }
        }
        self.holds(reply.status() == 200, reply, "all items done");
        true
    }

    /// `None` when a block was refused because a small quota leaves it no room (S4).
    fn send(&self, who: usize, op: &Op) -> Option<Reply> {
        let client = &self.callers[who].1;
        Some(match op {
            Op::Mkdir(path) => client.mkdir(path),
            Op::Put { path, ondup, .. } => {
                let bytes = digest::content(self.next_content, op.size());
                client
                    .file("upload")
                    .param("path", path)
                    .param("ondup", ondup)
                    .content(&bytes)
                    .send()
            }
            Op::Merge { path, blocks, ondup, has_unknown, .. } => {
                let mut handles = Vec::new();
                for block in blocks {
                    let call = client.file("upload").param("type", "tmpfile");
                    let reply = call.content(&bytes_of(&[*block])).send();
                    if self.quota.is_some() && reply.code() == Some(31112) {
                        return None;
                    }
                    handles.push(reply.ok()["md5"].clone());
                }
                if *has_unknown {
                    handles.push(json!("0123456789abcdef0123456789abcdef"));
                }
                let param = json!({ "block_list": handles }).to_string();
                let call = client.file("createsuperfile").by(Carrier::PostForm).param("path", path);
                call.param("ondup", ondup).param("param", param).send()
            }
            Op::Move(from, to) => client.mv(from, to),
            Op::Copy(from, to) => client.cp(from, to),
            Op::Delete(path) => client.rm(path),
            Op::Restore(id) => client.restore(&json!(self.fs_id_in_bin(*id))),
            Op::ListBin => client.file("listrecycle").get().send(),
            Op::EmptyBin => client.empty_bin(),
            Op::Meta(path) => client.meta(path),
            Op::List { path, by, order, limit } => {
                let limit = limit.map(|(start, end)| format!("{start}-{end}")).unwrap_or_default();
                let call = client.file("list").get().param("path", path).param("by", by);
                call.param("order", order).param("limit", limit).send()
            }
            Op::MoveMany(_) | Op::DeleteMany(_) => panic!("sent as a batch"),
        })
    }

    /// The `fs_id` of an entry of the bin: seen before, or by its place there.
    fn fs_id_in_bin(&self, id: u64) -> u64 {
        let place = self.drive.bin.iter().rev().position(|one| one.node.id == id);
        let by_place = || self.callers[1].1.bin().get(place?)?["fs_id"].as_u64();
        self.ids.get(&id).copied().or_else(by_place).unwrap_or(1)
    }

    fn settle(&mut self, who: usize, op: &Op, reply: &Reply) -> bool {
        let quota = self.quota.unwrap_or(u64::MAX);
        match judge(&self.drive, &self.callers[who].0, quota, op) {
            Verdict::Refused(codes) => {
                let code = reply.code().unwrap_or_default();
                self.holds(codes.contains(&code), reply, &format!("one of {codes:?}"));
                false
            }
            Verdict::DoneOr(code, _) if reply.code() == Some(code) => false,
            Verdict::Done(after) | Verdict::DoneOr(_, after) => {
                self.holds(reply.status() == 200, reply, "success");
                self.drive = after;
                if let Op::Mkdir(path) | Op::Put { path, .. } | Op::Merge { path, .. } = op {
                    let names = parse(path).unwrap();
                    let entry = reply.json();
                    self.is_entry(&names, &entry, reply);
                }
                true
            }
            Verdict::NewName { or: Some(code), .. } if reply.code() == Some(code) => false,
            Verdict::NewName { names, content, .. } => {
                self.holds(reply.status() == 200, reply, "a new name");
                let entry = reply.json();
                let new = parse(entry["path"].as_str().unwrap()).unwrap();
                self.holds(self.drive.get(&new).is_none(), reply, "a name that was free");
                let keys =
                    |names: &[String]| names.iter().map(|name| key(name)).collect::<Vec<_>>();
                let is_beside = keys(&new[..new.len() - 1]) == keys(&names[..names.len() - 1]);
                self.holds(is_beside, reply, "a place beside the old one");
                self.drive.put(&new, content);
                self.is_entry(&new, &entry, reply);
                true
            }
            Verdict::Told(paths) => {
                self.holds(reply.status() == 200, reply, "an answer");
                match op {
                    Op::ListBin => self.is_bin(who, reply),
                    _ => self.is_told(op, &paths[0], reply),
                }
                false
            }
        }
    }
}

impl Op {
    fn size(&self) -> usize {
        match self {
            Self::Put { content, .. } => content.size as usize,
            _ => 0,
        }
    }
}
