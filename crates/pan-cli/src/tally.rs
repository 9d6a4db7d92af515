//! How the items of a command went.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::show::count;
use crate::stderr::Stderr;

/// More different hints than this help nobody.
const MAX_HINTS: usize = 3;

/// Counts the items of a command and tells about those that failed; the
/// others go on.
pub(crate) struct Tally {
    stderr: Stderr,
    done: u64,
    failed: u64,
    last_exit: Exit,
    hints: Vec<String>,
}

impl Tally {
    pub(crate) fn new(stderr: &Stderr) -> Self {
        Self { stderr: stderr.clone(), done: 0, failed: 0, last_exit: Exit::Ok, hints: Vec::new() }
    }

    /// One more was done.
    pub(crate) fn done(&mut self) {
        self.done += 1;
    }

    /// One failed.
    pub(crate) fn failed(&mut self, failure: Failure) {
        self.failed += 1;
        self.last_exit = failure.exit;
        self.stderr.error(&failure);
        if let Some(hint) = failure.hint
            && self.hints.len() < MAX_HINTS
            && !self.hints.contains(&hint)
        {
            self.hints.push(hint);
        }
    }

    /// Counts a result, whichever it is.
    pub(crate) fn count(&mut self, result: Result<(), Failure>) {
        match result {
            Ok(()) => self.done(),
            Err(failure) => self.failed(failure),
        }
    }

    /// The end of the command: a single item ends it with a code of its own.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let hint = (!self.hints.is_empty()).then(|| self.hints.join("\nhint: "));
        let failure = match (self.failed, self.done) {
            (0, _) => return Ok(()),
            (1, 0) => Failure::silent(self.last_exit),
            (failed, done) => {
                let all = count(failed + done, "item");
                Failure::new(Exit::Some, format!("{failed} of {all} failed"))
            }
        };
        Err(Failure { hint, ..failure })
    }
}
