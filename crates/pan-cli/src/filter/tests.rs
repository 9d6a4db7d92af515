use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, FromArgMatches};

use super::{Filter, FilterArgs, IGNORE_FILE};

/// The options as a command line has them.
fn args(words: &[&str]) -> FilterArgs {
    let command = FilterArgs::augment_args(clap::Command::new("test").no_binary_name(true));
    FilterArgs::from_arg_matches(&command.get_matches_from(words)).unwrap()
}

/// Makes files, with what is in them, and directories, which end in a slash.
fn plant(root: &Path, tree: &[(&str, &str)]) {
    for (path, text) in tree {
        let whole = root.join(path);
        if path.ends_with('/') {
            fs::create_dir_all(whole).unwrap();
        } else {
            fs::create_dir_all(whole.parent().unwrap()).unwrap();
            fs::write(whole, text).unwrap();
        }
    }
}

/// The paths of the files that a walk with this filter takes, sorted.
fn taken(root: &Path, filter: &Filter) -> Vec<String> {
    let mut taken = Vec::new();
    let mut directories = vec![PathBuf::new()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(root.join(&directory)).unwrap() {
            let entry = entry.unwrap();
            let path = directory.join(entry.file_name());
            let (text, is_dir) = (path.to_str().unwrap(), entry.file_type().unwrap().is_dir());
            match (filter.takes(text, is_dir), is_dir) {
                (true, true) => directories.push(path),
                (true, false) => taken.push(text.to_owned()),
                (false, _) => {}
            }
        }
    }
    taken.sort();
    taken
}

/// What git would not ignore, if the ignore files were its own.
fn taken_by_git(root: &Path) -> Vec<String> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(root).env("HOME", root).env("GIT_CONFIG_NOSYSTEM", "1");
        let output = command.env_remove("GIT_DIR").args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "--quiet"]);
    let option = format!("--exclude-per-directory={IGNORE_FILE}");
    let listed = git(&["ls-files", "-z", "--others", &option]);
    let mut files: Vec<_> = listed.split_terminator('\0').map(str::to_owned).collect();
    fs::remove_dir_all(root.join(".git")).unwrap();
    files.sort();
    files
}

const TREE: &[(&str, &str)] = &[
    ("a.jpg", ""),
    ("b.tmp", ""),
    ("#x", ""),
    ("!y", ""),
    ("{a,b}", ""),
    ("a b ", ""),
    ("文.tmp", ""),
    ("raw/c.jpg", ""),
    ("raw/deep/d.jpg", ""),
    ("raw/deep/e.tmp", ""),
    ("photos/raw/f.jpg", ""),
    ("photos/keep.tmp", ""),
    ("photos/g.jpg", ""),
    ("build", ""),
    ("photos/build/h.o", ""),
    ("photos/1/2/3/i.jpg", ""),
];

#[test]
fn ignore_files_mean_what_they_mean_to_git() {
    let has_git = Command::new("git").arg("--version").output().is_ok();
    assert!(has_git, "this test compares with git");
    for files in [
        &[("", "*.tmp")][..],
        &[("", "raw")],
        &[("", "/raw")],
        &[("", "raw/")],
        &[("", "build/")],
        &[("", "photos/raw")],
        &[("", "photos/*/")],
        &[("", "photos/**")],
        &[("", "**/deep")],
        &[("", "photos/**/i.jpg")],
        &[("", "*.jpg\n!g.jpg")],
        &[("", "!g.jpg\n*.jpg")],
        &[("", "/*\n!/photos")],
        &[("", "photos\n!photos/g.jpg")],
        &[("", "photos/*\n!photos/g.jpg")],
        &[("", "# a comment\n\n\\#x\n\\!y\n#x")],
        &[("", "{a,b}")],
        &[("", "*.{jpg,tmp}")],
        &[("", "[ab].*")],
        &[("", "[!ab].*")],
        &[("", "?.jpg")],
        &[("", "a b")],
        &[("", "a b\\ ")],
        &[("", "*.tmp   ")],
        &[("", "文*")],
        &[("", "*.tmp"), ("photos", "!keep.tmp")],
        &[("", "!*.tmp"), ("photos", "*.tmp")],
        &[("", "*.tmp"), ("raw/deep", "!*.tmp\nd.jpg")],
        &[("photos", "/raw\n1/2")],
        &[("photos", "/build/h.o\n*")],
        &[("raw", "deep/d.jpg"), ("raw/deep", "!d.jpg")],
        &[("", "photos/raw"), ("photos", "!raw")],
        &[("", "\u{feff}*.tmp")],
        &[("", "*.tmp\r\nraw\r\n")],
        &[("", ".openpanignore")],
        &[("", "*\n!*/\n!*.jpg")],
    ] {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        plant(root, TREE);
        for (place, text) in files {
            fs::write(root.join(place).join(IGNORE_FILE), text).unwrap();
        }
        let filter = Filter::new(&args(&[]), root).unwrap();
        assert_eq!(taken(root, &filter), taken_by_git(root), "{files:?}");
        assert!(filter.take_problems().is_empty(), "{files:?}");
    }
}

#[test]
fn the_command_line_stands_over_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    plant(
        root,
        &[
            (".openpanignore", "*.tmp\nprivate/\n"),
            ("a.jpg", ""),
            ("b.tmp", ""),
            ("private/c.jpg", ""),
            ("raw/d.jpg", ""),
            ("raw/e.tmp", ""),
            ("raw/f.txt", ""),
        ],
    );
    fs::write(root.join("list"), "# what is not kept\n/raw/*\n!/raw/f.txt\n").unwrap();
    let list = root.join("list").to_str().unwrap().to_owned();
    let (ignore, listed) = (".openpanignore", "list");
    for (words, expected) in [
        (&[][..], &[ignore, "a.jpg", listed, "raw/d.jpg", "raw/f.txt"][..]),
        (&["--exclude", "*.jpg"], &[ignore, listed, "raw/f.txt"]),
        (&["--exclude", "raw", "--include", "raw/d.jpg"], &[ignore, "a.jpg", listed]),
        // Alone, or first: nothing else. It stands over what a file ignores,
        // but not in a directory that is left out.
        (&["--include", "*.jpg"], &["a.jpg", "raw/d.jpg"]),
        (&["--include", "*.tmp"], &["b.tmp", "raw/e.tmp"]),
        (&["--include", "raw/"], &["raw/d.jpg", "raw/f.txt"]),
        (
            &["--include", "*.jpg", "--include", "private/"],
            &["a.jpg", "private/c.jpg", "raw/d.jpg"],
        ),
        (&["--include", "*.jpg", "--exclude", "raw"], &["a.jpg"]),
        (&["--include", "raw", "--exclude", "*.jpg"], &["raw/f.txt"]),
        // After an exclude it is an exception.
        (&["--exclude", "*.jpg", "--include", "a.*"], &[ignore, "a.jpg", listed, "raw/f.txt"]),
        (&["--include", "a.*", "--exclude", "*.jpg"], &[]),
        (&["--filter-from", &list], &[ignore, "a.jpg", listed, "raw/f.txt"]),
        (
            &["--filter-from", &list, "--include", "d.*"],
            &[ignore, "a.jpg", listed, "raw/d.jpg", "raw/f.txt"],
        ),
        (&["--include", "d.*", "--filter-from", &list], &["raw/f.txt"]),
    ] {
        let filter = Filter::new(&args(words), root).unwrap();
        assert_eq!(taken(root, &filter), expected, "{words:?}");
    }
}

#[test]
fn an_empty_directory_is_made_where_it_was_meant() {
    for (words, path, made) in [
        (&[][..], "a", true),
        (&["--exclude", "*.tmp"], "a", true),
        (&["--include", "*.jpg"], "a", false),
        (&["--include", "*.jpg"], "a/b", false),
        (&["--include", "a/"], "a", true),
        (&["--include", "a/"], "a/b", true),
    ] {
        let filter = Filter::without_files(&args(words)).unwrap();
        assert_eq!(filter.takes_empty(path), made, "{words:?} {path}");
    }
}

#[test]
fn what_is_no_pattern_is_an_error() {
    for words in [
        &["--exclude", ""][..],
        &["--include", "!a"],
        &["--exclude", "[z-a]"],
        &["--filter-from", "/nowhere/at/all"],
    ] {
        let failure = Filter::without_files(&args(words)).unwrap_err();
        assert_eq!(failure.exit, crate::exit::Exit::Usage, "{words:?}");
        assert!(failure.message.contains(words[1]), "{}", failure.message);
    }
    let filter = Filter::without_files(&args(&["--exclude", "#a", "--exclude", "-b"])).unwrap();
    assert!(!filter.takes("#a", false) && !filter.takes("-b", false) && filter.takes("a", false));
}

// What cannot be understood may have been there to keep something private.
#[test]
fn a_directory_with_a_wrong_ignore_file_is_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    plant(root, &[("a", ""), ("b/c", ""), ("b/d/e", ""), ("f/g", "")]);
    fs::write(root.join("b").join(IGNORE_FILE), "ok\n[z-a]\n").unwrap();
    fs::create_dir(root.join("f").join(IGNORE_FILE)).unwrap();
    let filter = Filter::new(&args(&[]), root).unwrap();
    assert_eq!(taken(root, &filter), ["a"]);
    let mut problems = filter.take_problems();
    problems.sort_by(|one, other| one.message.cmp(&other.message));
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].message.contains("line 2"), "{}", problems[0].message);
}
