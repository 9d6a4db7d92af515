//! The Rust client of the PCS API.
//!
//! Speaks to an OpenPan server ([`Endpoint::single`]) and to Baidu's own hosts
//! ([`Endpoint::baidu`]) alike: every call of the API is a method of
//! [`Client`], named after the PCS verb, in a file of that name. Sections such
//! as "pcs-rest 4.2" in the docs are those of `docs/pcs-rest.md`; `docs/sdk.md`
//! leads from the calls of the old clients to the methods.
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
//! * **Whole files.** [`Client::upload_file`] and [`Client::download_file`] take
//!   files of any size, in parts at once; [`TransferOptions`] says how, and
//!   [`Progress`] how far they are.
//! * **Lists.** What comes in pages comes as a stream too:
//!   [`Client::list_all`], [`Client::search_all`], [`Client::list_media_all`],
//!   [`Client::list_recycle_all`], [`Client::list_task_all`],
//!   [`Client::diff_all`], and [`Client::walk`] for a tree.
//! * **Pictures and video.** [`Client::thumbnail`] makes a picture small, and
//!   [`Client::playlist`] and [`Client::stream_pieces`] play a video that is
//!   transcoded while it is watched.
//! * **Streaming.** Bodies are streamed both ways: memory does not grow with a
//!   file or a directory.
//! * **Retries.** What failed in passing is tried again, as long as repeating
//!   it cannot change the outcome: see [`RetryPolicy`].
//! * **Verification.** What was sent is compared with the md5 in the reply,
//!   what was received with the md5 in the headers.
//! * **Time.** A call ends when no byte has moved for a while
//!   ([`ClientBuilder::stall_timeout`]); what moves may take its time.
//! * **Cancelling.** Dropping a future or a stream stops what it does, and
//!   temporary files go with it. What was sent already may have been done.
//! * **Tolerance.** Numbers as text, null for a list, an error under status
//!   200: what services were seen to send is read (pcs-rest 2).
//! * **Secrets.** The token is in no `Debug`, no error and no log line.
//!
//! The methods need a Tokio runtime. With the feature `blocking` there is a
//! client for programs without one.
//!
//! An OpenPan server does not answer every call of the API yet: it refuses the
//! offline downloads ([`add_task`](Client::add_task) …) with error 3, and has no
//! [`refresh_token`](Client::refresh_token). Other services have them.

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
mod digest;
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
mod playlist;
mod progress;
mod quota;
mod rapid_probe;
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
mod video_pieces;
mod walk;

pub use client::{Client, ClientBuilder};
pub use cloud_dl::{Task, TaskDetail, TaskFilter, TaskId, TaskOptions, TaskPage, TaskStatus};
pub use content::Content;
pub use diff::{Change, DiffPage, Gone};
pub use digest::Digest;
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
    Blake3, ByteSize, ContentClaim, ContentProbe, Crc32, FsId, ListBy, ListOrder, Md5, MediaType,
    Ondup, PanPath, PathError, StreamFormat, ThumbnailSize, Timestamp, Window,
};
pub use pan_pcs::{BulkLimits, ErrorCode};
pub use partial::PartlyDone;
pub use playlist::{Playlist, PlaylistPiece};
pub use progress::Progress;
pub use quota::Quota;
pub use recycle::RecycledEntry;
pub use reqwest;
pub use retry::RetryPolicy;
pub use throttle::Throttle;
pub use thumbnail::Thumbnail;
pub use transfer::{SmallFile, TransferOptions};
pub use video_pieces::VideoPieces;
