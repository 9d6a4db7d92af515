//! What happens when a name is taken (pcs-rest 4.2, 10.1, 10.2, 10.34).

use std::thread::sleep;
use std::time::Duration;

use super::{DEMO, Target, name_of};

super::keep![
    newcopy_has_the_time_in_its_name,
    newcopy_puts_the_time_before_the_extension,
    newcopies_of_one_second_differ,
    newcopy_of_a_directory_lies_beside_it,
    newcopy_of_a_superfile,
    newcopy_shortens_a_stem_that_would_be_too_long,
    overwrite_keeps_identity_and_moves_mtime,
    overwrite_with_the_same_bytes_is_an_overwrite,
    overwrite_is_whole_for_every_reader,
    overwrite_does_not_go_through_the_bin,
    a_refused_upload_changes_nothing,
    missing_parents_are_made_with_the_file,
    uploads_of_one_name_at_once_have_one_winner,
];

/// The digits that a newcopy put between `stem_` and `rest`.
fn time_digits<'a>(name: &'a str, stem: &str, rest: &str) -> &'a str {
    let middle = name.strip_prefix(stem).and_then(|name| name.strip_prefix('_'));
    let digits = middle.and_then(|name| name.strip_suffix(rest)).unwrap_or_default();
    let is_time = digits.len() == 14 && digits.bytes().all(|byte| byte.is_ascii_digit());
    assert!(is_time, "`{name}` is not `{stem}_YYYYMMDDhhmmss{rest}`");
    digits
}

fn newcopy_has_the_time_in_its_name(t: &Target<'_>) {
    let demo = t.demo();
    let old = demo.put("/apps/demo/a.txt", b"old").ok();
    let new = demo.put_ondup("/apps/demo/a.txt", b"newer", "newcopy").ok();
    let digits = time_digits(name_of(&new), "a", ".txt");
    // The server's local time: within a day of ours, wherever it is.
    let since = super::pattern::now() as i64 - days_of(digits) * 86_400;
    assert!((-86_400..2 * 86_400).contains(&since), "{digits} is not today");
    assert!(digits[8..10] < *"24" && digits[10..12] < *"60" && digits[12..14] <= *"60", "{digits}");
    assert_ne!(new["fs_id"], old["fs_id"]);
    assert_eq!(new["size"], 5);
    assert_eq!(demo.get("/apps/demo/a.txt").file(), b"old");
    assert_eq!(demo.get(new["path"].as_str().unwrap()).file(), b"newer");
    assert_eq!(demo.names(DEMO).len(), 2);
}

/// Days from 1970 to the date at the beginning of `digits`.
fn days_of(digits: &str) -> i64 {
    let number = |range: std::ops::Range<usize>| digits[range].parse::<i64>().unwrap();
    let (year, month, day) = (number(0..4), number(4..6), number(6..8));
    assert!((1..=12).contains(&month) && (1..=31).contains(&day), "{digits}");
    // Howard Hinnant's days_from_civil: years begin in March.
    let year = year - i64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

// The extension starts at the last dot, unless that is the first character.
fn newcopy_puts_the_time_before_the_extension(t: &Target<'_>) {
    let owner = t.owner();
    for (name, stem, rest) in [
        ("a.tar.gz", "a.tar", ".gz"),
        ("none", "none", ""),
        (".hidden", ".hidden", ""),
        (".hidden.txt", ".hidden", ".txt"),
        ("dot.", "dot", "."),
        ("报告.文", "报告", ".文"),
    ] {
        let path = format!("/x/{name}");
        owner.put(&path, b"old").ok();
        let new = owner.put_ondup(&path, b"new", "newcopy").ok();
        time_digits(name_of(&new), stem, rest);
        assert_eq!(owner.get(&path).file(), b"old");
    }
}

fn newcopies_of_one_second_differ(t: &Target<'_>) {
    let demo = t.demo();
    let mut paths = Vec::new();
    for i in 0..12u8 {
        let reply = demo.put_ondup("/apps/demo/a.txt", &[i], "newcopy").ok();
        paths.push(reply["path"].as_str().unwrap().to_owned());
    }
    for (i, path) in paths.iter().enumerate() {
        assert_eq!(demo.get(path).file(), [i as u8], "{path}");
        assert!(path.starts_with("/apps/demo/a") && path.ends_with(".txt"), "{path}");
    }
    assert_eq!(demo.names(DEMO).len(), 12);
}

fn newcopy_of_a_directory_lies_beside_it(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/dir/inner", b"abc").ok();
    let new = demo.put_ondup("/apps/demo/dir", b"new", "newcopy").ok();
    time_digits(name_of(&new), "dir", "");
    assert_eq!(demo.get(new["path"].as_str().unwrap()).file(), b"new");
    assert_eq!(demo.names("/apps/demo/dir"), ["inner"]);
}

fn newcopy_of_a_superfile(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a.txt", b"old").ok();
    let block = demo.put_block(b"merged");
    let new = demo.merge_ondup("/apps/demo/a.txt", &[block], "newcopy").ok();
    time_digits(name_of(&new), "a", ".txt");
    assert_eq!(demo.get(new["path"].as_str().unwrap()).file(), b"merged");
    assert_eq!(demo.get("/apps/demo/a.txt").file(), b"old");
}

fn newcopy_shortens_a_stem_that_would_be_too_long(t: &Target<'_>) {
    let demo = t.demo();
    let long = format!("/apps/demo/{}.txt", "文".repeat(83));
    demo.put(&long, b"old").ok();
    let new = demo.put_ondup(&long, b"new", "newcopy").ok();
    let name = name_of(&new);
    assert!(name.len() <= 255 && name.starts_with('文') && name.ends_with(".txt"), "{name}");
    assert_eq!(demo.get(new["path"].as_str().unwrap()).file(), b"new");
    // And a path of a thousand bytes stays one of at most a thousand.
    let deep = format!("/apps/demo/{0}/{0}/{0}/{0}/{1}", "d".repeat(240), "n".repeat(25));
    assert_eq!(deep.len(), 1000);
    demo.put(&deep, b"old").ok();
    let new = demo.put_ondup(&deep, b"new", "newcopy").ok();
    assert!(new["path"].as_str().unwrap().len() <= 1000, "{new}");
}

fn overwrite_keeps_identity_and_moves_mtime(t: &Target<'_>) {
    let demo = t.demo();
    let old = demo.put("/apps/demo/a", b"old").ok();
    sleep(Duration::from_millis(1100));
    let new = demo.put_ondup("/apps/demo/a", b"newer", "overwrite").ok();
    assert_eq!((&new["fs_id"], &new["ctime"]), (&old["fs_id"], &old["ctime"]));
    assert!(new["mtime"].as_u64() > old["mtime"].as_u64(), "{new}");
    assert_eq!(demo.entry("/apps/demo/a")["mtime"], new["mtime"]);
}

fn overwrite_with_the_same_bytes_is_an_overwrite(t: &Target<'_>) {
    let demo = t.demo();
    for content in [super::digest::content(1, 100), super::digest::content(2, 600_000)] {
        demo.put_ondup("/apps/demo/a", &content, "overwrite").ok();
        demo.put_ondup("/apps/demo/a", &content, "overwrite").ok();
        assert_eq!(demo.get("/apps/demo/a").file(), content);
        assert_eq!(demo.quota().1, content.len() as u64);
    }
}

// G10: the whole old file or the whole new one.
fn overwrite_is_whole_for_every_reader(t: &Target<'_>) {
    let demo = t.demo();
    let versions: Vec<Vec<u8>> = [(0, 5_000), (1, 400_000), (2, 20_000), (3, 900_000), (4, 7)]
        .map(|(seed, length)| super::digest::content(seed, length))
        .into();
    demo.put("/apps/demo/a", &versions[0]).ok();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let writer = t.demo();
            for version in versions.iter().cycle().take(25) {
                writer.put_ondup("/apps/demo/a", version, "overwrite").ok();
            }
        });
        while !writer.is_finished() {
            let reply = demo.get("/apps/demo/a");
            let md5 = super::digest::md5_hex(reply.file());
            assert_eq!(reply.field("content-md5"), Some(md5.as_str()));
            assert!(versions.iter().any(|version| version == reply.bytes()), "a torn read");
        }
    });
}

fn overwrite_does_not_go_through_the_bin(t: &Target<'_>) {
    let owner = t.owner();
    owner.put("/a", &[1; 1000]).ok();
    owner.put_ondup("/a", &[2; 10], "overwrite").ok();
    assert_eq!(owner.quota().1, 10);
    assert_eq!(owner.names("/"), ["a"]);
}

fn a_refused_upload_changes_nothing(t: &Target<'_>) {
    let demo = t.demo();
    let old = demo.put("/apps/demo/a", b"old").ok();
    for length in [3, 20_000, 400_000] {
        demo.put("/apps/demo/a", &super::digest::content(9, length)).refused(400, 31061);
        demo.put("/apps/demo/a/b", &super::digest::content(9, length)).refused(400, 31063);
        demo.put("/apps/demo/new/x:y", &super::digest::content(9, length)).refused(400, 31062);
    }
    let now = demo.entry("/apps/demo/a");
    assert_eq!(
        (&now["fs_id"], &now["mtime"], &now["size"]),
        (&old["fs_id"], &old["mtime"], &3.into())
    );
    assert_eq!(demo.names(DEMO), ["a"]);
    assert_eq!(demo.quota().1, 3);
}

fn missing_parents_are_made_with_the_file(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/x/y/z/file", b"abc").ok();
    let ids = ["/apps/demo/x", "/apps/demo/x/y", "/apps/demo/x/y/z"].map(|path| {
        let entry = demo.entry(path);
        assert_eq!((&entry["path"], &entry["isdir"]), (&path.into(), &1.into()));
        entry["fs_id"].as_u64().unwrap()
    });
    demo.put("/apps/demo/x/y/z/other", b"abc").ok();
    demo.put("/apps/demo/x/beside/file", b"abc").ok();
    assert_eq!(demo.entry("/apps/demo/x")["fs_id"], ids[0]);
    assert_eq!(demo.names("/apps/demo/x"), ["beside", "y"]);
    demo.merge("/apps/demo/m/n", &[demo.put_block(b"abc")]).ok();
    demo.cp("/apps/demo/m/n", "/apps/demo/c/d/n").ok();
    demo.mv("/apps/demo/m", "/apps/demo/o/p/m").ok();
    assert_eq!(demo.get("/apps/demo/o/p/m/n").file(), b"abc");
}

fn uploads_of_one_name_at_once_have_one_winner(t: &Target<'_>) {
    let callers: Vec<_> = (0..8).map(|_| t.demo()).collect();
    for round in 0..5 {
        let path = format!("/apps/demo/dir{round}/a");
        let path = path.as_str();
        let replies: Vec<_> = std::thread::scope(|scope| {
            let put = |(i, caller): (usize, &'_ super::Client)| caller.put(path, &[i as u8; 50]);
            let puts: Vec<_> =
                callers.iter().enumerate().map(|each| scope.spawn(move || put(each))).collect();
            puts.into_iter().map(|put| put.join().unwrap()).collect()
        });
        let winners: Vec<usize> = (0..8).filter(|&i| replies[i].status() == 200).collect();
        assert_eq!(winners.len(), 1, "winners of round {round}: {winners:?}");
        for reply in replies.iter().filter(|reply| reply.status() != 200) {
            reply.refused(400, 31061);
        }
        assert_eq!(callers[0].get(path).file(), [winners[0] as u8; 50]);
    }
    assert_eq!(callers[0].quota().1, 250);
}
