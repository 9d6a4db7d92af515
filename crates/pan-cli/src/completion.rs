//! `pan completion`: the scripts that make shells complete command lines, and
//! the answers they get when they call back.
//!
//! An answer is quick, or empty, and never an error: nobody wants to read one
//! in the middle of a line.

mod paths;
mod shell_words;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::sync::Arc;

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::engine::{CompletionCandidate, complete};

use crate::cli::Cli;
use crate::completion::paths::{Line, dress};
use crate::completion::shell_words::{Word, unquoted, words};
use crate::failure::Failure;
use crate::session::Session;

/// Set by the scripts: which shell wants to know what comes next.
const ASKED_BY: &str = "OPENPAN_COMPLETE";
/// Set by the script for bash: the characters that end what it replaces.
const BREAKS: &str = "OPENPAN_COMPLETE_BREAKS";

/// Print the script with which a shell completes `pan` command lines
///
/// It completes commands, options, profiles, and paths on both sides.
#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// `source <(pan completion bash)` in ~/.bashrc
    Bash,
    /// `source <(pan completion zsh)` in ~/.zshrc, after compinit
    Zsh,
    /// `pan completion fish | source` in ~/.config/fish/config.fish
    Fish,
}

pub(crate) fn run(session: &Session<'_>, args: &CompletionArgs) -> Result<(), Failure> {
    let script = match args.shell {
        Shell::Bash => include_str!("completion/pan.bash"),
        Shell::Zsh => include_str!("completion/pan.zsh"),
        Shell::Fish => include_str!("completion/pan.fish"),
    };
    session.screen.line(script.trim_end())
}

/// Answers a shell, when it is one that called. Nothing else is to be done then.
pub(crate) fn answer() -> bool {
    let Some(shell) = env::var_os(ASKED_BY) else { return false };
    let arguments: Vec<OsString> =
        env::args_os().skip_while(|argument| argument != "--").skip(1).collect();
    if let Some(shell) = shell.to_str().and_then(|name| Shell::from_str(name, true).ok()) {
        // A shell that has gone away misses nothing.
        let _ = io::stdout().write_all(tell(shell, &arguments).as_bytes());
    }
    true
}

/// The answer: what may come, a line each.
fn tell(shell: Shell, arguments: &[OsString]) -> String {
    let typed = typed(shell, arguments);
    let texts: Vec<OsString> = typed.iter().map(|word| OsString::from(&word.text)).collect();
    let last = texts.len().saturating_sub(1);
    let line = Arc::new(Line::of(&typed));
    let mut command = dress(Cli::command(), &line);
    let candidates = complete(&mut command, texts, last, env::current_dir().ok().as_deref());
    let mut candidates = candidates.unwrap_or_default();
    // Options are not in the way of what else may come.
    let is_option = |candidate: &CompletionCandidate| {
        candidate.get_value().as_encoded_bytes().starts_with(b"-")
    };
    let begun = typed.last().is_some_and(|word| word.text.starts_with('-'));
    if !begun && candidates.iter().any(|candidate| !is_option(candidate)) {
        candidates.retain(|candidate| !is_option(candidate));
    }
    let mut answer = match (shell, line.is_path()) {
        (Shell::Fish, _) => String::new(),
        (_, true) => String::from("path\n"),
        (_, false) => String::from("word\n"),
    };
    // Bash replaces only what is behind the last character that breaks a word.
    let kept = typed.last().map_or(0, |word| word.replaced_from);
    for candidate in &candidates {
        if let Some(shown) = show(shell, candidate, kept) {
            answer += &shown;
            answer.push('\n');
        }
    }
    answer
}

/// The words up to the cursor, without quotes.
fn typed(shell: Shell, arguments: &[OsString]) -> Vec<Word> {
    let text = |argument: &OsString| argument.to_string_lossy().into_owned();
    match (shell, arguments.split_last()) {
        (_, None) => Vec::new(),
        (Shell::Bash, Some((line, _))) => words(&text(line), &env::var(BREAKS).unwrap_or_default()),
        (Shell::Zsh | Shell::Fish, Some((last, before))) => {
            let before = before.iter().map(|word| Word { text: text(word), replaced_from: 0 });
            let last = Word { text: unquoted(&text(last)), replaced_from: 0 };
            before.chain([last]).collect()
        }
    }
}

/// A line of the answer; a name with a line break cannot be told, and no other
/// control character should get into a line.
fn show(shell: Shell, candidate: &CompletionCandidate, kept: usize) -> Option<String> {
    let value = candidate.get_value().to_str().filter(|value| !value.contains(char::is_control))?;
    if shell == Shell::Bash {
        // Bash does not quote these where no file of that name is on this
        // machine: what is between backticks would be run with the line.
        return value.get(kept..).filter(|_| !value.contains(['$', '`'])).map(str::to_owned);
    }
    let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
    match help.lines().next() {
        Some(help) => Some(format!("{value}\t{help}")),
        None => Some(value.to_owned()),
    }
}
