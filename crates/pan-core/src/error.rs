use pan_engine::{EngineError, ErrorKind, MediaError};
use pan_model::{Blake3, ByteSize, FsId, Md5, NameError, PanPath};

/// What the rules return.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the bytes of a request did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The client went away or cut the connection.
    #[error("the client stopped sending: {0}")]
    Cut(String),
    /// The client sent something that is not what it announced.
    #[error("{0}")]
    Malformed(String),
}

/// Why a rule refused. Situations with their facts; the codes of PCS are in
/// one table at the edge.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing lives at the path.
    #[error("`{path}` does not exist")]
    NotFound {
        /// The path asked for.
        path: PanPath,
    },
    /// The name is taken.
    #[error("`{path}` exists already")]
    AlreadyExists {
        /// The path that is taken.
        path: PanPath,
    },
    /// The path may not be created by this caller, or not by anybody.
    #[error("`{path}` cannot be used: {reason}")]
    NameInvalid {
        /// The path asked for.
        path: PanPath,
        /// Which rule it breaks.
        reason: NameError,
    },
    /// A component of the parent path is a file.
    #[error("`{path}` is a file, nothing can lie below it")]
    ParentIsFile {
        /// The file.
        path: PanPath,
    },
    /// The path is not within the caller's root, or is a root that the verb
    /// must not touch. Says nothing about whether it exists.
    #[error("`{path}` is outside what this token may touch")]
    OutsideRoot {
        /// The path asked for.
        path: PanPath,
    },
    /// A directory would end up in itself.
    #[error("`{from}` cannot be put into itself at `{to}`")]
    IntoItself {
        /// The directory.
        from: PanPath,
        /// Where it should have gone.
        to: PanPath,
    },
    /// The account has less free space than is needed.
    #[error("no space left: {needed} needed, {free} free")]
    QuotaExceeded {
        /// What the change would add.
        needed: ByteSize,
        /// What is left.
        free: ByteSize,
    },
    /// Files and recycle bin together would hold more than they may.
    #[error("no space left: {needed} needed, and {recycled} are in the recycle bin: empty it")]
    RecycleFull {
        /// What the change would add.
        needed: ByteSize,
        /// What is in the recycle bin.
        recycled: ByteSize,
    },
    /// One upload is larger than uploads may be.
    #[error("the upload is larger than {limit}")]
    TooLarge {
        /// The most that one upload may have.
        limit: ByteSize,
    },
    /// The bytes that came are not those that were announced.
    #[error("the content has the md5 {found}, not {expected} as announced: send it again")]
    Md5Mismatch {
        /// What was announced.
        expected: Md5,
        /// What came.
        found: Md5,
    },
    /// The same, by BLAKE3.
    #[error("the content has the BLAKE3 {found}, not {expected} as announced: send it again")]
    Blake3Mismatch {
        /// What was announced.
        expected: Blake3,
        /// What came.
        found: Blake3,
    },
    /// A block of a superfile is not among the caller's tmpfiles.
    #[error("block {md5} is unknown: upload it first")]
    BlockMissing {
        /// The block asked for.
        md5: Md5,
    },
    /// No content that the caller can see is what was described.
    #[error("no content that this token can see is what was described")]
    ContentUnknown,
    /// The recycle bin holds no such entry, or none that the caller may see.
    #[error("the recycle bin holds no entry {fs_id}")]
    NotRecycled {
        /// The entry asked for.
        fs_id: FsId,
    },
    /// The tree that is being copied kept changing.
    #[error("`{path}` kept changing while it was copied")]
    SourceChanged {
        /// The directory.
        path: PanPath,
    },
    /// The text never was a cursor of the change feed.
    #[error("this is no cursor: begin again without one")]
    CursorInvalid,
    /// A search looked at two million names in a row, or for ten seconds,
    /// without finding one.
    #[error("the search takes too long: give a longer keyword or a smaller directory")]
    SearchTooLong,
    /// The token is unknown.
    #[error("the access token is not valid")]
    TokenInvalid,
    /// The token was good once.
    #[error("the access token has expired")]
    TokenExpired,
    /// The user is disabled.
    #[error("the user is disabled")]
    UserDisabled,
    /// There is no such user.
    #[error("there is no user `{name}`")]
    UserNotFound {
        /// The name asked for.
        name: String,
    },
    /// The user name is taken.
    #[error("there is a user `{name}` already")]
    UserExists {
        /// The name asked for.
        name: String,
    },
    /// The text cannot be a user name.
    #[error("`{name}` cannot be a user name: use 1 to 64 letters, digits, `.`, `_`, `-` or `@`")]
    UserNameInvalid {
        /// The name asked for.
        name: String,
    },
    /// No thumbnail was made.
    #[error("no thumbnail: {0}")]
    Thumbnail(#[source] MediaError),
    /// Nothing to play was made.
    #[error("no stream: {0}")]
    Streaming(#[source] MediaError),
    /// A link to a piece of a video is not one of ours, is too old, or what it
    /// led to is no more.
    #[error("this link leads nowhere any more: ask for the playlist again")]
    LinkInvalid,
    /// A link leads to a video that has fewer pieces.
    #[error("the video has {pieces} pieces, counted from 0")]
    NoPiece {
        /// How many it has.
        pieces: u32,
    },
    /// Stored bytes are gone or are not what was stored. They are not sent.
    #[error("the stored bytes are damaged: {what}")]
    Damaged {
        /// Which bytes, for the operator.
        what: String,
    },
    /// The request's bytes did not arrive.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// An engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Error {
    /// Whether it says that stored bytes are gone or wrong: not that they
    /// could not be asked for.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Engine(error) => {
                matches!(error.kind(), ErrorKind::Missing | ErrorKind::Corrupt)
            }
            _ => false,
        }
    }
}
