//! What becomes of the recycle bin in time, with the clock in our hand (G15).

use std::time::Duration;

use pan_core::{Error, RapidUploadScope, Settings, run_workers};
use pan_engine::meta::GoneHow;
use pan_model::{ByteSize, FsId, Rev};

use crate::in_hand::{InHand, path};

crate::tests![
    ten_days_and_no_longer,
    the_days_can_be_set,
    what_was_purged_frees_its_bytes,
    the_largest_superfile_is_collected,
    a_clock_that_jumps_does_not_tear_a_copy,
    a_large_tree_is_removed_piece_by_piece,
    directories_among_files_are_removed_in_turn,
    a_lowered_quota_leaves_the_bin_alone,
    rapid_upload_revives_what_is_about_to_go,
    the_change_log_tells_what_happened,
    a_clock_that_goes_back_does_not_mix_up_the_bin,
    a_path_that_its_creator_spelt_longer_than_any_request,
];

const DAY: i64 = 86_400;

fn ten_days_and_no_longer() {
    InHand::story(Settings::default(), |pan| async move {
        let me = pan.user("me", ByteSize::UNLIMITED).await;
        let file = pan.put(&me, "/dir/a", b"first").await.entry.fs_id;
        let dir = pan.pan.meta_of(&me, &path("/dir")).await.unwrap().located.entry.fs_id;
        pan.rm(&me, "/dir/a").await;
        pan.wait_seconds(DAY);
        pan.rm(&me, "/dir").await;
        // A second less than ten days: nothing goes.
        pan.wait_seconds(9 * DAY - 1);
        assert_eq!(pan.pan.purge_expired().await.unwrap(), 0);
        assert_eq!(pan.bin(&me).await.len(), 2);
        pan.wait_seconds(1);
        assert_eq!(pan.pan.purge_expired().await.unwrap(), 1);
        let gone = pan.pan.restore(&me, file).await;
        assert!(matches!(gone, Err(Error::NotRecycled { .. })), "{gone:?}");
        pan.pan.restore(&me, dir).await.unwrap();
        // Deleted anew, it has ten days again.
        pan.rm(&me, "/dir").await;
        pan.wait_seconds(10 * DAY - 1);
        assert_eq!(pan.pan.purge_expired().await.unwrap(), 0);
        pan.pan.restore(&me, dir).await.unwrap();
    });
}

fn the_days_can_be_set() {
    let settings = Settings { recycle_retention_days: 3, ..Settings::default() };
    InHand::story(settings, |pan| async move {
        let me = pan.user("me", ByteSize::UNLIMITED).await;
        pan.put(&me, "/a", b"a").await;
        pan.rm(&me, "/a").await;
        pan.wait_seconds(3 * DAY - 1);
        assert_eq!(pan.pan.purge_expired().await.unwrap(), 0);
        pan.wait_seconds(1);
        assert_eq!(pan.pan.purge_expired().await.unwrap(), 1);
        assert!(pan.bin(&me).await.is_empty());
    });
}

fn what_was_purged_frees_its_bytes() {
    InHand::story(Settings::default(), |pan| async move {
        let me = pan.user("me", ByteSize::UNLIMITED).await;
        let content = pan_conformance::pcs::digest::content(1, 5_000_000);
        pan.put(&me, "/dir/x/large", &content).await;
        pan.put(&me, "/file", &content[1..]).await;
        let rows = pan.rows().await;
        pan.rm(&me, "/dir").await;
        pan.rm(&me, "/file").await;
        assert_eq!(pan.pan.empty_recycle(&me).await.unwrap(), 2);
        // At once: a purged tree is nobody's work.
        let report = pan.pan.collect().await.unwrap();
        assert_eq!((report.staged_removed, report.contents_deletable), (3, 2));
        assert_eq!(pan.rows().await, rows - 4);
        pan.wait_seconds(DAY + 1);
        assert_eq!(pan.pan.collect().await.unwrap().contents_removed, 2);
        assert!(pan.pan.collect().await.unwrap().is_idle());
    });
}

fn the_largest_superfile_is_collected() {
    const BLOCKS: u32 = 1_024;
    InHand::story(Settings::default(), |pan| async move {
        let me = pan.user("me", ByteSize::UNLIMITED).await;
        let puts = (0..BLOCKS).map(|i| {
            let (pan, me) = (pan.clone(), me.clone());
            async move { pan.put_block(&me, &i.to_be_bytes()).await }
        });
        let blocks = futures_util::future::join_all(puts).await;
        pan.merge(&me, "/merged", blocks).await;
        pan.rm(&me, "/merged").await;
        pan.pan.empty_recycle(&me).await.unwrap();
        // Blocks stay for two days after the merge, contents for one more.
        for _ in 0..5 {
            pan.wait_seconds(DAY + 1);
            while !pan.pan.collect().await.unwrap().is_idle() {}
        }
        assert_eq!(pan.contents().await, 0);
    });
}

fn a_large_tree_is_removed_piece_by_piece() {
    const FILES: usize = 2_600;
    InHand::story(Settings::default(), |pan| async move {
        let me = pan.user("me", ByteSize::UNLIMITED).await;
        for chunk in (0..FILES).collect::<Vec<_>>().chunks(100) {
            let puts = chunk.iter().map(|i| {
                let (pan, me) = (pan.clone(), me.clone());
                async move { pan.put(&me, &format!("/t/{}/{i}", i % 10), b"x").await }
            });
            futures_util::future::join_all(puts).await;
        }
        pan.rm(&me, "/t").await;
        pan.pan.empty_recycle(&me).await.unwrap();
        let mut passes = Vec::new();
        loop {
            let removed = pan.pan.collect().await.unwrap().staged_removed;
            if removed == 0 {
                break;
            }
            assert!(pan.pan.check(false).await.unwrap().is_clean(), "half removed is no harm");
            passes.push(removed);
        }
        assert_eq!(passes, [2_000, (FILES + 11) as u64 - 2_000]);
        assert_eq!(pan.rows().await, 1, "the root is left");
    });
}

fn directories_among_files_are_removed_in_turn() {
    InHand::story(Settings::default(), |pan| async move {
        let me = pan.user("me", ByteSize::UNLIMITED).await;
        for i in 0..100 {
            pan.put(&me, &format!("/t/{i}-a"), b"x").await;
            pan.pan.mkdir(&me, &path(&format!("/t/{i}-b/c"))).await.unwrap();
        }
        pan.rm(&me, "/t").await;
        pan.pan.empty_recycle(&me).await.unwrap();
        assert_eq!(pan.pan.collect().await.unwrap().staged_removed, 301);
        assert_eq!(pan.rows().await, 1, "the root is left");
    });
}

// What was promised when it was deleted holds.
fn a_lowered_quota_leaves_the_bin_alone() {
    InHand::story(Settings::default(), |pan| async move {
        let me = pan.user("me", ByteSize(10_000)).await;
        for i in 0..5u8 {
            pan.put(&me, &format!("/{i}"), &[i; 1_000]).await;
            pan.rm(&me, &format!("/{i}")).await;
        }
        pan.pan.set_user("me", Some(ByteSize(1_500)), None).await.unwrap();
        pan.wait_seconds(9 * 86_400);
        let workers = tokio::spawn(run_workers(pan.pan.clone()));
        tokio::time::sleep(Duration::from_millis(500)).await;
        workers.abort();
        assert_eq!(pan.bin(&me).await.len(), 5);
    });
}

// A content that nothing points to is found in the scope of the instance, and
// a hit keeps it.
fn rapid_upload_revives_what_is_about_to_go() {
    let scope = RapidUploadScope::Instance;
    let settings = Settings { rapid_upload_scope: scope, ..Settings::default() };
    InHand::story(settings, |pan| async move {
        let content = pan_conformance::pcs::digest::content(1, 300_000);
        let one = pan.user("one", ByteSize::UNLIMITED).await;
        let two = pan.user("two", ByteSize::UNLIMITED).await;
        pan.put(&one, "/a", &content).await;
        pan.rm(&one, "/a").await;
        pan.pan.empty_recycle(&one).await.unwrap();
        assert_eq!(pan.pan.collect().await.unwrap().contents_deletable, 1);
        pan.wait_seconds(DAY - 1);
        pan.rapid(&two, "/b", &content).await.unwrap();
        pan.wait_seconds(2 * DAY);
        assert_eq!(pan.pan.collect().await.unwrap().contents_removed, 0);
        // Once it is gone it is gone.
        pan.rm(&two, "/b").await;
        pan.pan.empty_recycle(&two).await.unwrap();
        pan.pan.collect().await.unwrap();
        pan.wait_seconds(DAY + 1);
        assert_eq!(pan.pan.collect().await.unwrap().contents_removed, 1);
        let gone = pan.rapid(&two, "/c", &content).await;
        assert!(matches!(gone, Err(Error::ContentUnknown)), "{gone:?}");
    });
}

// What diff makes its rows of: −1 when it goes, 0 when it comes back, 1 when
// it is purged.
fn the_change_log_tells_what_happened() {
    InHand::story(Settings::default(), |pan| async move {
        let me = pan.user("me", ByteSize::UNLIMITED).await;
        pan.put(&me, "/p/dir/a", b"a").await;
        pan.put(&me, "/p/b", b"b").await;
        let id =
            async |at: &str| pan.pan.meta_of(&me, &path(at)).await.unwrap().located.entry.fs_id;
        let (parent, dir, file) = (id("/p").await, id("/p/dir").await, id("/p/b").await);
        let before = pan.changes(&me, Rev(0)).await.last().unwrap().rev;

        pan.rm(&me, "/p/dir").await;
        pan.pan.restore(&me, dir).await.unwrap();
        pan.rm(&me, "/p/dir").await;
        pan.rm(&me, "/p/b").await;
        pan.pan.restore(&me, file).await.unwrap();
        pan.rm(&me, "/p/b").await;
        pan.pan.empty_recycle(&me).await.unwrap();

        let seen: Vec<_> = pan
            .changes(&me, before)
            .await
            .into_iter()
            .map(|row| {
                let gone = row.gone.map(|gone| {
                    assert_eq!(gone.parent, parent);
                    (gone.name, gone.fs_id, gone.directory, gone.how)
                });
                (gone, row.came, row.unfold)
            })
            .collect();
        let gone = |name: &str, id: FsId, how| {
            (Some((name.to_owned(), id, name == "dir", how)), None, false)
        };
        let came = |id, unfold| (None, Some(id), unfold);
        assert_eq!(
            seen,
            [
                gone("dir", dir, GoneHow::Recycled),
                came(dir, true),
                gone("dir", dir, GoneHow::Recycled),
                gone("b", file, GoneHow::Recycled),
                came(file, false),
                gone("b", file, GoneHow::Recycled),
                gone("b", file, GoneHow::Purged),
                gone("dir", dir, GoneHow::Purged),
            ]
        );
    });
}

fn a_clock_that_goes_back_does_not_mix_up_the_bin() {
    InHand::story(Settings::default(), |pan| async move {
        let me = pan.user("me", ByteSize(10_000)).await;
        for name in ["/a", "/b", "/c"] {
            pan.put(&me, name, &[1; 900]).await;
            pan.rm(&me, name).await;
            pan.wait_seconds(-3_600);
        }
        let left: Vec<_> = pan.bin(&me).await.into_iter().map(|it| it.located.path).collect();
        assert_eq!(left, [path("/c"), path("/b"), path("/a")], "the latest first");
    });
}

// A request may name a place in the composed form, in a third of the bytes.
fn a_path_that_its_creator_spelt_longer_than_any_request() {
    InHand::story(Settings::default(), |pan| async move {
        let me = pan.user("me", ByteSize::UNLIMITED).await;
        let spelt = |top: usize, name: &str, deep| {
            path(&format!("/{top}{}", format!("/{name}").repeat(deep)))
        };
        let decomposed = "\u{1100}\u{1161}\u{11a8}".repeat(28);
        pan.pan.mkdir(&me, &spelt(0, &decomposed, 3)).await.unwrap();
        for top in 1..6 {
            let to = spelt(top, &decomposed, 3);
            pan.pan.move_entry(&me, &spelt(top - 1, "", 0), &to).await.unwrap();
        }
        let deep = spelt(5, &"\u{ac01}".repeat(28), 18);
        pan.pan.delete(&me, &deep).await.unwrap();
        let bin = pan.bin(&me).await;
        assert!(bin[0].located.path.as_str().len() > 4096);
        pan.pan.restore(&me, bin[0].located.entry.fs_id).await.unwrap();
        pan.pan.delete(&me, &deep).await.unwrap();
        pan.wait_seconds(10 * DAY);
        assert_eq!(pan.pan.purge_expired().await.unwrap(), 1);
    });
}

// A tree that seems to be nobody's any more is removed, not linked in halves.
fn a_clock_that_jumps_does_not_tear_a_copy() {
    InHand::story(Settings::default(), |pan| async move {
        let me = pan.user("me", ByteSize::UNLIMITED).await;
        for i in 0..20 {
            pan.put(&me, &format!("/from/{i}/f"), b"x").await;
        }
        let copies = {
            let (pan, me) = (pan.clone(), me.clone());
            tokio::spawn(async move {
                for i in 0..200 {
                    let to = path(&format!("/to/{i}"));
                    let copied = pan.pan.copy_entry(&me, &path("/from"), &to).await;
                    let given_up = matches!(copied, Err(Error::SourceChanged { .. }));
                    assert!(copied.is_ok() || given_up, "{copied:?}");
                }
            })
        };
        while !copies.is_finished() {
            pan.wait_seconds(100);
            pan.pan.collect().await.unwrap();
        }
        copies.await.unwrap();
    });
}
