//! Sound that is missing for a long time, or becomes another.

use std::time::{Duration, Instant};

use super::{Source, make};

const PICTURES: &str = "-preset ultrafast -pix_fmt yuv420p -c:v libx264 -g 50";

/// A piece in the middle of a long silence comes as soon as any other: nobody
/// waits for sound that does not come.
#[test]
fn sound_that_is_missing_for_minutes_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let sparse = directory.path().join("sparse.mkv");
    let sources = "-f lavfi -i testsrc=s=160x90:r=10:d=240 -f lavfi -i sine=d=240";
    make(&sparse, &format!("{sources} -af aselect='lt(t,3)+gt(t,230)' {PICTURES}"));
    for name in ["sparse.mkv", "a.mp4", "a.ts"] {
        let path = directory.path().join(name);
        if path != sparse {
            make(&path, &format!("-i {} -c copy", sparse.display()));
        }
        let source = Source::of(&path);
        for (first, count) in [(0, 3), (3, 1), (20, 2), (57, 3)] {
            let begun = Instant::now();
            let pieces = source.pieces(first, count);
            assert_eq!(pieces.len(), count.min(60 - first as usize), "{name}: {first}");
            assert!(begun.elapsed() < Duration::from_secs(20), "{name}: {first}");
        }
    }
}

/// From one kind of pictures and sound to another, in the middle of a file.
#[test]
fn a_source_that_becomes_another_plays_on() {
    let directory = tempfile::tempdir().unwrap();
    let parts = [
        ("160x90", 0, "-f lavfi -i sine=d=16:r=48000 -ac 2"),
        ("320x180", 16, "-f lavfi -i sine=d=16:r=22050 -ac 1"),
    ];
    let mut both = Vec::new();
    for (size, from, sound) in parts {
        let part = directory.path().join("part.ts");
        let pictures = format!("-f lavfi -i testsrc=s={size}:r=25:d=16");
        make(&part, &format!("{pictures} {sound} {PICTURES} -output_ts_offset {from}"));
        both.extend(std::fs::read(&part).unwrap());
    }
    let path = directory.path().join("both.ts");
    std::fs::write(&path, both).unwrap();
    let source = Source::of(&path);
    // Another sound ends a run; those that begin with the new one play to the end.
    // A transport stream is read from 10.5 seconds before, which is in the old one.
    let pieces = source.plan.timeline().pieces;
    assert_eq!(pieces, 8);
    for first in 0..pieces {
        let asked = source.pieces_if_possible(first, usize::MAX);
        match first {
            0 => assert_eq!(asked.unwrap_err().keys().collect::<Vec<_>>(), [&0, &1, &2]),
            1..=3 => assert!(asked.is_err(), "{first}"),
            _ => {}
        }
    }
}
