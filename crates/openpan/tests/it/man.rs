//! `pan man`: the manual pages, as `man` shows them.

use std::fs;
use std::process::{Command, Stdio};

use crate::cli::{relaxed, with_person};
use crate::person::{Person, said};

crate::tests![every_command_has_a_page_that_man_takes, pages_go_where_they_can];

fn every_command_has_a_page_that_man_takes() {
    with_person(&relaxed(), |person, _| {
        assert_eq!(person.ok(&["man", "deep/man1"]), "");
        let help = person.ok(&["--help"]);
        let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        let commands: Vec<_> = commands
            .take_while(|line| !line.is_empty())
            .map(|line| line.split_whitespace().next().unwrap())
            .filter(|command| *command != "help")
            .collect();
        assert!(commands.len() > 20, "{commands:?}");
        for command in commands {
            let page = page(person, &format!("pan-{command}.1"));
            for wanted in [&format!("pan {command}"), "OPTIONS", "EXIT STATUS", "OPENPAN_TOKEN"] {
                assert!(page.contains(wanted), "{command}: {wanted} is not in {page}");
            }
        }
        let first = page(person, "pan.1");
        for wanted in ["REMOTE PATHS", "pan-put(1)", "config.toml", "143", "everything was done"] {
            assert!(first.contains(wanted), "{wanted} is not in {first}");
        }
        assert!(page(person, "pan-put.1").contains("pan put [OPTIONS] <SRC>... <DEST>"));
        page(person, "pan-recycle-restore.1");
    });
}

/// A page as it is read, which must be without a warning.
fn page(person: &Person, name: &str) -> String {
    let path = person.path("deep/man1").join(name);
    assert!(path.exists(), "there is no {name}");
    let arguments = ["-man", "-Tutf8", "-Kutf8", "-wall", "-P-cbou", "-rLL=100n"];
    let output = Command::new("groff").args(arguments).arg(&path).stdin(Stdio::null()).output();
    let output = output.expect("groff is installed by `cargo xtask test`");
    assert!(output.status.success() && output.stderr.is_empty(), "{name}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap().replace('\u{2010}', "-")
}

fn pages_go_where_they_can() {
    with_person(&relaxed(), |person, _| {
        fs::write(person.path("file"), "").unwrap();
        let complaint = person.ends(1, &["man", "file"]);
        assert!(complaint.contains("cannot write manual pages into `file`"), "{complaint}");
        person.ends(2, &["man"]);
        assert_eq!(person.ok(&["man", "-q", "pages"]), "");
        assert!(fs::read_dir(person.path("pages")).unwrap().count() > 20);
    });
}
