//! The quota's two numbers move by exactly the bytes (pcs-rest 4.1, G14).

use super::digest::content;
use super::{Client, DEMO, Target};

super::keep![
    used_moves_by_exactly_the_bytes,
    a_quota_is_inclusive,
    an_overwrite_counts_the_difference,
    every_token_of_a_user_sees_one_quota,
    a_refusal_costs_nothing,
    a_user_without_a_quota_has_room,
    sec_tmpfile_cap,
    sec_merged_blocks_make_room,
];

/// What is done, by how many bytes `used` moves, and how it is done.
type Step = (&'static str, i64, Box<dyn Fn(&Client)>);

fn used_moves_by_exactly_the_bytes(t: &Target<'_>) {
    let demo = t.demo();
    let total = demo.quota().0;
    let block = demo.put_block(&content(1, 30_000));
    let steps: Vec<Step> = vec![
        ("upload", 100_000, Box::new(|c| _ = c.put("/apps/demo/a", &content(2, 100_000)).ok())),
        ("upload nothing", 0, Box::new(|c| _ = c.put("/apps/demo/0", b"").ok())),
        ("mkdir", 0, Box::new(|c| _ = c.mkdir("/apps/demo/dir").ok())),
        (
            "overwrite",
            300_000,
            Box::new(|c| {
                c.put_ondup("/apps/demo/a", &content(3, 400_000), "overwrite").ok();
            }),
        ),
        (
            "overwrite with less",
            -399_990,
            Box::new(|c| {
                c.put_ondup("/apps/demo/a", &content(3, 10), "overwrite").ok();
            }),
        ),
        ("newcopy", 7, Box::new(|c| _ = c.put_ondup("/apps/demo/a", b"1234567", "newcopy").ok())),
        ("a block", 0, Box::new(|c| _ = c.put_block(&content(4, 50_000)))),
        (
            "createsuperfile",
            60_000,
            Box::new(move |c| {
                c.merge("/apps/demo/dir/s", &[block.clone(), block.clone()]).ok();
            }),
        ),
        ("copy of a file", 10, Box::new(|c| _ = c.cp("/apps/demo/a", "/apps/demo/dir/a").ok())),
        ("copy of a tree", 60_010, Box::new(|c| _ = c.cp("/apps/demo/dir", "/apps/demo/d2").ok())),
        ("move", 0, Box::new(|c| _ = c.mv("/apps/demo/d2", "/apps/demo/dir/d2").ok())),
        ("a refused upload", 0, Box::new(|c| _ = c.put("/apps/demo/a", &[1; 99]).is_error())),
        ("delete of a file", -10, Box::new(|c| _ = c.rm("/apps/demo/dir/a").ok())),
        ("delete of a tree", -120_010, Box::new(|c| _ = c.rm("/apps/demo/dir").ok())),
        ("delete of the root", -17, Box::new(|c| _ = c.rm(DEMO).ok())),
    ];
    let mut used = 0i64;
    for (what, bytes, step) in steps {
        step(&demo);
        used += bytes;
        assert_eq!(demo.quota(), (total, used as u64), "after {what}");
    }
}

fn a_quota_is_inclusive(t: &Target<'_>) {
    let small = t.another("small", Some(100_000));
    let demo = small.demo();
    for size in [100_001, 200_000, 1_000_000] {
        demo.put("/apps/demo/a", &content(1, size)).refused(400, 31112);
    }
    demo.put("/apps/demo/a", &content(1, 100_000)).ok();
    assert_eq!(demo.quota(), (100_000, 100_000));
    demo.put("/apps/demo/b", b"x").refused(400, 31112);
    demo.put("/apps/demo/b", b"").ok();
    demo.mkdir("/apps/demo/dir").ok();
    demo.rm("/apps/demo/a").ok();
    demo.put("/apps/demo/c", &content(2, 100_000)).ok();
    assert_eq!(demo.names(DEMO), ["b", "c", "dir"]);
}

fn an_overwrite_counts_the_difference(t: &Target<'_>) {
    let small = t.another("small", Some(1000));
    let demo = small.demo();
    demo.put("/apps/demo/a", &[1; 900]).ok();
    demo.put_ondup("/apps/demo/a", &[2; 1000], "overwrite").ok();
    demo.put_ondup("/apps/demo/a", &[3; 1001], "overwrite").refused(400, 31112);
    assert_eq!(demo.get("/apps/demo/a").file(), [2; 1000]);
    demo.put_ondup("/apps/demo/a", &[4; 1], "newcopy").refused(400, 31112);
    demo.put_ondup("/apps/demo/a", &[5; 999], "overwrite").ok();
    demo.put_ondup("/apps/demo/a", &[6; 1], "newcopy").ok();
    assert_eq!(demo.quota(), (1000, 1000));
}

fn every_token_of_a_user_sees_one_quota(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    owner.put("/elsewhere", &[1; 70]).ok();
    demo.put("/apps/demo/a", &[1; 30]).ok();
    assert_eq!(demo.quota(), owner.quota());
    assert_eq!(demo.quota().1, 100);
}

fn a_refusal_costs_nothing(t: &Target<'_>) {
    let small = t.another("small", Some(1_000_000));
    let demo = small.demo();
    // Many uploads that are too large, then one that just fits: what was
    // refused has left nothing behind that counts.
    for i in 0..10 {
        demo.put(&format!("/apps/demo/{i}"), &content(i, 1_000_001)).refused(400, 31112);
    }
    demo.put("/apps/demo/fits", &content(99, 1_000_000)).ok();
    assert_eq!(demo.quota(), (1_000_000, 1_000_000));
}

fn a_user_without_a_quota_has_room(t: &Target<'_>) {
    let (total, used) = t.demo().quota();
    assert_eq!(used, 0);
    // bypy's own test expects at least this much of a real account.
    assert!(total >= 2_206_539_448_320, "{total}");
    assert!(total < 1 << 53, "a number that every JSON reader keeps whole (2.1): {total}");
}

/// S4: blocks that no file uses are no free storage beside a full account.
fn sec_tmpfile_cap(t: &Target<'_>) {
    let small = t.another("small", Some(1_000_000));
    let demo = small.demo();
    demo.put("/apps/demo/a", &content(1, 400_000)).ok();
    let block = |seed: u64| {
        demo.file("upload").param("type", "tmpfile").content(&content(seed, 200_000)).send()
    };
    for seed in 10..13 {
        block(seed).ok();
    }
    block(13).refused(400, 31112);
    assert_eq!(demo.quota(), (1_000_000, 400_000), "blocks are not charged");
    // Room that a file leaves is room for blocks again.
    demo.rm("/apps/demo/a").ok();
    block(13).ok();
    block(14).ok();
    block(15).refused(400, 31112);
}

/// S4: nor are blocks that a file has used once. They make room for new ones,
/// and what was merged stays whole.
fn sec_merged_blocks_make_room(t: &Target<'_>) {
    let small = t.another("merging", Some(1_000_000));
    let demo = small.demo();
    let mut blocks = Vec::new();
    for seed in 20..26 {
        blocks.push(demo.put_block(&content(seed, 300_000)));
        let merged = demo.merge_ondup("/apps/demo/x", &blocks[blocks.len() - 1..], "overwrite");
        merged.ok();
        assert!(demo.get("/apps/demo/x").file() == content(seed, 300_000));
    }
    let kept = blocks
        .iter()
        .filter(|block| {
            let again = demo.merge_ondup("/apps/demo/x", &[(*block).clone()], "overwrite");
            again.json()["error_code"] != 31363
        })
        .count();
    assert!((1..=3).contains(&kept), "{kept} of 6 blocks are kept in 1 MB");
}
