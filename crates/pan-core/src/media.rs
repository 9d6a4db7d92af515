//! Listing files by media type (pcs-rest 4.17), latest first.
//!
//! The engine's order of all files of a type is gone through until the page is
//! full; when little lies below the prefix, that is gone through instead.

use std::ops::ControlFlow;
use std::sync::Arc;

use pan_engine::meta::{Entry, MediaPlace};
use pan_engine::{MetaRead, MetaStoreExt, ReadCost};
use pan_model::{Caller, FsId, MediaType, NameKey, PanPath};

use crate::below::Below;
use crate::gather::GATHERED_MAX;
use crate::tree::{Located, find};
use crate::{Error, Pan, Result};

/// Files of one snapshot.
const WINDOW_FILES: u64 = 5_000;

/// The longest page.
pub const MEDIA_PAGE_MAX: u64 = WINDOW_FILES;

/// A page of a media list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaPage {
    /// How many files there are in all.
    pub total: u64,
    /// Those of the page, in order.
    pub files: Vec<Located>,
}

/// Where the files of a list are.
#[derive(Clone)]
struct Scope {
    directory: FsId,
    /// What the keys of its children begin with.
    prefix: String,
    /// Files of the type in it.
    total: u64,
    /// Entries below the directory.
    entries: u64,
    /// Files of the type in the whole account.
    of_user: u64,
}

/// A page that is being filled.
struct Filling {
    pan: Pan,
    caller: Caller,
    media: MediaType,
    scope: Scope,
    skip: u64,
    left: u64,
    files: Vec<Located>,
}

impl Pan {
    /// Files of one type that the caller can see and whose path begins with
    /// `prefix`: the latest mtime first, then the newest. It is text, not a
    /// path: `/a/b` is also the beginning of `/a/bc.jpg`.
    ///
    /// A page has at most [`MEDIA_PAGE_MAX`] files.
    ///
    /// # Errors
    /// Only those of the engine.
    pub async fn list_media(
        &self,
        caller: &Caller,
        media: MediaType,
        prefix: &str,
        start: u64,
        limit: u64,
    ) -> Result<MediaPage> {
        let Some((path, rest)) = split_prefix(&caller.root, prefix) else {
            return Ok(MediaPage { total: 0, files: Vec::new() });
        };
        let user = caller.user;
        let look = move |read: &mut dyn MetaRead| {
            let found = find(read, user, &path)?.filter(|found| found.entry.is_directory());
            let (Some(found), Some(index)) = (found, media.index()) else { return Ok(None) };
            let directory = found.entry.fs_id;
            let totals = read.get_totals(directory)?;
            let total = match rest.as_str() {
                "" => totals.media[index],
                prefix => read.count_media(directory, media, prefix)?,
            };
            let of_user = read.get_totals(FsId::root(user))?.media[index];
            let entries = totals.entries;
            Ok::<_, Error>(Some(Scope { directory, prefix: rest, total, entries, of_user }))
        };
        let Some(scope) = self.meta().read(ReadCost::Long, look).await? else {
            return Ok(MediaPage { total: 0, files: Vec::new() });
        };
        let total = scope.total;
        let left = total.saturating_sub(start).min(limit).min(MEDIA_PAGE_MAX);
        let filling = Filling {
            pan: self.clone(),
            caller: caller.clone(),
            media,
            scope,
            skip: start,
            left,
            files: Vec::new(),
        };
        Ok(MediaPage { total, files: filling.fill().await? })
    }
}

/// The directory that a prefix of paths ends in, and what the names in it
/// begin with; `None` when no path within the root begins so.
fn split_prefix(root: &PanPath, prefix: &str) -> Option<(PanPath, String)> {
    let within = if root.is_root() { String::from("/") } else { format!("{root}/") };
    let (within, prefix) = (NameKey::of(&within), NameKey::of(prefix));
    let (within, prefix) = (within.as_str(), prefix.as_str());
    if within.starts_with(prefix) {
        return Some((root.clone(), String::new()));
    }
    let below = prefix.strip_prefix(within)?;
    let Some((directory, name)) = below.rsplit_once('/') else {
        return Some((root.clone(), below.to_owned()));
    };
    let text = format!("{within}{directory}");
    // Text that no path is spelt as begins none.
    let path = PanPath::parse(&text).ok()?;
    (!directory.is_empty() && path.as_str() == text).then(|| (path, name.to_owned()))
}

impl Filling {
    async fn fill(mut self) -> Result<Vec<Located>> {
        let wanted = self.skip.saturating_add(self.left);
        let (located, mut after) = self.window(None, wanted.clamp(100, WINDOW_FILES)).await?;
        self.take(located);
        if self.left > 0
            && self.gather_is_less()
            && let Some(places) = self.gather(after).await?
        {
            return self.take_gathered(places).await;
        }
        while self.left > 0 && after.is_some() {
            let (located, last) = self.window(after, WINDOW_FILES).await?;
            self.take(located);
            after = last;
        }
        Ok(self.files)
    }

    /// Those of the next files in the engine's order that are in the scope, and
    /// the place of the last one.
    async fn window(
        &self,
        after: Option<MediaPlace>,
        limit: u64,
    ) -> Result<(Vec<Located>, Option<MediaPlace>)> {
        let (caller, media, scope) = (self.caller.clone(), self.media, self.scope.clone());
        let look = move |read: &mut dyn MetaRead| {
            let mut files = Vec::new();
            read.list_media(caller.user, media, after, limit, &mut |file| {
                files.push(file);
                ControlFlow::Continue(())
            })?;
            let last = files.last().map(MediaPlace::of);
            Ok::<_, Error>((locate(read, &caller, &scope, files)?, last))
        };
        self.pan.meta().read(ReadCost::Long, look).await
    }

    fn take(&mut self, located: Vec<Located>) {
        let skipped = self.skip.min(located.len() as u64);
        self.skip -= skipped;
        let taken = located.into_iter().skip(skipped as usize).take(self.left as usize);
        let before = self.files.len();
        self.files.extend(taken);
        self.left -= (self.files.len() - before) as u64;
    }

    fn gather_is_less(&self) -> bool {
        self.scope.entries <= GATHERED_MAX && self.scope.entries < self.scope.of_user
    }

    /// Goes through the directory for what comes after a place.
    async fn gather(&self, after: Option<MediaPlace>) -> Result<Option<Vec<MediaPlace>>> {
        let media = self.media;
        let pick = Arc::new(move |file: &Entry| {
            let place = MediaPlace::of(file);
            let is_next = after.is_none_or(|after| place < after);
            (is_next && MediaType::of_name(&file.name) == media).then_some(place)
        });
        let directory = self.scope.directory;
        self.pan.gather(directory, true, 2 * GATHERED_MAX, pick).await
    }

    async fn take_gathered(mut self, mut places: Vec<MediaPlace>) -> Result<Vec<Located>> {
        places.sort_unstable_by(|a, b| b.cmp(a));
        places.dedup();
        for window in places.chunks(WINDOW_FILES as usize) {
            if self.left == 0 {
                break;
            }
            let located = self.look_again(window.to_vec()).await?;
            self.take(located);
        }
        Ok(self.files)
    }

    async fn look_again(&self, places: Vec<MediaPlace>) -> Result<Vec<Located>> {
        let (caller, scope) = (self.caller.clone(), self.scope.clone());
        let look = move |read: &mut dyn MetaRead| {
            let mut files = Vec::new();
            for place in places {
                let file = read.get_entry(place.fs_id)?;
                files.extend(file.filter(|file| MediaPlace::of(file) == place));
            }
            locate(read, &caller, &scope, files)
        };
        self.pan.meta().read(ReadCost::Long, look).await
    }
}

/// Those of the files that are in the scope, in this snapshot.
fn locate(
    read: &mut dyn MetaRead,
    caller: &Caller,
    scope: &Scope,
    files: Vec<Entry>,
) -> Result<Vec<Located>> {
    let Some(mut below) = Below::new(read, caller, scope.directory, &scope.prefix)? else {
        return Ok(Vec::new());
    };
    let mut located = Vec::new();
    for entry in files {
        let path = below.locate(read, &entry)?;
        located.extend(path.map(|path| Located { path, entry }));
    }
    Ok(located)
}

#[cfg(test)]
mod tests {
    use pan_model::PanPath;

    use super::split_prefix;

    #[test]
    fn a_prefix_is_text() {
        let path = |text| PanPath::parse(text).unwrap();
        for (root, prefix, expected) in [
            ("/", "", Some(("/", ""))),
            ("/", "/", Some(("/", ""))),
            ("/", "/a", Some(("/", "a"))),
            ("/", "/a/", Some(("/a", ""))),
            ("/", "/a/b/c", Some(("/a/b", "c"))),
            ("/", "a", None),
            ("/", "//a", None),
            ("/", "/a//b", None),
            ("/", "/a/../b", None),
            ("/apps/x", "/ap", Some(("/apps/x", ""))),
            ("/apps/x", "/apps/x", Some(("/apps/x", ""))),
            ("/apps/x", "/apps/x/", Some(("/apps/x", ""))),
            ("/apps/x", "/apps/x/a", Some(("/apps/x", "a"))),
            ("/apps/x", "/apps/x//a", None),
            ("/apps/x", "/apps/x2", None),
            ("/apps/x", "/b", None),
            ("/caf\u{e9}", "/cafe\u{301}/a", Some(("/caf\u{e9}", "a"))),
        ] {
            let expected = expected.map(|(directory, name)| (path(directory), name.to_owned()));
            assert_eq!(split_prefix(&path(root), prefix), expected, "{prefix} in {root}");
        }
    }
}
