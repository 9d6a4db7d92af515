//! Files with one md5 and different bytes (S1): bytes are what counts.

use super::digest::md5_hex;
use super::{DEMO, Target};

super::keep![sec_md5_twin, sec_md5_twin_blocks];

/// The pair of Wang, Feng, Lai and Yu (2004), in hex; the second differs in
/// the top bit of six bytes.
const PAIR: &str = "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f89\
                    55ad340609f4b30283e488832571415a085125e8f7cdc99fd91dbdf280373c5b\
                    d8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0\
                    e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70";

/// Two contents of `size` bytes that share length, md5 and the md5 of the
/// first 256 KiB.
pub(super) fn twins(size: usize) -> [Vec<u8>; 2] {
    let digit = |i: usize| u8::from_str_radix(&PAIR[i..i + 2], 16).expect("hex");
    let mut first: Vec<u8> = (0..PAIR.len()).step_by(2).map(digit).collect();
    first.extend(super::digest::content(1, size - first.len()));
    let mut second = first.clone();
    for i in [19, 45, 59, 83, 109, 123] {
        second[i] ^= 0x80;
    }
    assert_eq!(md5_hex(&first), md5_hex(&second), "the pair collides");
    assert_ne!(first, second);
    [first, second]
}

/// S1: everybody gets the bytes they sent, whoever sent the twin before.
fn sec_md5_twin(t: &Target<'_>) {
    let (one, two) = (t.demo(), t.another("two", None));
    let two = two.demo();
    for size in [128, 20_000, 307_264, 5_000_000] {
        let [a, b] = twins(size);
        one.put(&format!("{DEMO}/a{size}"), &a).ok();
        one.put(&format!("{DEMO}/b{size}"), &b).ok();
        two.put(&format!("{DEMO}/b{size}"), &b).ok();
        two.put(&format!("{DEMO}/a{size}"), &a).ok();
        one.put_ondup(&format!("{DEMO}/over{size}"), &a, "overwrite").ok();
        one.put_ondup(&format!("{DEMO}/over{size}"), &b, "overwrite").ok();
        for caller in [&one, &two] {
            assert!(caller.get(&format!("{DEMO}/a{size}")).file() == a, "{size}");
            assert!(caller.get(&format!("{DEMO}/b{size}")).file() == b, "{size}");
        }
        assert!(one.get(&format!("{DEMO}/over{size}")).file() == b, "{size}");
        // Cached by a client as the other twin, it must not be taken for it.
        let etag = |path: &str| one.get(path).field("etag").map(str::to_owned);
        assert_ne!(etag(&format!("{DEMO}/a{size}")), etag(&format!("{DEMO}/b{size}")));
    }
}

/// S3: a block is found by its md5, so the later twin takes the handle or the
/// earlier keeps it; what is merged is one of them, whole, with its true md5.
fn sec_md5_twin_blocks(t: &Target<'_>) {
    let (one, two) = (t.demo(), t.another("two", None));
    let two = two.demo();
    for size in [128, 307_264] {
        let [a, b] = twins(size);
        let handle = one.put_block(&a);
        assert_eq!(two.put_block(&b), handle);
        one.merge(&format!("{DEMO}/{size}"), std::slice::from_ref(&handle)).ok();
        two.merge(&format!("{DEMO}/{size}"), std::slice::from_ref(&handle)).ok();
        assert!(one.get(&format!("{DEMO}/{size}")).file() == a, "one's own block");
        assert!(two.get(&format!("{DEMO}/{size}")).file() == b, "two's own block");
        one.put_block(&b);
        one.merge(&format!("{DEMO}/again{size}"), &[handle]).ok();
        let again = one.get(&format!("{DEMO}/again{size}"));
        assert!(again.file() == a || again.file() == b);
        assert_eq!(again.field("content-md5"), Some(md5_hex(&a).as_str()));
        assert!(one.get(&format!("{DEMO}/{size}")).file() == a, "what was merged stays");
    }
}
