use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
use clap_mangen::{Man, roff};

use crate::cli::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// What a page on a command does not say of itself.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("OPENPAN_ENDPOINT", "where the service is, as --endpoint"),
    ("OPENPAN_TOKEN", "the access token, as --token"),
    ("OPENPAN_TOKEN_FILE", "a file whose first line is the access token, as --token-file"),
    ("OPENPAN_CA_FILE", "certificates to trust, as --ca-file"),
    ("OPENPAN_PROFILE", "the profile to use, as --profile"),
    ("OPENPAN_PLAYER", "what plays videos, as --player of `pan play`"),
    ("NO_COLOR", "when it is set, nothing is coloured"),
    ("CLICOLOR_FORCE", "when it is set, colours go into pipes too"),
    ("TERM", "dumb: no colours and no progress bars"),
    ("HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "the proxy to use, and for which hosts not"),
];

const FILES: &[(&str, &str)] = &[
    (
        "$XDG_CONFIG_HOME/openpan/config.toml",
        "the profiles: endpoints and their tokens; ~/.config stands for an unset variable",
    ),
    ("$XDG_STATE_HOME/openpan/", "what commands must remember; ~/.local/state likewise"),
];

/// Write the manual pages into a directory
///
/// They are pan(1) and one page for each command, as pan-put(1).
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Where to; made when missing
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(crate) fn run(session: &Session<'_>, args: &ManArgs) -> Result<(), Failure> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let written = fs::create_dir_all(&args.directory)
        .and_then(|()| write_pages(&command, &args.directory, session));
    written.map_err(|error| {
        let directory = args.directory.display();
        Failure::other(format!("cannot write manual pages into `{directory}`: {error}"))
    })
}

/// Writes the page of a command, and those of the commands below it.
fn write_pages(command: &Command, directory: &Path, session: &Session<'_>) -> io::Result<()> {
    let man = Man::new(command.clone()).manual("OpenPan");
    let path = directory.join(man.get_filename());
    let mut page = Vec::new();
    render(&man, command, &mut page)?;
    fs::write(&path, page)?;
    session.screen.stderr.say(&path.display().to_string());
    command.get_subcommands().try_for_each(|below| write_pages(below, directory, session))
}

fn render(man: &Man, command: &Command, page: &mut dyn Write) -> io::Result<()> {
    man.render_title(page)?;
    man.render_name_section(page)?;
    synopsis(command, page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(page)?;
        remote_paths(page)?;
    }
    let codes: Vec<_> =
        Exit::TABLE.iter().map(|(code, meaning)| (code.to_string(), *meaning)).collect();
    table("EXIT STATUS", codes.iter().map(|(code, meaning)| (code.as_str(), *meaning)), page)?;
    table("ENVIRONMENT", ENVIRONMENT.iter().copied(), page)?;
    table("FILES", FILES.iter().copied(), page)?;
    see_also(command, page)
}

/// The usage, as the help has it: with what is required, and in its order.
fn synopsis(command: &Command, page: &mut dyn Write) -> io::Result<()> {
    let usage = command.clone().render_usage().to_string();
    let mut section = roff::Roff::new();
    section.control("SH", ["SYNOPSIS"]);
    for line in usage.trim_start_matches("Usage:").lines() {
        section.text([roff::roman(line.trim())]);
    }
    section.to_writer(page)
}

/// What must be known of paths before any command makes sense.
fn remote_paths(page: &mut dyn Write) -> io::Result<()> {
    let mut section = roff::Roff::new();
    section.control("SH", ["REMOTE PATHS"]);
    section.text([roff::roman(
        "A remote path begins with a slash, as /photos/sea.jpg. In front of it may stand the \
         name of a profile: home:/photos. It can be a pattern with *, ?, [a-z], {a,b} and **, \
         in quotes; what exists under exactly that name is meant first, and --no-glob takes \
         all paths as they are.",
    )]);
    section.to_writer(page)
}

/// A section of terms and what they mean.
fn table<'a>(
    heading: &str,
    rows: impl Iterator<Item = (&'a str, &'a str)>,
    page: &mut dyn Write,
) -> io::Result<()> {
    let mut section = roff::Roff::new();
    section.control("SH", [heading]);
    for (term, meaning) in rows {
        section.control("TP", ["12"]);
        section.text([roff::bold(term)]);
        section.text([roff::roman(meaning)]);
    }
    section.to_writer(page)
}

fn see_also(command: &Command, page: &mut dyn Write) -> io::Result<()> {
    if command.get_name() == "pan" {
        return Ok(());
    }
    let mut section = roff::Roff::new();
    section.control("SH", ["SEE ALSO"]);
    section.text([roff::bold("pan"), roff::roman("(1)")]);
    section.to_writer(page)
}
