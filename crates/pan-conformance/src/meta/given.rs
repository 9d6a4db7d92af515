//! What the promises start from: users, entries and contents with little in
//! them, and shorter ways to say "in a transaction" and "in a snapshot".

use bytes::Bytes;
use pan_engine::meta::{
    ContentKind, Entry, EntryKind, FileFacts, MetaRead, MetaTxn, NewContent, NewUser, Result,
    Totals,
};
use pan_engine::{EngineError, MetaStore, MetaStoreExt, ReadCost, Scope};
use pan_model::{
    Blake3, ByteSize, ContentId, Crc32, Fingerprint, FsId, Md5, Rev, Timestamp, UserNo,
};

pub(super) const NOW: Timestamp = Timestamp(1_790_000_000);

/// Submits a closure at once; it must succeed.
pub(super) fn write<T: Send + 'static>(
    store: &dyn MetaStore,
    user: UserNo,
    closure: impl FnMut(&mut dyn MetaTxn) -> Result<T> + Send + 'static,
) -> impl Future<Output = T> {
    let answer = try_write(store, user, closure);
    async move { answer.await.expect("the closure commits") }
}

/// Submits a closure at once.
pub(super) fn try_write<T: Send + 'static>(
    store: &dyn MetaStore,
    user: UserNo,
    closure: impl FnMut(&mut dyn MetaTxn) -> Result<T> + Send + 'static,
) -> impl Future<Output = Result<T>> {
    store.write::<T, EngineError, _>(Scope::User(user), closure)
}

/// Runs a closure in a snapshot; it must succeed.
pub(super) async fn read<T: Send + 'static>(
    store: &dyn MetaStore,
    closure: impl FnOnce(&mut dyn MetaRead) -> Result<T> + Send + 'static,
) -> T {
    store
        .read::<T, EngineError, _>(ReadCost::Bounded, closure)
        .await
        .expect("the snapshot can be read")
}

/// Adds a user with this name.
pub(super) async fn user(store: &dyn MetaStore, name: &str) -> UserNo {
    let user = NewUser { name: name.into(), quota: ByteSize(1 << 40), created: NOW };
    let add = move |tx: &mut dyn MetaTxn| tx.insert_user(&user);
    store.write::<_, EngineError, _>(Scope::Instance, add).await.expect("the user is added")
}

/// A directory that is not there yet.
pub(super) fn directory(tx: &mut dyn MetaTxn, parent: FsId, name: &str) -> Result<Entry> {
    let kind = EntryKind::Directory { has_subdirectory: false };
    entry(tx, parent, name, kind)
}

/// A file that is not there yet. Its content need not exist for an engine.
pub(super) fn file(tx: &mut dyn MetaTxn, parent: FsId, name: &str) -> Result<Entry> {
    entry(tx, parent, name, EntryKind::File(facts(1, 10)))
}

/// The facts of a file with this content.
pub(super) fn facts(content: i64, size: u64) -> FileFacts {
    let md5 = fingerprint(size, content as u64).md5;
    FileFacts { content: ContentId(content), size: ByteSize(size), md5, one_block: true }
}

/// Adds an entry with nothing below it.
pub(super) fn insert(tx: &mut dyn MetaTxn, entry: Entry) -> Result<Entry> {
    tx.insert_entry(&entry, &Totals::default())?;
    Ok(entry)
}

/// Adds a directory under the root of a user, in a transaction of its own.
pub(super) async fn directory_of(store: &dyn MetaStore, user: UserNo, name: &str) -> FsId {
    let name = name.to_owned();
    write(store, user, move |tx| {
        let directory = directory(tx, FsId::root(user), &name)?;
        Ok(insert(tx, directory)?.fs_id)
    })
    .await
}

/// An inline content of these bytes.
pub(super) fn content(tx: &mut dyn MetaTxn, bytes: &[u8]) -> Result<ContentId> {
    let fingerprint = fingerprint(bytes.len() as u64, bytes.first().map_or(0, |b| (*b).into()));
    let id = tx.insert_content(&NewContent { fingerprint, kind: ContentKind::Inline })?;
    tx.insert_body(id, &Bytes::copy_from_slice(bytes))?;
    Ok(id)
}

/// Digests that only this seed has, of nothing in particular.
pub(super) fn fingerprint(size: u64, seed: u64) -> Fingerprint {
    let mut digest = [0xa5; 32];
    digest[..8].copy_from_slice(&seed.to_le_bytes());
    let md5 = |tag: u8| {
        let mut md5 = [tag; 16];
        md5[..8].copy_from_slice(&seed.to_le_bytes());
        Md5(md5)
    };
    Fingerprint {
        size: ByteSize(size),
        md5: md5(1),
        slice_md5: md5(if size > pan_model::SLICE_BYTES { 2 } else { 1 }),
        crc32: Crc32(u32::MAX - seed as u32),
        blake3: Blake3(digest),
    }
}

fn entry(tx: &mut dyn MetaTxn, parent: FsId, name: &str, kind: EntryKind) -> Result<Entry> {
    let fs_id = tx.next_fs_id(parent.user())?;
    let parent = Some(parent);
    Ok(Entry { fs_id, parent, name: name.into(), kind, ctime: NOW, mtime: NOW, rev: Rev(1) })
}
