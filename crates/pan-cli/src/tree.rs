use std::env;
use std::future::ready;
use std::pin::Pin;

use clap::Args;
use futures_util::stream::{self, BoxStream, Peekable, StreamExt, TryStreamExt};
use pan_sdk::{Client, Entry, Error, ErrorCode, ListBy, ListOrder, PanPath};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::remote::RemotePath;
use crate::session::Session;
use crate::show::{EntryObject, size};
use crate::tally::Tally;

/// How many directories are asked for before it is their turn.
const DIRECTORIES_AHEAD: usize = 8;

/// Show what is in a directory and below, as a tree
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct TreeArgs {
    /// A directory in the storage
    #[arg(value_name = "PATH", default_value = "/")]
    path: RemotePath,
    /// Go no more than this many directories down
    #[arg(short = 'L', long, value_name = "DEPTH", value_parser = clap::value_parser!(u64).range(1..))]
    level: Option<u64>,
    /// Show directories only
    #[arg(short, long)]
    directories: bool,
    /// Show the sizes of files
    #[arg(short, long)]
    size: bool,
    /// Show sizes as 1.5 KiB
    #[arg(short, long)]
    human_readable: bool,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

pub(crate) async fn run(session: &Session<'_>, args: TreeArgs) -> Result<(), Failure> {
    let client = session.client(&args.path)?;
    let lines = if is_utf8(|name| env::var(name).ok()) { UNICODE } else { ASCII };
    let mut tree = Tree { session, args: &args, client, lines, directories: 0, files: 0 };
    let mut tally = Tally::new(&session.screen.stderr);
    tree.show(&mut tally).await?;
    tally.finish()
}

/// What the branches are drawn with: past a branch, a branch, the last one.
struct Lines {
    past: &'static str,
    branch: &'static str,
    last: &'static str,
}

const UNICODE: &Lines = &Lines { past: "│   ", branch: "├── ", last: "└── " };
const ASCII: &Lines = &Lines { past: "|   ", branch: "|-- ", last: "`-- " };

/// Whether the terminal shows more than ASCII, as the locale says.
fn is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()))
        .unwrap_or_default()
        .to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

struct Tree<'a> {
    session: &'a Session<'a>,
    args: &'a TreeArgs,
    client: Client,
    lines: &'static Lines,
    directories: u64,
    files: u64,
}

/// A directory that is being shown. Looking one entry ahead tells the last.
struct Branch {
    path: PanPath,
    /// What stands in front of its entries.
    indent: String,
    entries: Peekable<Entries>,
}

/// The entries of a directory, and of those that are directories and will be
/// shown too, what is in them.
type Entries = BoxStream<'static, Result<(Entry, Option<Below>), Error>>;

/// The first entries of a directory are there when it is its turn.
struct Below(BoxStream<'static, Result<Entry, Error>>);

impl Tree<'_> {
    async fn show(&mut self, tally: &mut Tally) -> Result<(), Failure> {
        let root = &self.args.path;
        if let Err(failure) = self.is_directory().await {
            tally.failed(failure.about(root));
            return Ok(());
        }
        self.line(self.session.screen.name(&root.to_string(), true))?;
        let below = Below(list(&self.client, root.path.clone()));
        let mut open = vec![self.branch(root.path.clone(), String::new(), below, 1)];
        while let Some(branch) = open.last_mut() {
            match branch.entries.next().await {
                Some(Ok((entry, below))) => {
                    let is_last = Pin::new(&mut branch.entries).peek().await.is_none();
                    let (indent, own) = (branch.indent.clone(), self.branch_line(is_last));
                    self.entry(&entry, &format!("{indent}{own}"))?;
                    if let Some(below) = below {
                        let past = if is_last { "    " } else { self.lines.past };
                        open.push(self.branch(entry.path, indent + past, below, open.len() + 1));
                    }
                }
                Some(Err(error)) => {
                    tally.failed(Failure::from(error).about(root.spell(&branch.path)));
                }
                None => drop(open.pop()),
            }
        }
        tally.done();
        self.summary()
    }

    async fn is_directory(&self) -> Result<(), Failure> {
        match self.client.meta(&self.args.path.path).await {
            Ok(entry) if entry.is_dir => Ok(()),
            Ok(_) => Err(Failure::new(Exit::NoDirectory, "it is a file, not a directory")),
            Err(error) if error.is(ErrorCode::FileNotExists) => {
                // The root of a token may not be there yet: it is empty.
                if self.args.path.path.is_root() {
                    return Ok(());
                }
                Err(Failure { exit: Exit::NoDirectory, ..Failure::from(error) })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Begins to show a directory. What is in the next ones is asked for ahead.
    fn branch(&self, path: PanPath, indent: String, below: Below, depth: usize) -> Branch {
        let (client, only_directories) = (self.client.clone(), self.args.directories);
        let goes_below = self.args.level.is_none_or(|level| (depth as u64) < level);
        let entries = below
            .0
            .try_filter(move |entry| ready(entry.is_dir || !only_directories))
            .map_ok(move |entry| look_inside(client.clone(), entry, goes_below))
            .try_buffered(DIRECTORIES_AHEAD);
        Branch { path, indent, entries: entries.boxed().peekable() }
    }

    fn branch_line(&self, is_last: bool) -> &'static str {
        if is_last { self.lines.last } else { self.lines.branch }
    }

    fn entry(&mut self, entry: &Entry, lines: &str) -> Result<(), Failure> {
        let number = if entry.is_dir { &mut self.directories } else { &mut self.files };
        *number += 1;
        let screen = self.session.screen;
        if screen.json {
            return screen.object(&EntryObject::of(entry));
        }
        let name = screen.name(entry.name(), entry.is_dir);
        let shows_size = (self.args.size || self.args.human_readable) && !entry.is_dir;
        let size = shows_size.then(|| size(entry.size, self.args.human_readable));
        let size = size.map(|size| format!("[{size:>10}]  ")).unwrap_or_default();
        self.line(format!("{lines}{size}{name}"))
    }

    fn line(&self, text: String) -> Result<(), Failure> {
        if self.session.screen.json { Ok(()) } else { self.session.screen.line(text) }
    }

    fn summary(&self) -> Result<(), Failure> {
        let plural = |number: u64, one: &str, many: &str| match number {
            1 => format!("1 {one}"),
            number => format!("{number} {many}"),
        };
        let mut text = plural(self.directories, "directory", "directories");
        if !self.args.directories {
            text = format!("{text}, {}", plural(self.files, "file", "files"));
        }
        self.line(format!("\n{text}"))
    }
}

fn list(client: &Client, path: PanPath) -> BoxStream<'static, Result<Entry, Error>> {
    const BY_NAME: ListOrder = ListOrder { by: ListBy::Name, descending: false };
    client.list_all(&path, BY_NAME).boxed()
}

/// Asks for what is in an entry, and waits for the beginning of the answer.
async fn look_inside(
    client: Client,
    entry: Entry,
    goes_below: bool,
) -> Result<(Entry, Option<Below>), Error> {
    if !entry.is_dir || !goes_below {
        return Ok((entry, None));
    }
    let mut entries = list(&client, entry.path.clone());
    let first = stream::iter(entries.next().await);
    Ok((entry, Some(Below(first.chain(entries).boxed()))))
}

#[cfg(test)]
mod tests {
    use super::is_utf8;

    #[test]
    fn the_first_variable_that_says_something_counts() {
        for (all, ctype, lang, utf8) in [
            ("", "", "", false),
            ("C", "", "de_DE.UTF-8", false),
            ("", "C.utf8", "C", true),
            ("", "", "de_DE.UTF-8", true),
            ("C.UTF-8", "C", "C", true),
        ] {
            let variable = |name: &str| match name {
                "LC_ALL" => Some(all.to_owned()),
                "LC_CTYPE" => Some(ctype.to_owned()),
                _ => Some(lang.to_owned()),
            };
            assert_eq!(is_utf8(variable), utf8, "{all} {ctype} {lang}");
        }
    }
}
