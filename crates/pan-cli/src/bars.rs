//! What is shown while files move: bars on a terminal, now and then a line
//! elsewhere, and everywhere that nothing moves any more.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use pan_sdk::Progress;
use tokio::task::JoinHandle;

use crate::progress::{Counts, Moving, Rate};
use crate::stderr::{Stderr, without_control};

/// Smaller files come and go too quickly to be watched.
const WATCHED_BYTES: u64 = 8 << 20;
const TOTAL: &str = "{spinner} {msg}";
const FILE: &str = "  {wide_msg} {bar:24} {percent:>3} % of {binary_total_bytes}";
/// How often the bars are drawn.
const TICK: Duration = Duration::from_millis(200);
/// How often those who see no bars are told how far it is.
const LINE_EVERY: Duration = Duration::from_secs(60);
/// When somebody should know that nothing moves: then, and each time when it
/// has lasted so many times as long again.
const IDLE: Duration = Duration::from_secs(10);
const IDLE_FACTOR: u32 = 6;

/// The bars of a command.
pub(crate) struct Bars {
    stderr: Stderr,
    total: ProgressBar,
    counts: Arc<Counts>,
    teller: JoinHandle<()>,
}

impl Bars {
    pub(crate) fn new(stderr: &Stderr) -> Self {
        let total = stderr.bars().add(ProgressBar::no_length().with_style(style(TOTAL)));
        total.set_message("looking");
        let counts = Arc::new(Counts::new());
        let teller = Teller {
            stderr: stderr.clone(),
            total: total.clone(),
            counts: Arc::clone(&counts),
            rate: Rate::default(),
            next_idle: IDLE,
        };
        Self { stderr: stderr.clone(), total, counts, teller: tokio::spawn(teller.tell()) }
    }

    /// What was found, what is done.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Begins a file, of which so much has moved in an earlier try. Its bar
    /// goes when the returned one is dropped.
    pub(crate) fn file(&self, name: &str, size: u64, earlier: u64) -> FileBar {
        let own = (size >= WATCHED_BYTES).then(|| {
            let bar = ProgressBar::new(size).with_style(style(FILE));
            self.stderr.bars().add(bar.with_message(without_control(name)))
        });
        let moving = self.counts.begin(name, size);
        FileBar { own, moving, counts: Arc::clone(&self.counts), earlier }
    }

    /// Removes the bars.
    pub(crate) fn clear(&self) {
        self.teller.abort();
        self.total.finish_and_clear();
    }

    /// Removes the bars and sums up.
    pub(crate) fn finish(&self) {
        self.clear();
        if let Some(summary) = self.counts.summary() {
            self.stderr.summary(&summary);
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Tells how far it is, as long as the command runs.
struct Teller {
    stderr: Stderr,
    total: ProgressBar,
    counts: Arc<Counts>,
    rate: Rate,
    /// When standing still is told next.
    next_idle: Duration,
}

impl Teller {
    async fn tell(mut self) {
        let mut ticks = tokio::time::interval(TICK);
        let (mut last_tick, mut last_line) = (Instant::now(), Instant::now());
        loop {
            ticks.tick().await;
            let seconds = last_tick.elapsed().as_secs_f64();
            last_tick = Instant::now();
            let rate = self.rate.update(self.counts.bytes(), seconds);
            if self.stderr.shows_bars() {
                self.total.set_message(self.counts.state(rate).to_string());
                self.total.tick();
            } else if last_line.elapsed() >= LINE_EVERY {
                last_line = Instant::now();
                self.stderr.note(&self.counts.state(rate).to_string());
            }
            self.tell_idle();
        }
    }

    fn tell_idle(&mut self) {
        let idle = self.counts.idle();
        if idle < IDLE {
            self.next_idle = IDLE;
        } else if idle >= self.next_idle {
            self.next_idle = idle * IDLE_FACTOR;
            let standing = self.counts.standing();
            self.stderr.note(&format!("nothing has moved for {} s: {standing}", idle.as_secs()));
        }
    }
}

/// The progress of one file.
pub(crate) struct FileBar {
    own: Option<ProgressBar>,
    moving: Arc<Moving>,
    counts: Arc<Counts>,
    earlier: u64,
}

impl FileBar {
    /// Moves the bars. What has moved in an earlier try is not counted again.
    pub(crate) fn progress(&self) -> Progress {
        let (own, moving, counts) =
            (self.own.clone(), Arc::clone(&self.moving), Arc::clone(&self.counts));
        let earlier = self.earlier;
        Progress::new(move |moved| {
            let before = moving.moved.fetch_add(moved, Ordering::Relaxed);
            counts.moved((before + moved).max(earlier) - before.max(earlier));
            if let Some(own) = &own {
                own.inc(moved);
                if Some(own.position()) == own.length() {
                    own.set_message(format!("{}, being stored", own.message()));
                }
            }
        })
    }

    /// How much has moved, in this try or in an earlier one.
    pub(crate) fn moved(&self) -> u64 {
        self.moving.moved.load(Ordering::Relaxed).max(self.earlier)
    }

    /// Nothing of it has to move any more.
    pub(crate) fn all_moved(self) {
        self.counts.moved(self.moving.size.saturating_sub(self.moved()));
    }

    /// The whole file is where it should be, whatever had to move for it.
    pub(crate) fn done(self) {
        self.counts.file_done();
        self.all_moved();
    }
}

impl Drop for FileBar {
    fn drop(&mut self) {
        self.counts.end(&self.moving);
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
