//! All hashing of OpenPan.
//!
//! A content has four digests: md5, the md5 of its first 256 KiB, CRC-32 and
//! BLAKE3. [`Hasher`] computes them for streams, on threads of its own, chunk
//! by chunk while the bytes are still warm; [`fingerprint()`] computes them in
//! place for a small body. [`group_value`] and [`check_list_root`] are the
//! other direction: with them a read proves the bytes it is about to send.
//!
//! Nothing here knows where bytes come from or where they go. This is the one
//! crate that may contain `unsafe`: see `docs/decisions/0001`.

mod fingerprint;
mod hasher;
mod lane;
mod md5;
mod queue;
mod stream;
mod tree;
mod worker;

pub use fingerprint::{body_blake3, fingerprint};
pub use hasher::Hasher;
pub use stream::{BLOB_BYTES, BlobDigest, StreamDigest};
pub use tree::{GROUP_BYTES, check_list_root, group_value};
