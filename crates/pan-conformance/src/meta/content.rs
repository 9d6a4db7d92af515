//! Contents: bodies, blobs, parts, pointers, and their way out.

use std::ops::ControlFlow;

use bytes::Bytes;
use pan_engine::meta::{
    BlobRow, ContentKind, ContentRow, ContentState, NewContent, TmpfileKey, TmpfileRow,
};
use pan_engine::{ErrorKind, MetaStore};
use pan_model::{
    Blake3, BlobKey, ByteSize, ContentId, FsId, Md5, PanPath, SLICE_BYTES, Timestamp, UserNo,
};

use super::given::{content, facts, file, fingerprint, insert, read, try_write, user, write};

const ANYBODY: UserNo = UserNo(1);

async fn insert_content(
    store: &dyn MetaStore,
    size: u64,
    seed: u64,
    kind: ContentKind,
) -> ContentRow {
    let fingerprint = fingerprint(size, seed);
    let new = NewContent { fingerprint, kind };
    let id = write(store, ANYBODY, move |tx| tx.insert_content(&new)).await;
    ContentRow { id, fingerprint, kind, state: ContentState::Present }
}

async fn insert_small(store: &dyn MetaStore) -> ContentId {
    write(store, ANYBODY, |tx| content(tx, b"small")).await
}

async fn set_state(store: &dyn MetaStore, id: ContentId, state: ContentState) {
    write(store, ANYBODY, move |tx| tx.set_content_state(id, state)).await;
}

fn blob(seq: u32) -> BlobRow {
    let mut random = [0xff; 12];
    random[..4].copy_from_slice(&seq.to_le_bytes());
    BlobRow {
        seq,
        key: BlobKey { hour: u32::MAX, random },
        size: ByteSize(4 << 20),
        root: Blake3([seq as u8; 32]),
    }
}

/// Every kind, size and state keeps its fingerprint.
pub async fn contents_come_back_as_they_were_given(store: &dyn MetaStore) {
    let kinds = [ContentKind::Inline, ContentKind::Blobs, ContentKind::Superfile];
    for (seed, kind) in (0..).zip(kinds) {
        for size in [0, SLICE_BYTES, SLICE_BYTES + 1, 1 << 50] {
            let mut row = insert_content(store, size, seed, kind).await;
            let states = [row.state, ContentState::Deletable(Timestamp(8)), ContentState::Deleting];
            for state in states {
                set_state(store, row.id, state).await;
                row.state = state;
                let id = row.id;
                assert_eq!(read(store, move |rows| rows.get_content(id)).await, Some(row));
            }
        }
    }
    assert_eq!(read(store, |rows| rows.get_content(ContentId(999))).await, None);
}

/// An id is not given out again, even after its content was removed: somebody
/// may still hold it.
pub async fn content_ids_are_never_given_out_twice(store: &dyn MetaStore) {
    let mut last = ContentId(0);
    for _ in 0..5 {
        let id = insert_small(store).await;
        assert!(id > last);
        assert!(read(store, |snapshot| snapshot.last_content_id()).await >= id);
        last = id;
        write(store, ANYBODY, move |tx| tx.remove_content(id)).await;
    }
}

/// The least size that rapid upload looks for.
const LARGE: u64 = SLICE_BYTES + 1;

/// Two contents that are equal, among others of which each differs in one way.
async fn insert_rivals(store: &dyn MetaStore) -> [ContentRow; 2] {
    let first = insert_content(store, LARGE, 1, ContentKind::Blobs).await;
    let twin = insert_content(store, LARGE, 1, ContentKind::Superfile).await;
    insert_content(store, LARGE + 1, 1, ContentKind::Blobs).await;
    insert_content(store, LARGE, 2, ContentKind::Blobs).await;
    insert_content(store, SLICE_BYTES, 1, ContentKind::Blobs).await;
    [first, twin]
}

/// Rapid upload finds contents over 256 KiB by size and md5, all of them and
/// no other.
pub async fn only_large_contents_are_found_by_md5(store: &dyn MetaStore) {
    let [first, twin] = insert_rivals(store).await;
    let find = async |size, md5| {
        read(store, move |rows| {
            let mut found = Vec::new();
            rows.find_contents(ByteSize(size), md5, &mut |row| {
                found.push(row);
                ControlFlow::Continue(())
            })?;
            found.sort_by_key(|row| row.id);
            Ok(found)
        })
        .await
    };
    let md5 = first.fingerprint.md5;
    assert_eq!(find(LARGE, md5).await, [first, twin]);
    assert_eq!(find(SLICE_BYTES, md5).await, []);
    assert_eq!(find(LARGE, Md5::EMPTY).await, []);
}

/// By their beginning they are found as well, whatever comes after it.
pub async fn large_contents_are_found_by_their_beginning(store: &dyn MetaStore) {
    let [first, twin] = insert_rivals(store).await;
    let find = async |size, slice_md5| {
        read(store, move |rows| {
            let mut found = Vec::new();
            rows.find_contents_by_slice(ByteSize(size), slice_md5, &mut |row| {
                found.push(row);
                ControlFlow::Continue(())
            })?;
            found.sort_by_key(|row| row.id);
            Ok(found)
        })
        .await
    };
    let slice_md5 = first.fingerprint.slice_md5;
    assert_eq!(find(LARGE, slice_md5).await, [first, twin]);
    assert_eq!(find(SLICE_BYTES, slice_md5).await, []);
    assert_eq!(find(LARGE, Md5::EMPTY).await, []);
}

/// A body of any length up to the inline limit and beyond comes back.
pub async fn bodies_come_back_byte_for_byte(store: &dyn MetaStore) {
    for length in [0, 1, 4095, 4096, 4097, 16 << 10, 64 << 10] {
        let body: Bytes = (0..length).map(|n| (n * 31 % 251) as u8).collect();
        let given = body.clone();
        let id = write(store, ANYBODY, move |tx| content(tx, &given)).await;
        assert_eq!(read(store, move |rows| rows.get_body(id)).await, Some(body));
    }
    let blobs = insert_content(store, 5, 5, ContentKind::Blobs).await.id;
    assert_eq!(read(store, move |rows| rows.get_body(blobs)).await, None);
}

/// Blobs come in order, from any of them on, so many at most.
pub async fn blobs_are_listed_from_anywhere(store: &dyn MetaStore) {
    let id = insert_content(store, 40 << 20, 1, ContentKind::Blobs).await.id;
    write(store, ANYBODY, move |tx| {
        (0..10).rev().try_for_each(|seq| tx.insert_blob(id, &blob(seq)))
    })
    .await;
    let list = async |from, limit| read(store, move |rows| rows.list_blobs(id, from, limit)).await;
    assert_eq!(list(0, 100).await, (0..10).map(blob).collect::<Vec<_>>());
    assert_eq!(list(4, 2).await, [blob(4), blob(5)]);
    assert_eq!(list(10, 100).await, []);
}

/// A key names one blob of one content, and the sweep can ask for it.
pub async fn a_blob_belongs_to_one_content(store: &dyn MetaStore) {
    let one = insert_content(store, 1 << 20, 1, ContentKind::Blobs).await.id;
    let two = insert_content(store, 1 << 20, 2, ContentKind::Blobs).await.id;
    let known = async || read(store, |rows| rows.is_blob_known(blob(0).key)).await;
    assert!(!known().await);
    write(store, ANYBODY, move |tx| tx.insert_blob(one, &blob(0))).await;
    assert!(known().await);
    assert!(try_write(store, ANYBODY, move |tx| tx.insert_blob(two, &blob(0))).await.is_err());
    write(store, ANYBODY, move |tx| tx.remove_content(one)).await;
    assert!(!known().await);
}

/// Parts come in order, one content as often as it was named; a part whose
/// content is not there is an error, not a shorter file.
pub async fn parts_are_listed_in_order_and_may_repeat(store: &dyn MetaStore) {
    let one = insert_content(store, 10, 1, ContentKind::Inline).await;
    let two = insert_content(store, 20, 2, ContentKind::Blobs).await;
    let whole = insert_content(store, 50, 3, ContentKind::Superfile).await.id;
    let order = [two, one, two];
    write(store, ANYBODY, move |tx| {
        (0..).zip(order).try_for_each(|(seq, part)| tx.insert_part(whole, seq, part.id))
    })
    .await;
    assert_eq!(read(store, move |rows| rows.list_parts(whole)).await, order);
    let other = insert_content(store, 50, 4, ContentKind::Superfile).await.id;
    write(store, ANYBODY, move |tx| {
        tx.insert_part(other, 2, two.id)?;
        tx.remove_parts(whole, 2)
    })
    .await;
    assert_eq!(read(store, move |rows| rows.list_parts(whole)).await, order[..2]);
    assert_eq!(read(store, move |rows| rows.list_parts(other)).await, [two]);
    write(store, ANYBODY, move |tx| tx.remove_content(one.id)).await;
    read(store, move |rows| {
        assert_eq!(rows.list_parts(whole).unwrap_err().kind(), ErrorKind::Corrupt);
        Ok(())
    })
    .await;
}

/// Entries, live or detached, parts and tmpfiles are references; nothing else
/// is, and the last to go leaves none.
pub async fn every_kind_of_pointer_counts_as_a_reference(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let id = insert_small(store).await;
    let whole = insert_content(store, 50, 3, ContentKind::Superfile).await.id;
    let is_referenced = async || read(store, move |rows| rows.is_referenced(id)).await;
    assert!(!is_referenced().await);

    let entry = write(store, user, move |tx| {
        let mut entry = file(tx, FsId::root(user), "f")?;
        entry.kind = pan_engine::meta::EntryKind::File(facts(id.0, 5));
        entry.parent = None;
        insert(tx, entry)
    });
    let entry = entry.await.fs_id;
    assert!(is_referenced().await);
    write(store, user, move |tx| tx.remove_entry(entry)).await;
    assert!(!is_referenced().await);

    write(store, user, move |tx| tx.insert_part(whole, 0, id)).await;
    assert!(is_referenced().await);
    write(store, user, move |tx| tx.remove_content(whole)).await;
    assert!(!is_referenced().await);

    let key = TmpfileKey { user, root: PanPath::root(), md5: Md5::EMPTY };
    let (size, used_at) = (ByteSize(5), Timestamp(1));
    let row = TmpfileRow { content: id, size, used_at, merged: false };
    let put = key.clone();
    write(store, user, move |tx| tx.put_tmpfile(&put, &row)).await;
    assert!(is_referenced().await);
    write(store, user, move |tx| tx.remove_tmpfile(&key)).await;
    assert!(!is_referenced().await);
}

/// Garbage collection finds what is deletable since a time, and what was being
/// deleted; a revived content is neither.
pub async fn states_are_found_by_time(store: &dyn MetaStore) {
    let mut ids = Vec::new();
    for at in [30, 10, 20] {
        let id = insert_small(store).await;
        set_state(store, id, ContentState::Deletable(Timestamp(at))).await;
        ids.push(id);
    }
    let [late, early, middle] = ids[..] else { unreachable!() };
    let deletable = async |until, limit| {
        let mut ids = read(store, move |rows| rows.list_deletable(Timestamp(until), limit)).await;
        ids.sort();
        ids
    };
    let deleting = async || read(store, |rows| rows.list_deleting(100)).await;
    assert_eq!(deletable(9, 100).await, []);
    assert_eq!(deletable(20, 100).await, [early, middle]);
    assert_eq!(deletable(99, 2).await.len(), 2);
    set_state(store, early, ContentState::Present).await;
    set_state(store, middle, ContentState::Deleting).await;
    assert_eq!(deletable(99, 100).await, [late]);
    assert_eq!(deleting().await, [middle]);
    let nothing = ContentId(999);
    let ghost =
        try_write(store, ANYBODY, move |tx| tx.set_content_state(nothing, ContentState::Present));
    assert_eq!(ghost.await.unwrap_err().kind(), ErrorKind::Missing);
}

/// A content that lost two pointers is noted once; a note can be taken back,
/// twice too.
pub async fn lost_pointers_are_noted_once(store: &dyn MetaStore) {
    let ids = [3, 1, 2, 1].map(ContentId);
    write(store, ANYBODY, move |tx| {
        ids.into_iter().try_for_each(|id| tx.add_maybe_unreferenced(id))
    })
    .await;
    let noted = async |limit| read(store, move |rows| rows.list_maybe_unreferenced(limit)).await;
    assert_eq!(noted(100).await, [1, 2, 3].map(ContentId));
    assert_eq!(noted(2).await, [1, 2].map(ContentId));
    let is_noted =
        async |id| read(store, move |rows| rows.is_maybe_unreferenced(ContentId(id))).await;
    assert!(is_noted(1).await && !is_noted(4).await);
    for _ in 0..2 {
        write(store, ANYBODY, |tx| tx.remove_maybe_unreferenced(ContentId(1))).await;
        assert_eq!(noted(100).await, [2, 3].map(ContentId));
        assert!(!is_noted(1).await);
    }
}

/// Body, blobs, parts and notes go with their content, and nothing of another.
pub async fn removing_a_content_removes_all_of_it(store: &dyn MetaStore) {
    let (gone, stays) = (insert_small(store).await, insert_small(store).await);
    for (id, base) in [(gone, 0), (stays, 10)] {
        write(store, ANYBODY, move |tx| {
            tx.insert_blob(id, &blob(base))?;
            tx.insert_part(id, 0, stays)?;
            tx.add_maybe_unreferenced(id)
        })
        .await;
    }
    write(store, ANYBODY, move |tx| tx.remove_content(gone)).await;
    read(store, move |rows| {
        assert_eq!(rows.get_content(gone)?, None);
        assert_eq!(rows.get_body(gone)?, None);
        assert_eq!(rows.list_blobs(gone, 0, 10)?, []);
        assert_eq!(rows.list_parts(gone)?, []);
        assert_eq!(rows.list_maybe_unreferenced(10)?, [stays]);
        assert!(rows.get_body(stays)?.is_some());
        assert_eq!(rows.list_blobs(stays, 0, 10)?.len(), 1);
        assert_eq!(rows.list_parts(stays)?.len(), 1);
        Ok(())
    })
    .await;
    let again = try_write(store, ANYBODY, move |tx| tx.remove_content(gone));
    assert_eq!(again.await.unwrap_err().kind(), ErrorKind::Missing);
}

/// A body that was damaged, or lost, is replaced.
pub async fn a_body_is_replaced(store: &dyn MetaStore) {
    let id = insert_small(store).await;
    for body in [&b"other"[..], b"", b"again"] {
        let bytes = Bytes::copy_from_slice(body);
        write(store, ANYBODY, move |tx| tx.replace_body(id, &bytes)).await;
        assert_eq!(read(store, move |rows| rows.get_body(id)).await.as_deref(), Some(body));
    }
}

/// Damage is noted until it is healed: the content's blobs are replaced.
pub async fn damage_is_noted_until_it_is_healed(store: &dyn MetaStore) {
    let id = insert_content(store, 4 << 20, 1, ContentKind::Blobs).await.id;
    let healthy = BlobRow { key: blob(7).key, ..blob(0) };
    write(store, ANYBODY, move |tx| {
        tx.insert_blob(id, &blob(0))?;
        tx.set_damaged(id, true)?;
        tx.set_damaged(id, true)
    })
    .await;
    read(store, move |snapshot| {
        assert!(snapshot.is_damaged(id)?);
        assert!(!snapshot.is_damaged(ContentId(id.0 + 1))?);
        Ok(())
    })
    .await;
    write(store, ANYBODY, move |tx| {
        tx.remove_blobs(id)?;
        tx.insert_blob(id, &healthy)?;
        tx.set_damaged(id, false)
    })
    .await;
    read(store, move |snapshot| {
        assert!(!snapshot.is_damaged(id)?);
        assert_eq!(snapshot.list_blobs(id, 0, 9)?, [healthy]);
        assert!(!snapshot.is_blob_known(blob(0).key)?);
        Ok(())
    })
    .await;
}

/// An upload of any size finds what it can heal, and nothing else.
pub async fn damaged_contents_of_any_size_are_found(store: &dyn MetaStore) {
    let found = async |row: ContentRow| {
        let print = row.fingerprint;
        write(store, ANYBODY, move |tx| {
            let mut found = Vec::new();
            tx.find_damaged(print.size, print.md5, &mut |row| {
                found.push(row);
                ControlFlow::Continue(())
            })?;
            Ok(found)
        })
        .await
    };
    let mut damaged = Vec::new();
    for size in [0, 5, SLICE_BYTES, SLICE_BYTES + 1] {
        let row = insert_content(store, size, 7, ContentKind::Blobs).await;
        // Of the same size and another md5.
        insert_content(store, size, 8, ContentKind::Blobs).await;
        assert_eq!(found(row).await, [], "nothing is damaged");
        write(store, ANYBODY, move |tx| tx.set_damaged(row.id, true)).await;
        assert_eq!(found(row).await, [row]);
        damaged.push(row);
    }
    let ids: Vec<_> = damaged.iter().map(|row| row.id).collect();
    let (first, rest) = (ids[0], ids[1..].to_vec());
    read(store, move |snapshot| {
        assert_eq!(snapshot.list_damaged(None, 9)?, ids);
        assert_eq!(snapshot.list_damaged(Some(first), 2)?, rest[..2]);
        Ok(())
    })
    .await;
    for row in damaged {
        write(store, ANYBODY, move |tx| tx.set_damaged(row.id, false)).await;
        assert_eq!(found(row).await, []);
    }
}

/// Files name their content themselves or as part of a superfile.
pub async fn pointers_are_listed_through_superfiles(store: &dyn MetaStore) {
    let user = user(store, "a").await;
    let part = insert_content(store, 4 << 20, 1, ContentKind::Blobs).await.id;
    let whole = insert_content(store, 8 << 20, 2, ContentKind::Superfile).await.id;
    let made = write(store, user, move |tx| {
        tx.insert_part(whole, 0, part)?;
        tx.insert_part(whole, 1, part)?;
        let mut made = Vec::new();
        for (name, content) in [("a", part.0), ("b", whole.0), ("c", 999)] {
            let mut entry = file(tx, FsId::root(user), name)?;
            entry.kind = pan_engine::meta::EntryKind::File(facts(content, 10));
            made.push(insert(tx, entry)?.fs_id);
        }
        Ok(made)
    })
    .await;
    read(store, move |rows| {
        assert_eq!(rows.list_pointers(part, 9)?, made[..2]);
        assert_eq!(rows.list_pointers(part, 1)?, made[..1]);
        assert_eq!(rows.list_pointers(whole, 9)?, made[1..2]);
        assert_eq!(rows.list_pointers(ContentId(7), 9)?, []);
        Ok(())
    })
    .await;
}

/// A scan gives every content once, in order of id, in windows.
pub async fn contents_are_scanned_in_order(store: &dyn MetaStore) {
    let mut given = Vec::new();
    for seed in 0..25 {
        given.push(insert_content(store, seed, seed, ContentKind::Blobs).await);
    }
    let mut scanned: Vec<ContentRow> = Vec::new();
    loop {
        let after = scanned.last().map(|row| row.id);
        let window = read(store, move |rows| {
            let mut window = Vec::new();
            rows.scan_contents(after, 10, &mut |row| {
                window.push(row);
                ControlFlow::Continue(())
            })?;
            Ok(window)
        })
        .await;
        if window.is_empty() {
            break;
        }
        scanned.extend(window);
    }
    assert_eq!(scanned, given);
}
