//! Random edits on both sides, or on three: few names, so that everything
//! meets everything. Afterwards all sides are the same, and no content that
//! somebody did not throw away himself is lost.
//!
//! `OPENPAN_TEST_SYNC_SEEDS` says how many programs are run, and
//! `OPENPAN_TEST_SEED` which is the first.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pan_conformance::pcs::{Client, Target, TokenSpec, digest};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::side::{Place, Side, Tree};
use crate::crash::variable;
use crate::person::{Person, said};
use crate::server::{CommandLine, Server};

crate::tests![random_edits_on_all_sides_converge_and_lose_nothing];

const PROGRAMS: u64 = 500;
const THREADS: u64 = 4;
/// Programs that share a user, each in a directory of its own.
const OF_A_USER: u64 = 20;
const ROUNDS: usize = 4;
/// After so many runs of `both` with one machine nothing may be left to do.
const RUNS: usize = 3;

fn random_edits_on_all_sides_converge_and_lose_nothing() {
    let first = variable("OPENPAN_TEST_SEED").unwrap_or(1);
    let programs = variable("OPENPAN_TEST_SYNC_SEEDS").unwrap_or(PROGRAMS);
    println!("sync: OPENPAN_TEST_SEED={first} OPENPAN_TEST_SYNC_SEEDS={programs}");
    // Nothing here is about power cuts: the server's bytes may lie in memory.
    let memory = std::path::Path::new("/dev/shm");
    let directory = match memory.is_dir() {
        true => tempfile::TempDir::new_in(memory).unwrap(),
        false => tempfile::TempDir::new().unwrap(),
    };
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let accounts = CommandLine(&data);
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let group = next.fetch_add(1, Ordering::Relaxed);
                    let seeds = group * OF_A_USER..programs.min((group + 1) * OF_A_USER);
                    if seeds.is_empty() {
                        return;
                    }
                    let user = format!("sync{group}");
                    let t = Target::with_quota(&server.address, &accounts, &user, None);
                    let client = t.caller(&TokenSpec::rooted("/").relaxed());
                    for seed in seeds {
                        program(&client, first + seed);
                    }
                }
            });
        }
    });
    server.check();
    server.stop();
}

/// A machine: a home, a directory that is synchronised.
struct Machine {
    person: Person,
    directory: String,
    remote: String,
}

impl Machine {
    fn new(client: &Client, remote: &str) -> Self {
        let person = Person::new(client);
        fs::create_dir(person.path("tree")).unwrap();
        // A side that became empty is not believed.
        fs::write(person.path("tree/keep"), "kept").unwrap();
        Self { person, directory: "tree".into(), remote: remote.into() }
    }

    fn arguments(&self) -> [&str; 5] {
        ["--json", "sync", "both", &self.directory, &self.remote]
    }

    /// Synchronises; how many actions there were.
    fn sync(&self, context: &str) -> usize {
        let output = self.person.run(&self.arguments());
        assert!(output.status.success(), "{context}: {}", said(&output));
        let lines = String::from_utf8(output.stdout).unwrap();
        let objects = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        objects.filter(|object| object["action"] != "summary").count()
    }

    /// Begins to synchronise and is killed.
    fn sync_and_die(&self, after: Duration) {
        let mut command = self.person.command(&self.arguments());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

fn program(client: &Client, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let root = format!("/program{seed}");
    let machines: Vec<_> =
        (0..1 + random.random_range(0..4) / 3).map(|_| Machine::new(client, &root)).collect();
    let mut sides: Vec<_> = machines
        .iter()
        .map(|machine| Side::new(Place::Disk(machine.person.path("tree"))))
        .collect();
    sides.push(Side::new(Place::Storage(client, root.clone())));
    let mut writer = Writer { seed, written: 0, alive: BTreeSet::new() };
    let mut log = Vec::new();
    for round in 0..ROUNDS {
        for side in &mut sides {
            side.look();
        }
        for _ in 0..random.random_range(2..14) {
            let nth = random.random_range(0..sides.len());
            log.push(format!(
                "round {round}, side {nth}: {}",
                writer.edit(&mut sides[nth], &mut random)
            ));
        }
        let context = || format!("seed {seed}, round {round}\n{}", log.join("\n"));
        if random.random_bool(0.25) {
            let nth = random.random_range(0..machines.len());
            let after = Duration::from_millis(random.random_range(5..120));
            machines[nth].sync_and_die(after);
        }
        if machines.len() > 1 && random.random_bool(0.5) {
            // How these runs end is no matter: they get in each other's way.
            std::thread::scope(|scope| {
                for machine in &machines {
                    scope.spawn(|| machine.person.run(&machine.arguments()));
                }
            });
        }
        until_quiet(&machines, &context());
        for side in &mut sides {
            side.look();
        }
        let storage = sides.last().unwrap().tree.clone();
        for side in &sides {
            assert_eq!(folded(&side.tree), storage, "{}", context());
        }
        writer.all_alive(&storage, client, &context());
    }
}

/// Synchronises in turn until nobody has anything to do.
fn until_quiet(machines: &[Machine], context: &str) {
    let runs = RUNS + machines.len() - 1;
    for _ in 0..runs {
        let actions: usize = machines.iter().map(|machine| machine.sync(context)).sum();
        if actions == 0 {
            return;
        }
    }
    panic!("not quiet after {runs} runs: {context}");
}

fn folded(tree: &Tree) -> Tree {
    tree.iter().map(|(path, content)| (path.nfc().collect(), content.clone())).collect()
}

/// Whoever edits: no two contents are the same, most have the same size.
struct Writer {
    seed: u64,
    written: u64,
    /// What nobody threw away who had seen it.
    alive: BTreeSet<String>,
}

impl Writer {
    fn content(&mut self, random: &mut StdRng) -> String {
        self.written += 1;
        match random.random_range(0..10) {
            0 => String::new(),
            1 => format!("{:06}.{:04}, and more of it", self.seed, self.written),
            _ => format!("{:06}.{:04}", self.seed, self.written),
        }
    }

    /// Does something to a side; what, in words.
    fn edit(&mut self, side: &mut Side<'_>, random: &mut StdRng) -> String {
        let path = some_path(side, random);
        match random.random_range(0..100) {
            0..30 => {
                let content = self.content(random);
                let gone = side.write(&path, &content);
                self.wrote(side, &path, &content, &gone);
                format!("write {path:?} {content:?}")
            }
            30..40 => {
                side.mkdir(&path);
                format!("mkdir {path:?}")
            }
            40..62 => {
                let to = some_path(side, random);
                let done = side.rename(&path, &to);
                format!("rename {path:?} {to:?} {done}")
            }
            62..70 => self.swap(side, &path, random),
            70..82 => {
                let gone = side.delete(&path);
                self.threw_away(&gone);
                format!("delete {path:?} {gone:?}")
            }
            82..90 => {
                // Something of another kind.
                let was_dir = side.tree.get(&path) == Some(&None);
                let gone = side.delete(&path);
                self.threw_away(&gone);
                let content = self.content(random);
                if was_dir {
                    let gone = side.write(&path, &content);
                    self.wrote(side, &path, &content, &gone);
                } else {
                    side.mkdir(&path);
                }
                format!("replace {path:?} {content:?} {gone:?}")
            }
            90..96 => {
                let content = self.content(random);
                let gone = side.sneak(&path, &content);
                self.wrote(side, &path, &content, &gone);
                format!("sneak {path:?} {content:?}")
            }
            _ => {
                side.touch(&path);
                format!("touch {path:?}")
            }
        }
    }

    fn swap(&mut self, side: &mut Side<'_>, one: &str, random: &mut StdRng) -> String {
        let other = some_path(side, random);
        let nested = |a: &str, b: &str| a == b || a.starts_with(&format!("{b}/"));
        if nested(one, &other) || nested(&other, one) {
            return "no swap".into();
        }
        let swapped = side.tree.contains_key(&other)
            && side.rename(one, "between")
            && side.rename(&other, one)
            && side.rename("between", &other);
        format!("swap {one:?} {other:?} {swapped}")
    }

    fn wrote(&mut self, side: &Side<'_>, path: &str, content: &str, gone: &[String]) {
        self.threw_away(gone);
        let is_there = side.tree.get(path).and_then(Option::as_deref) == Some(content);
        if is_there && !content.is_empty() {
            self.alive.insert(content.to_owned());
        }
    }

    fn threw_away(&mut self, contents: &[String]) {
        for content in contents {
            self.alive.remove(content);
        }
    }

    fn all_alive(&self, storage: &Tree, client: &Client, context: &str) {
        let there: BTreeSet<&String> = storage.values().flatten().collect();
        let missing: Vec<_> = self.alive.iter().filter(|one| !there.contains(one)).collect();
        if missing.is_empty() {
            return;
        }
        let bin = client.bin();
        let is_binned = |content: &str| {
            let md5 = digest::md5_hex(content.as_bytes());
            bin.iter().any(|record| record["md5"] == md5.as_str())
        };
        let mut lost: Vec<_> = missing.into_iter().filter(|content| !is_binned(content)).collect();
        if !lost.is_empty() {
            // A deleted directory is one record: what is in it shows when it is back.
            let binned = in_binned_directories(client, &bin);
            lost.retain(|content| !binned.contains(*content));
        }
        assert!(lost.is_empty(), "lost {lost:?}: {context}\nleft: {storage:#?}");
    }
}

/// The contents of the directories in the bin. Each is restored for a look and
/// deleted again; what has its place meanwhile is put aside.
fn in_binned_directories(client: &Client, bin: &[Value]) -> BTreeSet<String> {
    let mut contents = BTreeSet::new();
    for record in bin.iter().filter(|record| record["isdir"] == 1) {
        let path = record["path"].as_str().unwrap();
        let aside = client.mv(path, "/aside").code().is_none();
        if client.restore(&record["fs_id"]).code().is_none() {
            let mut there = Side::new(Place::Storage(client, path.to_owned()));
            there.look();
            contents.extend(there.tree.values().flatten().cloned());
            client.rm(path).ok();
        }
        if aside {
            client.mv("/aside", path).ok();
        }
    }
    contents
}

/// A path that is often one that is there.
fn some_path(side: &Side<'_>, random: &mut StdRng) -> String {
    if random.random_bool(0.6) {
        let there: Vec<_> = side.tree.keys().filter(|path| *path != "keep").collect();
        if !there.is_empty() {
            return there[random.random_range(0..there.len())].clone();
        }
    }
    let mut path = String::new();
    for depth in 0..[1, 1, 1, 2, 2, 3][random.random_range(0..6)] {
        if depth > 0 {
            path.push('/');
        }
        path.push_str(match random.random_range(0..10) {
            0..3 => "a",
            3..5 => "b.txt",
            5..7 => "c",
            7 => "A",
            8 => "\u{e9}",
            _ => "e\u{301}",
        });
    }
    side.spelt(&path)
}
