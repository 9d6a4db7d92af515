//! `docs/tour.md`, followed in a real terminal: what a person sees is what
//! the document says. `OPENPAN_TEST_UPDATE=1` writes it anew.

use std::fs;
use std::path::{Path, PathBuf};

use pan_conformance::pcs::TokenSpec;

use crate::cli::plant;
use crate::person::Person;
use crate::shared::with_quota;
use crate::terminal::Terminal;

crate::tests![the_tour_is_what_a_person_sees, what_differs_between_two_runs_is_put_aside];

/// Commands that change nothing: they are run a second time, in a pipe.
const READERS: &[&str] =
    &["ls", "tree", "stat", "find", "du", "df", "quota", "check", "cat", "whoami", "recycle ls"];

fn the_tour_is_what_a_person_sees() {
    with_quota(Some(10 << 30), |t| {
        let client = t.caller(&TokenSpec::rooted("/").relaxed());
        let person = Person::new(&client);
        fs::write(person.path("token"), format!("{}\n", person.token)).unwrap();
        let files = [
            ("photos/sea.jpg", 2_100_000),
            ("photos/2025/beach.jpg", 730_000),
            ("photos/2025/boat.jpg", 512_000),
            ("photos/2025/notes.txt", 120),
        ];
        plant(&person.path("."), &files);
        let terminal = Terminal::bash(&person);
        terminal.run("unset OPENPAN_ENDPOINT OPENPAN_TOKEN XDG_CONFIG_HOME; cd");
        let said = fs::read_to_string(document()).unwrap();
        let follow = |line: &str| {
            let canonical = Canonical { person: &person };
            let printed = canonical.of(&terminal.run(&canonical.real(line)));
            let command = line.strip_prefix("pan ").unwrap_or_default();
            if READERS.iter().any(|reader| command.starts_with(reader)) && !line.contains('>') {
                let piped = terminal.run(&format!("{} 2>&1 | cat", canonical.real(line)));
                let piped = canonical.of(&piped);
                // Only who watches hears that there is nothing to say.
                let is_summary = piped.is_empty() && printed.ends_with(" the same\n");
                assert!(is_summary || piped == printed, "{line}: in a pipe it is\n{piped}");
            }
            printed
        };
        let seen = followed(&said, follow);
        if std::env::var_os("OPENPAN_TEST_UPDATE").is_some() {
            fs::write(document(), seen).unwrap();
        } else {
            assert!(seen == said, "OPENPAN_TEST_UPDATE=1 would write docs/tour.md so:\n{seen}");
        }
    });
}

fn document() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tour.md")
}

/// The document with what its commands print now.
fn followed(text: &str, follow: impl Fn(&str) -> String) -> String {
    let mut seen = String::new();
    let mut in_console = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_console = line == "```console";
        } else if in_console {
            let Some(command) = line.strip_prefix("$ ") else { continue };
            seen += &format!("{line}\n{}", follow(command));
            continue;
        }
        seen += line;
        seen.push('\n');
    }
    seen
}

/// What is different in every run is written as it was in one.
struct Canonical<'a> {
    person: &'a Person,
}

const ENDPOINT: &str = "http://127.0.0.1:8800";

impl Canonical<'_> {
    /// A line of the document, as it is typed here.
    fn real(&self, line: &str) -> String {
        line.replace(ENDPOINT, &self.person.endpoint)
    }

    /// What was printed, as it stands in the document.
    fn of(&self, printed: &str) -> String {
        let home = self.person.path("");
        let home = home.to_str().unwrap().trim_end_matches('/');
        let address = self.person.endpoint.trim_start_matches("http://");
        let text = printed.replace(home, "/home/ann");
        // The column of a table is as wide as what is in it.
        let (own, usual) = (self.person.endpoint.len(), ENDPOINT.len());
        let (head, usual_head) = (format!("{:own$}", "Endpoint"), format!("{:usual$}", "Endpoint"));
        let text = text.replace(&head, &usual_head).replace(address, "127.0.0.1:8800");
        text.lines().map(|line| without_chance(line) + "\n").collect()
    }
}

/// A line without the times, numbers and rates of this run.
fn without_chance(line: &str) -> String {
    let mut line = match (line.find(" in "), line.rfind("/s)")) {
        (Some(from), Some(to)) if from < to => {
            format!("{} in 0.1 s (31.9 MiB{}", &line[..from], &line[to..])
        }
        _ => line.to_owned(),
    };
    let is_time = |bytes: &[u8]| {
        bytes.iter().zip(b"dddd-dd-dd dd:dd").all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            form => byte == form,
        })
    };
    let mut at = 0;
    while at < line.len() {
        let bytes = &line.as_bytes()[at..];
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if bytes.len() >= 16 && is_time(&bytes[..16]) {
            line.replace_range(at..at + 16, "2026-11-20 14:03");
            at += 16;
        } else if digits >= 14 {
            line.replace_range(at..at + digits, "1795195488657510");
            at += 16;
        } else if digits >= 9 && bytes[digits..].starts_with(b"  ") {
            // The number of an entry, in a column of its own.
            let blanks = bytes[digits..].iter().take_while(|byte| **byte == b' ').count();
            let width = digits + blanks;
            line.replace_range(at..at + width, &format!("{:width$}", "8589934601"));
            at += width;
        } else {
            at += digits.max(1);
        }
    }
    line
}

fn what_differs_between_two_runs_is_put_aside() {
    for (line, canonical) in [
        ("- 5  2027-01-02 03:04  a", "- 5  2026-11-20 14:03  a"),
        ("17179869189       /a", "8589934601        /a"),
        ("(error 31066, request 1700000000000001)", "(error 31066, request 1795195488657510)"),
        ("4 files, 3.2 MiB in 12.9 s (1.0 KiB/s)", "4 files, 3.2 MiB in 0.1 s (31.9 MiB/s)"),
        ("中 12345678 2027-01", "中 12345678 2027-01"),
    ] {
        assert_eq!(without_chance(line), canonical);
    }
}
