//! Steps: commands run one after another, a line and a time each.
//!
//! A step that fails ends the run and says how to run it again alone.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// Runs a command whose output matters only when it fails.
pub(crate) fn quiet(name: &str, mut command: Command) -> Result<()> {
    eprint!("{name:>9}  ");
    let started = Instant::now();
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run `{}`", line_of(&command)))?;
    let seconds = started.elapsed().as_secs_f64();
    if output.status.success() {
        eprintln!("ok     {seconds:6.1} s");
        return Ok(());
    }
    eprintln!("failed {seconds:6.1} s\n");
    std::io::stderr().write_all(&output.stdout)?;
    std::io::stderr().write_all(&output.stderr)?;
    bail!("{}", failure(name, &command));
}

/// Runs a test command: shows its output as it comes and counts its tests.
pub(crate) fn tests(name: &str, mut command: Command) -> Result<Tally> {
    eprintln!("{name:>9}  {}", line_of(&command));
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run `{}`", line_of(&command)))?;
    let out = child.stdout.take().context("no stdout")?;
    let err = child.stderr.take().context("no stderr")?;
    let tally = Mutex::new(Tally::default());
    thread::scope(|scope| {
        scope.spawn(|| echo(out, &tally, std::io::stdout()));
        scope.spawn(|| echo(err, &tally, std::io::stderr()));
    });
    let status = child.wait()?;
    let seconds = started.elapsed().as_secs_f64();
    if !status.success() {
        bail!("{}", failure(name, &command));
    }
    eprintln!("{name:>9}  ok     {seconds:6.1} s");
    Ok(tally.into_inner().expect("no echo panicked"))
}

fn echo(from: impl Read, tally: &Mutex<Tally>, mut to: impl Write) {
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        tally.lock().expect("no echo panicked").read(&line);
        // A closed terminal is no reason to stop the tests.
        let _ = writeln!(to, "{line}");
    }
}

fn failure(name: &str, command: &Command) -> String {
    format!("{name} failed\n\nhint: to run it again alone: {}", line_of(command))
}

/// A command as one would type it.
pub(crate) fn line_of(command: &Command) -> String {
    let envs = command.get_envs().filter(|(key, _)| *key != "CARGO_TERM_COLOR").filter_map(
        |(key, value)| Some(format!("{}={}", key.display(), quoted(&value?.to_string_lossy()))),
    );
    let words = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| quoted(&word.to_string_lossy()));
    envs.chain(words).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    if word.contains([' ', '*', '"']) { format!("'{word}'") } else { word.to_owned() }
}

/// How many tests passed, failed and were skipped, read off a runner's closing lines.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed.
    pub(crate) failed: u64,
    /// Tests that were skipped or ignored.
    pub(crate) skipped: u64,
}

impl Tally {
    /// Adds what a line says, if it is a closing line of nextest or of `cargo test`.
    fn read(&mut self, line: &str) {
        let line = line.trim_start();
        if !line.starts_with("Summary [") && !line.starts_with("test result:") {
            return;
        }
        let words = line.split([' ', ',', ';']).filter(|word| !word.is_empty()).collect::<Vec<_>>();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<u64>() else { continue };
            match pair[1] {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "skipped" | "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }
}

impl std::ops::Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::{Tally, line_of};
    use crate::workspace;

    #[test]
    fn closing_lines_are_counted() {
        for (line, passed, failed, skipped) in [
            ("     Summary [   0.005s] 3 tests run: 3 passed, 0 skipped", 3, 0, 0),
            (
                "Summary [1.0s] 9 tests run: 6 passed (1 slow), 2 failed, 1 timed out, 4 skipped",
                6,
                2,
                4,
            ),
            ("test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out", 5, 0, 1),
            ("test sums::five_passed ... ok", 0, 0, 0),
            ("a log line: 7 passed", 0, 0, 0),
        ] {
            let mut tally = Tally::default();
            tally.read(line);
            assert_eq!(tally, Tally { passed, failed, skipped }, "{line}");
        }
    }

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = workspace::cargo(&["doc", "--no-deps"]);
        command.env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(line_of(&command), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }
}
