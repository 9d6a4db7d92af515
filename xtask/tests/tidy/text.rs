//! What no file may contain, and how long a file may be.

use crate::{assert_none, files_below, root};

/// Words that are for the desk and not for the repository. They are put together here, so
/// that this file does not contain them.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("to", "do!"), "do it, or open an issue"),
    (concat!("db", "g!"), "a trace left behind"),
];

/// A longer file has a seam that nobody has looked for.
const RUST_LINES_MAX: usize = 600;

#[test]
fn no_file_contains_forbidden_words() {
    let mut problems = Vec::new();
    for path in files_below("") {
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else { continue };
        for (word, reason) in FORBIDDEN {
            for (number, _) in text.lines().enumerate().filter(|(_, line)| line.contains(word)) {
                problems.push(format!("{path}:{}: remove `{word}`: {reason}", number + 1));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn rust_files_are_short() {
    let mut problems = Vec::new();
    for path in files_below("").into_iter().filter(|path| path.ends_with(".rs")) {
        let lines = crate::read(&path).lines().count();
        if lines > RUST_LINES_MAX {
            problems
                .push(format!("{path} has {lines} lines: split it, {RUST_LINES_MAX} is the most"));
        }
    }
    assert_none(&problems);
}
