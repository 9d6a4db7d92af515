//! Every crate says what it is and takes its licence, lints and versions from the workspace.

use toml::{Table, Value};

use crate::{assert_none, crates, read};

/// What a `[package]` inherits.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

#[test]
fn crates_inherit_from_the_workspace() {
    let mut problems = Vec::new();
    for folder in crates() {
        let path = format!("{folder}/Cargo.toml");
        let manifest = read(&path).parse::<Table>().unwrap();
        let package = manifest["package"].as_table().unwrap();
        for key in INHERITED.iter().filter(|key| !inherits(package.get(**key))) {
            problems.push(format!("{path}: write `{key}.workspace = true` in `[package]`"));
        }
        if !inherits(manifest.get("lints")) {
            problems.push(format!("{path}: write `workspace = true` in `[lints]`"));
        }
        if !package.contains_key("description") {
            problems.push(format!("{path}: write a `description`, one line for a stranger"));
        }
        let name = package["name"].as_str().unwrap();
        if !folder.ends_with(name) {
            problems.push(format!("{path}: a crate is called like its folder, not `{name}`"));
        }
    }
    assert_none(&problems);
}

fn inherits(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")) == Some(&Value::Boolean(true))
}
