//! The options of the command line, in the order in which they were typed.

use std::fs;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

use super::patterns::Patterns;
use crate::failure::Failure;

const INCLUDE: &str = "include";
const EXCLUDE: &str = "exclude";
const FILTER_FROM: &str = "filter_from";
const HEADING: &str = "Which files";

/// Which files are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FilterArgs {
    /// Later ones win over earlier ones.
    pub(super) rules: Vec<Rule>,
}

/// An option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    Include(String),
    Exclude(String),
    From(PathBuf),
}

impl FilterArgs {
    /// All patterns, one after the other.
    pub(super) fn patterns(&self) -> Result<Patterns, Failure> {
        let mut patterns = Patterns::builder();
        for rule in &self.rules {
            match rule {
                Rule::Include(pattern) => patterns.option("--include", pattern, true)?,
                Rule::Exclude(pattern) => patterns.option("--exclude", pattern, false)?,
                Rule::From(path) => {
                    let bytes = fs::read(path).map_err(|error| {
                        Failure::usage(format!("{}: cannot be read: {error}", path.display()))
                    })?;
                    patterns.file(path, &bytes).map_err(Failure::usage)?;
                }
            }
        }
        patterns.build().map_err(Failure::usage)
    }
}

// By hand, because what is derived forgets in which order different options came.
impl FromArgMatches for FilterArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut rules: Vec<(usize, Rule)> = Vec::new();
        let texts = |id: &str, rule: fn(String) -> Rule| {
            let values = matches.get_many::<String>(id).into_iter().flatten().cloned().map(rule);
            matches.indices_of(id).into_iter().flatten().zip(values).collect::<Vec<_>>()
        };
        rules.extend(texts(INCLUDE, Rule::Include));
        rules.extend(texts(EXCLUDE, Rule::Exclude));
        let files = matches.get_many::<PathBuf>(FILTER_FROM).into_iter().flatten().cloned();
        let indices = matches.indices_of(FILTER_FROM).into_iter().flatten();
        rules.extend(indices.zip(files.map(Rule::From)));
        rules.sort_by_key(|(index, _)| *index);
        Ok(Self { rules: rules.into_iter().map(|(_, rule)| rule).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for FilterArgs {
    fn augment_args(command: Command) -> Command {
        let pattern = |id: &'static str, name: &'static str, help: &'static str| {
            Arg::new(id)
                .long(name)
                .value_name("PATTERN")
                .action(ArgAction::Append)
                .allow_hyphen_values(true)
                .help_heading(HEADING)
                .help(help)
        };
        command
            .arg(pattern(EXCLUDE, "exclude", "Leave out what matches; patterns as in gitignore"))
            .arg(pattern(
                INCLUDE,
                "include",
                "Take what matches; when it comes first, nothing else is taken",
            ))
            .arg(
                Arg::new(FILTER_FROM)
                    .long("filter-from")
                    .value_name("FILE")
                    .action(ArgAction::Append)
                    .value_parser(value_parser!(PathBuf))
                    .help_heading(HEADING)
                    .help("Leave out what a file of patterns says, as .gitignore does"),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
