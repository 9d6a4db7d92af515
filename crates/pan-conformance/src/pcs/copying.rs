//! Copies beyond the golden table (pcs-rest 4.11, 12.2, G8, storage 3).

use serde_json::Value;

use super::{Client, DEMO, Target};

super::keep![
    a_copy_is_an_entry_of_its_own,
    a_copied_tree_is_the_same_tree,
    a_copy_of_many_entries_is_one_step_for_every_reader,
    a_copy_over_quota_leaves_nothing,
    a_conflict_comes_before_the_quota,
    a_copy_survives_its_source,
];

fn a_copy_is_an_entry_of_its_own(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    demo.cp("/apps/demo/a", "/apps/demo/b").ok();
    let (a, b) = (demo.entry("/apps/demo/a"), demo.entry("/apps/demo/b"));
    assert_ne!(a["fs_id"], b["fs_id"]);
    assert!(b["ctime"].as_u64() > a["ctime"].as_u64(), "a copy is new");
    assert_eq!((&a["md5"], &a["size"]), (&b["md5"], &b["size"]));
    demo.put_ondup("/apps/demo/a", b"changed", "overwrite").ok();
    assert_eq!(demo.get("/apps/demo/b").file(), b"abc");
}

/// Everything below a path: relative path, size, md5.
fn tree(caller: &Client, path: &str) -> Vec<(String, Value, Value)> {
    let mut found = Vec::new();
    let mut open = vec![path.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in caller.list(&directory).ok()["list"].as_array().unwrap() {
            let full = entry["path"].as_str().unwrap();
            if entry["isdir"] == 1 {
                open.push(full.to_owned());
            }
            found.push((
                full[path.len()..].to_owned(),
                entry["size"].clone(),
                entry["md5"].clone(),
            ));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn a_copied_tree_is_the_same_tree(t: &Target<'_>) {
    let demo = t.demo();
    for (path, size) in [("x/y/z/deep", 5), ("x/a", 300_000), ("x/中", 0), ("b", 20_000)] {
        demo.put(&format!("/apps/demo/tree/{path}"), &super::digest::content(size, size as usize))
            .ok();
    }
    demo.mkdir("/apps/demo/tree/empty/dir").ok();
    let blocks = [demo.put_block(b"abc"), demo.put_block(b"def")];
    demo.merge("/apps/demo/tree/merged", &blocks).ok();
    let before = demo.quota().1;
    demo.cp("/apps/demo/tree", "/apps/demo/new/place").ok();
    assert_eq!(tree(&demo, "/apps/demo/tree"), tree(&demo, "/apps/demo/new/place"));
    assert_eq!(demo.quota().1, 2 * before);
    assert_eq!(demo.get("/apps/demo/new/place/merged").file(), b"abcdef");
    assert_eq!(
        demo.entry("/apps/demo/new/place/merged")["block_list"].as_array().unwrap().len(),
        2
    );
    // Beside itself, and inside what it is not part of.
    demo.cp("/apps/demo/tree/x", "/apps/demo/tree/x2").ok();
    assert_eq!(tree(&demo, "/apps/demo/tree/x"), tree(&demo, "/apps/demo/tree/x2"));
}

// More rows than one transaction may write: staged, and still one step (G8).
fn a_copy_of_many_entries_is_one_step_for_every_reader(t: &Target<'_>) {
    let (demo, copier) = (t.demo(), t.demo());
    // 4 · 5^4 files: each level is five copies of the one below.
    for name in ["1", "2", "3", "4"] {
        demo.put(&format!("/apps/demo/0/{name}"), b"abc").ok();
    }
    for level in 1..5 {
        for copy in 0..5 {
            demo.cp(&format!("{DEMO}/{}", level - 1), &format!("{DEMO}/{level}/{copy}")).ok();
        }
    }
    let files = tree(&demo, "/apps/demo/4").iter().filter(|(_, size, _)| *size == 3).count();
    assert_eq!(files, 2500);
    let before = demo.quota().1;
    std::thread::scope(|scope| {
        let copying = scope.spawn(|| copier.cp("/apps/demo/4", "/apps/demo/copy").ok());
        while !copying.is_finished() {
            let used = demo.quota().1;
            assert!(used == before || used == before + 7500, "{used} of {before} + 7500");
            let deep = demo.list("/apps/demo/copy/4/4/4/4");
            if deep.status() == 200 {
                assert_eq!(deep.ok()["list"].as_array().unwrap().len(), 4);
                assert_eq!(demo.quota().1, before + 7500);
            }
        }
    });
    assert_eq!(tree(&demo, "/apps/demo/4"), tree(&demo, "/apps/demo/copy"));
}

fn a_copy_over_quota_leaves_nothing(t: &Target<'_>) {
    let small = t.another("small", Some(1000));
    let demo = small.demo();
    demo.put("/apps/demo/dir/a", &[1; 300]).ok();
    demo.put("/apps/demo/dir/b", &[2; 300]).ok();
    demo.cp("/apps/demo/dir", "/apps/demo/copy").refused(400, 31112);
    demo.is_missing("/apps/demo/copy");
    demo.cp("/apps/demo/dir/a", "/apps/demo/new/copy").ok();
    demo.cp("/apps/demo/dir/a", "/apps/demo/other/copy").refused(400, 31112);
    assert_eq!(demo.names(DEMO), ["dir", "new"]);
    assert_eq!(demo.quota(), (1000, 900));
    let callers: Vec<_> = (0..5).map(|_| small.demo()).collect();
    demo.rm("/apps/demo/new").ok();
    let copied = std::thread::scope(|scope| {
        let copy = |(i, caller): (usize, &'_ Client)| {
            caller.cp("/apps/demo/dir/a", &format!("/apps/demo/{i}")).status()
        };
        let copies: Vec<_> =
            callers.iter().enumerate().map(|each| scope.spawn(move || copy(each))).collect();
        copies.into_iter().map(|each| each.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(copied.iter().filter(|&&status| status == 200).count(), 1);
    assert_eq!(demo.quota(), (1000, 900));
}

// 12.2: conflict (31061) before quota in copy.
fn a_conflict_comes_before_the_quota(t: &Target<'_>) {
    let small = t.another("small", Some(1000));
    let demo = small.demo();
    demo.put("/apps/demo/a", &[1; 600]).ok();
    demo.put("/apps/demo/b", b"b").ok();
    demo.cp("/apps/demo/a", "/apps/demo/b").refused(400, 31061);
    demo.cp("/apps/demo/a", "/apps/demo/c").refused(400, 31112);
    // In upload the quota comes first, whether the content is small or large.
    for size in [600, 20_000, 700_000] {
        demo.put("/apps/demo/b", &vec![1; size]).refused(400, 31112);
    }
    demo.put("/apps/demo/b", &[1; 6]).refused(400, 31061);
}

fn a_copy_survives_its_source(t: &Target<'_>) {
    let demo = t.demo();
    for size in [10, 40_000, 5_000_000] {
        let content = super::digest::content(size as u64, size);
        demo.put("/apps/demo/a", &content).ok();
        demo.cp("/apps/demo/a", "/apps/demo/b").ok();
        demo.rm("/apps/demo/a").ok();
        assert!(demo.get("/apps/demo/b").file() == content, "{size}");
        demo.rm("/apps/demo/b").ok();
    }
}
