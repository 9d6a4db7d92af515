//! What a metadata engine promises, as functions: run them against any.
//!
//! Each gets an empty store and keeps one promise, or panics.
//! [`meta_tests!`](crate::meta_tests) makes a test of every one, so that an
//! engine's test file is three lines:
//!
//! ```ignore
//! pan_conformance::meta_tests! {
//!     let directory = tempfile::tempdir().unwrap();
//!     (SqliteStore::open(&directory.path().join("meta.db"), Options::default()).unwrap(), directory)
//! }
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a promise is kept, or it panics")]

pub mod account;
pub mod change;
pub mod content;
pub mod dump;
pub mod entry;
mod given;
pub mod instance;
pub mod listing;
pub mod media;
pub mod recycle;
pub mod search;
pub mod snapshot;
pub mod staged;
pub mod tmpfile;
pub mod totals;
pub mod transaction;

/// Runs a promise on a runtime such as `openpan` has.
pub fn run(promise: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
    runtime.expect("a runtime").block_on(promise);
}

/// One test per promise of a metadata engine.
///
/// The body opens an empty store and gives it, together with whatever has to
/// outlive it, as a pair.
#[macro_export]
macro_rules! meta_tests {
    ($($open:tt)*) => {
        $crate::meta_tests_of! { { $($open)* }
            account::a_user_begins_with_an_empty_root
            account::users_are_found_by_number_and_name_and_listed_in_order
            account::a_taken_user_name_is_refused
            account::tokens_come_back_as_they_were_given
            account::every_change_of_access_raises_the_auth_epoch
            account::usage_moves_by_what_was_added
            account::quota_and_state_can_be_changed
            account::counters_of_nobody_are_missing
            account::fs_ids_are_never_given_out_twice
            account::revs_are_gapless_and_in_commit_order
            change::changes_come_back_as_they_were_given
            change::changes_are_read_after_a_rev_in_windows
            change::one_users_changes_are_not_anothers
            change::changes_are_trimmed_from_the_beginning
            content::contents_come_back_as_they_were_given
            content::content_ids_are_never_given_out_twice
            content::large_contents_are_found_by_their_beginning
            content::only_large_contents_are_found_by_md5
            content::bodies_come_back_byte_for_byte
            content::blobs_are_listed_from_anywhere
            content::a_blob_belongs_to_one_content
            content::parts_are_listed_in_order_and_may_repeat
            content::every_kind_of_pointer_counts_as_a_reference
            content::states_are_found_by_time
            content::lost_pointers_are_noted_once
            content::removing_a_content_removes_all_of_it
            content::damage_is_noted_until_it_is_healed
            content::a_body_is_replaced
            content::damaged_contents_of_any_size_are_found
            content::pointers_are_listed_through_superfiles
            content::contents_are_scanned_in_order
            dump::rows_are_scanned_in_order_of_their_keys
            dump::a_loaded_row_is_like_any_other
            dump::a_row_is_loaded_once
            entry::entries_come_back_as_they_were_given
            entry::a_transaction_finds_what_the_last_one_left
            entry::two_entries_of_one_key_are_refused
            entry::unicode_twins_address_one_entry
            entry::detached_entries_never_collide
            entry::an_update_moves_renames_and_repoints
            entry::an_entry_with_children_is_not_removed
            entry::what_is_not_there_cannot_be_changed
            entry::entries_are_scanned_in_order
            entry::entries_of_a_content_are_found_by_user
            instance::a_setting_is_replaced
            listing::every_order_is_exact_in_windows_of_any_size
            listing::skip_and_limit_count_from_the_place
            listing::a_listing_can_be_stopped
            listing::directories_come_first_whatever_their_names
            media::files_are_listed_by_type_latest_first
            media::a_media_type_follows_the_name
            media::media_is_counted_by_prefix
            recycle::bin_records_come_latest_first
            recycle::one_users_bin_is_not_anothers
            recycle::the_bin_is_read_in_windows
            recycle::the_oldest_in_the_bin_are_found
            search::files_are_found_by_any_part_of_their_name
            search::a_file_is_found_as_soon_as_it_has_the_name
            search::a_name_that_was_rolled_back_is_not_found
            search::one_users_names_are_not_anothers
            search::a_search_can_be_stopped
            search::searches_equal_a_plain_scan
            snapshot::a_snapshot_does_not_move
            snapshot::a_read_sees_what_was_acknowledged_before
            snapshot::no_read_sees_half_a_closure
            snapshot::a_panic_in_a_read_is_answered
            staged::staged_trees_are_noted
            tmpfile::a_tmpfile_is_replaced_by_its_key
            tmpfile::idle_tmpfiles_are_found
            totals::totals_are_the_sum_of_what_was_added
            totals::has_subdirectory_follows_totals
            totals::totals_and_usage_follow_rollbacks
            totals::totals_of_what_is_no_directory_are_zero
            transaction::a_committed_write_is_seen
            transaction::a_transaction_sees_its_own_writes
            transaction::an_error_rolls_back_everything
            transaction::a_panic_rolls_back_and_is_answered
            transaction::a_failed_closure_does_not_touch_its_neighbours
            transaction::an_ignored_failure_does_not_commit
            transaction::closures_of_one_user_run_in_order
            transaction::a_closure_runs_though_nobody_waits
            transaction::too_long_is_refused
        }
    };
}

/// The inner half of [`meta_tests!`](crate::meta_tests).
#[doc(hidden)]
#[macro_export]
macro_rules! meta_tests_of {
    ($open:tt $($topic:ident :: $promise:ident)*) => {$(
        #[test]
        fn $promise() {
            $crate::meta::run(async {
                // The store goes first, then what it stands on.
                let (store, ground) = $open;
                $crate::meta::$topic::$promise(&store).await;
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
        let list = include_str!("meta.rs");
        let topics = [
            ("account", include_str!("meta/account.rs")),
            ("change", include_str!("meta/change.rs")),
            ("content", include_str!("meta/content.rs")),
            ("dump", include_str!("meta/dump.rs")),
            ("entry", include_str!("meta/entry.rs")),
            ("instance", include_str!("meta/instance.rs")),
            ("listing", include_str!("meta/listing.rs")),
            ("media", include_str!("meta/media.rs")),
            ("recycle", include_str!("meta/recycle.rs")),
            ("search", include_str!("meta/search.rs")),
            ("snapshot", include_str!("meta/snapshot.rs")),
            ("staged", include_str!("meta/staged.rs")),
            ("tmpfile", include_str!("meta/tmpfile.rs")),
            ("totals", include_str!("meta/totals.rs")),
            ("transaction", include_str!("meta/transaction.rs")),
        ];
        for (topic, source) in topics {
            for promise in source.split("pub async fn ").skip(1) {
                let name = promise.split('(').next().unwrap();
                assert!(list.contains(&format!(" {topic}::{name}\n")), "{topic}::{name}");
            }
        }
    }
}
