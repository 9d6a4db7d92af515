//! The promises of OpenPan, executable.
//!
//! A promise of a seam is a small named function that any engine can be given
//! to; the next engine inherits them all.

pub mod blob;
pub mod meta;
pub mod pcs;
