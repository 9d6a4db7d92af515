use clap::{ArgAction, Args, ValueEnum};
use futures_util::stream::{Stream, StreamExt, TryStreamExt};
use pan_sdk::{Client, Entry, Error, ErrorCode, ListBy, ListOrder, PanPath};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::glob;
use crate::remote::RemotePath;
use crate::screen::Screen;
use crate::session::Session;
use crate::show::{EntryObject, columns};
use crate::tally::Tally;

/// List directories
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct LsArgs {
    /// Directories and files in the storage
    #[arg(value_name = "PATH", default_value = "/")]
    paths: Vec<RemotePath>,
    /// Show type, size and time too
    #[arg(short, long)]
    long: bool,
    /// Show sizes as 1.5 KiB
    #[arg(short, long)]
    human_readable: bool,
    /// What to sort by
    #[arg(long, value_enum, value_name = "KEY", default_value_t = Sort::Name)]
    sort: Sort,
    /// Turn the order round
    #[arg(short, long)]
    reverse: bool,
    /// List what is in the directories too
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Print help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sort {
    /// A to Z
    Name,
    /// The newest first
    Time,
    /// Directories, then the largest first
    Size,
    /// Directories, then files by extension
    Type,
}

impl LsArgs {
    fn order(&self) -> ListOrder {
        let (by, descending) = match self.sort {
            Sort::Name => (ListBy::Name, false),
            Sort::Time => (ListBy::Time, true),
            Sort::Size => (ListBy::Size, true),
            Sort::Type => (ListBy::FileType, false),
        };
        ListOrder { by, descending: descending != self.reverse }
    }
}

pub(crate) async fn run(session: &Session<'_>, args: LsArgs) -> Result<(), Failure> {
    let mut tally = Tally::new(&session.screen.stderr);
    let paths = glob::expand(session, args.paths.clone()).await?;
    let ls = Ls { screen: session.screen, args: &args, several: paths.len() > 1 };
    let (files, directories): (Vec<_>, Vec<_>) =
        paths.iter().partition(|path| path.known.as_ref().is_some_and(|entry| !entry.is_dir));
    for entry in files.iter().filter_map(|path| path.known.as_ref()) {
        ls.show(entry, entry.path.as_str())?;
        tally.done();
    }
    for (number, path) in directories.into_iter().enumerate() {
        ls.heading(number + files.len(), path)?;
        let client = session.client(path)?;
        ls.path(&client, path, &mut tally).await?;
    }
    tally.finish()
}

struct Ls<'a> {
    screen: &'a Screen,
    args: &'a LsArgs,
    /// Whether listings must be told apart.
    several: bool,
}

impl Ls<'_> {
    /// Tells several listings apart.
    fn heading(&self, number: usize, path: &RemotePath) -> Result<(), Failure> {
        if !self.several || self.screen.json {
            return Ok(());
        }
        let gap = if number > 0 { "\n" } else { "" };
        self.screen.line(format!("{gap}{path}:"))
    }

    async fn path(
        &self,
        client: &Client,
        path: &RemotePath,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let order = self.args.order();
        let count = if self.args.recursive {
            self.show_all(path, client.walk(&path.path, order), tally).await?
        } else {
            let here = path.path.clone();
            let list = client.list_all(&path.path, order).map_err(|error| (here.clone(), error));
            self.show_all(path, list, tally).await?
        };
        // A file has no entries, as an empty directory.
        if count == 0 { self.show_itself(client, path, tally).await } else { Ok(()) }
    }

    /// Shows entries as they come; says how many there were, failures included.
    /// Each directory that cannot be listed counts as an item, and the rest as one.
    async fn show_all(
        &self,
        path: &RemotePath,
        entries: impl Stream<Item = Result<Entry, (PanPath, Error)>>,
        tally: &mut Tally,
    ) -> Result<u64, Failure> {
        let mut entries = std::pin::pin!(entries);
        let (mut shown, mut failed) = (0, 0);
        while let Some(entry) = entries.next().await {
            match entry {
                Ok(entry) => {
                    shown += 1;
                    self.show(&entry, below(&path.path, &entry.path))?;
                }
                Err((at, error)) => {
                    failed += 1;
                    tally.failed(no_directory(error).about(path.spell(&at)));
                }
            }
        }
        if shown > 0 {
            tally.done();
        }
        Ok(shown + failed)
    }

    async fn show_itself(
        &self,
        client: &Client,
        path: &RemotePath,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        match client.meta(&path.path).await {
            Ok(entry) if !entry.is_dir => self.show(&entry, entry.path.as_str())?,
            Ok(_) => {}
            Err(error) => {
                tally.failed(no_directory(error).about(path));
                return Ok(());
            }
        }
        tally.done();
        Ok(())
    }

    fn show(&self, entry: &Entry, name: &str) -> Result<(), Failure> {
        if self.screen.json {
            return self.screen.object(&EntryObject::of(entry));
        }
        let name = self.screen.name(name, entry.is_dir);
        match self.args.long {
            true => self.screen.line(columns(entry, self.args.human_readable) + &name),
            false => self.screen.line(name),
        }
    }
}

/// The path of an entry as seen from the directory that is listed.
fn below<'e>(directory: &PanPath, entry: &'e PanPath) -> &'e str {
    let names = entry.components().take(directory.depth());
    let skipped: usize = names.map(|name| name.len() + 1).sum();
    &entry.as_str()[(skipped + 1).min(entry.as_str().len())..]
}

fn no_directory(error: Error) -> Failure {
    let is_missing = error.is(ErrorCode::FileNotExists);
    let failure = Failure::from(error);
    if is_missing { Failure { exit: Exit::NoDirectory, ..failure } } else { failure }
}

#[cfg(test)]
mod tests {
    use pan_sdk::PanPath;

    use super::below;

    #[test]
    fn names_are_seen_from_the_directory() {
        let path = |text| PanPath::parse(text).unwrap();
        for (directory, entry, shown) in [
            ("/", "/a", "a"),
            ("/", "/a/b", "a/b"),
            ("/a", "/a/b", "b"),
            ("/a/b", "/a/b/c/d", "c/d"),
        ] {
            assert_eq!(below(&path(directory), &path(entry)), shown);
        }
    }
}
