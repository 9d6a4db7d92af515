//! The PCS edge: parse, call, answer.
//!
//! One table (`pan_pcs::METHODS`) says which calls there are and where their
//! parameters may travel; one extractor reads them; each call is a file.

mod answer;
mod batch;
mod bulk_frames;
mod bulk_upload;
mod byteranges;
mod content;
mod create_superfile;
mod delete;
mod diff;
mod download;
mod error;
mod extensions;
mod list;
mod media;
mod meta;
mod mkdir;
mod move_copy;
mod multipart;
mod quota;
mod range;
mod rapid_probe;
mod rapid_upload;
mod recycle;
mod reply;
mod request;
mod search;
mod streaming;
mod thumbnail;
mod upload;
mod upload_tmpfile;
mod windows;

pub(crate) use answer::{answer, refusal};
pub(crate) use request::{PARAMETER_ROOM, Request};
