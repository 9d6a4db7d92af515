//! Thousands of files, tiny and empty ones, a directory of 20,000, names of four scripts:
//! everything comes up and down, and `pan` never needs much memory for it.

mod trees;

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use pan_conformance::pcs::TokenSpec;

use crate::person::{Person, said};
use crate::shared::with_target;

crate::tests![
    ten_thousand_small_files,
    a_thousand_empty_files,
    a_directory_of_twenty_thousand,
    names_of_four_scripts,
];

/// What `pan` may need at any time, the pages of its own program too.
const MEMORY_MAX: u64 = 100 << 20;

fn ten_thousand_small_files() {
    up_and_down(trees::small_files, 10_000);
}

fn a_thousand_empty_files() {
    up_and_down(trees::empty_files, 1_000);
}

fn a_directory_of_twenty_thousand() {
    up_and_down(trees::crowded_directory, 20_000);
}

fn names_of_four_scripts() {
    up_and_down(trees::names_of_four_scripts, 400);
}

/// Somebody with a tree of many files in their home.
struct Owner {
    person: Person,
    files: usize,
}

/// Every way that a tree goes up and down again.
fn up_and_down(make: fn(&Path, usize), files: usize) {
    with_target(|t| {
        let owner = Owner { person: Person::new(&t.caller(&TokenSpec::rooted("/"))), files };
        make(&owner.person.path("tree"), files);
        owner.puts_and_gets();
        owner.checks();
        owner.syncs();
    });
}

impl Owner {
    fn puts_and_gets(&self) {
        self.step(&["put", "tree/", "/put"]);
        self.all_are_in("/put");
        self.step(&["get", "/put/", "got"]);
        self.is_the_tree("got");
    }

    fn checks(&self) {
        self.step(&["check", "tree/", "/put"]);
        // And it looks: a file more is a difference.
        let more = self.person.path("tree/more");
        fs::write(&more, "").unwrap();
        let told = self.person.run(&["check", "tree/", "/put"]);
        assert_ne!(told.status.code(), Some(0), "{}", said(&told));
        assert!(said(&told).lines().any(|line| line.ends_with("more")), "{}", said(&told));
        fs::remove_file(more).unwrap();
    }

    fn syncs(&self) {
        self.step(&["sync", "up", "tree", "/synced"]);
        self.all_are_in("/synced");
        self.step(&["sync", "down", "down", "/synced"]);
        self.is_the_tree("down");
        // Nothing has changed, so nothing is done and no file is read.
        for (way, local) in [("up", "tree"), ("down", "down")] {
            let told = self.person.ok(&["--json", "sync", way, local, "/synced"]);
            assert!(told.contains(r#""read":0"#), "sync {way}: {told}");
            let is_summary = |line: &str| line.contains(r#""action":"summary""#);
            let done = told.lines().find(|line| !is_summary(line));
            assert_eq!(done, None, "sync {way}");
        }
    }

    /// A command that succeeds and needs little memory.
    #[track_caller]
    fn step(&self, arguments: &[&str]) {
        let output = self.person.path("output");
        let file = File::create(&output).unwrap();
        let mut command = self.person.command(arguments);
        command.stdout(Stdio::null()).stderr(file);
        let mut child = command.spawn().unwrap();
        let peak = peak_until_the_end(&mut child);
        let status = child.wait().unwrap();
        assert!(status.success(), "pan {arguments:?}: {status}: {}", end_of(&output));
        assert!(peak < MEMORY_MAX, "pan {arguments:?} needed {} MiB", peak >> 20);
    }

    /// The storage lists every file below a directory, once.
    #[track_caller]
    fn all_are_in(&self, remote: &str) {
        let listing = self.person.path("listing");
        let mut command = self.person.command(&["ls", "-R", remote]);
        let mut child = command.stdout(File::create(&listing).unwrap()).spawn().unwrap();
        let peak = peak_until_the_end(&mut child);
        assert!(child.wait().unwrap().success());
        assert!(peak < MEMORY_MAX, "pan ls -R needed {} MiB", peak >> 20);
        let listing = fs::read_to_string(listing).unwrap();
        let mut paths = listing.lines().filter(|line| !line.ends_with('/')).collect::<Vec<_>>();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), self.files, "files in {remote}");
    }

    /// `diff -r` finds no difference.
    #[track_caller]
    fn is_the_tree(&self, other: &str) {
        let mut diff = Command::new("diff");
        diff.arg("-r").arg(self.person.path("tree")).arg(self.person.path(other));
        let output = diff.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
}

/// The most that was resident of a process, asked until it ends.
fn peak_until_the_end(child: &mut Child) -> u64 {
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = resident_peak(child.id()).unwrap_or(peak);
        sleep(Duration::from_millis(2));
    }
    assert!(peak > 0 || !cfg!(target_os = "linux"), "it was never looked at");
    peak
}

/// The peak of the resident size in bytes. A process that has just ended has none.
fn resident_peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

/// The beginning of what a command said, which may be a line for each file.
fn end_of(output: &Path) -> String {
    let mut bytes = Vec::new();
    File::open(output).unwrap().take(4_000).read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
