//! What is said beside the data: errors, hints, notes, progress.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressDrawTarget};
use serde_json::{Value, json};

use crate::cli::GlobalOptions;
use crate::failure::Failure;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const NOTE: Style = AnsiColor::Yellow.on_default().bold();

/// Stderr. Clones share the progress bars, above which everything is printed.
#[derive(Debug, Clone)]
pub(crate) struct Stderr {
    json: bool,
    quiet: bool,
    verbose: bool,
    colours: ColorChoice,
    bars: MultiProgress,
}

impl Stderr {
    pub(crate) fn new(options: &GlobalOptions) -> Self {
        let shows_bars = !options.quiet && !options.verbose && !options.json && is_lively();
        let target =
            if shows_bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self {
            json: options.json,
            quiet: options.quiet,
            verbose: options.verbose,
            colours: AutoStream::choice(&io::stderr()),
            bars: MultiProgress::with_draw_target(target),
        }
    }

    /// Says what went wrong. A hint is said apart, but in JSON.
    pub(crate) fn error(&self, failure: &Failure) {
        if failure.message.is_empty() {
            return;
        }
        match self.json {
            true => self.print(error_object(failure)),
            false => {
                let message = without_control(&failure.message);
                self.print(format_args!("{ERROR}error:{ERROR:#} {message}"));
            }
        }
    }

    /// Says what to do.
    pub(crate) fn hint(&self, hint: &str) {
        if !self.json {
            self.print(format_args!("\n{HINT}hint:{HINT:#} {hint}"));
        }
    }

    /// Says something that is good to know.
    pub(crate) fn note(&self, text: &str) {
        match (self.quiet, self.json) {
            (true, _) => {}
            (false, true) => self.print(json!({ "note": text })),
            (false, false) => {
                self.print(format_args!("{NOTE}note:{NOTE:#} {}", without_control(text)));
            }
        }
    }

    /// Says what is done, to those who asked for it.
    pub(crate) fn say(&self, text: &str) {
        if self.verbose && !self.json {
            self.print(without_control(text));
        }
    }

    /// Says what was moved, to those who see no bars.
    pub(crate) fn moved(&self, text: &str) {
        if !self.quiet && !self.json && !self.shows_bars() {
            self.print(without_control(text));
        }
    }

    /// Says how it went.
    pub(crate) fn summary(&self, text: &str) {
        if !self.quiet && !self.json {
            self.print(text);
        }
    }

    /// Says how it went, to everybody but those who asked for quiet or JSON.
    pub(crate) fn tell(&self, text: &str) {
        if !self.quiet && !self.json {
            self.print(without_control(text));
        }
    }

    /// Whether a line for everything that is done is wanted: where there are
    /// no bars, or in any case, but never by those who asked for quiet.
    pub(crate) fn wants_lines(&self, in_any_case: bool) -> bool {
        !self.quiet && (in_any_case || !self.shows_bars())
    }

    /// Prints a line above the bars. When nobody listens any more, nothing is lost.
    fn print(&self, line: impl Display) {
        // In one piece: others write to the same terminal or file.
        let line = format!("{line}\n");
        self.bars.suspend(|| {
            let _ = AutoStream::new(io::stderr(), self.colours).write_all(line.as_bytes());
        });
    }

    /// The place of the progress bars.
    pub(crate) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Whether anybody sees them.
    pub(crate) fn shows_bars(&self) -> bool {
        !self.bars.is_hidden()
    }
}

/// A failure as scripts read it.
pub(crate) fn error_object(failure: &Failure) -> Value {
    json!({
        "error": failure.message,
        "hint": failure.hint,
        "error_code": failure.code,
        "request_id": failure.request_id,
        "exit": failure.exit.code(),
    })
}

/// Whether stderr is a terminal that can move its cursor.
fn is_lively() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// A name must not be able to speak to the terminal.
pub(crate) fn without_control(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}
