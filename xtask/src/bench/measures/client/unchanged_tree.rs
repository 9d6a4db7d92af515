//! The second `pan sync` of a tree in which nothing has changed, and the least that it has
//! to do: look at every file, and ask the server once.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::pan::Pan;
use super::{Peaks, curl, process, trees};
use crate::bench::Bench;
use crate::bench::measures::{Series, settle};
use crate::bench::report::{Measured, Report};
use crate::bench::target::percent_encoded;
use crate::server::Server;

const SIZE_BYTES: u64 = 1024;
/// Repetitions of one round: each takes a fraction of a second.
const REPETITIONS: usize = 3;

/// Measures both ways of synchronising, each with a remote directory of its own.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let dir = bench.scratch.path().join("client-sync");
    fs::create_dir_all(&dir)?;
    let server = Server::start(&dir.join("openpan"))?;
    let pan = Pan::new(&dir, server.url(), &server.token)?;
    if !pan.knows("sync", "--help") {
        eprintln!("`pan sync` is not there: not measured");
        return server.stop();
    }
    let tree = dir.join("tree");
    let files = bench.scale.client_synced;
    trees::make(bench, &tree, files, SIZE_BYTES, 0)?;
    let site = Site { server: &server, pan: &pan, dir: &dir, tree: text(&tree)? };
    let mut peaks = Peaks::default();
    for way in WAYS {
        peaks.push("client_memory_sync_first", &site.sync(way)?);
        pan.expect_files(way.remote, files)?;
    }
    // What the other way has changed meanwhile is news, this once.
    WAYS.iter().try_for_each(|way| site.sync(way).map(drop))?;
    let (mut seconds, mut least) = ([Series::default(), Series::default()], Series::default());
    let cursor = site.cursor()?;
    settle();
    for _ in 0..bench.scale.rounds * REPETITIONS {
        least.push(site.least(&cursor)? * 1e3);
        for (way, seconds) in WAYS.iter().zip(&mut seconds) {
            let run = site.sync(way)?;
            seconds.push(run.seconds * 1e3);
            peaks.push("client_memory_sync", &run);
        }
    }
    for (way, seconds) in WAYS.iter().zip(seconds) {
        let measured = Measured {
            reference: Some(("find and curl", least.clone())),
            note: Some(format!("{files} files")),
            ..Measured::of(seconds)
        };
        report.add(way.figure, measured)?;
    }
    peaks.report(report)?;
    server.stop()
}

/// A way of synchronising.
struct Way {
    figure: &'static str,
    command: &'static str,
    remote: &'static str,
}

const WAYS: &[Way; 2] = &[
    Way { figure: "client_sync_up", command: "up", remote: "/sync-up" },
    Way { figure: "client_sync_both", command: "both", remote: "/sync-both" },
];

struct Site<'a> {
    server: &'a Server,
    pan: &'a Pan,
    dir: &'a Path,
    tree: &'a str,
}

impl Site<'_> {
    fn sync(&self, way: &Way) -> Result<process::Run> {
        self.pan.run(&["sync", way.command, self.tree, way.remote])
    }

    /// Where the feed of changes ends now.
    fn cursor(&self) -> Result<String> {
        let told = self.pan.output(&["diff"])?;
        let last = told.lines().next_back().and_then(|line| line.strip_prefix("@ "));
        Ok(last.context("`pan diff` ends with a cursor")?.to_owned())
    }

    /// The seconds of `find`, which looks at every file, and of one question to the feed.
    fn least(&self, cursor: &str) -> Result<f64> {
        let mut find = Command::new("find");
        // The size makes it look at the file and not only at its name.
        find.arg(self.tree).args(["-printf", "%s %T@\\n"]);
        let looked = process::run(find, Path::new("/dev/null"))?;
        let query = format!("file?method=diff&cursor={}", percent_encoded(cursor));
        let asked = process::run(curl::get(self.server, &query)?, &self.dir.join("diff"))?;
        Ok(looked.seconds + asked.seconds)
    }
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}
