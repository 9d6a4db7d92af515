//! Whatever the length, the cut into chunks and the company: the digests are
//! those that everybody else computes.

use std::collections::VecDeque;

use bytes::Bytes;
use md5::{Digest, Md5 as ReferenceMd5};
use pan_hash::{
    BlobDigest, GROUP_BYTES, Hasher, StreamDigest, check_list_root, fingerprint, group_value,
};
use pan_model::{Blake3, ByteSize, Crc32, Fingerprint, Md5, SLICE_BYTES};
use proptest::prelude::*;

const BLOB_BYTES: usize = 4 << 20;

fn reference(content: &[u8]) -> Fingerprint {
    let slice = &content[..content.len().min(SLICE_BYTES as usize)];
    Fingerprint {
        size: ByteSize(content.len() as u64),
        md5: Md5(ReferenceMd5::digest(content).into()),
        slice_md5: Md5(ReferenceMd5::digest(slice).into()),
        crc32: Crc32(crc32fast::hash(content)),
        blake3: Blake3(*blake3::hash(content).as_bytes()),
    }
}

/// Bytes that differ everywhere, so that a block out of order is noticed.
fn content(seed: u64, length: usize) -> Bytes {
    let mut bytes = vec![0; length];
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    blake3::Hasher::new_keyed(&key).finalize_xof().fill(&mut bytes);
    bytes.into()
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime without drivers").block_on(future)
}

/// Streams a content in pieces of the given sizes, again and again, and ends
/// its blobs where they end.
struct Feeder {
    rest: Bytes,
    cuts: VecDeque<usize>,
    digest: StreamDigest,
    blob_room: usize,
    blobs: Vec<std::pin::Pin<Box<dyn Future<Output = Option<BlobDigest>>>>>,
}

impl Feeder {
    fn new(hasher: &Hasher, content: Bytes, cuts: &[usize]) -> Self {
        let cuts = cuts.iter().copied().collect();
        let digest = hasher.stream();
        Self { rest: content, cuts, digest, blob_room: BLOB_BYTES, blobs: Vec::new() }
    }

    /// Pushes one piece. Whether there is more.
    fn step(&mut self) -> bool {
        self.cuts.rotate_left(1);
        let piece = self.rest.split_to(self.cuts[0].min(self.rest.len()).min(self.blob_room));
        self.blob_room -= piece.len();
        self.digest.push(piece);
        if self.blob_room == 0 || (self.rest.is_empty() && self.blob_room < BLOB_BYTES) {
            self.blobs.push(Box::pin(self.digest.end_blob()));
            self.blob_room = BLOB_BYTES;
        }
        !self.rest.is_empty()
    }

    fn finish(self) -> (Fingerprint, Vec<BlobDigest>) {
        let fingerprint = block_on(self.digest.finish());
        (fingerprint, self.blobs.into_iter().map(|blob| block_on(blob).expect("a blob")).collect())
    }
}

fn check_blobs(content: &[u8], digests: &[BlobDigest]) {
    let blobs: Vec<_> = content.chunks(BLOB_BYTES).collect();
    assert_eq!(blobs.len(), digests.len());
    for ((number, blob), digest) in blobs.iter().enumerate().zip(digests) {
        assert_eq!(check_list_root(&digest.check_list, blob.len() as u64), Some(digest.root));
        let groups = blob.chunks(GROUP_BYTES as usize).zip(digest.check_list.chunks(32));
        for ((group, value), index) in groups.zip(0..) {
            let offset = (number * BLOB_BYTES) as u64 + index * GROUP_BYTES;
            assert_eq!(group_value(offset, group).0, value);
        }
    }
}

#[test]
fn every_interesting_length() {
    let hasher = Hasher::new(2);
    let group = GROUP_BYTES as usize;
    let lengths = [
        0,
        1,
        55,
        56,
        63,
        64,
        65,
        119,
        120,
        128,
        1023,
        1024,
        1025,
        group - 1,
        group,
        group + 1,
        2 * group,
        3 * group,
        3 * group + 1,
        262_143,
        262_144,
        262_145,
        5 * group,
        BLOB_BYTES - 1,
        BLOB_BYTES,
        BLOB_BYTES + 1,
        BLOB_BYTES + group,
        2 * BLOB_BYTES,
        3 * BLOB_BYTES + 5 * group + 7,
    ];
    for length in lengths {
        let content = content(length as u64, length);
        let mut feeder = Feeder::new(&hasher, content.clone(), &[262_144]);
        while feeder.step() {}
        let (digests, blobs) = feeder.finish();
        assert_eq!(digests, reference(&content), "{length} bytes");
        check_blobs(&content, &blobs);
        assert_eq!(fingerprint(&content), digests, "{length} bytes in place");
    }
}

#[test]
fn known_vectors() {
    let rfc_1321 = [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("a", "0cc175b9c0f1b6a831c399e269772661"),
        ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "d174ab98d277d9f5a5611c2c9f419d9f",
        ),
        (
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "57edf4a22be3c955ac49da2e2107b67a",
        ),
    ];
    for (text, md5) in rfc_1321 {
        assert_eq!(fingerprint(text.as_bytes()).md5.to_string(), md5, "{text}");
    }
    let of_a = fingerprint(&vec![b'a'; 1 << 20]);
    assert_eq!(of_a.md5.to_string(), "7202826a7791073fe2787f0c94603278");
    assert_eq!(of_a.slice_md5.to_string(), "c946b71bb69c07daf25470742c967e7c");
    assert_eq!(of_a.crc32, Crc32(3_620_558_450));
}

#[test]
fn a_check_list_of_the_wrong_length_has_no_root() {
    let value = group_value(0, b"one group").0;
    assert_eq!(check_list_root(&value, 9), Some(Blake3(value)));
    assert_eq!(check_list_root(&value, GROUP_BYTES), Some(Blake3(value)));
    for (list, blob_size) in
        [(&value[..], 0), (&value, GROUP_BYTES + 1), (&value[..31], 9), (&[], 0)]
    {
        assert_eq!(check_list_root(list, blob_size), None);
    }
}

#[test]
fn a_whole_digest_needs_no_blobs() {
    let hasher = Hasher::new(1);
    let content = content(7, 2 * BLOB_BYTES + 70_000);
    let mut digest = hasher.whole();
    content.chunks(700_001).for_each(|chunk| digest.push(Bytes::copy_from_slice(chunk)));
    assert_eq!(block_on(digest.finish()), reference(&content));
}

#[test]
fn abandoned_streams_let_go_of_their_chunks() {
    struct Counted {
        _held: std::sync::Arc<()>,
    }
    impl AsRef<[u8]> for Counted {
        fn as_ref(&self) -> &[u8] {
            &[7; 100_000]
        }
    }
    let held = std::sync::Arc::new(());
    let hasher = Hasher::new(2);
    let mut other = hasher.stream();
    for _ in 0..20 {
        let mut digest = hasher.stream();
        for _ in 0..5 {
            digest.push(Bytes::from_owner(Counted { _held: std::sync::Arc::clone(&held) }));
        }
        let end = digest.end_blob();
        drop(digest.finish());
        drop(end);
    }
    other.push(Bytes::from_static(b"abc"));
    // The handle may go before its streams.
    drop(hasher);
    assert_eq!(block_on(other.finish()).md5.to_string(), "900150983cd24fb0d6963f7d28e17f72");
    while std::sync::Arc::strong_count(&held) > 1 {
        std::thread::yield_now();
    }
}

#[test]
fn a_stream_without_a_tree_is_refused() {
    let hasher = Hasher::new(1);
    let refused = |misuse: fn(&mut StreamDigest)| {
        let mut digest = hasher.stream();
        let misuse = std::panic::AssertUnwindSafe(|| misuse(&mut digest));
        assert!(std::panic::catch_unwind(misuse).is_err());
    };
    refused(|digest| drop(digest.end_blob()));
    refused(|digest| digest.push(vec![0; BLOB_BYTES + 1].into()));
    refused(|digest| {
        digest.push(Bytes::from_static(b"short"));
        drop(digest.end_blob());
        digest.push(Bytes::from_static(b"more"));
    });
}

fn streams() -> impl Strategy<Value = Vec<(usize, Vec<usize>)>> {
    let length = prop_oneof![
        3 => 0usize..100_000,
        4 => 0usize..3_000,
        1 => 250_000usize..5_000_000,
    ];
    let cut = prop_oneof![1 => 1usize..200, 4 => 200usize..300_000, 2 => Just(262_144usize)];
    // A cut of a kibibyte and more in every stream keeps the number of pieces small.
    let cuts =
        (prop::collection::vec(cut, 0..6), 1_000usize..262_145).prop_map(|(mut cuts, long)| {
            cuts.push(long);
            cuts
        });
    prop::collection::vec((length, cuts), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn streams_side_by_side(streams in streams(), threads in 1usize..5, seed: u64) {
        let hasher = Hasher::new(threads);
        let contents: Vec<_> = (seed..u64::MAX).zip(&streams)
            .map(|(seed, (length, _))| content(seed, *length)).collect();
        let mut feeders: Vec<_> = contents.iter().zip(&streams)
            .map(|(content, (_, cuts))| Feeder::new(&hasher, content.clone(), cuts)).collect();
        loop {
            let more: Vec<_> = feeders.iter_mut().map(Feeder::step).collect();
            if !more.contains(&true) { break; }
        }
        for (content, feeder) in contents.iter().zip(feeders) {
            let (digests, blobs) = feeder.finish();
            prop_assert_eq!(digests, reference(content));
            check_blobs(content, &blobs);
        }
    }
}
