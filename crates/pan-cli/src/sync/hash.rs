//! Reading local files, to know what they are.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use md5::{Digest, Md5 as Hasher};
use pan_sdk::Md5;
use tokio::task::spawn_blocking;

use super::model::{Kind, Stat};
use super::scan::stat_of;

/// How much is read at a time.
const CHUNK_BYTES: usize = 256 * 1024;
/// How coarse the clock of a file system may be: what was changed so shortly
/// ago could be changed again without its times showing it.
const CLOCK_NS: i64 = 20_000_000;
/// The same where there are whole seconds only: FAT has every second one.
const COARSE_CLOCK_NS: i64 = 2_000_000_000;

/// Reads a file and its md5, in the background; `None` when it is not, or no
/// longer, what it was seen to be.
pub(crate) async fn md5_of(path: PathBuf, seen: Stat) -> io::Result<Option<Md5>> {
    let read = spawn_blocking(move || md5_now(&path, &seen)).await;
    read.unwrap_or_else(|error| Err(io::Error::other(error)))
}

fn md5_now(path: &Path, seen: &Stat) -> io::Result<Option<Md5>> {
    let mut file = File::open(path)?;
    let mut hasher = Hasher::new();
    let mut chunk = vec![0; CHUNK_BYTES.min(seen.size as usize + 1)];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            read => hasher.update(&chunk[..read]),
        }
    }
    let is_as_seen = stat_of(&file.metadata()?).as_ref() == Some(seen);
    Ok(is_as_seen.then(|| Md5(hasher.finalize().into())))
}

/// What to remember of how a file looked at a moment.
pub(crate) fn settled(stat: Stat, at: i64) -> Stat {
    let is_coarse = stat.ctime % 1_000_000_000 == 0;
    let clock = if is_coarse { COARSE_CLOCK_NS } else { CLOCK_NS };
    let is_fresh = stat.kind == Kind::File && stat.ctime.max(stat.mtime) > at - clock;
    if is_fresh { Stat { ctime: 0, ..stat } } else { stat }
}

/// Nanoseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
