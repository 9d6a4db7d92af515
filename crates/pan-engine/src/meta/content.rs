use std::ops::ControlFlow;

use bytes::Bytes;
use pan_model::{Blake3, BlobKey, ByteSize, ContentId, Fingerprint, FsId, Md5, Timestamp};

use super::Result;

/// Where the bytes of a content are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentKind {
    /// In the metadata store, in the table of bodies.
    Inline,
    /// In blobs.
    Blobs,
    /// In other contents, one after another: a superfile. Its parts are never
    /// superfiles themselves.
    Superfile,
}

/// Where a content is on its way out. Forward only, but for a hit that
/// revives a deletable one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentState {
    /// May be pointed to.
    Present,
    /// Nothing pointed to it at this time; a hit makes it present again.
    Deletable(Timestamp),
    /// Its blobs are being deleted: treated as absent, never revived.
    Deleting,
}

/// A content: what file entries, parts and tmpfiles point to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRow {
    /// Its id.
    pub id: ContentId,
    /// Its digests and size.
    pub fingerprint: Fingerprint,
    /// Where its bytes are.
    pub kind: ContentKind,
    /// Where it is on its way out.
    pub state: ContentState,
}

/// A content to be added; it begins present.
#[derive(Debug, Clone)]
pub struct NewContent {
    /// Its digests and size.
    pub fingerprint: Fingerprint,
    /// Where its bytes are.
    pub kind: ContentKind,
}

/// One blob of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobRow {
    /// Its place in the content, from 0. Every blob but the last is full.
    pub seq: u32,
    /// Its name in the blob store.
    pub key: BlobKey,
    /// Content bytes in it, its check list not counted.
    pub size: ByteSize,
    /// The BLAKE3 chaining value of the whole blob as a subtree at its place:
    /// the root over its check list.
    pub root: Blake3,
}

/// Reading contents.
pub trait ContentRead {
    /// The content with this id, whatever its state.
    fn get_content(&mut self, id: ContentId) -> Result<Option<ContentRow>>;

    /// Contents over 256 KiB with this size and md5, whatever their state.
    /// (Smaller ones are in no index.)
    fn find_contents(
        &mut self,
        size: ByteSize,
        md5: Md5,
        each: &mut dyn FnMut(ContentRow) -> ControlFlow<()>,
    ) -> Result<()>;

    /// Contents over 256 KiB with this size and this md5 of the first 256 KiB,
    /// whatever their state.
    fn find_contents_by_slice(
        &mut self,
        size: ByteSize,
        slice_md5: Md5,
        each: &mut dyn FnMut(ContentRow) -> ControlFlow<()>,
    ) -> Result<()>;

    /// Contents of any size that are noted as damaged and have this size and
    /// md5. There are hardly ever any, and then this costs nothing.
    fn find_damaged(
        &mut self,
        size: ByteSize,
        md5: Md5,
        each: &mut dyn FnMut(ContentRow) -> ControlFlow<()>,
    ) -> Result<()>;

    /// The bytes of an inline content.
    fn get_body(&mut self, id: ContentId) -> Result<Option<Bytes>>;

    /// The blobs of a content from `from_seq` on, in order, at most `limit`.
    fn list_blobs(&mut self, id: ContentId, from_seq: u32, limit: u64) -> Result<Vec<BlobRow>>;

    /// The parts of a superfile, in order; at most 1,024 by the rules of PCS.
    fn list_parts(&mut self, id: ContentId) -> Result<Vec<ContentRow>>;

    /// Whether any entry, part or tmpfile points to the content.
    fn is_referenced(&mut self, id: ContentId) -> Result<bool>;

    /// Contents that lost a pointer, by id, at most `limit`.
    fn list_maybe_unreferenced(&mut self, limit: u64) -> Result<Vec<ContentId>>;

    /// Entries that point to the content, themselves or through a superfile
    /// that it is a part of, by id, at most `limit`.
    fn list_pointers(&mut self, id: ContentId, limit: u64) -> Result<Vec<FsId>>;

    /// Whether a read of the content has met damage.
    fn is_damaged(&mut self, id: ContentId) -> Result<bool>;

    /// Contents that are noted as damaged, by id, those after `after`, at most
    /// `limit`.
    fn list_damaged(&mut self, after: Option<ContentId>, limit: u64) -> Result<Vec<ContentId>>;

    /// The largest content id that may have been given out.
    fn last_content_id(&mut self) -> Result<ContentId>;

    /// Whether the content is noted as having lost a pointer.
    fn is_maybe_unreferenced(&mut self, id: ContentId) -> Result<bool>;

    /// Contents that became deletable at or before `until`, at most `limit`.
    fn list_deletable(&mut self, until: Timestamp, limit: u64) -> Result<Vec<ContentId>>;

    /// Contents whose deletion began and did not end, at most `limit`.
    fn list_deleting(&mut self, limit: u64) -> Result<Vec<ContentId>>;

    /// Whether any content has this blob.
    fn is_blob_known(&mut self, key: BlobKey) -> Result<bool>;

    /// Contents in the order of their ids, those after `after`. For check.
    fn scan_contents(
        &mut self,
        after: Option<ContentId>,
        limit: u64,
        each: &mut dyn FnMut(ContentRow) -> ControlFlow<()>,
    ) -> Result<()>;
}

/// Changing contents.
pub trait ContentTxn {
    /// Adds a content without body, blobs or parts.
    fn insert_content(&mut self, content: &NewContent) -> Result<ContentId>;

    /// Adds the bytes of an inline content.
    fn insert_body(&mut self, id: ContentId, body: &Bytes) -> Result<()>;

    /// Replaces the bytes of an inline content by better ones; adds them when
    /// they are not there.
    fn replace_body(&mut self, id: ContentId, body: &Bytes) -> Result<()>;

    /// Adds a blob to a content.
    fn insert_blob(&mut self, id: ContentId, blob: &BlobRow) -> Result<()>;

    /// Removes all blobs of a content: better ones follow.
    fn remove_blobs(&mut self, id: ContentId) -> Result<()>;

    /// Notes that a read of the content met damage, or that it was healed.
    fn set_damaged(&mut self, id: ContentId, damaged: bool) -> Result<()>;

    /// Adds a part to a superfile.
    fn insert_part(&mut self, id: ContentId, seq: u32, part: ContentId) -> Result<()>;

    /// Removes the parts of a superfile from a place on. What they pointed to
    /// is noted as maybe unreferenced by the rule.
    fn remove_parts(&mut self, id: ContentId, from_seq: u32) -> Result<()>;

    /// Moves a content along its states.
    fn set_content_state(&mut self, id: ContentId, state: ContentState) -> Result<()>;

    /// Notes that a pointer to the content went away.
    fn add_maybe_unreferenced(&mut self, id: ContentId) -> Result<()>;

    /// Takes such a note back once it was looked at.
    fn remove_maybe_unreferenced(&mut self, id: ContentId) -> Result<()>;

    /// Removes a content with its body, blob rows and part rows. What was a
    /// part is noted as maybe unreferenced by the rule, before.
    fn remove_content(&mut self, id: ContentId) -> Result<()>;
}
