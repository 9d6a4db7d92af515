//! `pan` in a real terminal, as a person sees it: tmux is the terminal.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::cli::{plant, relaxed, with_person};
use crate::link::Link;
use crate::person::{Person, said};

crate::tests![
    colours_are_for_terminals_that_want_them,
    progress_is_seen_and_goes_away,
    names_do_not_speak_to_the_terminal,
    a_dangerous_thing_is_asked_about,
];

/// How long a command may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal with a shell of a person, 100 columns wide.
pub(crate) struct Terminal {
    /// In the home of the person, and gone with it.
    socket: PathBuf,
}

impl Terminal {
    /// Opens one; the shell's prompt is `$ `.
    pub(crate) fn bash(person: &Person) -> Self {
        let terminal = Self::open(person, "exec bash --norc --noprofile -i");
        terminal.keys(&["PS1='$ '; unset HISTFILE", "Enter"]);
        terminal.wait("the prompt", |text| text.trim_end().ends_with("\n$"));
        terminal.clear();
        terminal
    }

    /// Opens one with any shell.
    pub(crate) fn open(person: &Person, shell: &str) -> Self {
        let socket = person.path("tmux");
        let mut tmux = person.program("tmux");
        tmux.arg("-S").arg(&socket).args(["-f", "/dev/null", "new-session", "-d"]);
        tmux.args(["-x", "100", "-y", "40", shell]).env("SHELL", "/bin/sh").env_remove("TMUX");
        let output = tmux.output().expect("tmux is installed by `cargo xtask test`");
        assert!(output.status.success(), "{}", said(&output));
        Self { socket }
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = tmux(&self.socket).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Presses keys: texts, or names as `Enter` and `Tab`.
    pub(crate) fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys", "--"], keys].concat());
    }

    /// Empties the screen, but for a prompt.
    pub(crate) fn clear(&self) {
        self.tmux(&["send-keys", "-R", "C-l"]);
        self.tmux(&["clear-history"]);
        self.wait("an empty screen", |text| text.trim() == "$");
    }

    /// What is seen, and was; long lines in one piece.
    pub(crate) fn text(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-J", "-S", "-"])
    }

    /// The same, with the escape sequences for colours.
    pub(crate) fn coloured(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e", "-J", "-S", "-"])
    }

    /// Waits until something is seen.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let text = format!("\n{}", self.text());
            if is_there(&text) {
                return text;
            }
            assert!(begun.elapsed() < PATIENCE, "there was no {what}: {text}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Types a command and waits for its end. What it printed.
    #[track_caller]
    pub(crate) fn run(&self, line: &str) -> String {
        self.clear();
        self.keys(&[line, "Enter"]);
        let text = self.wait(line, |text| {
            let text = text.trim_end();
            text.ends_with("\n$") && text.trim_start() != "$" && text.contains(line)
        });
        let text = text.trim_end().trim_end_matches('$');
        let (_, printed) = text.split_once(line).unwrap();
        printed.strip_prefix('\n').unwrap_or(printed).to_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = tmux(&self.socket).arg("kill-server").output();
    }
}

/// The program, for a terminal that is open.
fn tmux(socket: &Path) -> Command {
    let mut tmux = Command::new("tmux");
    tmux.arg("-S").arg(socket);
    tmux
}

fn colours_are_for_terminals_that_want_them() {
    with_person(&relaxed(), |person, client| {
        client.mkdir("/directory").ok();
        let terminal = Terminal::bash(person);
        for (line, is_coloured) in [
            ("pan ls /", true),
            ("NO_COLOR=1 pan ls /", false),
            ("TERM=dumb pan ls /", false),
            ("CI=true TERM=dumb pan ls /", false),
            ("pan ls / | cat", false),
            ("CLICOLOR_FORCE=1 pan ls / | cat", true),
            ("pan --json ls /", false),
            // Errors too.
            ("pan cat /none", true),
            ("NO_COLOR=1 pan cat /none", false),
            ("TERM=dumb pan cat /none", false),
            ("pan cat /none 2>&1 | cat", false),
            ("CLICOLOR_FORCE=1 pan cat /none 2>&1 | cat", true),
        ] {
            terminal.run(line);
            let seen = terminal.coloured();
            assert_eq!(seen.contains("\u{1b}["), is_coloured, "{line}: {seen:?}");
        }
    });
}

/// The number in front of a sign, on the line that has a name.
fn number(text: &str, name: &str, sign: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.contains(name) && line.contains(sign))?;
    line.split(sign).next()?.split_whitespace().last()?.parse().ok()
}

// 12 MiB over a link with 4 MiB a second: three seconds to look at.
fn progress_is_seen_and_goes_away() {
    with_person(&relaxed(), |person, client| {
        plant(&person.path("videos"), &[("sea.mov", 12 << 20)]);
        let link = Link::start(client.address(), Some(4 << 20));
        let terminal = Terminal::bash(person);
        let endpoint = link.endpoint();
        let line = format!("pan --endpoint {endpoint} put --no-rapid videos /");
        terminal.keys(&[&line, "Enter"]);
        let seen = RefCell::new(Vec::new());
        terminal.wait("end", |text| {
            seen.borrow_mut().extend(number(text, "sea.mov", " %"));
            text.contains("1 file, 12.0 MiB in ") && text.trim_end().ends_with("\n$")
        });
        let seen = seen.into_inner();
        assert!(seen.iter().any(|percent| (1..100).contains(percent)), "{seen:?}");
        assert!(seen.is_sorted(), "it ran backwards: {seen:?}");
        let left = terminal.text();
        assert!(!left.contains('%') && !left.contains('━'), "bars are left: {left}");
        assert!(left.contains("/s)"), "{left}");
        // Where the cursor cannot be moved, and in a pipe, there are lines and no bars.
        for (line, first) in [
            ("TERM=dumb pan put --no-rapid videos/sea.mov /b", "videos/sea.mov -> /b\n1 file, "),
            ("pan put --no-rapid videos/sea.mov /c 2>&1 | cat", "videos/sea.mov -> /c\n1 file, "),
            ("pan -q put --no-rapid videos/sea.mov /d", ""),
        ] {
            let said = terminal.run(line);
            let said = said.trim();
            assert!(said.starts_with(first) && said.is_empty() == first.is_empty(), "{said}");
            assert!(!said.contains(['━', '⠹']), "{line}: {said}");
        }
    });
}

fn names_do_not_speak_to_the_terminal() {
    with_person(&relaxed(), |person, client| {
        plant(&person.path("odd"), &[("a\u{1b}[31mred.mov", 12 << 20)]);
        let terminal = Terminal::bash(person);
        let seen = terminal.run("NO_COLOR=1 pan put -n odd /");
        assert!(seen.contains("a\u{fffd}[31mred.mov -> /odd/a\u{fffd}[31mred.mov"), "{seen:?}");
        let link = Link::start(client.address(), Some(4 << 20));
        let line = format!("pan --endpoint {} put --no-rapid odd /", link.endpoint());
        terminal.keys(&[&line, "Enter"]);
        // The server refuses the name at once: perhaps before there is a bar.
        terminal.wait("a bar or the refusal", |text| {
            text.contains("a\u{fffd}[31mred.mov")
                && (text.contains('━') || text.contains("error: odd/a\u{fffd}[31mred.mov"))
        });
    });
}

fn a_dangerous_thing_is_asked_about() {
    with_person(&relaxed(), |person, client| {
        client.put("/a", b"abc").ok();
        client.rm("/a").ok();
        let terminal = Terminal::bash(person);
        for (answer, is_empty) in [("n", false), ("", false), ("y", true)] {
            terminal.clear();
            terminal.keys(&["pan recycle empty", "Enter"]);
            terminal.wait("question", |text| text.contains("for good? [y/N]"));
            terminal.keys(&[answer, "Enter"]);
            terminal.wait("end", |text| text.trim_end().ends_with("\n$"));
            assert_eq!(person.ok(&["recycle", "ls"]).is_empty(), is_empty, "{answer}");
        }
        let complaint = person.ends(2, &["recycle", "empty"]);
        assert!(complaint.contains("--yes"), "nobody can be asked: {complaint}");
    });
}
