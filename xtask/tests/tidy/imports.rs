//! Crates import one another as the table in ARCHITECTURE.md says, and the table says no
//! more than is true.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::{assert_none, read, root};

/// The crates of the workspace that a crate imports.
#[derive(Debug, Default, PartialEq)]
struct Imports {
    /// In the code that is shipped.
    shipped: BTreeSet<String>,
    /// In tests, examples and benchmarks only.
    tests: BTreeSet<String>,
}

#[test]
fn imports_are_those_of_the_table() {
    let allowed = table(&read("ARCHITECTURE.md"));
    let actual = metadata();
    let mut problems = Vec::new();
    for (name, actual) in &actual {
        let Some(allowed) = allowed.get(name) else {
            problems.push(format!(
                "`{name}` has no row: add one under `## Imports` in ARCHITECTURE.md"
            ));
            continue;
        };
        compare(name, "imports", &allowed.shipped, &actual.shipped, &mut problems);
        compare(name, "imports in tests", &allowed.tests, &actual.tests, &mut problems);
    }
    for name in allowed.keys().filter(|name| !actual.contains_key(*name)) {
        problems
            .push(format!("ARCHITECTURE.md has a row for `{name}`, which is no crate: remove it"));
    }
    assert_none(&problems);
}

fn compare(
    name: &str,
    verb: &str,
    allowed: &BTreeSet<String>,
    actual: &BTreeSet<String>,
    problems: &mut Vec<String>,
) {
    for import in actual.difference(allowed) {
        problems.push(format!(
            "`{name}` {verb} `{import}`, which its row in ARCHITECTURE.md does not allow: \
             do without it, or decide on the new arrow and add it to the row"
        ));
    }
    for import in allowed.difference(actual) {
        problems.push(format!(
            "ARCHITECTURE.md says that `{name}` {verb} `{import}`, but it does not: \
             take it out of the row"
        ));
    }
}

/// The rows under `## Imports`: the crate, what it imports, what its tests import besides.
fn table(text: &str) -> BTreeMap<String, Imports> {
    text.lines()
        .skip_while(|line| line.trim() != "## Imports")
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with('|'))
        .filter_map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(names_in);
            let name = cells.next()?.pop_first()?;
            let (shipped, tests) = (cells.next()?, cells.next().unwrap_or_default());
            Some((name, Imports { shipped, tests }))
        })
        .collect()
}

/// The words between backticks.
fn names_in(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn metadata() -> BTreeMap<String, Imports> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata = serde_json::from_slice::<Value>(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|package| (text_of(&package["name"]), imports_of(package))).collect()
}

fn imports_of(package: &Value) -> Imports {
    let mut imports = Imports::default();
    for dependency in package["dependencies"].as_array().unwrap() {
        // Only the crates of the workspace are named by their folder.
        if dependency["path"].is_string() {
            let in_tests = dependency["kind"] == "dev";
            let set = if in_tests { &mut imports.tests } else { &mut imports.shipped };
            set.insert(text_of(&dependency["name"]));
        }
    }
    imports
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn the_table_is_understood() {
    let text = "\
# A\n## Imports\nWords and `code`.\n\n| crate | imports | tests |\n| --- | --- | --- |\n\
| `pan-model` | | |\n| `pan-core` | `pan-model`, `pan-engine` | `pan-conformance` |\n\n\
## Next\n| `other` | `pan-core` | |\n";
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let table = table(text);
    assert_eq!(table.len(), 2, "{table:?}");
    assert_eq!(table["pan-model"], Imports::default());
    assert_eq!(table["pan-core"].shipped, set(&["pan-model", "pan-engine"]));
    assert_eq!(table["pan-core"].tests, set(&["pan-conformance"]));
}
