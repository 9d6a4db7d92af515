//! Journals that nobody came back for.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::journal::{EXTENSION, Fact, read_records};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// A service keeps blocks for a day at least; OpenPan keeps them for two
/// (pcs-rest 4.3). A journal that is older cannot help.
const UPLOADS_KEPT: Duration = DAY.saturating_mul(3);
/// What was downloaded so far is still good, but it takes up room.
const DOWNLOADS_KEPT: Duration = DAY.saturating_mul(14);
/// The first line of any journal is shorter.
const HEADER_BYTES: u64 = 64 << 10;

/// Removes the stale journals of a directory, and the part files of the
/// downloads among them. Those in use stay. Failing changes nothing.
pub(super) fn sweep(directory: &Path) {
    for path in fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == EXTENSION)
            && let Ok(file) = File::open(&path)
            && is_older(&file, UPLOADS_KEPT)
            && file.try_lock().is_ok()
        {
            sweep_one(&path, &file);
        }
    }
}

fn sweep_one(path: &Path, file: &File) {
    match header(file) {
        Some(Fact::Download { .. }) if !is_older(file, DOWNLOADS_KEPT) => return,
        Some(Fact::Download { part_file: Some(part_file), .. }) => {
            let part_file = Path::new(&part_file);
            if is_part_file(part_file) {
                let _ = fs::remove_file(part_file);
            }
        }
        _ => {}
    }
    let _ = fs::remove_file(path);
}

fn header(file: &File) -> Option<Fact> {
    let mut beginning = Vec::new();
    file.take(HEADER_BYTES).read_to_end(&mut beginning).ok()?;
    read_records(&beginning).0.into_iter().next()
}

fn is_older(file: &File, age: Duration) -> bool {
    let modified = file.metadata().and_then(|metadata| metadata.modified()).ok();
    let unused = modified.and_then(|time| SystemTime::now().duration_since(time).ok());
    unused.is_some_and(|unused| unused > age)
}

/// Nothing that has not a name of ours is ever removed.
fn is_part_file(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    path.is_absolute() && name.starts_with(".pan-") && name.ends_with(".part")
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::path::Path;
    use std::time::SystemTime;

    use super::{DAY, sweep};
    use crate::transfer::journal::{Fact, line_of};

    fn journal(path: &Path, fact: &Fact, days: u32) -> File {
        fs::write(path, line_of(fact).unwrap()).unwrap();
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - DAY * days).unwrap();
        file
    }

    #[test]
    fn what_nobody_came_back_for_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        let upload = Fact::Whole { md5: String::new() };
        let download = |file: &str| {
            let part_file = Some(at(file).to_str().unwrap().to_owned());
            Fact::Download { size: 1, md5: String::new(), blake3: None, part_file }
        };
        for name in [".pan-1.part", ".pan-2.part", "precious"] {
            fs::write(at(name), "x").unwrap();
        }
        for (name, fact, days) in [
            ("young.journal", upload.clone(), 2),
            ("old.journal", upload.clone(), 4),
            ("old.other", upload.clone(), 400),
            ("get-young.journal", download(".pan-1.part"), 10),
            ("get-old.journal", download(".pan-2.part"), 15),
            ("strange.journal", download("precious"), 15),
        ] {
            journal(&at(name), &fact, days);
        }
        let in_use = journal(&at("in-use.journal"), &upload, 4);
        in_use.lock().unwrap();
        sweep(home.path());
        let names = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut left: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        left.sort();
        let expected =
            [".pan-1.part", "get-young.journal", "in-use.journal", "old.other", "precious"];
        assert_eq!(left, [&expected[..], &["young.journal"]].concat());
    }
}
