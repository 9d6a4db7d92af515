//! The scrambled md5 that bypy expects (pcs-rest 9.1, 11.1, 12.9).

use serde_json::json;

use super::Target;

super::keep![
    the_vectors_of_the_book,
    entries_are_scrambled_and_nothing_else,
    the_style_belongs_to_the_token,
];

/// Content, plain, scrambled: table 11.1.
const VECTORS: &[(&[u8], &str, &str)] = &[
    (b"", "d41d8cd98f00b204e9800998ecf8427e", "8e23f7635tb64136eddb0719602bc477"),
    (b"abc", "900150983cd24fb0d6963f7d28e17f72", "3df10ad71paa9d7729c23a155f3df292"),
    (b"hello world", "5eb63bbbe01eeed093cb22bb8f5acdc3", "e13dabb7dn1df6548e7988a41a60ef54"),
    (&[b'a'; 1 << 20], "7202826a7791073fe2787f0c94603278", "76b24258fra94f859543771f6bd3b2e3"),
];

fn the_vectors_of_the_book(t: &Target<'_>) {
    let bypy = t.scrambled();
    for (i, (content, _, scrambled)) in VECTORS.iter().enumerate() {
        let path = format!("/apps/demo/{i}");
        assert_eq!(bypy.put(&path, content).ok()["md5"], *scrambled);
        assert_eq!(bypy.entry(&path)["md5"], *scrambled);
    }
    let list = bypy.list("/apps/demo").ok();
    for (entry, (_, _, scrambled)) in list["list"].as_array().unwrap().iter().zip(VECTORS) {
        assert_eq!(entry["md5"], *scrambled);
    }
}

// In upload, createsuperfile, list, meta; never in tmpfile, block_list, Content-MD5.
fn entries_are_scrambled_and_nothing_else(t: &Target<'_>) {
    let bypy = t.scrambled();
    for (i, (content, plain, scrambled)) in VECTORS.iter().enumerate() {
        assert_eq!(bypy.put_block(content), *plain, "a block's handle is plain");
        let path = format!("/apps/demo/{i}");
        let merged = bypy.merge(&path, &[(*plain).to_owned()]).ok();
        assert_eq!((&merged["md5"], &merged["block_list"]), (&json!(scrambled), &json!([plain])));
        let entry = bypy.entry(&path);
        assert_eq!((&entry["md5"], &entry["block_list"]), (&json!(scrambled), &json!([plain])));
        let batch = bypy.batch("meta", &json!([{ "path": path }])).ok();
        assert_eq!(batch["list"][0]["md5"], *scrambled);
        assert_eq!(bypy.get(&path).field("content-md5"), Some(*plain));
    }
    assert_eq!(bypy.mkdir("/apps/demo/dir").ok()["md5"], "");
    // A handle is the plain md5, scrambled it is none.
    bypy.merge("/apps/demo/x", &[VECTORS[1].2.to_owned()]).refused(400, 31023);
}

fn the_style_belongs_to_the_token(t: &Target<'_>) {
    let (bypy, demo) = (t.scrambled(), t.demo());
    let (content, plain, scrambled) = VECTORS[2];
    bypy.put("/apps/demo/a", content).ok();
    assert_eq!(demo.entry("/apps/demo/a")["md5"], plain);
    assert_eq!(bypy.entry("/apps/demo/a")["md5"], scrambled);
    let etag = |caller: &super::Client| caller.get("/apps/demo/a").field("etag").map(str::to_owned);
    assert_eq!(etag(&bypy), etag(&demo));
}
