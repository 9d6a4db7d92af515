//! Every promise of a metadata engine, kept by SQLite.

use pan_meta_sqlite::{Options, SqliteStore};

pan_conformance::meta_tests! {
    let directory = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(&directory.path().join("meta.db"), Options::default());
    (store.expect("a new database"), directory)
}
