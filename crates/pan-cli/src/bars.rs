//! Progress bars: one for everything, one for each large file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use pan_sdk::{ByteSize, Progress};

use crate::show::count;
use crate::stderr::Stderr;

/// Smaller files come and go too quickly to be watched.
const WATCHED_BYTES: u64 = 8 << 20;
const TOTAL: &str = "{spinner} {msg}, {binary_bytes} at {binary_bytes_per_sec}";
const FILE: &str = "  {wide_msg} {bar:24} {percent:>3} % of {binary_total_bytes}";

/// The bars of a command.
pub(crate) struct Bars {
    stderr: Stderr,
    total: ProgressBar,
    started: Instant,
    files: AtomicU64,
    bytes: Arc<AtomicU64>,
}

impl Bars {
    pub(crate) fn new(stderr: &Stderr) -> Self {
        let total = stderr.bars().add(ProgressBar::no_length().with_style(style(TOTAL)));
        total.set_message("looking");
        if stderr.shows_bars() {
            total.enable_steady_tick(Duration::from_millis(100));
        }
        Self {
            stderr: stderr.clone(),
            total,
            started: Instant::now(),
            files: AtomicU64::new(0),
            bytes: Arc::default(),
        }
    }

    /// Begins a file; its bar goes when the returned one is dropped.
    pub(crate) fn file(&self, name: &str, size: u64) -> FileBar {
        let own = (size >= WATCHED_BYTES).then(|| {
            let bar = ProgressBar::new(size).with_style(style(FILE)).with_message(name.to_owned());
            self.stderr.bars().add(bar)
        });
        FileBar { own, total: self.total.clone(), bytes: Arc::clone(&self.bytes) }
    }

    /// One more file was transferred.
    pub(crate) fn file_done(&self) {
        let files = self.files.fetch_add(1, Ordering::Relaxed) + 1;
        self.total.set_message(count(files, "file"));
    }

    /// Removes the bars.
    pub(crate) fn clear(&self) {
        self.total.finish_and_clear();
    }

    /// Removes the bars and sums up.
    pub(crate) fn finish(&self) {
        self.total.finish_and_clear();
        let files = count(self.files.load(Ordering::Relaxed), "file");
        let bytes = self.bytes.load(Ordering::Relaxed);
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = ByteSize((bytes as f64 / seconds.max(0.001)) as u64);
        let bytes = ByteSize(bytes);
        self.stderr.summary(&format!("{files}, {bytes} in {seconds:.1} s ({rate}/s)"));
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.total.finish_and_clear();
    }
}

/// The progress of one file.
pub(crate) struct FileBar {
    own: Option<ProgressBar>,
    total: ProgressBar,
    bytes: Arc<AtomicU64>,
}

impl FileBar {
    /// Moves the bars.
    pub(crate) fn progress(&self) -> Progress {
        let (own, total, bytes) = (self.own.clone(), self.total.clone(), Arc::clone(&self.bytes));
        Progress::new(move |moved| {
            bytes.fetch_add(moved, Ordering::Relaxed);
            total.inc(moved);
            if let Some(own) = &own {
                own.inc(moved);
                if Some(own.position()) == own.length() {
                    own.set_message(format!("{}, being stored", own.message()));
                }
            }
        })
    }
}

impl Drop for FileBar {
    fn drop(&mut self) {
        if let Some(own) = &self.own {
            own.finish_and_clear();
        }
    }
}

/// The templates above are known to be right; a plain bar would do as well.
fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━─")
}
