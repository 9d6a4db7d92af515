//! Two trees, local and remote, walked side by side.
//!
//! A few directories of either side are in memory at a time, and the names of
//! those that are still to be looked into.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use futures_util::stream::TryStreamExt;
use pan_sdk::{Client, Entry, ErrorCode, ListBy, ListOrder, Md5, PanPath};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use unicode_normalization::UnicodeNormalization;

use crate::failure::Failure;
use crate::filter::Filter;
use crate::links::leads_back;

/// How many directories are looked into at once.
const LOOKS: usize = 8;

/// Something that was looked at on both sides.
#[derive(Debug)]
pub(crate) struct Sight {
    /// Seen from the two roots; of a single file its name.
    pub(crate) path: String,
    pub(crate) is_dir: bool,
    pub(crate) what: What,
}

/// What was seen.
#[derive(Debug)]
pub(crate) enum What {
    /// The same, as far as was asked.
    Same,
    LocalOnly,
    RemoteOnly,
    /// One is longer, or one is a directory.
    Different(&'static str),
    /// Two files of one size: their contents must be compared.
    Compare {
        local: PathBuf,
        md5: Md5,
    },
    /// It is left out, and why.
    LeftOut(&'static str),
    /// It could not be looked at.
    Failed(Failure),
}

/// Looks at both sides.
pub(crate) struct Walk {
    pub(crate) client: Client,
    pub(crate) filter: Filter,
    pub(crate) follow: bool,
    pub(crate) size_only: bool,
    pub(crate) sights: mpsc::Sender<Sight>,
}

/// Nobody wants to know any more.
struct Deaf;

/// A directory of one side or of both.
struct Pair {
    path: String,
    local: Option<PathBuf>,
    remote: Option<PanPath>,
}

/// Something local.
struct Local {
    path: PathBuf,
    kind: Kind,
}

enum Kind {
    File(u64),
    Directory,
    LeftOut(&'static str),
    Failed(String),
}

type Names = BTreeMap<String, (String, Local)>;

impl Walk {
    /// Walks two directories to the end, or until nobody listens.
    pub(crate) async fn directories(self, local: PathBuf, remote: PanPath) {
        let root = Pair { path: String::new(), local: Some(local), remote: Some(remote) };
        let mut open = vec![root];
        while !open.is_empty() {
            // The deepest first: the fewer are left to be remembered.
            let next = open.split_off(open.len().saturating_sub(LOOKS));
            for below in join_all(next.into_iter().map(|pair| self.pair(pair))).await {
                let Ok(below) = below else { return };
                open.extend(below);
            }
        }
    }

    /// Compares two files.
    pub(crate) async fn files(self, local: PathBuf, remote: Entry) {
        let kind = kind(&local, true);
        let name = remote.name().to_owned();
        let _ = self.both(name, Local { path: local, kind }, &remote, &mut Vec::new()).await;
    }

    /// Compares what is in two directories; says which to look into next.
    async fn pair(&self, pair: Pair) -> Result<Vec<Pair>, Deaf> {
        let mut below = Vec::new();
        let mut names = match &pair.local {
            Some(local) => match self.local_names(local, &pair.path).await? {
                Some(names) => names,
                // What is missing here is not known.
                None => return Ok(below),
            },
            None => Names::new(),
        };
        if let Some(remote) = &pair.remote
            && !self.remote_names(remote, &pair.path, &mut names, &mut below).await?
        {
            // What is missing there is not known.
            return Ok(below);
        }
        for (name, local) in names.into_values() {
            let path = join(&pair.path, &name);
            self.one_local(path, local, &mut below).await?;
        }
        Ok(below)
    }

    /// The names in a local directory, by the form in which they are compared;
    /// `None` when it cannot be read.
    async fn local_names(&self, local: &Path, path: &str) -> Result<Option<Names>, Deaf> {
        let (directory, follow) = (local.to_owned(), self.follow);
        let read = spawn_blocking(move || read_directory(&directory, follow)).await;
        let entries = match read.map_err(io::Error::other).flatten() {
            Ok(entries) => entries,
            Err(error) => {
                let message = format!("{}: cannot be read: {error}", local.display());
                self.tell(path.to_owned(), true, What::Failed(Failure::other(message))).await?;
                return Ok(None);
            }
        };
        let mut names = Names::new();
        for local in entries {
            let Some(name) = local.path.file_name().and_then(|name| name.to_str()) else {
                let shown = local.path.display();
                let failure = Failure::other(format!("{shown}: its name is not UTF-8"));
                self.tell(shown.to_string(), false, What::Failed(failure)).await?;
                continue;
            };
            if self.filter.takes(&join(path, name), matches!(local.kind, Kind::Directory)) {
                let twin = names.insert(name.nfc().collect(), (name.to_owned(), local));
                if let Some((name, _)) = twin {
                    let path = join(path, &name);
                    let why = "another name here differs only in its Unicode form";
                    let failure = Failure::other(format!("{path}: {why}"));
                    self.tell(path, false, What::Failed(failure)).await?;
                }
            }
        }
        Ok(Some(names))
    }

    /// Compares the entries of a remote directory with local names, and takes
    /// those away. Says whether all of it could be seen.
    async fn remote_names(
        &self,
        remote: &PanPath,
        path: &str,
        names: &mut Names,
        below: &mut Vec<Pair>,
    ) -> Result<bool, Deaf> {
        const BY_NAME: ListOrder = ListOrder { by: ListBy::Name, descending: false };
        let mut entries = std::pin::pin!(self.client.list_all(remote, BY_NAME));
        loop {
            let entry = match entries.try_next().await {
                Ok(Some(entry)) => entry,
                Ok(None) => return Ok(true),
                // It went away meanwhile.
                Err(error) if error.is(ErrorCode::FileNotExists) => return Ok(true),
                Err(error) => {
                    let failure = Failure::from(error).about(remote);
                    self.tell(path.to_owned(), true, What::Failed(failure)).await?;
                    return Ok(false);
                }
            };
            let own = join(path, entry.name());
            if !self.filter.takes(&own, entry.is_dir) {
                continue;
            }
            let key: String = entry.name().nfc().collect();
            match names.remove(&key) {
                Some((_, local)) => self.both(own, local, &entry, below).await?,
                None => {
                    self.tell(own.clone(), entry.is_dir, What::RemoteOnly).await?;
                    if entry.is_dir {
                        below.push(Pair { path: own, local: None, remote: Some(entry.path) });
                    }
                }
            }
        }
    }

    /// Something that is on both sides.
    async fn both(
        &self,
        path: String,
        local: Local,
        entry: &Entry,
        below: &mut Vec<Pair>,
    ) -> Result<(), Deaf> {
        let what = match (local.kind, entry.is_dir) {
            (Kind::Directory, true) => {
                let (local, remote) = (Some(local.path), Some(entry.path.clone()));
                below.push(Pair { path, local, remote });
                return Ok(());
            }
            (Kind::File(size), false) if size != entry.size.0 => What::Different("size"),
            (Kind::File(_), false) => match entry.md5 {
                Some(md5) if !self.size_only => What::Compare { local: local.path, md5 },
                _ => What::Same,
            },
            (Kind::File(_), true) | (Kind::Directory, false) => What::Different("type"),
            (Kind::LeftOut(why), _) => What::LeftOut(why),
            (Kind::Failed(why), _) => What::Failed(Failure::other(format!("{path}: {why}"))),
        };
        self.tell(path, entry.is_dir, what).await
    }

    /// Something that is on this side only.
    async fn one_local(
        &self,
        path: String,
        local: Local,
        below: &mut Vec<Pair>,
    ) -> Result<(), Deaf> {
        let is_dir = matches!(local.kind, Kind::Directory);
        let what = match local.kind {
            Kind::File(_) | Kind::Directory => What::LocalOnly,
            Kind::LeftOut(why) => What::LeftOut(why),
            Kind::Failed(why) => What::Failed(Failure::other(format!("{path}: {why}"))),
        };
        if is_dir {
            below.push(Pair { path: path.clone(), local: Some(local.path), remote: None });
        }
        self.tell(path, is_dir, what).await
    }

    async fn tell(&self, path: String, is_dir: bool, what: What) -> Result<(), Deaf> {
        self.sights.send(Sight { path, is_dir, what }).await.map_err(|_| Deaf)
    }
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

fn read_directory(directory: &Path, follow: bool) -> io::Result<Vec<Local>> {
    let entries = fs::read_dir(directory)?.map(|entry| {
        let path = entry?.path();
        Ok(Local { kind: kind(&path, follow), path })
    });
    entries.collect()
}

/// What a local path is. A link is followed or left out.
fn kind(path: &Path, follow: bool) -> Kind {
    let metadata = match follow {
        true => fs::metadata(path),
        false => fs::symlink_metadata(path),
    };
    match metadata {
        Err(error) => Kind::Failed(format!("cannot be read: {error}")),
        Ok(metadata) if metadata.is_file() => Kind::File(metadata.len()),
        Ok(metadata)
            if metadata.is_dir() && path.is_symlink() && leads_back(path).unwrap_or(true) =>
        {
            Kind::Failed("the link leads back to a directory above it".into())
        }
        Ok(metadata) if metadata.is_dir() => Kind::Directory,
        Ok(metadata) if metadata.is_symlink() => Kind::LeftOut("a symbolic link (--follow)"),
        Ok(_) => Kind::LeftOut("not a regular file"),
    }
}
