//! What a byte engine promises, as functions: run them against any.
//!
//! Each gets an empty store and keeps one promise, or panics.
//! [`blob_tests!`](crate::blob_tests) makes a test of every one, so that an
//! engine's test file is three lines:
//!
//! ```ignore
//! pan_conformance::blob_tests! {
//!     let directory = tempfile::tempdir().unwrap();
//!     (DiskStore::open(directory.path(), DiskOptions::default()).unwrap(), directory)
//! }
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a promise is kept, or it panics")]

pub mod crowd;
pub mod deleting;
mod given;
pub mod listing;
pub mod quarantine;
pub mod reading;
pub mod writing;

/// Runs a promise on a runtime such as `openpan` has.
pub fn run(promise: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
    runtime.expect("a runtime").block_on(promise);
}

/// One test per promise of a byte engine.
///
/// The body opens an empty store and gives it, together with whatever has to
/// outlive it, as a pair.
#[macro_export]
macro_rules! blob_tests {
    ($($open:tt)*) => {
        $crate::blob_tests_of! { { $($open)* }
            crowd::many_write_and_read_at_once
            crowd::a_reader_beside_a_deleter_gets_all_or_nothing
            crowd::many_sync_at_once
            deleting::a_deleted_blob_is_gone
            deleting::deleting_again_is_no_error
            deleting::an_unfinished_blob_can_be_deleted
            deleting::the_others_stay
            deleting::what_was_read_before_stays
            listing::hours_with_blobs_are_listed_in_order
            listing::keys_come_in_order
            listing::pages_hold_every_key_once
            listing::an_hour_without_blobs_is_empty
            listing::unfinished_blobs_are_listed
            quarantine::what_is_moved_aside_is_gone_for_readers
            quarantine::moving_aside_again_is_no_error
            quarantine::the_others_are_left_in_place
            reading::a_stored_blob_is_read_whole
            reading::a_range_is_exactly_what_was_asked_for
            reading::a_range_without_bytes_is_empty
            reading::a_range_beyond_the_end_is_corrupt
            reading::what_is_not_there_is_missing
            writing::every_size_comes_back
            writing::chunks_keep_their_order
            writing::a_blob_is_unseen_until_it_is_finished
            writing::an_abandoned_blob_stays_unseen
            writing::a_used_key_is_refused
            writing::a_chunk_too_long_is_refused
            writing::a_blob_too_long_is_refused
            writing::syncing_again_is_no_error
            writing::syncing_what_is_not_there_is_an_error
        }
    };
}

/// The inner half of [`blob_tests!`](crate::blob_tests).
#[doc(hidden)]
#[macro_export]
macro_rules! blob_tests_of {
    ($open:tt $($topic:ident :: $promise:ident)*) => {$(
        #[test]
        fn $promise() {
            $crate::blob::run(async {
                // The store goes first, then what it stands on.
                let (store, ground) = $open;
                $crate::blob::$topic::$promise(&store).await;
                drop(store);
                drop(ground);
            });
        }
    )*};
}

#[cfg(test)]
mod tests {
    /// A promise that is not in the list would never be run.
    #[test]
    fn every_promise_is_in_the_list() {
        let list = include_str!("blob.rs");
        let topics = [
            ("crowd", include_str!("blob/crowd.rs")),
            ("deleting", include_str!("blob/deleting.rs")),
            ("listing", include_str!("blob/listing.rs")),
            ("quarantine", include_str!("blob/quarantine.rs")),
            ("reading", include_str!("blob/reading.rs")),
            ("writing", include_str!("blob/writing.rs")),
        ];
        for (topic, source) in topics {
            for promise in source.split("pub async fn ").skip(1) {
                let name = promise.split('(').next().unwrap();
                assert!(list.contains(&format!(" {topic}::{name}\n")), "{topic}::{name}");
            }
        }
    }
}
