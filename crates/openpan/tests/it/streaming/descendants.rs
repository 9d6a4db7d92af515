//! The processes that a server has started.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a process may take to come or to go.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process; its number alone may be another's later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    number: u32,
    started: u64,
}

/// Waits until a server has started something.
#[track_caller]
pub(crate) fn wait_for_some(server: u32) -> Vec<Process> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = of(server);
        if !found.is_empty() {
            return found;
        }
        assert!(Instant::now() < deadline, "{server} starts nothing");
        sleep(Duration::from_millis(2));
    }
}

/// Waits until all of them have ended.
#[track_caller]
pub(crate) fn wait_until_gone(processes: &[Process]) {
    let deadline = Instant::now() + PATIENCE;
    while let Some(left) = processes.iter().find(|process| process.runs()) {
        assert!(Instant::now() < deadline, "{left:?} is left behind");
        sleep(Duration::from_millis(2));
    }
}

/// All below a process, and not the process itself.
pub(crate) fn of(ancestor: u32) -> Vec<Process> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let number = entry.ok()?.file_name().to_str()?.parse().ok()?;
        Some((number, Stat::of(number)?))
    });
    let all = all.collect::<Vec<_>>();
    let (mut family, mut found) = (vec![ancestor], Vec::new());
    while let Some(parent) = family.pop() {
        for (number, stat) in all.iter().filter(|(_, stat)| stat.parent == parent) {
            family.push(*number);
            found.push(Process { number: *number, started: stat.started });
        }
    }
    found
}

impl Process {
    fn runs(&self) -> bool {
        // Nobody may be there to wait for an orphan: a zombie has ended.
        Stat::of(self.number).is_some_and(|stat| stat.started == self.started && !stat.ended)
    }
}

struct Stat {
    parent: u32,
    started: u64,
    ended: bool,
}

impl Stat {
    fn of(number: u32) -> Option<Self> {
        let text = fs::read_to_string(Path::new("/proc").join(number.to_string()).join("stat"));
        // The name of the program is in brackets and may hold anything.
        let (_, rest) = text.as_ref().ok()?.rsplit_once(") ")?;
        let words = rest.split(' ').collect::<Vec<_>>();
        let ended = matches!(*words.first()?, "Z" | "X");
        Some(Self {
            parent: words.get(1)?.parse().ok()?,
            started: words.get(19)?.parse().ok()?,
            ended,
        })
    }
}
