//! The PCS dialect: how the Baidu PCS REST API says things.
//!
//! Objects and methods, parameters, batches, replies and error codes: what
//! the server and the SDK must spell alike. Nothing here does I/O and nothing
//! here decides anything about the tree. Section numbers in the docs are those
//! of `docs/pcs-rest.md`.

mod batch;
mod bulk_upload;
mod cloud_dl;
mod decode;
mod error_code;
mod md5_style;
mod method;
mod oauth;
mod params;
mod rapid_probe;
mod rapid_upload;
mod reply;
mod scalar;

pub use batch::{
    BatchError, BlockList, DeleteItem, MAX_BATCH_ITEMS, MAX_BLOCKS, MetaItem, MoveItem,
    RestoreItem, parse_batch, parse_block_list, write_batch, write_block_list,
};
pub use bulk_upload::{
    BLAKE3_HEADER, BULK_END, BULK_TYPE, BulkBody, BulkHeader, BulkItemBody, BulkLimits,
    BulkRefusal, DigestList, ExtensionList, ExtensionsBody, ExtensionsReply, MAX_BULK_HEADER_BYTES,
    MD5_HEADER,
};
pub use cloud_dl::{AddTaskBody, ListTaskBody, QueryTaskBody, TaskBody};
pub use decode::{
    DiffBody, EntryBody, ErrorBody, ListBody, MediaListBody, QuotaBody, RecycleBody, RecycledBody,
    TmpfileBody,
};
pub use error_code::ErrorCode;
pub use md5_style::{decode_md5, encode_md5, show_md5};
pub use method::{FilePart, METHODS, Method, MethodSpec, Object, Verbs};
pub use oauth::{OauthErrorBody, TokenBody};
pub use params::{MAX_PARAM_BYTES, MediaParams, ParamError, Params};
pub use rapid_probe::{RapidProbeBody, RapidProbeReply};
pub use reply::{
    ChangeReply, EntryReply, ErrorReply, ExtraReply, MovedReply, PlainReply, QuotaReply,
    RecycledReply, RestoredReply, TmpfileReply,
};
