//! The Rust client of the PCS API.
//!
//! Speaks to an OpenPan server ([`Endpoint::single`]) and to Baidu's own hosts
//! ([`Endpoint::baidu`]) alike: every call of the API is a method of
//! [`Client`], named after the PCS verb, in a file of that name. Sections such
//! as "pcs-rest 4.2" in the docs are those of `docs/pcs-rest.md`.
//!
//! ```no_run
//! use pan_sdk::{Client, Content, Endpoint, Ondup, PanPath};
//!
//! # async fn tour() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Endpoint::single("http://127.0.0.1:8800")?, "the-token")?;
//! let path = PanPath::parse("/notes/today.txt")?;
//! let entry = client.upload(&path, Content::bytes("hello"), Ondup::Overwrite).await?;
//! assert_eq!(entry.size.0, 5);
//! let text = client.download(&path, ..).await?.bytes().await?;
//! # Ok(())
//! # }
//! ```
//!
//! * **Streaming.** Bodies are streamed both ways: memory does not grow with a
//!   file or a directory.
//! * **Retries.** What failed in passing is tried again, as long as repeating
//!   it cannot change the outcome: see [`RetryPolicy`].
//! * **Verification.** What was sent is compared with the md5 in the reply,
//!   what was received with the md5 in the headers.
//! * **Cancelling.** Dropping a future stops what it does; temporary files go
//!   with it.
//! * **Secrets.** The token is in no `Debug`, no error and no log line.
//!
//! The methods need a Tokio runtime.

#[cfg(feature = "blocking")]
pub mod blocking;
mod bulk_upload;
mod call;
mod client;
mod cloud_dl;
mod content;
mod copy;
mod delete;
mod diff;
mod download;
mod endpoint;
mod entry;
mod error;
mod extensions;
mod facts;
mod list;
mod local_file;
mod local_md5;
mod media;
mod meta;
mod mkdir;
mod multipart;
mod oauth;
mod partial;
mod progress;
mod quota;
mod rapid_upload;
mod recycle;
mod reply;
mod retry;
mod search;
mod stall;
mod streaming;
mod superfile;
mod throttle;
mod thumbnail;
mod token;
mod transfer;
mod trust;
mod upload;
mod walk;

pub use client::{Client, ClientBuilder};
pub use cloud_dl::{Task, TaskDetail, TaskFilter, TaskId, TaskOptions, TaskPage, TaskStatus};
pub use content::Content;
pub use diff::{Change, DiffPage, Gone};
pub use download::Download;
pub use endpoint::Endpoint;
pub use entry::Entry;
pub use error::{Error, Refusal};
pub use extensions::Extensions;
pub use facts::FileFacts;
pub use local_md5::local_md5;
pub use media::MediaPage;
pub use oauth::{App, NewToken, OauthRefusal};
pub use pan_model::{
    ByteSize, ContentClaim, Crc32, FsId, ListBy, ListOrder, Md5, MediaType, Ondup, PanPath,
    PathError, Timestamp, Window,
};
pub use pan_pcs::{BulkLimits, ErrorCode};
pub use partial::PartlyDone;
pub use progress::Progress;
pub use quota::Quota;
pub use recycle::RecycledEntry;
pub use reqwest;
pub use retry::RetryPolicy;
pub use streaming::StreamFormat;
pub use throttle::Throttle;
pub use thumbnail::{Thumbnail, ThumbnailSize};
pub use transfer::{SmallFile, TransferOptions};
