//! The error table (pcs-rest 6): code, HTTP status, Baidu's text.

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $message:literal;)*) => {
        /// An error code of PCS, with the HTTP status and the text that go with it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// Every code that OpenPan sends.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The number in `error_code`.
            pub fn code(self) -> u32 {
                match self { $(Self::$name => $code,)* }
            }

            /// The HTTP status that goes with it: 4xx is the caller's fault,
            /// 5xx the server's.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// Baidu's own text, which clients compare.
            pub fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)* }
            }

            /// The code with this number; `None` for one that OpenPan never sends.
            pub fn from_code(code: u32) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

error_codes! {
    /// Something broke that has no better name.
    Unknown = 1, 500, "Unknown error";
    /// Overload: asking again later helps.
    ServiceUnavailable = 2, 503, "Service temporarily unavailable";
    /// Unknown object or method, or a verb that the method does not take.
    UnsupportedApi = 3, 400, "Unsupported open api";
    /// The token's scopes do not cover the call.
    NoPermission = 4, 403, "No permission to do this operation";
    /// The caller may not see this user's data.
    NoUserPermission = 6, 403, "No permission to access user data";
    /// No token, an unknown one or a revoked one.
    TokenInvalid = 110, 401, "Access token invalid or no longer valid";
    /// The token was good once.
    TokenExpired = 111, 401, "Access token expired";
    /// The metadata engine failed.
    DatabaseQuery = 31001, 503, "db query error";
    /// A parameter is missing or malformed.
    Param = 31023, 400, "param error";
    /// The byte engine failed.
    BlobStore = 31025, 503, "bcs error";
    /// Too many requests; see `Retry-After`.
    FrequencyControl = 31034, 403, "hit frequency control";
    /// The user is disabled.
    UserNotActive = 31043, 403, "user is not active";
    /// The token's user is gone.
    UserNotExists = 31045, 403, "user not exists";
    /// The name is taken.
    FileExists = 31061, 400, "file already exists";
    /// The path is not one, or may not be created.
    FileNameInvalid = 31062, 400, "file name is invalid";
    /// A component of the parent path is a file.
    ParentNotDirectory = 31063, 400, "file parent path does not exist";
    /// The path lies outside the token's root.
    NotAuthorized = 31064, 403, "file is not authorized";
    /// Nothing lives at the path.
    FileNotExists = 31066, 404, "file does not exist";
    /// A copy could not be finished.
    CopyFailed = 31069, 503, "file copy failed";
    /// Something could not be deleted for good.
    DeleteFailed = 31070, 503, "file delete failed";
    /// A batch has too many items.
    TooManyItems = 31075, 400, "one operation supports 999 items";
    /// The recycle bin holds no such entry.
    InvalidFsId = 31078, 404, "invalid fs id";
    /// The server failed.
    ServerError = 31080, 500, "server error";
    /// The merge failed on the server's side.
    SuperfileFailed = 31081, 503, "superfile create failed";
    /// Rapid upload knows no such content; the client uploads it.
    Md5NotFound = 31079, 404, "File md5 not found, you should use upload API to upload the whole file.";
    /// `block_list` is empty.
    BlockListEmpty = 31082, 400, "superfile block list is empty";
    /// The account has no room.
    QuotaExceeded = 31112, 400, "exceed quota";
    /// No thumbnail can be made of the file, or the server failed to make one.
    ThumbnailFailed = 31141, 503, "thumbnail failed, internal error";
    /// Too many thumbnails are being made; see `Retry-After`.
    ThumbnailProcessing = 31142, 503, "thumbnail processing,please wait";
    /// The bytes of an entry are lost.
    ObjectNotExists = 31202, 404, "object not exists";
    /// The content is not the one that was announced.
    BadRequest = 31208, 400, "bad request";
    /// The operator's machine lacks what the call needs.
    NotImplemented = 31210, 501, "not implement";
    /// There is no such `type` to transcode to.
    StreamTypeInvalid = 31302, 400, "invalid stream type";
    /// The file is no video, or one that cannot be transcoded.
    StreamUnsupported = 31304, 400, "file type is not supported";
    /// Too many videos are being transcoded, or it failed; see `Retry-After`.
    Transcoding = 31341, 503, "be transcoding, please wait and retry";
    /// A block of `block_list` is unknown.
    BlockMissing = 31363, 403, "block miss in superfile2";
}

#[cfg(test)]
mod tests {
    use super::ErrorCode;

    #[test]
    fn codes_are_unique_and_found_again() {
        for &code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_code(code.code()), Some(code));
            assert!((400..600).contains(&code.status()));
        }
        assert_eq!(ErrorCode::from_code(0), None);
    }
}
