//! What `pan` says when somebody errs, and to a script in every case.

use pan_conformance::pcs::Client;
use serde_json::Value;

use crate::cli::{objects, plant, relaxed, with_person};
use crate::media_commands;
use crate::person::Person;

crate::tests![
    common_mistakes_are_answered_with_what_to_do,
    every_command_speaks_json,
    every_failure_speaks_json,
];

/// What was typed, how it ends, and what is said.
struct Mistake {
    typed: &'static [&'static str],
    exit: i32,
    said: &'static str,
}

const fn mistake(typed: &'static [&'static str], exit: i32, said: &'static str) -> Mistake {
    Mistake { typed, exit, said }
}

/// In what is said, `…` stands for anything.
const MISTAKES: &[Mistake] = &[
    mistake(
        &["--token", "wrong", "ls"],
        7,
        "error: /: the access token is not valid (error 110, request …)

hint: `pan login` stores a new token; `openpan token issue` makes one on the server",
    ),
    mistake(
        &["--endpoint", "http://127.0.0.1:1", "ls"],
        5,
        "…error: /: cannot connect to 127.0.0.1:1: …

hint: is the server running, and is the endpoint right? `pan whoami` shows it",
    ),
    mistake(
        &["--endpoint", "127.0.0.1:8800", "ls"],
        2,
        "error: …127.0.0.1:8800…

hint: write it as http://HOST:PORT",
    ),
    mistake(
        &["put", "/photos", "."],
        2,
        "error: `.`: a remote path begins with `/`, or with a profile: `/photos`, `home:/photos`

hint: `pan put` uploads, local paths first and the remote one last; `pan get` downloads, the other way round",
    ),
    mistake(
        &["get", "photos/sea.jpg", "/tmp"],
        2,
        "error: `photos/sea.jpg`: a remote path begins with `/`, or with a profile: `/photos/sea.jpg`, `home:/photos/sea.jpg`

hint: `pan put` uploads, local paths first and the remote one last; `pan get` downloads, the other way round",
    ),
    mistake(
        &["ls", "photos"],
        2,
        "error: invalid value 'photos' for '[PATH]...': a remote path begins with `/`, or with a profile: `/photos`, `home:/photos`

For more information, try '--help'.",
    ),
    mistake(
        &["ls", "work:/photos"],
        2,
        "error: there is no profile `work`

hint: `pan login --profile work --endpoint URL` makes it",
    ),
    mistake(
        &["lst"],
        2,
        "error: unrecognized subcommand 'lst'

  tip: …'ls'…

Usage: pan [OPTIONS] <COMMAND>

For more information, try '--help'.",
    ),
    mistake(
        &["rm", "--recurse", "/a"],
        2,
        "error: unexpected argument '--recurse' found

  tip: a similar argument exists: '--recursive'
…",
    ),
    mistake(&["cat", "/none"], 4, "error: `/none` does not exist (error 31066, request …)"),
    mistake(&["put", "none", "/"], 4, "error: none: there is no such file or directory"),
    mistake(
        &["cat", "/directory"],
        4,
        "error: /directory: it is a directory

hint: `pan ls` lists it, and `pan get` downloads all of it",
    ),
    mistake(
        &["rm", "/directory"],
        1,
        "error: /directory: it is a directory

hint: `pan rm -r` deletes directories too",
    ),
    mistake(
        &["rm", "/*.none"],
        4,
        "error: /*.none: nothing matches

hint: `pan ls /` shows what is there",
    ),
    mistake(
        &["mkdir", "/directory"],
        1,
        "error: … exists already (error 31061, request …)

hint: remove or rename what is there, or choose another name",
    ),
    mistake(
        &["put", "file"],
        2,
        "error: there is no DEST

hint: write SRC... DEST; see --help",
    ),
    mistake(
        &["cp", "/a", "/b", "/none"],
        3,
        "error: /none: there is no such directory

hint: `/none/` would be made",
    ),
    mistake(
        &["cat", "--range", "5", "/a"],
        2,
        "error: invalid value '5' for '--range <RANGE>': write A-B, A- or -N, in bytes

For more information, try '--help'.",
    ),
    mistake(
        &["thumb", "--size", "0x9", "/a"],
        2,
        "error: invalid value '0x9' for '--size <WIDTHxHEIGHT>': write 320x240, each side from 1 to 1600

For more information, try '--help'.",
    ),
    mistake(
        &["thumb", "/a", "/b", "-o", "-"],
        2,
        "error: several pictures do not go to stdout

hint: write `-o DIR/`",
    ),
    mistake(
        &["play", "/a", "--download", "a.avi"],
        2,
        "error: a.avi: the ending does not say what it is to be

hint: write .mp4, .ts for a transport stream, or .m3u8 for the playlist",
    ),
    mistake(
        &["play", "/?", "--url"],
        2,
        "error: one video is played at a time, and several match

hint: `pan ls` shows what a pattern matches",
    ),
    mistake(
        &["recycle", "restore", "/a"],
        4,
        "error: /a: it is not in the recycle bin

hint: `pan recycle ls` shows what is",
    ),
    mistake(
        &["check", "/directory", "file"],
        2,
        "error: invalid value 'file' for '<REMOTE>': a remote path begins with `/`, or with a profile: `/file`, `home:/file`

For more information, try '--help'.",
    ),
];

fn with_things(story: impl Fn(&Person, &Client)) {
    with_person(&relaxed(), |person, client| {
        client.put("/a", b"abc").ok();
        client.put("/b", b"abc").ok();
        client.mkdir("/directory").ok();
        plant(&person.path("."), &[("file", 3), ("synced/one", 3)]);
        story(person, client);
    });
}

fn common_mistakes_are_answered_with_what_to_do() {
    with_things(|person, _| {
        let mut wrong = String::new();
        for Mistake { typed, exit, said } in MISTAKES {
            let told = person.ends(*exit, typed);
            if !is_like(told.trim_end(), said) {
                wrong += &format!("pan {typed:?} says\n{told}\nand not\n{said}\n\n");
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
    });
}

/// Whether a text is another one in which `…` stands for anything.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('…');
    let Some(mut left) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut ends_open = false;
    for piece in pieces {
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
        ends_open = piece.is_empty();
    }
    left.is_empty() || ends_open
}

/// Commands that succeed, in an order in which they can, and how many objects
/// each prints.
const COMMANDS: &[(&[&str], usize)] = &[
    (&["login", "--profile", "home"], 1),
    (&["whoami"], 1),
    (&["mkdir", "/d"], 1),
    (&["mkdir", "-p", "/d", "/d/e"], 2),
    (&["put", "file", "/d/"], 1),
    (&["put", "-", "/empty"], 1),
    (&["get", "/d/file", "back"], 1),
    (&["cp", "/d/file", "/copy"], 1),
    (&["mv", "/copy", "/moved"], 1),
    (&["ls", "/d"], 2),
    (&["ls", "-R", "/d", "/moved"], 3),
    (&["tree", "/d"], 2),
    (&["stat", "/d", "/moved"], 2),
    (&["find", "file"], 1),
    (&["media", "image"], 0),
    (&["du", "/d"], 2),
    (&["df"], 1),
    (&["quota"], 1),
    (&["check", "-a", "file", "/d/file"], 1),
    (&["diff"], 10),
    (&["sync", "up", "synced", "/d/synced"], 2),
    (&["put", "sea.png", "sea.mov", "/"], 2),
    (&["thumb", "/sea.png"], 1),
    (&["play", "/sea.mov", "--download", "sea.m3u8"], 1),
    (&["rm", "-r", "/d", "/moved"], 2),
    (&["recycle", "ls"], 2),
    (&["recycle", "restore", "/moved"], 1),
    (&["recycle", "empty", "--yes"], 1),
    (&["logout", "--profile", "home"], 1),
];

/// Commands whose output is not data about a storage.
const TEXTS: &[&str] = &["cat", "completion", "man", "help"];

fn every_command_speaks_json() {
    with_things(|person, _| {
        media_commands::make(&person.path("."), &["sea.png", "sea.mov"]);
        for (arguments, count) in COMMANDS {
            let output = person.run(&[&["--json"], *arguments].concat());
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
            let told = objects(&String::from_utf8(output.stdout).unwrap());
            assert_eq!(told.len(), *count, "{arguments:?}: {told:?}");
            assert!(told.iter().all(Value::is_object), "{arguments:?}: {told:?}");
            assert!(objects(&stderr).iter().all(|note| note["note"].is_string()), "{stderr}");
        }
        let help = person.ok(&["--help"]);
        let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        for line in commands.take_while(|line| !line.is_empty()) {
            let name = line.split_whitespace().next().unwrap();
            let is_here = COMMANDS.iter().any(|(arguments, _)| arguments[0] == name);
            assert!(is_here || TEXTS.contains(&name), "`pan --json {name}` is not tried");
        }
    });
}

fn every_failure_speaks_json() {
    with_things(|person, _| {
        for Mistake { typed, exit, said } in MISTAKES {
            let output = person.run(&[typed, &["--json"][..]].concat());
            assert_eq!(output.status.code(), Some(*exit), "{typed:?}");
            assert_eq!(output.stdout, b"", "{typed:?}");
            let told = objects(&String::from_utf8(output.stderr).unwrap());
            let errors: Vec<_> = told.iter().filter(|object| object["note"].is_null()).collect();
            assert_eq!(errors.len(), 1, "{typed:?}: {told:?}");
            assert_eq!(errors[0]["exit"], *exit, "{typed:?}");
            assert!(errors[0]["error"].as_str().is_some_and(|text| !text.is_empty()));
            let hint = said.split_once("hint: ").map(|(_, hint)| hint);
            if let Some(hint) = hint {
                assert_eq!(errors[0]["hint"], hint, "{typed:?}");
            }
        }
    });
}
