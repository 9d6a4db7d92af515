//! Deletes (pcs-rest 4.12, 10.26, 12.1, 12.4).

use serde_json::json;

use super::{DEMO, Target, TokenSpec};

super::keep![
    a_tree_goes_with_everything_in_it,
    a_deleted_name_is_free_at_once,
    a_delete_of_the_tokens_root_empties_it,
    a_delete_of_the_tokens_root_reaches_no_further,
    a_full_root_is_emptied_whole,
    the_root_of_all_is_never_deleted,
    a_batch_stops_where_it_fails,
    a_child_after_its_parent_is_missing,
    deletes_of_one_entry_at_once_have_one_winner,
];

fn a_tree_goes_with_everything_in_it(t: &Target<'_>) {
    let demo = t.demo();
    for path in ["dir/a", "dir/x/b", "dir/x/y/c"] {
        demo.put(&format!("{DEMO}/{path}"), b"abc").ok();
    }
    demo.put("/apps/demo/dir2", b"stays").ok();
    demo.rm("/apps/demo/dir").ok();
    for path in ["dir", "dir/a", "dir/x", "dir/x/y/c"] {
        let path = format!("{DEMO}/{path}");
        demo.is_missing(&path);
        demo.list(&path).refused(404, 31066);
        demo.get(&path).refused(404, 31066);
        demo.rm(&path).refused(404, 31066);
        demo.mv(&path, "/apps/demo/x").refused(404, 31066);
        demo.cp(&path, "/apps/demo/x").refused(404, 31066);
    }
    assert_eq!(demo.names(DEMO), ["dir2"]);
    assert_eq!(demo.quota().1, 5);
}

fn a_deleted_name_is_free_at_once(t: &Target<'_>) {
    let demo = t.demo();
    let mut ids = std::collections::HashSet::new();
    for i in 0..5u8 {
        let made = demo.put("/apps/demo/a", &[i; 10]).ok();
        assert!(ids.insert(made["fs_id"].as_u64()), "a new file is a new entry");
        assert_eq!(demo.get("/apps/demo/a").file(), [i; 10]);
        demo.rm("/apps/demo/a").ok();
    }
    demo.mkdir("/apps/demo/a").ok();
    demo.rm("/apps/demo/a").ok();
    demo.merge("/apps/demo/a", &[demo.put_block(b"abc")]).ok();
}

// 12.1: it behaves as a batch delete of its children; the root itself stays.
fn a_delete_of_the_tokens_root_empties_it(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    demo.put("/apps/demo/dir/b", b"abc").ok();
    let before = demo.entry(DEMO);
    demo.rm(DEMO).ok();
    assert_eq!(demo.names(DEMO), [""; 0]);
    assert_eq!(demo.entry(DEMO)["fs_id"], before["fs_id"]);
    assert_eq!(demo.quota().1, 0);
    demo.put("/apps/demo/a", b"new").ok();
    demo.batch("delete", &json!([{ "path": "/apps/demo/" }])).ok();
    assert_eq!(demo.names(DEMO), [""; 0]);
    // And of a root that is empty, and of one that was never made.
    demo.rm(DEMO).ok();
    t.caller(&TokenSpec::rooted("/apps/never")).rm("/apps/never").ok();
}

fn a_delete_of_the_tokens_root_reaches_no_further(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    owner.put("/apps/demo2/b", b"abc").ok();
    owner.put("/apps/other", b"abc").ok();
    demo.put("/apps/demo/a", b"abc").ok();
    demo.rm(DEMO).ok();
    assert_eq!(owner.names("/apps"), ["demo", "demo2", "other"]);
    // To a token with another root it is a directory like any.
    owner.rm(DEMO).ok();
    assert_eq!(owner.names("/apps"), ["demo2", "other"]);
}

fn a_full_root_is_emptied_whole(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/seed", b"abc").ok();
    let items: Vec<_> = (0..900)
        .map(|i| json!({ "from": "/apps/demo/seed", "to": format!("/apps/demo/{i}") }))
        .collect();
    demo.batch("copy", &json!(items)).ok();
    assert_eq!(demo.quota().1, 901 * 3);
    demo.rm(DEMO).ok();
    assert_eq!(demo.names(DEMO), [""; 0]);
    assert_eq!(demo.quota().1, 0);
}

fn the_root_of_all_is_never_deleted(t: &Target<'_>) {
    let owner = t.owner();
    owner.put("/a", b"abc").ok();
    owner.rm("/").refused(403, 31064);
    owner.rm("//").refused(403, 31064);
    owner.batch("delete", &json!([{ "path": "/" }])).refused(403, 31064);
    owner.mv("/", "/b").refused(403, 31064);
    owner.cp("/", "/b").refused(403, 31064);
    assert_eq!(owner.names("/"), ["a"]);
}

fn a_batch_stops_where_it_fails(t: &Target<'_>) {
    let demo = t.demo();
    for name in ["a", "b", "c"] {
        demo.put(&format!("{DEMO}/{name}"), b"abc").ok();
    }
    let items =
        json!([{ "path": "/apps/demo/a" }, { "path": "/apps/demo/a" }, { "path": "/apps/demo/b" }]);
    let refused = demo.batch("delete", &items).refused(404, 31066);
    assert_eq!(refused["extra"], json!({ "list": [{ "path": "/apps/demo/a" }] }));
    assert_eq!(demo.names(DEMO), ["b", "c"]);
    let items = json!([{ "path": "/apps/other/x" }, { "path": "/apps/demo/b" }]);
    let refused = demo.batch("delete", &items).refused(403, 31064);
    assert_eq!(refused["extra"], json!({ "list": [] }), "nothing was done, and it says so");
    assert_eq!(demo.names(DEMO), ["b", "c"]);
}

fn a_child_after_its_parent_is_missing(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/dir/a", b"abc").ok();
    let items = json!([{ "path": "/apps/demo/dir" }, { "path": "/apps/demo/dir/a" }]);
    let refused = demo.batch("delete", &items).refused(404, 31066);
    assert_eq!(refused["extra"]["list"], json!([{ "path": "/apps/demo/dir" }]));
    // A child before its parent is fine.
    demo.put("/apps/demo/dir/a", b"abc").ok();
    let items = json!([{ "path": "/apps/demo/dir/a" }, { "path": "/apps/demo/dir" }]);
    demo.batch("delete", &items).ok();
    assert_eq!(demo.names(DEMO), [""; 0]);
}

fn deletes_of_one_entry_at_once_have_one_winner(t: &Target<'_>) {
    let callers: Vec<_> = (0..6).map(|_| t.demo()).collect();
    callers[0].put("/apps/demo/dir/a", &[1; 100]).ok();
    let replies: Vec<_> = std::thread::scope(|scope| {
        let deletes: Vec<_> =
            callers.iter().map(|caller| scope.spawn(|| caller.rm("/apps/demo/dir"))).collect();
        deletes.into_iter().map(|each| each.join().unwrap()).collect()
    });
    assert_eq!(replies.iter().filter(|reply| reply.status() == 200).count(), 1);
    for reply in replies.iter().filter(|reply| reply.status() != 200) {
        reply.refused(404, 31066);
    }
    assert_eq!(callers[0].quota().1, 0);
}
