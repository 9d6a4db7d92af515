//! What may stand in the place of a path or a profile.

use std::any::TypeId;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{Arg, Command};
use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};
use futures_util::stream::TryStreamExt;
use pan_sdk::{Entry, ListBy, ListOrder, RetryPolicy};
use tokio::time::timeout;

use crate::cli::GlobalOptions;
use crate::completion::shell_words::Word;
use crate::config::Config;
use crate::remote::RemotePath;
use crate::screen::Screen;
use crate::session::Session;

/// Nobody waits longer for a name.
const PATIENCE: Duration = Duration::from_millis(1500);

/// More than this nobody reads.
const MAX_NAMES: usize = 500;

/// What is known of the line that is being completed.
#[derive(Debug)]
pub(crate) struct Line {
    /// Whom to ask for remote names, as far as the line says.
    options: GlobalOptions,
    /// The words before the one that is being completed.
    before: Vec<String>,
    /// Whether paths were offered.
    is_path: AtomicBool,
}

impl Line {
    pub(crate) fn of(words: &[Word]) -> Self {
        let option = |name: &str| {
            let at = |(i, word): (usize, &Word)| match word.text.strip_prefix(name)? {
                "" => words.get(i + 1).map(|next| next.text.clone()),
                value => value.strip_prefix('=').map(str::to_owned),
            };
            words.iter().enumerate().find_map(at)
        };
        let options = GlobalOptions {
            endpoint: option("--endpoint"),
            token: option("--token"),
            token_file: option("--token-file").map(PathBuf::from),
            profile: option("--profile"),
            ca_file: option("--ca-file").map(PathBuf::from),
            no_glob: true,
            json: false,
            quiet: true,
            verbose: false,
        };
        let before = words.split_last().map_or(&[][..], |(_, before)| before);
        let before = before.iter().map(|word| word.text.clone()).collect();
        Self { options, before, is_path: AtomicBool::new(false) }
    }

    /// Whether the command was given something already that is no option, nor
    /// the value of one of these.
    fn has_value(&self, valued: &[String]) -> bool {
        let mut is_value = false;
        let mut plain = 0;
        for word in self.before.iter().skip(1) {
            let is_option = !is_value && word.len() > 1 && word.starts_with('-');
            plain += usize::from(!is_value && !is_option);
            is_value = is_option && valued.contains(word);
        }
        // The name of the command is one.
        plain > 1
    }

    /// Whether what was offered are paths.
    pub(crate) fn is_path(&self) -> bool {
        self.is_path.load(Ordering::Relaxed)
    }
}

/// Gives every argument that is a path or a profile what completes it.
pub(crate) fn dress(command: Command, line: &Arc<Line>) -> Command {
    dress_below(command, line, &[])
}

/// `inherited` are the options with a value that every command has.
fn dress_below(command: Command, line: &Arc<Line>, inherited: &[String]) -> Command {
    const LOCAL: Sides = Sides { local: true, remote: false };
    const REMOTE: Sides = Sides { local: false, remote: true };
    const BOTH: Sides = Sides { local: true, remote: true };
    let name = command.get_name().to_owned();
    let valued = [inherited, &with_value(&command)].concat();
    let has_value = line.has_value(&valued);
    command
        .mut_args(|arg| {
            let kind = arg.get_value_parser().type_id();
            let sides = match (name.as_str(), arg.get_id().as_str()) {
                ("put" | "get", "paths") if has_value => BOTH,
                ("put", "paths") => LOCAL,
                ("get", "paths") => REMOTE,
                _ if kind == TypeId::of::<RemotePath>() => REMOTE,
                _ if kind == TypeId::of::<PathBuf>() => LOCAL,
                (_, "profile") => return with(arg, Profiles),
                _ => return arg,
            };
            with(arg, Paths { line: Arc::clone(line), sides })
        })
        .mut_subcommands(|below| dress_below(below, line, &valued))
}

/// The options of a command that have a value, as they are typed.
fn with_value(command: &Command) -> Vec<String> {
    let options = command.get_arguments().filter(|arg| arg.get_action().takes_values());
    let names = options.flat_map(|arg| {
        let long = arg.get_long().map(|name| format!("--{name}"));
        long.into_iter().chain(arg.get_short().map(|name| format!("-{name}")))
    });
    names.collect()
}

fn with(arg: Arg, completer: impl ValueCompleter + 'static) -> Arg {
    arg.add(ArgValueCompleter::new(completer))
}

/// Where a path can be.
#[derive(Debug, Clone, Copy)]
struct Sides {
    local: bool,
    remote: bool,
}

/// Completes paths.
struct Paths {
    line: Arc<Line>,
    sides: Sides,
}

impl ValueCompleter for Paths {
    fn complete(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        let mut candidates = Vec::new();
        if self.sides.local {
            candidates.extend(PathCompleter::any().complete(current));
        }
        if self.sides.remote
            && let Some(typed) = current.to_str()
        {
            let values = remote_values(&self.line.options, typed);
            candidates.extend(values.into_iter().map(CompletionCandidate::new));
        }
        self.line.is_path.store(true, Ordering::Relaxed);
        candidates
    }
}

/// Completes the names of profiles.
struct Profiles;

impl ValueCompleter for Profiles {
    fn complete(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        let names = profiles(&current.to_string_lossy());
        names.into_iter().map(CompletionCandidate::new).collect()
    }
}

fn profiles(begin: &str) -> Vec<String> {
    let config = Config::path().and_then(|path| Config::read(&path)).unwrap_or_default();
    config.profiles.into_keys().filter(|name| name.starts_with(begin)).collect()
}

/// The remote paths that begin as typed: those in one directory.
fn remote_values(options: &GlobalOptions, typed: &str) -> Vec<String> {
    let typed = if typed.ends_with(':') { format!("{typed}/") } else { typed.to_owned() };
    let Some(slash) = typed.rfind('/') else {
        let profiles = profiles(&typed).into_iter().map(|name| format!("{name}:/"));
        let here = if typed.is_empty() { remote_values(options, "/") } else { Vec::new() };
        return here.into_iter().chain(profiles).collect();
    };
    let (directory, begin) = typed.split_at(slash + 1);
    names(options, directory, begin).into_iter().map(|name| format!("{directory}{name}")).collect()
}

/// The names in a remote directory that begin so; as many as come in time.
fn names(options: &GlobalOptions, directory: &str, begin: &str) -> Vec<String> {
    const BY_NAME: ListOrder = ListOrder { by: ListBy::Name, descending: false };
    let mut names = Vec::new();
    let Ok(remote) = directory.parse::<RemotePath>() else { return names };
    let screen = Screen::new(options);
    let Ok(client) = Session::new(options, &screen).client(&remote) else { return names };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return names };
    let client = client.with_retry(RetryPolicy::never());
    let listing = async {
        let mut entries = std::pin::pin!(client.list_all(&remote.path, BY_NAME));
        while let Ok(Some(entry)) = entries.try_next().await
            && names.len() < MAX_NAMES
        {
            names.extend(shown(&entry).filter(|name| name.starts_with(begin)));
        }
    };
    let _ = runtime.block_on(async { timeout(PATIENCE, listing).await });
    // A name that is being looked up would be waited for.
    runtime.shutdown_background();
    names
}

fn shown(entry: &Entry) -> impl Iterator<Item = String> {
    let slash = if entry.is_dir { "/" } else { "" };
    std::iter::once(format!("{}{slash}", entry.name()))
}
