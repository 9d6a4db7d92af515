use clap::Args;
use futures_util::stream::StreamExt;
use pan_sdk::{ByteSize, Entry, ErrorCode, ListBy, ListOrder, PanPath};
use serde_json::json;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::glob;
use crate::remote::RemotePath;
use crate::session::Session;
use crate::show::size;
use crate::tally::Tally;

/// Show how many bytes directories hold, with all that is below
///
/// The bytes are those of the files, as the quota counts them. What is in a
/// directory is told before the directory itself.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct DuArgs {
    /// Directories and files in the storage
    #[arg(value_name = "PATH", default_value = "/")]
    paths: Vec<RemotePath>,
    /// Show only the sum of each PATH
    #[arg(short, long, conflicts_with = "depth")]
    summarize: bool,
    /// Show directories no more than this many below PATH
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    /// Show sizes as 1.5 KiB
    #[arg(short, long)]
    human_readable: bool,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

pub(crate) async fn run(session: &Session<'_>, args: DuArgs) -> Result<(), Failure> {
    let mut tally = Tally::new(&session.screen.stderr);
    let depth = if args.summarize { 0 } else { args.depth.unwrap_or(usize::MAX) };
    for path in glob::expand(session, args.paths).await? {
        let du = Du { session, path: &path, depth, human: args.human_readable };
        let added = du.add_up(&mut tally).await;
        tally.count(added.map_err(|failure| failure.about(&path)));
    }
    tally.finish()
}

struct Du<'a> {
    session: &'a Session<'a>,
    path: &'a RemotePath,
    depth: usize,
    human: bool,
}

/// What was seen of a directory.
struct Sum {
    path: PanPath,
    bytes: u64,
    files: u64,
    directories: u64,
}

impl Sum {
    fn of(path: PanPath) -> Self {
        Self { path, bytes: 0, files: 0, directories: 0 }
    }
}

impl Du<'_> {
    async fn add_up(&self, tally: &mut Tally) -> Result<(), Failure> {
        const BY_NAME: ListOrder = ListOrder { by: ListBy::Name, descending: false };
        let root = self.root().await?;
        // The directories on the way down to where the walk is.
        let mut open = vec![Sum::of(root.path.clone())];
        if !root.is_dir {
            count(&mut open, &root);
            return self.show(&open[0], false);
        }
        let client = self.session.client(self.path)?;
        let mut walk = std::pin::pin!(client.walk(&root.path, BY_NAME));
        while let Some(step) = walk.next().await {
            let entry = match step {
                Ok(entry) => entry,
                Err((path, error)) => {
                    tally.failed(Failure::from(error).about(self.path.spell(&path)));
                    continue;
                }
            };
            self.close(&mut open, entry.path.depth() - root.path.depth())?;
            count(&mut open, &entry);
            if entry.is_dir {
                open.push(Sum::of(entry.path));
            }
        }
        self.close(&mut open, 0)
    }

    async fn root(&self) -> Result<Entry, Failure> {
        let looked = self.path.look(&self.session.client(self.path)?).await;
        looked.map_err(|error| match error.is(ErrorCode::FileNotExists) {
            true => Failure { exit: Exit::NoDirectory, ..Failure::from(error) },
            false => error.into(),
        })
    }

    /// Shows the directories that the walk has left, and adds each to the one
    /// above it.
    fn close(&self, open: &mut Vec<Sum>, left_open: usize) -> Result<(), Failure> {
        while open.len() > left_open
            && let Some(sum) = open.pop()
        {
            if open.len() <= self.depth {
                self.show(&sum, true)?;
            }
            if let Some(above) = open.last_mut() {
                above.bytes += sum.bytes;
                above.files += sum.files;
                above.directories += sum.directories;
            }
        }
        Ok(())
    }

    fn show(&self, sum: &Sum, is_dir: bool) -> Result<(), Failure> {
        let screen = self.session.screen;
        let path = self.path.spell(&sum.path);
        if screen.json {
            let object = json!({
                "path": path, "type": if is_dir { "dir" } else { "file" },
                "size": sum.bytes, "files": sum.files, "directories": sum.directories,
            });
            return screen.object(&object);
        }
        let size = size(ByteSize(sum.bytes), self.human);
        let width = if self.human { 10 } else { 14 };
        screen.line(format!("{size:>width$}  {}", screen.name(&path, is_dir)))
    }
}

/// Counts an entry in the directory that it is in.
fn count(open: &mut [Sum], entry: &Entry) {
    let Some(sum) = open.last_mut() else { return };
    sum.bytes += entry.size.0;
    *(if entry.is_dir { &mut sum.directories } else { &mut sum.files }) += 1;
}
