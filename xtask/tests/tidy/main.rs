//! Tidy: rules about the repository itself that no compiler checks.
//!
//! Each file holds one rule. A failure says what to do about it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod blocking;
mod calls;
mod engines;
mod imports;
mod manifests;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Reads a file of the repository.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path))
        .unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
}

/// The files below a folder of the repository, as paths from its root.
fn files_below(folder: &str) -> Vec<String> {
    // What is made here and not kept: see .gitignore.
    const NOT_OURS: &[&str] = &[".git", "target", "openpan-data", "bench-results"];
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if NOT_OURS.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(from_root(path));
            }
        }
    }
    files.sort();
    files
}

fn from_root(path: PathBuf) -> String {
    path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()
}

/// The folders of the crates, from the root.
fn crates() -> Vec<String> {
    let mut crates = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| from_root(entry.unwrap().path()))
        .filter(|folder| root().join(folder).join("Cargo.toml").is_file())
        .collect::<Vec<_>>();
    crates.push("xtask".to_owned());
    crates.sort();
    crates
}

/// Fails with all problems at once.
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n\n{}\n", problems.join("\n"));
}
