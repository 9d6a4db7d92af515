use std::error::Error as StdError;
use std::fmt;

/// What kind of trouble an engine is in: what decides the reply and a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Too much waits already; nothing was done. Asking again later helps.
    Busy,
    /// The disk or the database is full. Nothing was acknowledged.
    Full,
    /// The bytes or rows are not there although something names them.
    Missing,
    /// The bytes or rows are there and wrong.
    Corrupt,
    /// A closure wrote more rows than one transaction may: a bug.
    TooLong,
    /// A closure panicked; its transaction was rolled back.
    Panicked,
    /// The connection broke while committing: applied once or not at all.
    OutcomeUnknown,
    /// Everything else: the device or the service failed.
    Failed,
}

/// An engine could not do what it was asked.
#[derive(Debug)]
pub struct EngineError {
    kind: ErrorKind,
    context: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl EngineError {
    /// An error without a cause below it. `context` says what was being done.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None }
    }

    /// The same with the error that caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of trouble it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.context)?;
        match &self.source {
            Some(source) => write!(out, ": {source}"),
            None => Ok(()),
        }
    }
}

impl StdError for EngineError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}
