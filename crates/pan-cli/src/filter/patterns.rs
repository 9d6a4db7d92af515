//! A list of gitignore patterns.

use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::failure::Failure;

/// Patterns, of which the last that matches wins.
#[derive(Debug)]
pub(super) struct Patterns(Gitignore);

impl Patterns {
    /// Begins a list.
    pub(super) fn builder() -> Builder {
        Builder(GitignoreBuilder::new(""))
    }

    /// The patterns of an ignore file.
    pub(super) fn of_file(path: &Path, bytes: &[u8]) -> Result<Self, Failure> {
        let mut builder = Self::builder();
        builder.file(path, bytes).map_err(Failure::other)?;
        builder.build().map_err(Failure::other)
    }

    /// Whether something is taken; `None` when no pattern matches. A directory
    /// above it is not looked at.
    pub(super) fn decide(&self, path: &str, is_dir: bool) -> Option<bool> {
        match self.0.matched(path, is_dir) {
            Match::None => None,
            Match::Ignore(_) => Some(false),
            Match::Whitelist(_) => Some(true),
        }
    }
}

/// Patterns in the making.
pub(super) struct Builder(GitignoreBuilder);

impl Builder {
    /// Adds what an option says.
    pub(super) fn option(
        &mut self,
        option: &str,
        pattern: &str,
        included: bool,
    ) -> Result<(), Failure> {
        if pattern.trim_end().is_empty() {
            return Err(Failure::usage(format!("{option}: the pattern is empty")));
        }
        if pattern.starts_with('!') {
            let message = format!("{option} `{pattern}`: `!` has no meaning here");
            return Err(Failure::usage(message).hint(
                "--include and --exclude are each other's opposite; `\\!` is the character",
            ));
        }
        let sign = if included { "!" } else { "" };
        // On the command line nothing is a comment.
        let escape = if pattern.starts_with('#') && !included { "\\" } else { "" };
        self.line(&format!("{sign}{escape}{pattern}"))
            .map_err(|why| Failure::usage(format!("{option} `{pattern}`: {why}")))
    }

    /// Adds the lines of a file. The error is for people.
    pub(super) fn file(&mut self, path: &Path, bytes: &[u8]) -> Result<(), String> {
        let path = path.display();
        let text = std::str::from_utf8(bytes).map_err(|_| format!("{path}: it is not UTF-8"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (index, line) in text.lines().enumerate() {
            self.line(line).map_err(|why| format!("{path}: line {}: {why}", index + 1))?;
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let added = self.0.add_line(None, &plain_braces(line));
        added.map(|_| ()).map_err(|error| format!("it is no pattern: {error}"))
    }

    /// Ends the list.
    pub(super) fn build(&self) -> Result<Patterns, String> {
        self.0.build().map(Patterns).map_err(|error| format!("too many patterns: {error}"))
    }
}

/// To git, braces are characters like others.
fn plain_braces(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let (mut escaped, mut in_class) = (false, false);
    for character in line.chars() {
        if matches!(character, '{' | '}') && !escaped && !in_class {
            plain.push('\\');
        }
        match character {
            '[' if !escaped => in_class = true,
            ']' if !escaped => in_class = false,
            _ => {}
        }
        escaped = character == '\\' && !escaped;
        plain.push(character);
    }
    plain
}
