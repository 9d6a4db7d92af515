//! How fast the change feed tells a whole tree, in this process:
//!
//! ```text
//! cargo run --release -p openpan --example feed_speed -- [DOUBLINGS]
//! ```
//!
//! Copies make a tree of 110 entries × 2^DOUBLINGS (10 unless said: 112,640):
//! directories of ten files, nested as deep as there were doublings. Then the same
//! once more, and what a reader pays who has seen everything.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use futures_util::stream;
use pan_blob_disk::{DiskOptions, DiskStore};
use pan_core::{Engines, Pan, Settings};
use pan_engine::{Clock, Entropy, LocalTime};
use pan_hash::Hasher;
use pan_meta_sqlite::{Options, SqliteStore};
use pan_model::{ByteSize, Caller, Md5Style, Ondup, PanPath, PathRules, Timestamp};
use rand::RngCore;

struct System(Instant);

impl Clock for System {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Timestamp(since.map_or(0, |since| since.as_secs() as i64))
    }

    fn uptime(&self) -> Duration {
        self.0.elapsed()
    }

    fn local(&self, _: Timestamp) -> LocalTime {
        LocalTime { year: 2026, month: 1, day: 1, hour: 0, minute: 0, second: 0 }
    }
}

struct Dice;

impl Entropy for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let doublings = std::env::args().nth(1).map_or(Ok(10), |given| given.parse())?;
    let directory = tempfile::tempdir()?;
    let pan = open(directory.path())?;
    let caller = Caller {
        user: pan.add_user("a", ByteSize::UNLIMITED).await?,
        root: PanPath::root(),
        rules: PathRules::Relaxed,
        md5_style: Md5Style::Plain,
    };
    plant(&pan, &caller, doublings).await?;
    for _ in 0..2 {
        let cursor = read_all(&pan, &caller).await?;
        let begun = Instant::now();
        pan.diff(&caller, Some(&cursor)).await?;
        println!("nothing new        {:>10.3} ms", millis(begun));
    }
    Ok(())
}

fn open(directory: &std::path::Path) -> anyhow::Result<Pan> {
    let engines = Engines {
        meta: Arc::new(SqliteStore::open(&directory.join("meta.db"), Options::default())?),
        blobs: Arc::new(DiskStore::open(&directory.join("blobs"), DiskOptions::default())?),
        hasher: Hasher::new(1),
        clock: Arc::new(System(Instant::now())),
        entropy: Arc::new(Dice),
    };
    Ok(Pan::new(engines, Settings::default()))
}

async fn plant(pan: &Pan, caller: &Caller, doublings: u32) -> anyhow::Result<()> {
    let path = |text: String| PanPath::parse(&text);
    for i in 0..100 {
        let at = path(format!("/tree/directory {}/photo {i}.jpg", i / 10))?;
        let body = stream::iter([Ok(Bytes::from(format!("{i}")))]);
        let received = pan.receive_upload(caller, None, Some(ByteSize(2)), body).await?;
        pan.upload(caller, &at, Ondup::Fail, received).await?;
    }
    for i in 0..doublings {
        let (whole, half) = (path("/tree".into())?, path(format!("/half {i}"))?);
        pan.copy_entry(caller, &whole, &half).await?;
        pan.move_entry(caller, &half, &path(format!("/tree/half {i}"))?).await?;
    }
    Ok(())
}

async fn read_all(pan: &Pan, caller: &Caller) -> anyhow::Result<String> {
    let begun = Instant::now();
    let (mut cursor, mut entries, mut longest) = (None, 0, 0f64);
    loop {
        let page_begun = Instant::now();
        let page = pan.diff(caller, cursor.as_deref()).await?;
        longest = longest.max(millis(page_begun));
        if cursor.is_none() {
            println!("first page         {:>10.3} ms", millis(page_begun));
        }
        entries += page.changes.len();
        if !page.has_more {
            let per_second = entries as f64 / begun.elapsed().as_secs_f64();
            println!("longest page       {longest:>10.3} ms");
            println!("whole snapshot     {per_second:>10.0} entries/s of {entries}");
            return Ok(page.cursor);
        }
        cursor = Some(page.cursor);
    }
}

fn millis(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}
