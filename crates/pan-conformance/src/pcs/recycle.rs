//! The recycle bin beyond the golden file (pcs-rest 4.12, 4.25, 12.1, 12.8).

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{Client, DEMO, Target, TokenSpec};

super::keep![
    the_latest_deletion_comes_first,
    one_name_deleted_many_times_is_restorable_each_time,
    the_bin_is_paged,
    a_long_bin_comes_whole,
    the_bin_does_not_count_as_used,
    a_restore_needs_room,
    a_conflict_comes_before_the_quota,
    a_deep_tree_comes_back_whole,
    a_restore_keeps_the_spelling,
    names_that_a_token_may_not_create_come_back,
    missing_parents_obey_the_path_rules,
    an_emptied_root_is_a_record_for_each_child,
    a_sandbox_has_its_own_part_of_the_bin,
    one_users_bin_is_nobody_elses,
    a_scrambled_token_sees_scrambled_md5s,
    sec_bin_cap,
    a_bin_of_thousands_is_emptied,
    sec_restore_race,
];

fn paths(bin: &[Value]) -> Vec<&str> {
    bin.iter().map(|entry| entry["path"].as_str().expect("a path")).collect()
}

#[track_caller]
fn put(client: &Client, path: &str, content: &[u8]) -> Value {
    client.put(path, content).ok()["fs_id"].clone()
}

#[track_caller]
fn id_of(client: &Client, path: &str) -> Value {
    client.entry(path)["fs_id"].clone()
}

// baidupcs restores the first of the list right after a delete.
fn the_latest_deletion_comes_first(t: &Target<'_>) {
    let demo = t.demo();
    for name in ["a", "b", "c", "d", "e"] {
        put(&demo, &format!("{DEMO}/{name}"), b"abc");
    }
    // Not in the order of the ids, and all in one second.
    for name in ["c", "a", "e", "b", "d"] {
        demo.rm(&format!("{DEMO}/{name}")).ok();
        assert_eq!(demo.bin()[0]["path"], format!("{DEMO}/{name}"));
    }
    assert_eq!(paths(&demo.bin()), ["d", "b", "e", "a", "c"].map(|name| format!("{DEMO}/{name}")));
    let first = demo.bin()[0]["fs_id"].clone();
    demo.restore(&first).ok();
    demo.rm(&format!("{DEMO}/d")).ok();
    assert_eq!(demo.bin().len(), 5);
}

// G15: also in the same instant.
fn one_name_deleted_many_times_is_restorable_each_time(t: &Target<'_>) {
    let demo = t.demo();
    let mut ids = Vec::new();
    for i in 0..10u8 {
        ids.push(put(&demo, "/apps/demo/a", &[i; 100]));
        demo.rm("/apps/demo/a").ok();
    }
    assert_eq!(demo.bin().len(), 10);
    for (i, id) in ids.iter().enumerate() {
        demo.restore(id).ok();
        assert_eq!(demo.get("/apps/demo/a").file(), [i as u8; 100]);
        demo.mv("/apps/demo/a", &format!("/apps/demo/{i}")).ok();
        demo.restore(id).refused(404, 31078);
    }
    assert_eq!(demo.bin(), [""; 0]);
}

fn delete_many(demo: &Client, count: usize) {
    put(demo, "/apps/demo/seed", b"abc");
    for from in (0..count).step_by(900) {
        let numbers = from..count.min(from + 900);
        let copies: Vec<_> = numbers
            .clone()
            .map(|i| json!({ "from": "/apps/demo/seed", "to": format!("/apps/demo/d/{i}") }))
            .collect();
        demo.batch("copy", &json!(copies)).ok();
        let deletes: Vec<_> =
            numbers.map(|i| json!({ "path": format!("/apps/demo/d/{i}") })).collect();
        demo.batch("delete", &json!(deletes)).ok();
    }
}

fn window(demo: &Client, start: usize, limit: usize) -> Vec<Value> {
    let call = demo.file("listrecycle").get().param("start", start.to_string());
    let reply = call.param("limit", limit.to_string()).send().ok();
    reply["list"].as_array().expect("a list").clone()
}

fn the_bin_is_paged(t: &Target<'_>) {
    let demo = t.demo();
    delete_many(&demo, 25);
    let all = demo.bin();
    assert_eq!(all.len(), 25);
    for size in [1, 7, 25, 100] {
        let pages: Vec<Value> =
            (0..25).step_by(size).flat_map(|start| window(&demo, start, size)).collect();
        assert_eq!(pages, all, "pages of {size}");
    }
    assert_eq!(window(&demo, 25, 10), [""; 0]);
}

// 10.37: any limit is honoured; without one it is a thousand.
fn a_long_bin_comes_whole(t: &Target<'_>) {
    let demo = t.demo();
    delete_many(&demo, 1_200);
    assert_eq!(demo.bin().len(), 1_000);
    let all = window(&demo, 0, 100_000);
    assert_eq!(all.len(), 1_200);
    let ids: HashSet<_> = all.iter().map(|entry| entry["fs_id"].as_u64()).collect();
    assert_eq!(ids.len(), 1_200, "each once");
    assert_eq!(window(&demo, 999, 201), all[999..]);
}

fn the_bin_does_not_count_as_used(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/dir/a", &[1; 1000]).ok();
    demo.put("/apps/demo/dir/b", &[1; 500]).ok();
    let dir = id_of(&demo, "/apps/demo/dir");
    demo.rm("/apps/demo/dir/b").ok();
    assert_eq!(demo.quota().1, 1000);
    demo.rm("/apps/demo/dir").ok();
    assert_eq!(demo.quota().1, 0);
    demo.restore(&dir).ok();
    assert_eq!(demo.quota().1, 1000, "what was deleted before stays in the bin");
    demo.empty_bin().ok();
    assert_eq!(demo.quota().1, 1000);
    assert_eq!(demo.bin(), [""; 0]);
}

// G16: everything or nothing.
fn a_restore_needs_room(t: &Target<'_>) {
    let small = t.another("small", Some(1000));
    let demo = small.demo();
    demo.put("/apps/demo/x/y/a", &[1; 600]).ok();
    let dir = id_of(&demo, "/apps/demo/x/y");
    demo.rm("/apps/demo/x/y").ok();
    demo.rm("/apps/demo/x").ok();
    demo.put("/apps/demo/b", &[2; 600]).ok();
    demo.restore(&dir).refused(400, 31112);
    assert_eq!(demo.names(DEMO), ["b"], "no parent was made");
    demo.rm("/apps/demo/b").ok();
    demo.restore(&dir).ok();
    assert_eq!(demo.get("/apps/demo/x/y/a").file(), [1; 600]);
    assert_eq!(demo.quota(), (1000, 600));
}

// 12.2: in restore, as in copy.
fn a_conflict_comes_before_the_quota(t: &Target<'_>) {
    let small = t.another("conflict", Some(1000));
    let demo = small.demo();
    let id = put(&demo, "/apps/demo/a", &[1; 600]);
    demo.rm("/apps/demo/a").ok();
    put(&demo, "/apps/demo/a", &[2; 900]);
    demo.restore(&id).refused(400, 31061);
}

fn a_deep_tree_comes_back_whole(t: &Target<'_>) {
    let demo = t.demo();
    let mut path = DEMO.to_owned();
    let mut files = Vec::new();
    for depth in 0..100 {
        path.push_str("/d");
        let file = format!("{path}/f");
        files.push((put(&demo, &file, &[depth; 10]), file, depth));
    }
    let top = id_of(&demo, "/apps/demo/d");
    let inner = id_of(&demo, &format!("{DEMO}{}", "/d".repeat(50)));
    demo.rm(&format!("{DEMO}{}", "/d".repeat(50))).ok();
    demo.rm("/apps/demo/d").ok();
    assert_eq!(demo.bin().len(), 2);
    demo.restore(&top).ok();
    demo.is_missing(&format!("{DEMO}{}", "/d".repeat(50)));
    demo.restore(&inner).ok();
    for (id, file, depth) in &files {
        assert_eq!(id_of(&demo, file), *id);
        assert_eq!(demo.get(file).file(), [*depth; 10]);
    }
    assert_eq!(demo.quota().1, 1000);
}

fn a_restore_keeps_the_spelling(t: &Target<'_>) {
    let demo = t.demo();
    let id = put(&demo, "/apps/demo/Cafe\u{301}/A", b"abc");
    demo.rm("/apps/demo/Caf\u{e9}/A").ok();
    assert_eq!(paths(&demo.bin()), ["/apps/demo/Cafe\u{301}/A"]);
    demo.restore(&id).ok();
    assert_eq!(demo.names("/apps/demo/caf\u{e9}".replace("caf", "Caf").as_str()), ["A"]);
}

// Whoever reaches it may bring it back, as they might move it.
fn names_that_a_token_may_not_create_come_back(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    let id = put(&owner, "/apps/demo/12:30.log", b"abc");
    demo.rm("/apps/demo/12:30.log").ok();
    demo.restore(&id).ok();
    assert_eq!(demo.names(DEMO), ["12:30.log"]);
}

fn missing_parents_obey_the_path_rules(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    let id = put(&owner, "/apps/demo/.git/HEAD", b"abc");
    owner.rm("/apps/demo/.git/HEAD").ok();
    demo.restore(&id).ok();
    owner.rm("/apps/demo/.git/HEAD").ok();
    owner.rm("/apps/demo/.git").ok();
    demo.restore(&id).refused(400, 31062);
    owner.restore(&id).ok();
    assert_eq!(owner.get("/apps/demo/.git/HEAD").file(), b"abc");
}

// 12.1: each child its own record.
fn an_emptied_root_is_a_record_for_each_child(t: &Target<'_>) {
    let demo = t.demo();
    put(&demo, "/apps/demo/a", b"abc");
    put(&demo, "/apps/demo/dir/b", b"abc");
    demo.rm(DEMO).ok();
    let bin = demo.bin();
    let found: HashSet<_> = paths(&bin).into_iter().collect();
    assert_eq!(found, HashSet::from(["/apps/demo/a", "/apps/demo/dir"]));
    for entry in bin {
        demo.restore(&entry["fs_id"]).ok();
    }
    assert_eq!(demo.get("/apps/demo/dir/b").file(), b"abc");
}

// 12.8: other records are 31078 to it.
fn a_sandbox_has_its_own_part_of_the_bin(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    let other = t.caller(&TokenSpec::rooted("/apps/demo2"));
    let mine = put(&demo, "/apps/demo/a", b"abc");
    let outside = put(&owner, "/private", b"abc");
    let beside = put(&other, "/apps/demo2/b", b"abc");
    owner.rm("/private").ok();
    other.rm("/apps/demo2/b").ok();
    demo.rm("/apps/demo/a").ok();
    assert_eq!(paths(&demo.bin()), ["/apps/demo/a"]);
    assert_eq!(paths(&other.bin()), ["/apps/demo2/b"]);
    assert_eq!(owner.bin().len(), 3);
    for id in [&outside, &beside] {
        demo.restore(id).refused(404, 31078);
    }
    demo.empty_bin().ok();
    assert_eq!(demo.bin(), [""; 0]);
    assert_eq!(paths(&owner.bin()), ["/apps/demo2/b", "/private"]);
    owner.restore(&mine).refused(404, 31078);
    owner.restore(&outside).ok();
    // Where it was deleted counts, not where it would be now.
    owner.put("/apps/demo/c", b"abc").ok();
    owner.mv("/apps/demo", "/moved").ok();
    let moved = id_of(&owner, "/moved/c");
    owner.rm("/moved/c").ok();
    demo.restore(&moved).refused(404, 31078);
    owner.restore(&moved).ok();
}

fn one_users_bin_is_nobody_elses(t: &Target<'_>) {
    let (owner, two) = (t.owner(), t.another("two", None));
    let two = two.owner();
    let id = put(&owner, "/a", b"abc");
    owner.rm("/a").ok();
    two.restore(&id).refused(404, 31078);
    two.empty_bin().ok();
    assert_eq!(two.bin(), [""; 0]);
    owner.restore(&id).ok();
}

// 12.9
fn a_scrambled_token_sees_scrambled_md5s(t: &Target<'_>) {
    let scrambled = t.scrambled();
    let made = scrambled.put("/apps/demo/a", b"hello world").ok();
    scrambled.rm("/apps/demo/a").ok();
    assert_eq!(scrambled.bin()[0]["md5"], made["md5"]);
    assert_eq!(made["md5"], "e13dabb7dn1df6548e7988a41a60ef54");
}

// S4: files and bin together hold twice the quota. What is deleted always goes
// in and stays; what would add to more is refused, whichever call it is.
fn sec_bin_cap(t: &Target<'_>) {
    let small = t.another("bin", Some(1000));
    let demo = small.demo();
    for i in 0..5 {
        put(&demo, &format!("{DEMO}/{i}"), &[i; 400]);
        demo.rm(&format!("{DEMO}/{i}")).ok();
    }
    // Five times 400 is 2,000.
    assert_eq!(demo.put("/apps/demo/a", b"x").code(), Some(31112));
    let block = demo.put_block(b"x");
    assert_eq!(demo.merge("/apps/demo/a", &[block]).code(), Some(31112));
    demo.put("/apps/demo/empty", b"").ok();
    let bin = demo.bin();
    assert_eq!(paths(&bin), ["4", "3", "2", "1", "0"].map(|i| format!("{DEMO}/{i}")));
    // A restore adds nothing to both together, a copy does.
    demo.restore(&bin[0]["fs_id"]).ok();
    assert_eq!(demo.cp("/apps/demo/4", "/apps/demo/5").code(), Some(31112));
    demo.put_ondup("/apps/demo/4", &[9; 400], "overwrite").ok();
    demo.rm("/apps/demo/4").ok();
    assert!(demo.put("/apps/demo/a", b"x").to_string().contains("recycle bin"));
    demo.empty_bin().ok();
    put(&demo, "/apps/demo/a", &[7; 1000]);
    assert_eq!(demo.quota(), (1000, 1000));
}

fn a_bin_of_thousands_is_emptied(t: &Target<'_>) {
    let demo = t.demo();
    delete_many(&demo, 450);
    for i in 0..300 {
        demo.put(&format!("{DEMO}/tree/{}/{i}", i % 7), b"x").ok();
    }
    demo.rm("/apps/demo/tree").ok();
    demo.empty_bin().ok();
    assert_eq!(demo.bin(), [""; 0]);
    demo.empty_bin().ok();
    assert_eq!(demo.quota().1, 3);
    assert_eq!(demo.names(DEMO), ["d", "seed"]);
}

// S11: a restore and an emptying at once: it is back whole, or it is gone.
fn sec_restore_race(t: &Target<'_>) {
    let (one, two, three) = (t.demo(), t.demo(), t.demo());
    let (mut restored, mut purged) = (0, 0);
    for round in 0..100u8 {
        one.put("/apps/demo/dir/a", &[round; 50]).ok();
        let id = id_of(&one, "/apps/demo/dir");
        one.rm("/apps/demo/dir").ok();
        let (first, second) = std::thread::scope(|scope| {
            let first = scope.spawn(|| one.restore(&id));
            let second = scope.spawn(|| two.restore(&id));
            three.empty_bin().ok();
            (first.join().unwrap(), second.join().unwrap())
        });
        let done = [&first, &second].iter().filter(|reply| reply.status() == 200).count();
        assert!(done <= 1, "restored twice");
        for reply in [&first, &second].iter().filter(|reply| reply.status() != 200) {
            reply.refused(404, 31078);
        }
        if done == 1 {
            restored += 1;
            assert_eq!(one.get("/apps/demo/dir/a").file(), [round; 50]);
            assert_eq!(one.quota().1, 50);
            one.rm("/apps/demo/dir").ok();
            one.empty_bin().ok();
        } else {
            purged += 1;
            one.is_missing("/apps/demo/dir");
        }
        assert_eq!((one.quota().1, one.bin()), (0, Vec::new()));
    }
    assert!(restored + purged == 100);
}
