//! A feature keeps its name in every layer: what `pan-engine` asks of an engine in
//! `meta/entry.rs`, each metadata engine does in its own `entry.rs`.

use std::path::Path;

use crate::{assert_none, crates, files_below, root};

/// How a closure gets to its transaction is no feature, and each engine's own affair.
const MACHINERY: &str = "/job.rs";

#[test]
fn metadata_engines_have_the_files_of_the_seam() {
    let seam = files_below("crates/pan-engine/src/meta")
        .into_iter()
        .filter(|file| !file.ends_with(MACHINERY))
        .collect::<Vec<_>>();
    assert!(!seam.is_empty(), "the seam has moved: tell this test where it is");
    let mut problems = Vec::new();
    for engine in crates().iter().filter(|folder| folder.contains("/pan-meta-")) {
        for file in &seam {
            let name = Path::new(file).file_name().unwrap().to_str().unwrap();
            let own = format!("{engine}/src/{name}");
            if !root().join(&own).is_file() {
                problems.push(format!("{own} is missing: it does what {file} asks for"));
            }
        }
    }
    assert_none(&problems);
}
