//! Completions, in the real shells: what Tab makes of a line.

use std::time::{Duration, Instant};

use pan_conformance::pcs::Client;

use crate::cli::{plant, relaxed, with_person};
use crate::person::{Person, said};
use crate::terminal::Terminal;

crate::tests![
    bash_knows_what_comes_next,
    fish_knows_what_comes_next,
    zsh_knows_what_comes_next,
    tab_is_pressed_in_bash,
    tab_is_pressed_in_zsh,
    tab_is_pressed_in_fish,
    a_failure_is_quick_and_silent,
];

fn with_places(story: impl Fn(&Person, &Client)) {
    with_person(&relaxed(), |person, client| {
        for name in ["/photos/sea.jpg", "/photos/a b/x y.txt", "/photos/a b/中.jpg", "/plain"] {
            client.put(name, b"abc").ok();
        }
        for name in ["/shell/a`id`", "/shell/b$HOME", "/shell/c;id"] {
            client.put(name, b"abc").ok();
        }
        plant(&person.path("."), &[("local dir/file", 1), ("photo.jpg", 1)]);
        person.ok(&["login", "--profile", "home"]);
        story(person, client);
    });
}

/// Lines up to the cursor, and what may come, with `|` between.
const TABLE: &[(&str, &str)] = &[
    ("pan tre", "tree"),
    ("pan recycle r", "restore"),
    ("pan du --sum", "--summarize"),
    ("pan ls --sort ", "name|time|size|type"),
    ("pan ls /p", "/photos/|/plain"),
    ("pan ls /photos/", "/photos/a b/|/photos/sea.jpg"),
    ("pan stat home:/pl", "home:/plain"),
    ("pan cp /plain /ph", "/photos/"),
    ("pan --profile h", "home"),
    ("pan put ph", "photo.jpg"),
    ("pan put photo.jpg /ph", "/photos/"),
    ("pan get /pl", "/plain"),
    ("pan thumb /pl", "/plain"),
    ("pan play --url /pl", "/plain"),
    ("pan play --format auto-", "auto-480|auto-720"),
    ("pan play /plain --download lo", "local dir/"),
    ("pan get --transfers 4 /pl", "/plain"),
    ("pan get /plain lo", "local dir/"),
    ("pan check photo.jpg /pl", "/plain"),
    ("pan --token wrong ls /p", ""),
    ("pan --endpoint http://127.0.0.1:1 ls /p", ""),
    ("pan ls /none/", ""),
];

/// Asks a shell about all lines of the table at once.
#[track_caller]
fn answers(person: &Person, shell: &str, options: &[&str], script: &str) -> Vec<String> {
    let mut command = person.program(shell);
    let output = command.args(options).args(["-c", script]).output();
    let output = output.unwrap_or_else(|_| panic!("`cargo xtask test` installs {shell}"));
    assert!(output.stderr.is_empty(), "{shell}: {}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end_matches('|').to_owned()).collect()
}

fn bash_knows_what_comes_next() {
    with_places(|person, _| {
        let mut script = String::from(
            "source <(pan completion bash)
             COMP_WORDBREAKS=$' \\t\\n\"\\'><=;|&(:'
             try() { COMP_LINE=$1; COMP_POINT=${#1}; _pan pan; printf '%s|' \"${COMPREPLY[@]}\"; echo; }\n",
        );
        let quoted = [
            // Bash would run the one and replace the other.
            ("pan ls /shell/", "/shell/c;id"),
            (r"pan ls /photos/a\ b/x", "/photos/a b/x y.txt"),
            ("pan ls '/photos/a b/x", "/photos/a b/x y.txt"),
            ("pan ls \"/photos/a b/", "/photos/a b/x y.txt|/photos/a b/中.jpg"),
        ];
        let table: Vec<_> = TABLE.iter().chain(&quoted).collect();
        for (line, _) in &table {
            script += &format!("try '{}'\n", line.replace('\'', r"'\''"));
        }
        let answers = answers(person, "bash", &["--norc"], &script);
        for ((line, expected), answer) in table.iter().zip(&answers) {
            // Bash replaces only what is behind a colon.
            let expected = expected.strip_prefix("home:").unwrap_or(expected);
            assert_eq!(answer, expected, "{line}");
        }
        assert_eq!(answers.len(), table.len());
    });
}

fn fish_knows_what_comes_next() {
    with_places(|person, _| {
        let mut script = String::from("pan completion fish | source\n");
        for (line, _) in TABLE {
            script += &format!(
                "complete -C '{line}' | string replace -r '\\t.*' '' | tr '\\n' '|'; echo\n"
            );
        }
        let answers = answers(person, "fish", &["--no-config"], &script);
        for ((line, expected), answer) in TABLE.iter().zip(&answers) {
            let sorted = |text: &str| {
                let mut parts: Vec<_> = text.split('|').map(str::to_owned).collect();
                parts.sort_unstable();
                parts
            };
            assert_eq!(sorted(answer), sorted(expected), "{line}");
        }
        assert_eq!(answers.len(), TABLE.len());
    });
}

// What zsh is answered; how it takes that is seen in the terminal.
fn zsh_knows_what_comes_next() {
    with_places(|person, _| {
        let script = "autoload -U compinit; compinit -u -D; source <(pan completion zsh)
            (( $+functions[_pan] )) && print -r -- ${_comps[pan]}";
        assert_eq!(answers(person, "zsh", &["-f"], script), ["_pan"]);
    });
}

/// Presses Tab after each text, and Enter at the end. The line that was run.
fn typed(terminal: &Terminal, texts: &[&str]) -> String {
    for text in texts {
        let before = terminal.text();
        terminal.keys(&[text, "Tab"]);
        terminal.wait(text, |now| now.trim_end().len() > before.trim_end().len() + text.len());
    }
    terminal.keys(&["Enter"]);
    let seen = terminal.wait("output", |text| text.contains("fs_id: "));
    seen.lines().find_map(|line| line.strip_prefix(" path: ")).unwrap().to_owned()
}

/// The whole way: the prefix of a profile, a directory, blanks, a file.
fn tab(shell: &str, setup: &str) {
    with_places(|person, _| {
        let terminal = Terminal::open(person, shell);
        terminal.keys(&[setup, "Enter"]);
        terminal.wait("the shell", |text| text.trim() == "ready>");
        // Commands come with what they do, which is not typed.
        terminal.keys(&["pan recy", "Tab"]);
        terminal.wait("a command", |text| text.contains("ready> pan recycle"));
        terminal.keys(&["emp", "Tab"]);
        terminal.wait("another", |text| text.contains("ready> pan recycle empty"));
        terminal.keys(&["--y", "Tab"]);
        terminal.wait("an option", |text| text.trim_end().ends_with("pan recycle empty --yes"));
        terminal.keys(&["C-c"]);
        terminal.wait("a new line", |text| text.trim_end().ends_with("ready>"));
        let asked_about = typed(&terminal, &["pan stat home:/ph", "a", "x"]);
        assert_eq!(asked_about, "/photos/a b/x y.txt", "{}", terminal.text());
    });
}

fn tab_is_pressed_in_bash() {
    let setup = "PS1='ready> '; source <(pan completion bash); clear";
    tab("exec bash --norc --noprofile -i", setup);
}

fn tab_is_pressed_in_zsh() {
    let setup = "PS1='ready> '; autoload -U compinit; compinit -u -D; \
                 source <(pan completion zsh); clear";
    tab("exec zsh -f -i", setup);
}

fn tab_is_pressed_in_fish() {
    let setup = "function fish_prompt; echo 'ready> '; end; pan completion fish | source; clear";
    tab("exec fish --no-config -i", setup);
}

// A server that never answers must not hold up a shell.
fn a_failure_is_quick_and_silent() {
    with_places(|person, _| {
        let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", deaf.local_addr().unwrap());
        let complete = |shell: &str, words: &[&str]| {
            let mut command = person.command(&[]);
            command.env("OPENPAN_COMPLETE", shell).arg("--").args(words).output().unwrap()
        };
        let begun = Instant::now();
        let output = complete("fish", &["pan", "--endpoint", &endpoint, "ls", "/p"]);
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
        for (shell, words) in
            [("tcsh", &["pan", "ls", "/p"][..]), ("fish", &[]), ("zsh", &["pan", "nothing", "/p"])]
        {
            let output = complete(shell, words);
            assert!(output.status.success() && output.stderr.is_empty(), "{}", said(&output));
        }
        // A configuration that cannot be read offers nothing, and says nothing.
        std::fs::write(person.path("config/openpan/config.toml"), "nonsense").unwrap();
        let output = complete("fish", &["pan", "ls", "home:/"]);
        assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
    });
}
