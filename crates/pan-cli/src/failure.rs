//! What went wrong, what to do about it, and how the command ends.

use std::io;

use pan_sdk::{Error, ErrorCode};

use crate::exit::Exit;

/// Why a command, or one item of it, failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the command ends if this is all.
    pub(crate) exit: Exit,
    /// What happened; empty when everything was said already.
    pub(crate) message: String,
    /// What to do, if there is something.
    pub(crate) hint: Option<String>,
    /// The PCS code.
    pub(crate) code: Option<u32>,
    /// The id of the request.
    pub(crate) request_id: Option<u64>,
    /// Whether there was no service to be found.
    pub(crate) is_unreachable: bool,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
            code: None,
            request_id: None,
            is_unreachable: false,
        }
    }

    /// Something without a code of its own.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::new(Exit::Other, message)
    }

    /// The command line or the configuration is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// An end about which everything was said.
    pub(crate) fn silent(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what it happened to, where the message does not.
    #[must_use]
    pub(crate) fn about(mut self, item: impl std::fmt::Display) -> Self {
        if !self.message.contains(&format!("`{item}`")) {
            self.message = format!("{item}: {}", self.message);
        }
        self
    }

    /// Whether every further item would fail the same way.
    pub(crate) fn is_fatal(&self) -> bool {
        let token = [ErrorCode::TokenInvalid, ErrorCode::TokenExpired, ErrorCode::NoPermission];
        token.iter().any(|code| self.code == Some(code.code()))
    }

    /// Writing to stdout failed. Nobody reading any more is no failure.
    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::silent(Exit::Ok),
            _ => Self::other(format!("cannot write to stdout: {error}")),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            exit: exit_of(&error),
            hint: hint_for(&error).map(str::to_owned),
            code: error.code(),
            request_id: error.request_id(),
            is_unreachable: matches!(error, Error::Connect { .. }),
            message: error.to_string(),
        }
    }
}

fn exit_of(error: &Error) -> Exit {
    use ErrorCode as Code;
    match error.code().and_then(Code::from_code) {
        Some(Code::FileNotExists | Code::ObjectNotExists | Code::InvalidFsId) => {
            return Exit::NoFile;
        }
        Some(
            Code::TokenInvalid
            | Code::TokenExpired
            | Code::NoPermission
            | Code::NoUserPermission
            | Code::NotAuthorized
            | Code::UserNotActive
            | Code::UserNotExists
            | Code::QuotaExceeded,
        ) => return Exit::Fatal,
        _ => {}
    }
    match error {
        Error::Input(_) => Exit::Usage,
        Error::Connect { passing: false, .. } => Exit::Fatal,
        Error::Local { source, .. } if source.kind() == io::ErrorKind::NotFound => Exit::NoFile,
        Error::Local { source, .. } if source.kind() == io::ErrorKind::StorageFull => Exit::Fatal,
        error if error.is_retryable() => Exit::Temporary,
        _ => Exit::Other,
    }
}

fn hint_for(error: &Error) -> Option<&'static str> {
    use ErrorCode as Code;
    match error.code().and_then(Code::from_code) {
        Some(Code::TokenInvalid | Code::TokenExpired) => {
            Some("`pan login` stores a new token; `openpan token issue` makes one on the server")
        }
        Some(Code::QuotaExceeded) => Some(
            "`pan quota` shows how much is left; `pan rm` makes room, \
             and `pan recycle empty` where the recycle bin is full",
        ),
        Some(Code::InvalidFsId) => Some("`pan recycle ls` shows what is in the recycle bin"),
        Some(Code::FileExists) => Some("remove or rename what is there, or choose another name"),
        Some(Code::FileNameInvalid) => Some(
            "this token's path rules refuse the name; \
             a token issued with `--path-rules relaxed` accepts it",
        ),
        Some(Code::ParentNotDirectory) => Some("a part of the path is a file"),
        Some(Code::NotAuthorized) => Some("this token is limited to a directory: look below it"),
        _ => hint_without_code(error),
    }
}

fn hint_without_code(error: &Error) -> Option<&'static str> {
    match error {
        Error::Connect { passing: true, .. } => {
            Some("is the server running, and is the endpoint right? `pan whoami` shows it")
        }
        Error::Connect { .. } => Some(
            "the server's certificate is not trusted: `--ca-file FILE` names one that should be",
        ),
        Error::Reply { .. } => Some("is the endpoint right? `pan whoami` shows it"),
        Error::LocalChanged { .. } => Some("nothing was stored; try again when it is quiet"),
        _ => None,
    }
}
