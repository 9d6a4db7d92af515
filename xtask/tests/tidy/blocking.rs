//! The client that waits has every method of the client that does not, and the manual of the
//! SDK names them all.

use crate::{assert_none, files_below, read};

/// What has another way of being there.
const ELSEWHERE: &[(&str, &str)] = &[
    ("bytes", "a method of `blocking::Download`"),
    ("chunk", "a method of `blocking::Download`"),
    ("into_stream", "`blocking::Download` is a reader"),
    ("get", "a method of `VideoPieces`: `stream_pieces` goes through them"),
];

#[test]
fn every_async_method_has_one_that_waits_and_is_in_the_manual() {
    let (ours, theirs): (Vec<_>, Vec<_>) = files_below("crates/pan-sdk/src")
        .into_iter()
        .filter(|path| !path.ends_with("/lib.rs"))
        .partition(|path| path.contains("/blocking"));
    let manual = read("docs/sdk.md");
    let waiting = ours.iter().map(|path| read(path)).collect::<String>();
    assert!(!waiting.is_empty(), "the client that waits has moved: tell this test where it is");
    let mut problems = Vec::new();
    for path in theirs {
        for name in awaited(&read(&path)) {
            let is_there =
                ["(", "<"].iter().any(|end| waiting.contains(&format!("fn {name}{end}")));
            let is_known = ELSEWHERE.iter().any(|(known, _)| *known == name);
            let in_manual = path.contains("/content.rs") || manual.contains(&format!("`{name}`"));
            if !in_manual && !is_known {
                problems.push(format!("docs/sdk.md does not name `{name}` of {path}: add it"));
            }
            if !is_there && !is_known {
                problems.push(format!(
                    "`{name}` of {path} has no line in crates/pan-sdk/src/blocking/calls.rs: add one"
                ));
            }
        }
    }
    assert_none(&problems);
}

/// The public functions that are async, or return a stream.
fn awaited(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for declaration in text.split("    pub ").skip(1) {
        let head = declaration.split('{').next().unwrap_or_default();
        let is_stream = head.starts_with("fn ") && head.contains("-> impl Stream");
        let Some(rest) = head.strip_prefix("async fn ").or(head.strip_prefix("fn ")) else {
            continue;
        };
        if head.starts_with("async ") || is_stream {
            names.push(rest.split(['(', '<']).next().unwrap_or_default().to_owned());
        }
    }
    names
}

#[test]
fn declarations_are_understood() {
    let text = "impl A {\n    pub async fn one(\n        &self,\n    ) -> B {\n    }\n\n    \
        pub fn two<T>(&self) -> impl Stream<Item = T> + use<> {\n    }\n\n    pub fn three() -> B {\n";
    assert_eq!(awaited(text), ["one", "two"]);
}
