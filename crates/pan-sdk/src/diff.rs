use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

use futures_util::stream::{self, Stream};
use pan_model::{FsId, PanPath};
use pan_pcs::{DiffBody, EntryBody, Object};
use percent_encoding::percent_decode_str;

use crate::call::Call;
use crate::{Client, Entry, Error};

/// A page of the change feed (pcs-rest 4.15).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiffPage {
    /// What happened, at most one change for a path. Their order means nothing.
    pub changes: Vec<Change>,
    /// Where the next page begins.
    pub cursor: String,
    /// Whether there is more to be had at once; otherwise wait a minute or two.
    pub has_more: bool,
    /// Whether everything is told from the beginning, from this page on:
    /// forget what earlier pages said.
    pub reset: bool,
}

/// What happened at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// This entry is there, new or as it is now. Of a directory only itself:
    /// what is in it has changes of its own.
    Present(Entry),
    /// Nothing is there any more, nor below it.
    Gone(Gone),
}

/// What is known of an entry that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gone {
    /// Where it was.
    pub path: PanPath,
    /// The id; `None` when the service did not say.
    pub fs_id: Option<FsId>,
    /// Whether it was a directory.
    pub is_dir: bool,
    /// Whether it went into the recycle bin.
    pub is_recycled: bool,
}

impl Change {
    /// Where it happened.
    pub fn path(&self) -> &PanPath {
        match self {
            Self::Present(entry) => &entry.path,
            Self::Gone(gone) => &gone.path,
        }
    }

    fn read(body: EntryBody) -> Result<Self, String> {
        let deleted = body.isdelete;
        let entry = Entry::read(body)?;
        if deleted == 0 {
            return Ok(Self::Present(entry));
        }
        let Entry { path, fs_id, is_dir, .. } = entry;
        Ok(Self::Gone(Gone { path, fs_id, is_dir, is_recycled: deleted < 0 }))
    }
}

impl DiffPage {
    /// Brings a map of everything that is there up to date. Of pages applied
    /// in order, beginning with an empty map and no cursor, comes what the
    /// storage holds.
    pub fn apply_to(self, tree: &mut BTreeMap<PanPath, Entry>) {
        if self.reset {
            tree.clear();
        }
        let (gone, present): (Vec<_>, Vec<_>) =
            self.changes.into_iter().partition(|change| matches!(change, Change::Gone(_)));
        for change in gone {
            remove_with_all_below(tree, change.path());
        }
        for change in present {
            if let Change::Present(entry) = change {
                tree.insert(entry.path.clone(), entry);
            }
        }
    }
}

fn remove_with_all_below(tree: &mut BTreeMap<PanPath, Entry>, path: &PanPath) {
    tree.remove(path);
    let below = format!("{}/", path.as_str().trim_end_matches('/'));
    let doomed: Vec<PanPath> = tree
        .range::<str, _>((Bound::Included(below.as_str()), Bound::Unbounded))
        .map(|(path, _)| path)
        .take_while(|path| path.as_str().starts_with(&below))
        .cloned()
        .collect();
    for path in doomed {
        tree.remove(&path);
    }
}

impl Client {
    /// What happened since a cursor, a page of it; without a cursor, what is
    /// there at all (pcs-rest 4.15).
    ///
    /// # Errors
    /// 31023 for a text that is no cursor.
    pub async fn diff(&self, cursor: Option<&str>) -> Result<DiffPage, Error> {
        let cursor = cursor.filter(|cursor| !cursor.is_empty()).unwrap_or("null");
        let call = Call::get(Object::File, "diff").with("cursor", decoded_once(cursor));
        let body: DiffBody = self.ask(&call).await?;
        // Going on from there would never end.
        let stands_still = body.cursor == cursor && body.entries.is_empty();
        if body.has_more && (stands_still || body.cursor.is_empty()) {
            return Err(self.malformed(&call, String::from("there is more, but it does not go on")));
        }
        let changes: Result<_, String> = body.entries.into_iter().map(Change::read).collect();
        Ok(DiffPage {
            changes: changes.map_err(|reason| self.malformed(&call, reason))?,
            cursor: body.cursor,
            has_more: body.has_more,
            reset: body.reset,
        })
    }

    /// The pages since a cursor, until there is no more to be had at once. The
    /// cursor of the last one is where to go on later.
    ///
    /// # Errors
    /// The stream ends with the first error, which is one of [`diff`](Self::diff).
    pub fn diff_all(
        &self,
        cursor: Option<&str>,
    ) -> impl Stream<Item = Result<DiffPage, Error>> + Send + use<> {
        let begin = Some((self.clone(), cursor.map(str::to_owned)));
        stream::try_unfold(begin, |next| async {
            let Some((client, cursor)) = next else { return Ok(None) };
            let page = client.diff(cursor.as_deref()).await?;
            let next = page.has_more.then(|| (client, Some(page.cursor.clone())));
            Ok(Some((page, next)))
        })
    }
}

/// Baidu's cursors come percent-encoded inside their JSON; what is sent is
/// encoded again, so it is decoded before.
fn decoded_once(cursor: &str) -> Cow<'_, str> {
    percent_decode_str(cursor).decode_utf8().unwrap_or(Cow::Borrowed(cursor))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use pan_model::PanPath;
    use pan_pcs::DiffBody;

    use super::{Change, DiffPage, decoded_once};

    fn page(reset: bool, entries: &str) -> DiffPage {
        let json = format!(r#"{{"entries":{{{entries}}},"cursor":"c"}}"#);
        let body: DiffBody = serde_json::from_str(&json).unwrap();
        let changes = body.entries.into_iter().map(|entry| Change::read(entry).unwrap()).collect();
        DiffPage { changes, cursor: body.cursor, has_more: false, reset }
    }

    #[test]
    fn a_cursor_is_decoded_once() {
        assert_eq!(decoded_once("MxK%2BQ%3D%3D"), "MxK+Q==");
        assert_eq!(decoded_once("MxK%252B"), "MxK%2B");
        assert_eq!(decoded_once("Ab-_9"), "Ab-_9");
        assert_eq!(decoded_once("%ff"), "%ff");
    }

    #[test]
    fn pages_become_a_tree() {
        let mut tree = BTreeMap::new();
        let entry = |path: &str, isdelete: i8| {
            format!(r#""{path}":{{"path":"{path}","isdelete":{isdelete}}}"#)
        };
        let all = ["/a", "/a/b", "/a/b/c", "/a-", "/a0"].map(|path| entry(path, 0)).join(",");
        page(true, &all).apply_to(&mut tree);
        assert_eq!(tree.len(), 5);
        let next = [entry("/a/b", -1), entry("/new", 0), entry("/never", 1)].join(",");
        page(false, &next).apply_to(&mut tree);
        let paths: Vec<_> = tree.keys().map(PanPath::as_str).collect();
        assert_eq!(paths, ["/a", "/a-", "/a0", "/new"]);
        // A service may tell a place that was left and filled again in one page.
        page(false, &[entry("/a", 1), entry("/a/x", 0)].join(",")).apply_to(&mut tree);
        assert_eq!(tree.len(), 4);
        page(true, "").apply_to(&mut tree);
        assert!(tree.is_empty());
    }
}
