//! Names: scripts, twins, and the two dialects (pcs-rest 3.2, design 3, S6).

use super::{DEMO, Target};

super::keep![
    a_name_keeps_its_spelling,
    both_spellings_address_one_entry,
    a_rename_may_change_only_the_spelling,
    a_root_is_the_same_in_both_spellings,
    case_matters,
    relaxed_rules_allow_what_people_have,
    relaxed_rules_still_forbid_control_characters,
    the_dialect_binds_only_what_is_made,
    sec_unicode_twin,
];

const COMPOSED: &str = "/apps/demo/caf\u{e9}";
const DECOMPOSED: &str = "/apps/demo/cafe\u{301}";

// 3.2: bypy compares the returned path with the one it sent, byte for byte.
fn a_name_keeps_its_spelling(t: &Target<'_>) {
    let demo = t.demo();
    for name in [
        "100% sure & more + #1.txt",
        "中文 文件名.txt",
        "日本語ファイル",
        "한국어",
        "файл",
        "ملف",
        "e\u{301}te\u{301}",
        "été",
        "😀👨‍👩‍👧",
        "a\u{200b}b",
        "\u{202e}txt.exe",
        "ﬁ ligature",
        "%2F%5C",
        "a=b&c=d",
        "{json}",
        "[list]",
        "'quoted'",
        "semi;colon,comma",
        "~tilde^caret`backtick",
        "-dash",
        "$HOME",
        "null",
        "NUL",
        "con.txt",
    ] {
        let path = format!("{DEMO}/{name}");
        assert_eq!(demo.put(&path, name.as_bytes()).ok()["path"], path);
        let entry = demo.entry(&path);
        assert_eq!(entry["path"], path);
        assert_eq!(entry["server_filename"], name);
        assert_eq!(demo.get(&path).file(), name.as_bytes());
        assert!(demo.names(DEMO).contains(&name.to_owned()), "{name}");
        demo.rm(&path).ok();
    }
    assert_eq!(demo.names(DEMO), [""; 0]);
}

// S6, storage 2: one key, the creator's spelling.
fn both_spellings_address_one_entry(t: &Target<'_>) {
    let demo = t.demo();
    let made = demo.put(DECOMPOSED, b"abc").ok();
    assert_eq!(made["path"], DECOMPOSED);
    demo.put(COMPOSED, b"x").refused(400, 31061);
    demo.mkdir(COMPOSED).refused(400, 31061);
    assert_eq!(demo.entry(COMPOSED)["path"], DECOMPOSED);
    assert_eq!(demo.get(COMPOSED).file(), b"abc");
    let written = demo.put_ondup(COMPOSED, b"new", "overwrite").ok();
    assert_eq!((&written["path"], &written["fs_id"]), (&DECOMPOSED.into(), &made["fs_id"]));
    assert_eq!(demo.names(DEMO), ["cafe\u{301}"]);
    let inside = demo.put("/apps/demo/e\u{301}/x", b"abc").ok();
    assert_eq!(inside["path"], "/apps/demo/e\u{301}/x");
    assert_eq!(demo.entry("/apps/demo/\u{e9}/x")["path"], "/apps/demo/e\u{301}/x");
    assert_eq!(demo.put("/apps/demo/\u{e9}/y", b"abc").ok()["path"], "/apps/demo/e\u{301}/y");
    demo.rm(COMPOSED).ok();
    demo.is_missing(DECOMPOSED);
}

fn a_rename_may_change_only_the_spelling(t: &Target<'_>) {
    let demo = t.demo();
    let made = demo.put(DECOMPOSED, b"abc").ok();
    demo.mv(DECOMPOSED, COMPOSED).ok();
    let entry = demo.entry(DECOMPOSED);
    assert_eq!((&entry["path"], &entry["fs_id"]), (&COMPOSED.into(), &made["fs_id"]));
    demo.cp(COMPOSED, DECOMPOSED).refused(400, 31061);
}

fn a_root_is_the_same_in_both_spellings(t: &Target<'_>) {
    let spelt = t.caller(&super::TokenSpec::rooted("/apps/caf\u{e9}"));
    spelt.put("/apps/cafe\u{301}/a", b"abc").ok();
    assert_eq!(spelt.get("/apps/caf\u{e9}/a").file(), b"abc");
    spelt.meta("/apps/cafe").refused(403, 31064);
}

fn case_matters(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/readme", b"small").ok();
    demo.put("/apps/demo/README", b"LARGE").ok();
    demo.is_missing("/apps/demo/Readme");
    assert_eq!(demo.get("/apps/demo/readme").file(), b"small");
    assert_eq!(demo.get("/apps/demo/README").file(), b"LARGE");
    assert_eq!(demo.names(DEMO), ["README", "readme"]);
    demo.meta("/apps/Demo/readme").refused(403, 31064);
}

const ODD: &[&str] = &[
    ".git",
    ".gitignore",
    "a:b",
    "12:30.log",
    "x.",
    "...",
    " lead",
    "trail ",
    " ",
    "what?",
    "a*b",
    "a|b",
    "\"quoted\"",
    "<b>",
    "back\\slash",
];

fn relaxed_rules_allow_what_people_have(t: &Target<'_>) {
    let owner = t.owner();
    for name in ODD {
        let path = format!("/tree/{name}");
        assert_eq!(owner.put(&path, name.as_bytes()).ok()["path"], path);
        assert_eq!(owner.get(&path).file(), name.as_bytes());
        owner.mkdir(&format!("/dirs/{name}/{name}")).ok();
    }
    let mut names: Vec<&str> = ODD.to_vec();
    names.sort_unstable();
    assert_eq!(owner.names("/tree"), names);
    owner.is_missing("/tree/a?b");
}

fn relaxed_rules_still_forbid_control_characters(t: &Target<'_>) {
    let owner = t.owner();
    for name in ["a\nb", "\r", "a\0b", "a\tb", "\x7f", "a\u{85}", "\x1b[31m", ".", ".."] {
        for path in [format!("/tree/{name}"), format!("/tree/{name}/x")] {
            owner.put(&path, b"abc").refused(400, 31062);
            owner.mkdir(&path).refused(400, 31062);
            owner.meta(&path).refused(400, 31062);
        }
    }
    assert_eq!(owner.names("/"), [""; 0]);
}

// 12.3, storage 2: what exists may be read, listed, moved and deleted.
fn the_dialect_binds_only_what_is_made(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    for name in ODD {
        let odd = format!("/apps/demo/{name}");
        demo.put(&odd, b"x").refused(400, 31062);
        demo.meta(&odd).refused(400, 31062);
        owner.meta(&odd).refused(404, 31066);

        owner.put(&format!("{odd}/file"), b"abc").ok();
        assert_eq!(demo.entry(&odd)["path"], odd);
        assert_eq!(demo.names(&odd), ["file"]);
        assert_eq!(demo.get(&format!("{odd}/file")).file(), b"abc");
        // Below an odd directory a good name may be made, a bad one not.
        demo.put(&format!("{odd}/new"), b"abc").ok();
        demo.put(&format!("{odd}/file"), b"x").refused(400, 31061);
        demo.put_ondup(&format!("{odd}/file"), b"new", "overwrite").ok();
        demo.put(&format!("{odd}/b:d"), b"x").refused(400, 31062);
        demo.mv(&odd, "/apps/demo/good").ok();
        demo.mv("/apps/demo/good", &odd).refused(400, 31062);
        demo.rm("/apps/demo/good").ok();
        owner.put(&odd, b"abc").ok();
        demo.rm(&odd).ok();
        owner.is_missing(&odd);
    }
}

/// S6: twins by normal form are one entry; twins by case, by direction marks
/// and by invisible characters are not, and never replace one another.
fn sec_unicode_twin(t: &Target<'_>) {
    let demo = t.demo();
    let twins =
        ["paypal.txt", "Paypal.txt", "pаypal.txt", "pay\u{200d}pal.txt", "\u{202e}paypal.txt"];
    for (i, name) in twins.iter().enumerate() {
        demo.put(&format!("{DEMO}/{name}"), &[i as u8]).ok();
    }
    for (i, name) in twins.iter().enumerate() {
        assert_eq!(demo.get(&format!("{DEMO}/{name}")).file(), [i as u8]);
    }
    assert_eq!(demo.names(DEMO).len(), twins.len());
    // Å: ANGSTROM SIGN, A WITH RING, A + COMBINING RING are one.
    demo.put("/apps/demo/\u{212b}", b"abc").ok();
    demo.put("/apps/demo/\u{c5}", b"x").refused(400, 31061);
    demo.put("/apps/demo/A\u{30a}", b"x").refused(400, 31061);
    // Compatibility forms are not.
    demo.put("/apps/demo/ﬁ", b"1").ok();
    demo.put("/apps/demo/fi", b"2").ok();
}
