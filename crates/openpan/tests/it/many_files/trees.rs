//! The trees that are transferred.

use std::fs;
use std::path::Path;

use pan_conformance::pcs::digest;

/// Files in a directory, where there are several directories.
const IN_A_DIRECTORY: usize = 100;

/// Files of 4 KiB, no two of them equal.
pub(super) fn small_files(tree: &Path, files: usize) {
    in_directories(tree, files, |number| digest::content(number as u64 + 1, 4096));
}

/// Files without a byte.
pub(super) fn empty_files(tree: &Path, files: usize) {
    in_directories(tree, files, |_| Vec::new());
}

fn in_directories(tree: &Path, files: usize, content: fn(usize) -> Vec<u8>) {
    for number in 0..files {
        let directory = tree.join(format!("d{:03}", number / IN_A_DIRECTORY));
        if number.is_multiple_of(IN_A_DIRECTORY) {
            fs::create_dir_all(&directory).unwrap();
        }
        fs::write(directory.join(format!("f{number:05}.bin")), content(number)).unwrap();
    }
}

/// All in one directory: every other file is empty, the rest are a few bytes.
pub(super) fn crowded_directory(tree: &Path, files: usize) {
    fs::create_dir(tree).unwrap();
    for number in 0..files {
        let content = if number % 2 == 0 { String::new() } else { number.to_string() };
        fs::write(tree.join(format!("{number}.txt")), content).unwrap();
    }
}

/// Names as people give them: composed accents, wide characters, two scripts that are
/// written from right to left, marks that join and emoji of several code points.
const NAMES: [&str; 4] = [
    "Señor Łukasz à l'été – crème brûlée",
    "二〇二六年「假期」照片,第一张。",
    "صور العائلة ותמונות המשפחה",
    "मेरी छुट्टियाँ 👩‍👩‍👧‍👦🏖️",
];

/// Directories and files in each script, as deep as two.
pub(super) fn names_of_four_scripts(tree: &Path, files: usize) {
    for number in 0..files {
        let script = NAMES[number % NAMES.len()];
        let directory = tree.join(script).join(format!("{script} {}", number / IN_A_DIRECTORY));
        fs::create_dir_all(&directory).unwrap();
        let name = format!("{number} {script} {number}.jpg");
        fs::write(directory.join(name), format!("{script}{number}")).unwrap();
    }
}
