//! The promises of a byte engine.

use pan_blob_disk::{DiskOptions, DiskStore};

pan_conformance::blob_tests! {
    let directory = tempfile::tempdir().expect("a directory");
    (DiskStore::open(directory.path(), DiskOptions::default()).expect("a store"), directory)
}
