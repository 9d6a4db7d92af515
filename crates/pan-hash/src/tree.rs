//! The BLAKE3 tree of a content, cut so that every part can be checked alone.
//!
//! BLAKE3 is a binary tree over 1 KiB chunks whose left subtrees are always
//! complete. A group of 64 KiB and a blob of 4 MiB are therefore subtrees of
//! the tree of their content: hashing the groups once gives the check lists of
//! the blobs, the roots of the blobs and the BLAKE3 of the whole content.

use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root,
};
use pan_model::Blake3;

use crate::BlobDigest;

/// The bytes that one value of a check list stands for: 64 KiB.
pub const GROUP_BYTES: u64 = 64 << 10;

/// A blob of 4 MiB has this many groups.
const GROUPS_PER_BLOB: usize = 64;

const VALUE_BYTES: usize = blake3::OUT_LEN;

/// The chaining value of one group of a content.
///
/// `offset` is where the group begins in the content, a multiple of
/// [`GROUP_BYTES`]. A group has 1 to [`GROUP_BYTES`] bytes.
///
/// # Panics
///
/// When the offset lies within a group, or `bytes` is empty or too long.
pub fn group_value(offset: u64, bytes: &[u8]) -> Blake3 {
    assert!(offset.is_multiple_of(GROUP_BYTES), "a group begins at a multiple of its size");
    assert!(bytes.len() as u64 <= GROUP_BYTES, "a group is at most {GROUP_BYTES} bytes long");
    let mut group = blake3::Hasher::new();
    Blake3(group.set_input_offset(offset).update(bytes).finalize_non_root())
}

/// The root over the check list of a blob of `blob_size` bytes; `None` if the
/// list is not as long as that size asks for.
///
/// A list is one value of 32 bytes for every group, the last of which may be
/// short.
pub fn check_list_root(check_list: &[u8], blob_size: u64) -> Option<Blake3> {
    let (values, rest) = check_list.as_chunks::<VALUE_BYTES>();
    let complete = rest.is_empty() && values.len() as u64 == blob_size.div_ceil(GROUP_BYTES);
    (complete && !values.is_empty()).then(|| Blake3(subtree_value(values)))
}

/// The value of the subtree over equally large, neighbouring leaves.
fn subtree_value(leaves: &[ChainingValue]) -> ChainingValue {
    if let [leaf] = leaves {
        return *leaf;
    }
    // The largest power of two that leaves something for the right side.
    let (left, right) = leaves.split_at(leaves.len().div_ceil(2).next_power_of_two());
    merge_subtrees_non_root(&subtree_value(left), &subtree_value(right), Mode::Hash)
}

/// The tree of a content while it grows from left to right.
#[derive(Default)]
pub(crate) struct ContentTree {
    /// The group that is being hashed, and how many bytes it has.
    group: blake3::Hasher,
    group_bytes: u64,
    /// Where that group begins.
    offset: u64,
    /// The values of the blob's groups that are complete.
    check_list: Vec<ChainingValue>,
    subtrees: Subtrees,
    /// The BLAKE3 of the content, should it end with its first group.
    short_root: Option<blake3::Hash>,
}

impl ContentTree {
    /// Appends bytes.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.group_bytes == GROUP_BYTES {
                self.end_group();
            }
            if self.group_bytes == 0 {
                self.group.set_input_offset(self.offset);
            }
            let room = (GROUP_BYTES - self.group_bytes) as usize;
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.group.update(now);
            self.group_bytes += now.len() as u64;
            bytes = later;
        }
    }

    /// Ends the current blob.
    pub(crate) fn end_blob(&mut self) -> BlobDigest {
        self.end_group();
        let values = std::mem::take(&mut self.check_list);
        BlobDigest {
            root: Blake3(subtree_value(&values)),
            check_list: values.as_flattened().to_vec().into(),
        }
    }

    /// The BLAKE3 of everything.
    pub(crate) fn finish(mut self) -> Blake3 {
        let short_root = self.short_root.unwrap_or_else(|| self.group.finalize());
        self.end_group();
        Blake3(*self.subtrees.root().unwrap_or(short_root).as_bytes())
    }

    /// Files the group under its blob and into the tree, if it has any bytes.
    ///
    /// A group that is full ends only when its successor begins, so that the
    /// hasher can still say what the content would be without one.
    fn end_group(&mut self) {
        if self.group_bytes == 0 {
            return;
        }
        if self.offset == 0 {
            self.short_root = Some(self.group.finalize());
        }
        if self.check_list.len() == GROUPS_PER_BLOB {
            // Nobody asked for this blob's list.
            self.check_list.clear();
        }
        let value = self.group.finalize_non_root();
        self.check_list.push(value);
        self.subtrees.push(value);
        self.offset += self.group_bytes;
        self.group_bytes = 0;
        // Not `reset`: it keeps the old offset.
        self.group = blake3::Hasher::new();
    }
}

/// The complete subtrees over the groups so far, the largest first.
///
/// Neighbours are merged only when another group arrives, because the topmost
/// merge of a content is a different one.
#[derive(Default)]
struct Subtrees {
    values: Vec<ChainingValue>,
    groups: u64,
}

impl Subtrees {
    fn push(&mut self, group: ChainingValue) {
        // One complete subtree for each binary digit of their number.
        while self.values.len() > self.groups.count_ones() as usize {
            self.merge_last();
        }
        self.values.push(group);
        self.groups += 1;
    }

    /// The root over two groups or more.
    fn root(mut self) -> Option<blake3::Hash> {
        while self.values.len() > 2 {
            self.merge_last();
        }
        match self.values.as_slice() {
            [left, right] => Some(merge_subtrees_root(left, right, Mode::Hash)),
            _ => None,
        }
    }

    fn merge_last(&mut self) {
        if let (Some(right), Some(left)) = (self.values.pop(), self.values.pop()) {
            self.values.push(merge_subtrees_non_root(&left, &right, Mode::Hash));
        }
    }
}
