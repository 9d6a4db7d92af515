//! Where data is printed: stdout.

use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::cli::GlobalOptions;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::stderr::{Stderr, without_control};

const DIRECTORY: Style = AnsiColor::Blue.on_default().bold();

/// The terminal, pipe or file that a person or a script looks at.
pub(crate) struct Screen {
    /// Whether data is JSON, one object a line.
    pub(crate) json: bool,
    /// For everything that is no data.
    pub(crate) stderr: Stderr,
    is_terminal: bool,
    is_coloured: bool,
    out: RefCell<BufWriter<Stdout>>,
}

/// Of what was told of a deed: that nobody reads any more is no reason to stop
/// what is wanted all the same.
pub(crate) fn read_or_not(told: Result<(), Failure>) -> Result<(), Failure> {
    told.or_else(|failure| if failure.exit == Exit::Ok { Ok(()) } else { Err(failure) })
}

impl Screen {
    pub(crate) fn new(options: &GlobalOptions) -> Self {
        let stdout = io::stdout();
        Self {
            json: options.json,
            stderr: Stderr::new(options),
            is_terminal: stdout.is_terminal(),
            is_coloured: AutoStream::choice(&stdout) != ColorChoice::Never,
            out: RefCell::new(BufWriter::with_capacity(64 * 1024, stdout)),
        }
    }

    /// Prints a line of data.
    pub(crate) fn line(&self, text: impl Display) -> Result<(), Failure> {
        let mut out = self.out.borrow_mut();
        let written = writeln!(out, "{text}");
        let flushed = if self.is_terminal { written.and_then(|()| out.flush()) } else { written };
        flushed.map_err(|error| Failure::output(&error))
    }

    /// Prints an object of data.
    pub(crate) fn object(&self, object: &impl Serialize) -> Result<(), Failure> {
        let json = serde_json::to_string(object)
            .map_err(|error| Failure::other(format!("cannot write JSON: {error}")))?;
        self.line(json)
    }

    /// Makes what was printed visible.
    pub(crate) fn flush(&self) -> Result<(), Failure> {
        self.out.borrow_mut().flush().map_err(|error| Failure::output(&error))
    }

    /// The name of an entry. A directory has a slash; a terminal gets it in
    /// colour and without control characters, a pipe as it is.
    pub(crate) fn name(&self, name: &str, is_dir: bool) -> String {
        let slash = if is_dir && !name.ends_with('/') { "/" } else { "" };
        let shown = if self.is_terminal { without_control(name) } else { name.to_owned() };
        if is_dir && self.is_coloured {
            return format!("{DIRECTORY}{shown}{slash}{DIRECTORY:#}");
        }
        format!("{shown}{slash}")
    }

    /// Ends the command.
    pub(crate) fn end(&self, result: Result<(), Failure>) -> ExitCode {
        let flushed = self.flush();
        let Err(failure) = result.and(flushed) else { return ExitCode::from(Exit::Ok.code()) };
        self.stderr.error(&failure);
        if let Some(hint) = &failure.hint {
            self.stderr.hint(hint);
        }
        ExitCode::from(failure.exit.code())
    }
}
