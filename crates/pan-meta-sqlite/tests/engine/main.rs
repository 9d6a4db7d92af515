//! What only this engine does: its batches, its files, its failures. What
//! every metadata engine promises is in `conformance`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod batches;
mod copies;
mod device_failure;
mod files;
mod given;
mod search;
