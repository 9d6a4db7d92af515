//! Rapid upload beyond the golden file (pcs-rest 4.19, 12.2; S1, S2).

use std::time::{Duration, Instant};

use super::digest::{content, md5_hex};
use super::twins::twins;
use super::{DEMO, Target, TokenSpec};

super::keep![
    the_bytes_are_those_that_were_sent,
    what_was_merged_is_found,
    one_piece_is_preferred_to_many,
    what_is_in_the_bin_is_found,
    what_was_purged_is_not_found,
    quota_comes_before_the_conflict,
    it_is_charged_in_full,
    a_scrambled_token_sees_scrambled_md5s,
    sec_rapid_upload_stays_in_the_root,
    sec_md5_twin_rapid,
    sec_dropship,
];

/// Just above what rapid upload takes.
const SIZE: usize = 262_145;

fn the_bytes_are_those_that_were_sent(t: &Target<'_>) {
    let demo = t.demo();
    for (seed, size) in [(1, SIZE), (2, 1_000_000), (3, 9_000_000)] {
        let content = content(seed, size);
        demo.rapid("/apps/demo/early", &content).refused(404, 31079);
        demo.put(&format!("{DEMO}/sent{seed}"), &content).ok();
        let path = format!("{DEMO}/known{seed}");
        demo.rapid(&path, &content).ok();
        // It does not hang on what it was found by.
        demo.rm(&format!("{DEMO}/sent{seed}")).ok();
        demo.empty_bin().ok();
        assert!(demo.get(&path).file() == content, "{size}");
        demo.rapid(&format!("{DEMO}/again{seed}"), &content).ok();
    }
}

fn what_was_merged_is_found(t: &Target<'_>) {
    let demo = t.demo();
    let whole = content(1, 800_000);
    let blocks: Vec<String> = whole.chunks(300_000).map(|block| demo.put_block(block)).collect();
    demo.merge("/apps/demo/merged", &blocks).ok();
    demo.rapid("/apps/demo/known", &whole).ok();
    assert!(demo.get("/apps/demo/known").file() == whole);
    assert_eq!(demo.entry("/apps/demo/known")["block_list"], serde_json::json!(blocks));
    // A block that no file has yet is nobody's file.
    let block = content(2, 300_000);
    demo.put_block(&block);
    demo.rapid("/apps/demo/block", &block).refused(404, 31079);
}

fn one_piece_is_preferred_to_many(t: &Target<'_>) {
    let demo = t.demo();
    let whole = content(1, 600_000);
    let blocks: Vec<String> = whole.chunks(300_000).map(|block| demo.put_block(block)).collect();
    demo.merge("/apps/demo/merged", &blocks).ok();
    demo.merge("/apps/demo/twice", &blocks).ok();
    demo.put("/apps/demo/sent", &whole).ok();
    demo.rapid("/apps/demo/known", &whole).ok();
    let known = demo.entry("/apps/demo/known");
    assert_eq!(known["block_list"], serde_json::json!([md5_hex(&whole)]));
}

fn what_is_in_the_bin_is_found(t: &Target<'_>) {
    let demo = t.demo();
    let content = content(1, SIZE);
    demo.put("/apps/demo/dir/deep/file", &content).ok();
    demo.rm("/apps/demo/dir").ok();
    demo.rapid("/apps/demo/known", &content).ok();
    assert!(demo.get("/apps/demo/known").file() == content);
}

fn what_was_purged_is_not_found(t: &Target<'_>) {
    let demo = t.demo();
    let content = content(1, SIZE);
    demo.put("/apps/demo/dir/file", &content).ok();
    demo.rm("/apps/demo/dir").ok();
    demo.empty_bin().ok();
    demo.rapid("/apps/demo/known", &content).refused(404, 31079);
}

fn quota_comes_before_the_conflict(t: &Target<'_>) {
    let small = t.another("small", Some(500_000));
    let demo = small.demo();
    let content = content(1, 300_000);
    demo.put("/apps/demo/a", &content).ok();
    demo.rapid("/apps/demo/a", &content).refused(400, 31112);
    demo.rapid("/apps/demo/b", &content).refused(400, 31112);
    demo.is_missing("/apps/demo/b");
    demo.rm("/apps/demo/a").ok();
    demo.rapid("/apps/demo/b", &content).ok();
    assert_eq!(demo.quota(), (500_000, 300_000));
}

fn it_is_charged_in_full(t: &Target<'_>) {
    let demo = t.demo();
    let content = content(1, 300_000);
    demo.put("/apps/demo/a", &content).ok();
    demo.rapid("/apps/demo/b", &content).ok();
    assert_eq!(demo.quota().1, 600_000);
    demo.rapid("/apps/demo/b", &content).refused(400, 31061);
    assert_eq!(demo.quota().1, 600_000);
}

// 9.1: bypy -e compares it with what it has computed.
fn a_scrambled_token_sees_scrambled_md5s(t: &Target<'_>) {
    let scrambled = t.scrambled();
    let content = content(1, SIZE);
    let sent = scrambled.put("/apps/demo/a", &content).ok();
    let known = scrambled.rapid("/apps/demo/b", &content).ok();
    assert_eq!(known["md5"], sent["md5"]);
    assert_ne!(known["md5"], md5_hex(&content));
}

// S2: a token finds what it could download, live or in its part of the bin.
fn sec_rapid_upload_stays_in_the_root(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    let other = t.caller(&TokenSpec::rooted("/apps/demo2"));
    let [private, deleted, shared] = [1, 2, 3].map(|seed| content(seed, SIZE));
    owner.put("/private/file", &private).ok();
    owner.put("/deleted/file", &deleted).ok();
    owner.rm("/deleted").ok();
    other.put("/apps/demo2/file", &shared).ok();
    for content in [&private, &deleted, &shared] {
        demo.rapid("/apps/demo/a", content).refused(404, 31079);
        owner.rapid("/mine", content).ok();
        owner.rm("/mine").ok();
    }
    // Where a deleted file was is what counts, also inside a larger deletion.
    demo.put("/apps/demo/dir/file", &content(4, SIZE)).ok();
    owner.rm("/apps").ok();
    demo.rapid("/apps/demo/back", &content(4, SIZE)).ok();
    demo.rapid("/apps/demo/a", &shared).refused(404, 31079);
    other.rapid("/apps/demo2/back", &shared).ok();
    // What is moved in is seen, what is moved out is not.
    owner.mv("/private/file", "/apps/demo/in").ok();
    demo.rapid("/apps/demo/known", &private).ok();
    owner.mv("/apps/demo/in", "/private/file").ok();
    owner.mv("/apps/demo/known", "/private/known").ok();
    demo.rapid("/apps/demo/a", &private).refused(404, 31079);
}

// S1: two contents with one key are never taken for each other.
fn sec_md5_twin_rapid(t: &Target<'_>) {
    let (one, two) = (t.demo(), t.another("two", None));
    let two = two.demo();
    let [a, b] = twins(307_264);
    one.put("/apps/demo/a", &a).ok();
    two.put("/apps/demo/b", &b).ok();
    // Each has one of them, and gets that one.
    one.rapid("/apps/demo/known", &a).ok();
    assert!(one.get("/apps/demo/known").file() == a);
    two.rapid("/apps/demo/known", &b).ok();
    assert!(two.get("/apps/demo/known").file() == b);
    // The CRC-32 tells this pair apart; without it the other might be meant.
    one.rapid("/apps/demo/other", &b).refused(404, 31079);
    // Who has both is not answered at all.
    one.put("/apps/demo/b", &b).ok();
    for content in [&a, &b] {
        one.rapid("/apps/demo/which", content).refused(404, 31079);
    }
    one.is_missing("/apps/demo/which");
}

// S2: what somebody else has stored cannot be had, and cannot be told from
// what nobody has.
fn sec_dropship(t: &Target<'_>) {
    let (one, two) = (t.demo(), t.another("two", None));
    let two = two.demo();
    let (secret, nobodys) = (content(1, SIZE), content(2, SIZE));
    one.put("/apps/demo/secret", &secret).ok();
    let miss = |content: &[u8]| {
        let reply = two.rapid("/apps/demo/x", content);
        let mut body = reply.refused(404, 31079);
        body["request_id"] = 0.into();
        (body, reply.answer.head.fields.len())
    };
    assert_eq!(miss(&secret), miss(&nobodys));
    assert_eq!(two.quota().1, 0);
    two.is_missing("/apps/demo/x");
    let median = |content: &[u8]| {
        let mut times: Vec<Duration> = (0..200)
            .map(|_| {
                let begun = Instant::now();
                two.rapid("/apps/demo/x", content).refused(404, 31079);
                begun.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[times.len() / 2]
    };
    // Generous: other tests run meanwhile. What this would find is a read of
    // the bytes, or a transaction.
    let tries = (0..5).map(|_| (median(&secret), median(&nobodys)));
    let ratio = |(one, other): (Duration, Duration)| one.as_secs_f64() / other.as_secs_f64();
    let ratios: Vec<f64> = tries.map(ratio).collect();
    assert!(ratios.iter().any(|ratio| (0.8..1.25).contains(ratio)), "{ratios:?}");
}
