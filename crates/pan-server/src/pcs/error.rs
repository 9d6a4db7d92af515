//! From situations to codes: the one place where the rules' errors meet the
//! error table of PCS.

use pan_core::{Error, MediaError};
use pan_pcs::{BatchError, ErrorCode, ParamError};

/// Why a call failed, in PCS words.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: ErrorCode,
    /// What happened here, for people; appended to Baidu's text.
    pub(super) detail: String,
    /// Replaces the HTTP status of the code.
    pub(super) status: Option<u16>,
    /// What a batch did before it failed, already as JSON.
    pub(super) extra: Option<Vec<serde_json::Value>>,
    /// Seconds after which asking again makes sense.
    pub(super) retry_after: Option<u32>,
    /// The length of the file whose range could not be had.
    pub(super) unsatisfied_length: Option<u64>,
}

impl Failure {
    pub(super) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            status: None,
            extra: None,
            retry_after: None,
            unsatisfied_length: None,
        }
    }

    /// Baidu's text, then what happened here.
    pub(super) fn message(&self) -> String {
        match self.detail.as_str() {
            "" => self.code.message().to_owned(),
            detail => format!("{}: {detail}", self.code.message()),
        }
    }

    /// The same with another HTTP status.
    pub(super) fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// The same with what was done before.
    pub(super) fn with_extra(self, done: Vec<serde_json::Value>) -> Self {
        Self { extra: Some(done), ..self }
    }
}

impl From<ParamError> for Failure {
    fn from(error: ParamError) -> Self {
        let code = match &error {
            ParamError::Missing(_) | ParamError::Invalid { .. } => ErrorCode::Param,
            ParamError::Path { .. } => ErrorCode::FileNameInvalid,
        };
        Self::new(code, error.to_string())
    }
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Self {
        let code = match error {
            BatchError::Shape | BatchError::Empty | BatchError::BlockList => ErrorCode::Param,
            BatchError::TooMany => ErrorCode::TooManyItems,
            BatchError::BlockListEmpty => ErrorCode::BlockListEmpty,
        };
        Self::new(code, error.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = code_of(&error);
        let detail = match &error {
            Error::Thumbnail(MediaError::Failed(what))
            | Error::Streaming(MediaError::Failed(what)) => {
                tracing::error!(%what, "the media engine failed");
                String::new()
            }
            // What an engine says is for the log, not for the caller.
            Error::Engine(error) => {
                tracing::error!(%error, "an engine failed");
                String::new()
            }
            // The book's own words: some clients compare them.
            Error::ContentUnknown => String::new(),
            Error::Damaged { what } => {
                tracing::error!(%what, "stored bytes are damaged");
                "the stored bytes are damaged; the operator has been told".into()
            }
            error => error.to_string(),
        };
        let failure = Self::new(code, detail);
        // Nothing is wrong with the server: the file is at fault.
        let status = is_unsuitable(&error).then_some(400);
        Self { retry_after: retry_after(code), status, ..failure }
    }
}

fn is_unsuitable(error: &Error) -> bool {
    matches!(error, Error::Thumbnail(MediaError::Unsuitable(_)))
}

/// Seconds after which what is refused for now may be had.
fn retry_after(code: ErrorCode) -> Option<u32> {
    match code {
        ErrorCode::ServiceUnavailable => Some(1),
        ErrorCode::ThumbnailProcessing | ErrorCode::Transcoding => Some(2),
        _ => None,
    }
}

fn code_of(error: &Error) -> ErrorCode {
    use pan_core::EngineErrorKind as Kind;
    match error {
        Error::NotFound { .. } | Error::NoPiece { .. } => ErrorCode::FileNotExists,
        Error::AlreadyExists { .. } => ErrorCode::FileExists,
        Error::NameInvalid { .. } => ErrorCode::FileNameInvalid,
        Error::ParentIsFile { .. } => ErrorCode::ParentNotDirectory,
        Error::OutsideRoot { .. } => ErrorCode::NotAuthorized,
        Error::IntoItself { .. }
        | Error::TooLarge { .. }
        | Error::CursorInvalid
        | Error::SearchTooLong
        | Error::Body(_) => ErrorCode::Param,
        Error::QuotaExceeded { .. } | Error::RecycleFull { .. } => ErrorCode::QuotaExceeded,
        Error::Md5Mismatch { .. } | Error::Blake3Mismatch { .. } => ErrorCode::BadRequest,
        Error::BlockMissing { .. } => ErrorCode::BlockMissing,
        Error::ContentUnknown => ErrorCode::Md5NotFound,
        Error::NotRecycled { .. } => ErrorCode::InvalidFsId,
        Error::SourceChanged { .. } => ErrorCode::CopyFailed,
        Error::Thumbnail(MediaError::Unavailable(_))
        | Error::Streaming(MediaError::Unavailable(_)) => ErrorCode::NotImplemented,
        Error::Thumbnail(MediaError::Busy(_)) => ErrorCode::ThumbnailProcessing,
        Error::Thumbnail(_) => ErrorCode::ThumbnailFailed,
        Error::Streaming(MediaError::Unsuitable(_)) => ErrorCode::StreamUnsupported,
        Error::Streaming(_) => ErrorCode::Transcoding,
        Error::LinkInvalid => ErrorCode::NotAuthorized,
        Error::TokenInvalid => ErrorCode::TokenInvalid,
        Error::TokenExpired => ErrorCode::TokenExpired,
        Error::UserDisabled => ErrorCode::UserNotActive,
        Error::UserNotFound { .. } => ErrorCode::UserNotExists,
        Error::UserExists { .. } | Error::UserNameInvalid { .. } => ErrorCode::Param,
        Error::Damaged { .. } => ErrorCode::ObjectNotExists,
        Error::Engine(error) => match error.kind() {
            Kind::Busy => ErrorCode::ServiceUnavailable,
            Kind::Full => ErrorCode::BlobStore,
            Kind::Missing | Kind::Corrupt => ErrorCode::ObjectNotExists,
            Kind::TooLong | Kind::Panicked => ErrorCode::ServerError,
            Kind::OutcomeUnknown | Kind::Failed => ErrorCode::DatabaseQuery,
        },
    }
}
