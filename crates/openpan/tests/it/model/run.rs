//! Sends a program's requests and compares what comes back.

use std::collections::HashMap;

use pan_conformance::pcs::{BulkItem, Carrier, Client, Reply, digest};
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::json;

use super::drive::{Drive, key};
use super::program::{Generator, Op, bytes_of, content_of};
use super::rules::{Caller, Verdict, judge, parse};
use super::views::Feed;

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
    /// What each caller has put together from the feed.
    pub(super) feeds: [Feed; 2],
    next_content: u64,
    /// Lets so many days pass for the server.
    clock: Option<Clock>,
}

/// Lets days pass.
type Clock = Box<dyn Fn(i64)>;

impl Program {
    pub(crate) fn new(
        title: String,
        random: StdRng,
        quota: Option<u64>,
        demo: Client,
        owner: Client,
    ) -> Self {
        let root = vec!["apps".to_owned(), "demo".to_owned()];
        let mut drive = Drive::new();
        // A token's root is made when the token is, or when it is first used:
        // here it is there from the beginning.
        owner.mkdir("/own").ok();
        owner.mkdir("/apps/demo");
        drive.mkdir(&["own".into()]);
        drive.mkdir(&root);
        let demo = (Caller { name: "demo", root, is_pcs: true }, demo);
        let owner = (Caller { name: "owner", root: Vec::new(), is_pcs: false }, owner);
        Self {
            title,
            random,
            quota,
            callers: [demo, owner],
            drive,
            ids: HashMap::new(),
            log: Vec::new(),
            feeds: [Feed::new(), Feed::new()],
            next_content: 0,
            clock: None,
        }
    }

    /// The same with a server whose days can pass.
    pub(crate) fn with_clock(self, clock: Clock) -> Self {
        Self { clock: Some(clock), ..self }
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
                    has_clock: self.clock.is_some(),
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

    /// Learns the ids of what is in the bin, as its owner does.
    fn learn_bin(&mut self) {
        let reply = self.callers[1].1.file("listrecycle").get().send();
        self.is_bin(1, 0, 1_000, &reply);
        let list = reply.json()["list"].as_array().unwrap().clone();
        for (deleted, entry) in self.drive.bin.iter().rev().zip(&list) {
            let fs_id = entry["fs_id"].as_u64().unwrap();
            let known = *self.ids.entry(deleted.node.id).or_insert(fs_id);
            self.holds(known == fs_id, &reply, "the fs_id that it had");
        }
    }

    /// The server's id of an entry of the model; one that nothing has for 0.
    fn fs_id(&self, id: u64) -> u64 {
        self.ids.get(&id).copied().unwrap_or(1)
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
            Op::PutMany(items) => {
                let sent = items.iter().map(|(path, block, ondup)| {
                    BulkItem::new(path, &bytes_of(&[*block])).ondup(ondup)
                });
                let reply = self.callers[who].1.bulk(&sent.collect::<Vec<_>>());
                let mut done = false;
                for (nth, (path, block, ondup)) in items.iter().enumerate() {
                    let (path, content) = (path.clone(), content_of(&[*block]));
                    let put = Op::Put { path, content, ondup };
                    done |= self.settle(who, &put, &of_item(&reply, nth));
                }
                done
            }
            Op::Restore(ids) if ids.len() > 1 => {
                self.learn_bin();
                let items = ids.iter().map(|id| json!({ "fs_id": self.fs_id(*id).to_string() }));
                let reply = self.callers[who].1.batch("restore", &items.collect());
                let ops = ids.iter().map(|id| Op::Restore(vec![*id]));
                self.batch(who, &ops.collect::<Vec<_>>(), &reply)
            }
            Op::Diff => {
                self.follow_feed(who);
                false
            }
            Op::Wait(days) => {
                self.clock.iter().for_each(|pass| pass(*days));
                self.drive.wait(*days);
                false
            }
            _ => {
                if matches!(op, Op::Restore(_)) {
                    self.learn_bin();
                }
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
            Op::Meta(path) => client.meta(path),
            Op::List { path, by, order, limit } => {
                let limit = limit.map(|(start, end)| format!("{start}-{end}")).unwrap_or_default();
                let call = client.file("list").get().param("path", path).param("by", by);
                call.param("order", order).param("limit", limit).send()
            }
            Op::Rapid { path, content, ondup } => {
                let call = client.file("rapidupload").param("path", path).param("ondup", ondup);
                let call = call.param("content-length", content.size.to_string());
                let call = call.param("content-md5", &content.md5);
                call.param("slice-md5", &content.slice_md5).send()
            }
            Op::Restore(ids) => {
                client.file("restore").param("fs_id", self.fs_id(ids[0]).to_string()).send()
            }
            Op::EmptyRecycle => client.file("delete").param("type", "recycle").send(),
            Op::ListRecycle { start, limit } => {
                let call = client.file("listrecycle").get().param("start", start.to_string());
                call.param("limit", limit.to_string()).send()
            }
            Op::Search { path, wd, is_recursive } => {
                let re = if *is_recursive { "1" } else { "0" };
                client
                    .file("search")
                    .get()
                    .param("path", path)
                    .param("wd", wd)
                    .param("re", re)
                    .send()
            }
            Op::ListMedia { kind, prefix } => {
                let call = client.call("stream", "list").get().param("type", kind);
                call.param("filter_path", prefix).send()
            }
            Op::PutMany(_) | Op::MoveMany(_) | Op::DeleteMany(_) | Op::Diff | Op::Wait(_) => {
                panic!("sent in its own way")
            }
        })
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
                if let Op::Mkdir(path)
                | Op::Put { path, .. }
                | Op::Merge { path, .. }
                | Op::Rapid { path, .. } = op
                {
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
                    Op::ListRecycle { start, limit } => self.is_bin(who, *start, *limit, reply),
                    Op::Search { wd, is_recursive, .. } => {
                        self.is_found(&paths[0], wd, *is_recursive, reply);
                    }
                    Op::ListMedia { kind, prefix } => self.is_media(who, kind, prefix, reply),
                    _ => self.is_told(op, &paths[0], reply),
                }
                false
            }
        }
    }
}

/// What a bulk upload says of one item, as if it had come alone.
fn of_item(reply: &Reply, nth: usize) -> Reply {
    let whole = reply.ok();
    let mut item = whole["list"][nth].clone();
    let mut alone = reply.clone();
    alone.answer.head.status = if item.get("error_code").is_some() { 400 } else { 200 };
    item["request_id"] = whole["request_id"].clone();
    alone.answer.body = item.to_string().into_bytes();
    alone
}

impl Op {
    fn size(&self) -> usize {
        match self {
            Self::Put { content, .. } => content.size as usize,
            _ => 0,
        }
    }
}
