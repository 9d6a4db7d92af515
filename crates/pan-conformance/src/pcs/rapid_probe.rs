//! Whether a rapid upload may succeed (pcs-rest 4.26, S2).

use super::digest::{content, md5_hex};
use super::{Client, Reply, Target, TokenSpec};

super::keep![
    what_may_be_there_is_told_by_its_beginning,
    whatever_rapid_upload_finds_is_possible,
    parameters_are_those_of_rapid_upload,
    extensions_tell_of_it,
    sec_probes_stay_in_the_root,
    sec_probes_tell_nothing_of_others,
];

/// Just above what rapid upload takes.
const SIZE: usize = 262_145;

fn probe(demo: &Client, content: &[u8]) -> Reply {
    let slice = md5_hex(&content[..content.len().min(262_144)]);
    let call = demo.file("rapidprobe").get().param("content-length", content.len().to_string());
    call.param("slice-md5", slice).send()
}

#[track_caller]
fn is_possible(demo: &Client, content: &[u8]) -> bool {
    probe(demo, content).ok()["possible"].as_bool().unwrap()
}

fn what_may_be_there_is_told_by_its_beginning(t: &Target<'_>) {
    let demo = t.demo();
    let bytes = content(1, 800_000);
    assert!(!is_possible(&demo, &bytes));
    demo.put("/apps/demo/a", &bytes).ok();
    assert!(is_possible(&demo, &bytes));
    // All that is looked at is the length and the beginning.
    let mut end = bytes.clone();
    end[799_999] ^= 1;
    assert!(is_possible(&demo, &end));
    demo.rapid("/apps/demo/b", &end).refused(404, 31079);
    let mut beginning = bytes.clone();
    beginning[0] ^= 1;
    assert!(!is_possible(&demo, &beginning));
    assert!(!is_possible(&demo, &bytes[..799_999]));
    demo.rm("/apps/demo/a").ok();
    demo.empty_bin().ok();
    assert!(!is_possible(&demo, &bytes));
}

fn whatever_rapid_upload_finds_is_possible(t: &Target<'_>) {
    let demo = t.demo();
    let [sent, merged, deleted] = [1, 2, 3].map(|seed| content(seed, 600_000));
    demo.put("/apps/demo/sent", &sent).ok();
    let blocks: Vec<_> = merged.chunks(300_000).map(|block| demo.put_block(block)).collect();
    demo.merge("/apps/demo/merged", &blocks).ok();
    demo.put("/apps/demo/dir/deleted", &deleted).ok();
    demo.rm("/apps/demo/dir").ok();
    for (number, bytes) in [sent, merged, deleted].iter().enumerate() {
        assert!(is_possible(&demo, bytes), "{number}");
        demo.rapid(&format!("/apps/demo/known{number}"), bytes).ok();
    }
    // A block that no file has yet is nobody's file.
    let block = content(4, 300_000);
    demo.put_block(&block);
    assert!(!is_possible(&demo, &block));
}

fn parameters_are_those_of_rapid_upload(t: &Target<'_>) {
    let demo = t.demo();
    probe(&demo, &content(1, SIZE - 1)).refused(400, 31023);
    let slice = md5_hex(b"any");
    for (length, slice) in [("", slice.as_str()), ("-1", &slice), ("300000", ""), ("300000", "x")] {
        let call = demo.file("rapidprobe").param("content-length", length);
        call.param("slice-md5", slice).send().refused(400, 31023);
    }
    // The scrambled form (9.1) is an md5, too.
    let call = demo.file("rapidprobe").param("content-length", "300000");
    call.param("slice-md5", "3df10ad71paa9d7729c23a155f3df292").send().ok();
}

fn extensions_tell_of_it(t: &Target<'_>) {
    let reply = t.demo().file("extensions").get().send().ok();
    assert_eq!(reply["extensions"]["rapidprobe"], true);
}

// S2: a token learns of what it could download, and of nothing else.
fn sec_probes_stay_in_the_root(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    let other = t.caller(&TokenSpec::rooted("/apps/demo2"));
    let [private, deleted, shared] = [1, 2, 3].map(|seed| content(seed, SIZE));
    owner.put("/private/file", &private).ok();
    owner.put("/deleted/file", &deleted).ok();
    owner.rm("/deleted").ok();
    other.put("/apps/demo2/file", &shared).ok();
    for bytes in [&private, &deleted, &shared] {
        assert!(!is_possible(&demo, bytes));
        assert!(is_possible(&owner, bytes));
    }
    owner.mv("/private/file", "/apps/demo/in").ok();
    assert!(is_possible(&demo, &private));
    owner.mv("/apps/demo/in", "/private/file").ok();
    assert!(!is_possible(&demo, &private));
}

// S2: what somebody else has stored cannot be told from what nobody has.
fn sec_probes_tell_nothing_of_others(t: &Target<'_>) {
    let (one, two) = (t.demo(), t.another("two", None));
    let two = two.demo();
    let (secret, nobodys) = (content(1, SIZE), content(2, SIZE));
    one.put("/apps/demo/secret", &secret).ok();
    let answer = |bytes: &[u8]| {
        let reply = probe(&two, bytes);
        let mut body = reply.ok();
        body["request_id"] = 0.into();
        (body, reply.answer.head.fields.len())
    };
    assert_eq!(answer(&secret), answer(&nobodys));
    assert!(!is_possible(&two, &secret) && is_possible(&one, &secret));
    t.caller_with("nobody").file("rapidprobe").send().refused(401, 110);
}
