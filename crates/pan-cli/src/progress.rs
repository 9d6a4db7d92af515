//! How far a command is: what was found, what is done, what stands still.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pan_sdk::ByteSize;

use crate::show::count;

/// The rate is that of about so many seconds.
const RATE_SECONDS: f64 = 10.0;

/// The numbers of a command, as its parts report them.
#[derive(Debug)]
pub(crate) struct Counts {
    started: Instant,
    files: AtomicU64,
    files_found: AtomicU64,
    files_left_out: AtomicU64,
    bytes: AtomicU64,
    bytes_found: AtomicU64,
    /// Whether everything was found.
    is_found: AtomicBool,
    /// The highest percentage that was shown: there is no way back.
    percent: AtomicU64,
    /// When anything happened, in milliseconds since the start.
    last_ms: AtomicU64,
    moving: Mutex<BTreeMap<u64, Arc<Moving>>>,
    next_id: AtomicU64,
}

/// A file on its way.
#[derive(Debug)]
pub(crate) struct Moving {
    id: u64,
    name: String,
    pub(crate) size: u64,
    pub(crate) moved: AtomicU64,
}

impl Counts {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            files: AtomicU64::new(0),
            files_found: AtomicU64::new(0),
            files_left_out: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            bytes_found: AtomicU64::new(0),
            is_found: AtomicBool::new(false),
            percent: AtomicU64::new(0),
            last_ms: AtomicU64::new(0),
            moving: Mutex::default(),
            next_id: AtomicU64::new(0),
        }
    }

    /// One more file is to be transferred.
    pub(crate) fn found(&self, size: u64) {
        self.files_found.fetch_add(1, Ordering::Relaxed);
        self.bytes_found.fetch_add(size, Ordering::Relaxed);
        self.mark();
    }

    /// There are no more.
    pub(crate) fn found_all(&self) {
        self.is_found.store(true, Ordering::Relaxed);
    }

    /// A file need not be transferred.
    pub(crate) fn left_out(&self) {
        self.files_left_out.fetch_add(1, Ordering::Relaxed);
        self.mark();
    }

    /// The same, of one that was found to be transferred.
    pub(crate) fn left_out_after_all(&self, size: u64) {
        self.left_out();
        self.files_found.fetch_sub(1, Ordering::Relaxed);
        self.bytes_found.fetch_sub(size, Ordering::Relaxed);
    }

    pub(crate) fn file_done(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.mark();
    }

    pub(crate) fn moved(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.mark();
    }

    pub(crate) fn begin(&self, name: &str, size: u64) -> Arc<Moving> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let moving = Moving { id, name: name.to_owned(), size, moved: AtomicU64::new(0) };
        let moving = Arc::new(moving);
        self.moving().insert(id, Arc::clone(&moving));
        self.mark();
        moving
    }

    pub(crate) fn end(&self, moving: &Moving) {
        self.moving().remove(&moving.id);
        self.mark();
    }

    fn moving(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<Moving>>> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(&self) {
        let elapsed = self.started.elapsed().as_millis();
        self.last_ms.store(u64::try_from(elapsed).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How long nothing has happened.
    pub(crate) fn idle(&self) -> Duration {
        let last = Duration::from_millis(self.last_ms.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(last)
    }

    /// What is waited for, in words.
    pub(crate) fn standing(&self) -> String {
        let moving = self.moving();
        let Some(first) = moving.values().next() else {
            return String::from("looking for more files");
        };
        let more = match moving.len() as u64 - 1 {
            0 => String::new(),
            more => format!("; behind it {}", count(more, "other file")),
        };
        format!("{first}{more}")
    }

    /// The end of the command, in words; none where no file was found.
    pub(crate) fn summary(&self) -> Option<String> {
        let bytes = self.bytes.load(Ordering::Relaxed);
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = ByteSize((bytes as f64 / seconds.max(0.001)) as u64);
        let files = self.files.load(Ordering::Relaxed);
        let left_out = match self.files_left_out.load(Ordering::Relaxed) {
            0 if files == 0 => return None,
            0 => String::new(),
            left_out => format!("; {} left out", count(left_out, "file")),
        };
        let files = count(files, "file");
        Some(format!("{files}, {} in {seconds:.1} s ({rate}/s){left_out}", ByteSize(bytes)))
    }

    /// How far it is at this rate.
    pub(crate) fn state(&self, rate: f64) -> State {
        let bytes = self.bytes.load(Ordering::Relaxed);
        // A file may have grown since it was found.
        let bytes_found = self.bytes_found.load(Ordering::Relaxed).max(bytes);
        let is_found = self.is_found.load(Ordering::Relaxed);
        let percent = is_found.then(|| {
            let now = if bytes_found == 0 { 0 } else { bytes as u128 * 100 / bytes_found as u128 };
            let now = u64::try_from(now).unwrap_or(100);
            now.max(self.percent.fetch_max(now, Ordering::Relaxed))
        });
        State {
            files: self.files.load(Ordering::Relaxed),
            files_found: self.files_found.load(Ordering::Relaxed),
            bytes,
            bytes_found,
            percent,
            rate,
        }
    }

    /// All bytes that have moved.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl fmt::Display for Moving {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moved = self.moved.load(Ordering::Relaxed);
        write!(out, "`{}` ", self.name)?;
        match moved {
            0 => out.write_str("has not begun to move"),
            moved if moved >= self.size => out.write_str("has moved and is not confirmed yet"),
            moved => write!(out, "stands at {}", ByteSize(moved)),
        }
    }
}

/// How far a command is.
#[derive(Debug)]
pub(crate) struct State {
    files: u64,
    files_found: u64,
    bytes: u64,
    bytes_found: u64,
    /// `None` as long as not everything was found.
    percent: Option<u64>,
    /// Bytes a second.
    rate: f64,
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = ByteSize(self.rate as u64);
        let bytes = ByteSize(self.bytes);
        let files = count(self.files_found, "file");
        let Some(percent) = self.percent else {
            return write!(out, "{} of {files} so far, {bytes}, {rate}/s", self.files);
        };
        let found = ByteSize(self.bytes_found);
        write!(out, "{} of {files}, {bytes} of {found}, {percent} %, {rate}/s", self.files)?;
        let left = (self.bytes_found - self.bytes) as f64 / self.rate;
        if left.is_finite() {
            write!(out, ", {} left", ForPeople(Duration::from_secs_f64(left.min(1e9))))?;
        }
        Ok(())
    }
}

/// A duration in its two largest units.
pub(crate) struct ForPeople(pub(crate) Duration);

impl fmt::Display for ForPeople {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64().ceil() as u64;
        match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
            (0, 0, 0, seconds) => write!(out, "{seconds} s"),
            (0, 0, minutes, seconds) => write!(out, "{minutes} min {seconds} s"),
            (0, hours, minutes, _) => write!(out, "{hours} h {minutes} min"),
            (days, hours, ..) => write!(out, "{days} d {hours} h"),
        }
    }
}

/// How fast something has grown lately.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    smoothed: f64,
    seconds: f64,
    before: u64,
}

impl Rate {
    /// It is this large now, so many seconds after the last time.
    pub(crate) fn update(&mut self, now: u64, seconds: f64) -> f64 {
        let grown = now.saturating_sub(std::mem::replace(&mut self.before, now)) as f64;
        let keep = (-seconds / RATE_SECONDS).exp();
        self.smoothed = self.smoothed * keep + grown / seconds.max(1e-9) * (1.0 - keep);
        self.seconds += seconds;
        // At the beginning there is nothing old to be smoothed with.
        self.smoothed / (1.0 - (-self.seconds / RATE_SECONDS).exp()).max(1e-9)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::{Counts, ForPeople, Rate};

    #[test]
    fn a_person_reads_how_far_it_is() {
        let counts = Counts::new();
        counts.found(3 << 20);
        counts.found(1 << 20);
        counts.moved(1 << 20);
        counts.file_done();
        let text = |rate| counts.state(rate).to_string();
        assert_eq!(text(0.0), "1 of 2 files so far, 1.0 MiB, 0 B/s");
        counts.found_all();
        assert_eq!(text(0.0), "1 of 2 files, 1.0 MiB of 4.0 MiB, 25 %, 0 B/s");
        let rate = 1048576.0 / 30.0;
        assert_eq!(
            text(rate),
            "1 of 2 files, 1.0 MiB of 4.0 MiB, 25 %, 34.1 KiB/s, 1 min 30 s left"
        );
    }

    #[test]
    fn the_percentage_never_falls() {
        let counts = Counts::new();
        counts.found(100);
        counts.found_all();
        counts.moved(90);
        assert_eq!(counts.state(0.0).percent, Some(90));
        // The file has grown, and another is left out.
        counts.moved(20);
        counts.found(100);
        assert_eq!(counts.state(0.0).percent, Some(90));
        counts.left_out_after_all(100);
        let summary = counts.summary().unwrap();
        assert!(summary.ends_with("; 1 file left out"), "{summary}");
        assert_eq!(counts.state(0.0).percent, Some(100));
    }

    #[test]
    fn what_stands_still_is_named() {
        let counts = Counts::new();
        assert_eq!(counts.standing(), "looking for more files");
        let first = counts.begin("a", 100);
        let second = counts.begin("b", 100);
        assert_eq!(counts.standing(), "`a` has not begun to move; behind it 1 other file");
        first.moved.store(50, Ordering::Relaxed);
        counts.end(&second);
        assert_eq!(counts.standing(), "`a` stands at 50 B");
        first.moved.store(100, Ordering::Relaxed);
        assert_eq!(counts.standing(), "`a` has moved and is not confirmed yet");
    }

    #[test]
    fn durations_are_for_people() {
        for (seconds, text) in
            [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3_660, "1 h 1 min"), (90_000, "1 d 1 h")]
        {
            let duration = std::time::Duration::from_secs(seconds);
            assert_eq!(ForPeople(duration).to_string(), text);
        }
    }

    #[test]
    fn a_steady_rate_is_told_from_the_start_on() {
        let mut rate = Rate::default();
        for step in 1..100 {
            let told = rate.update(step * 200, 0.2);
            assert!((told - 1000.0).abs() < 1.0, "{told}");
        }
        assert!(rate.update(99 * 200, 60.0) < 10.0, "it has stopped");
    }
}
