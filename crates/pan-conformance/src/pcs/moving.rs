//! Moves beyond the golden table (pcs-rest 4.10, G8, storage 2).

use serde_json::json;

use super::{DEMO, Target};

super::keep![
    a_move_keeps_identity_and_times,
    a_move_of_a_tree_is_one_step_for_every_reader,
    a_move_does_not_touch_the_quota,
    a_move_in_a_ring_leaves_no_cycle,
    a_move_frees_its_name_at_once,
    a_chain_of_moves_ends_where_it_should,
    moves_of_one_entry_at_once_have_one_winner,
];

fn a_move_keeps_identity_and_times(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/dir/file", &super::digest::content(1, 300_000)).ok();
    let before = [demo.entry("/apps/demo/dir"), demo.entry("/apps/demo/dir/file")];
    std::thread::sleep(std::time::Duration::from_millis(1100));
    demo.mv("/apps/demo/dir", "/apps/demo/moved").ok();
    let after = [demo.entry("/apps/demo/moved"), demo.entry("/apps/demo/moved/file")];
    for (before, after) in before.iter().zip(&after) {
        for field in ["fs_id", "ctime", "mtime", "size", "md5", "isdir", "block_list"] {
            assert_eq!(before[field], after[field], "{field}");
        }
    }
}

// G8: other requests see all of it or none.
fn a_move_of_a_tree_is_one_step_for_every_reader(t: &Target<'_>) {
    let demo = t.demo();
    for i in 0..20 {
        demo.put(&format!("/apps/demo/a/x/{i}"), b"abc").ok();
    }
    let both = json!([{ "path": "/apps/demo/a/x/7" }, { "path": "/apps/demo/a/x/19" }]);
    let mover = t.demo();
    std::thread::scope(|scope| {
        let moving = scope.spawn(|| {
            for _ in 0..20 {
                mover.mv("/apps/demo/a", "/apps/demo/b").ok();
                mover.mv("/apps/demo/b", "/apps/demo/a").ok();
            }
        });
        while !moving.is_finished() {
            let names = demo.names(DEMO);
            assert!(names == ["a"] || names == ["b"], "{names:?}");
            let list = demo.list("/apps/demo/b/x");
            if list.status() == 200 {
                assert_eq!(list.ok()["list"].as_array().unwrap().len(), 20);
            }
            // One snapshot: both are there, or the first is not.
            let meta = demo.batch("meta", &both);
            assert!(meta.status() == 200 || meta.code() == Some(31066), "{meta}");
        }
    });
}

fn a_move_does_not_touch_the_quota(t: &Target<'_>) {
    let small = t.another("small", Some(1000));
    let demo = small.demo();
    demo.put("/apps/demo/dir/a", &[1; 1000]).ok();
    demo.mv("/apps/demo/dir", "/apps/demo/x/dir").ok();
    demo.mv("/apps/demo/x/dir/a", "/apps/demo/a").ok();
    assert_eq!(demo.quota(), (1000, 1000));
}

fn a_move_in_a_ring_leaves_no_cycle(t: &Target<'_>) {
    let (one, two) = (t.demo(), t.demo());
    for round in 0..10 {
        let (a, b) = (format!("{DEMO}/{round}a"), format!("{DEMO}/{round}b"));
        one.mkdir(&a).ok();
        one.mkdir(&b).ok();
        let replies = std::thread::scope(|scope| {
            let first = scope.spawn(|| one.mv(&a, &format!("{b}/in")));
            let second = scope.spawn(|| two.mv(&b, &format!("{a}/in")));
            [first.join().unwrap(), second.join().unwrap()]
        });
        let won = replies.iter().filter(|reply| reply.status() == 200).count();
        // The loser's source is still there, its target's parent has moved
        // below it: it is made anew, or refused; both never win into a ring.
        let names = one.names(DEMO);
        let left = names.iter().filter(|name| name.starts_with(&round.to_string())).count();
        assert!(won >= 1 && left >= 1, "{won} won, {names:?}");
    }
}

fn a_move_frees_its_name_at_once(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"first").ok();
    demo.mv("/apps/demo/a", "/apps/demo/b").ok();
    demo.put("/apps/demo/a", b"second").ok();
    assert_eq!(demo.get("/apps/demo/b").file(), b"first");
    // Two names change places.
    demo.mv("/apps/demo/a", "/apps/demo/c").ok();
    demo.mv("/apps/demo/b", "/apps/demo/a").ok();
    demo.mv("/apps/demo/c", "/apps/demo/b").ok();
    assert_eq!(demo.get("/apps/demo/a").file(), b"first");
    assert_eq!(demo.get("/apps/demo/b").file(), b"second");
}

fn a_chain_of_moves_ends_where_it_should(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a/b/c/file", b"abc").ok();
    // A directory moves out of its own parent, and takes the parent in.
    demo.mv("/apps/demo/a/b", "/apps/demo/b").ok();
    demo.mv("/apps/demo/a", "/apps/demo/b/c/a").ok();
    assert_eq!(demo.names("/apps/demo/b/c"), ["a", "file"]);
    assert_eq!(demo.names(DEMO), ["b"]);
    demo.mv("/apps/demo/b", "/apps/demo/b/c/a/b").refused(400, 31023);
    assert_eq!(demo.get("/apps/demo/b/c/file").file(), b"abc");
}

fn moves_of_one_entry_at_once_have_one_winner(t: &Target<'_>) {
    let callers: Vec<_> = (0..6).map(|_| t.demo()).collect();
    callers[0].put("/apps/demo/a", b"abc").ok();
    let replies: Vec<_> = std::thread::scope(|scope| {
        let mv = |(i, caller): (usize, &'_ super::Client)| {
            caller.mv("/apps/demo/a", &format!("/apps/demo/to{i}"))
        };
        let moves: Vec<_> =
            callers.iter().enumerate().map(|each| scope.spawn(move || mv(each))).collect();
        moves.into_iter().map(|each| each.join().unwrap()).collect()
    });
    let won: Vec<usize> = (0..6).filter(|&i| replies[i].status() == 200).collect();
    assert_eq!(won.len(), 1, "{won:?}");
    for reply in replies.iter().filter(|reply| reply.status() != 200) {
        reply.refused(404, 31066);
    }
    assert_eq!(callers[0].names(DEMO), [format!("to{}", won[0])]);
}
