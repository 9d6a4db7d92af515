//! What one page holds.

use std::collections::BTreeMap;
use std::ops::Bound;

use pan_engine::meta::Entry;
use pan_model::PanPath;

use super::{Change, Departure};

/// The changes of a page by path. Whether one more may join them is decided
/// so that a page means the same in any order: a deletion and something that
/// it would delete never stand in one page.
pub(super) struct Page {
    changes: BTreeMap<PanPath, Change>,
    departures: usize,
    entries_max: usize,
}

/// The page ends before what was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageEnds;

impl Page {
    pub(super) fn new(entries_max: usize) -> Self {
        Self { changes: BTreeMap::new(), departures: 0, entries_max: entries_max.max(1) }
    }

    /// Adds that an entry is there.
    pub(super) fn add_present(&mut self, path: PanPath, entry: Entry) -> Result<(), PageEnds> {
        if self.is_full() || self.is_deleted(path.as_str()) {
            return Err(PageEnds);
        }
        self.changes.insert(path, Change::Present(entry));
        Ok(())
    }

    /// Adds that what was at a path is gone.
    pub(super) fn add_gone(&mut self, path: PanPath, departure: Departure) -> Result<(), PageEnds> {
        if self.is_full() || self.has_present_within(path.as_str()) {
            return Err(PageEnds);
        }
        self.changes.insert(path, Change::Gone(departure));
        self.departures += 1;
        Ok(())
    }

    pub(super) fn into_changes(self) -> Vec<(PanPath, Change)> {
        self.changes.into_iter().collect()
    }

    fn is_full(&self) -> bool {
        self.changes.len() >= self.entries_max
    }

    /// Whether this page deletes the path or a directory above it.
    fn is_deleted(&self, path: &str) -> bool {
        if self.departures == 0 {
            return false;
        }
        let ends = path.match_indices('/').map(|(slash, _)| slash).skip(1).chain([path.len()]);
        let mut at_or_above = ends.map(|end| &path[..end]);
        at_or_above.any(|path| matches!(self.changes.get(path), Some(Change::Gone(_))))
    }

    /// Whether this page says that something is at the path or below it.
    fn has_present_within(&self, path: &str) -> bool {
        if matches!(self.changes.get(path), Some(Change::Present(_))) {
            return true;
        }
        let below = format!("{path}/");
        self.changes
            .range::<str, _>((Bound::Included(below.as_str()), Bound::Unbounded))
            .take_while(|(path, _)| path.as_str().starts_with(&below))
            .any(|(_, change)| matches!(change, Change::Present(_)))
    }
}

#[cfg(test)]
mod tests {
    use pan_engine::meta::{Entry, EntryKind, GoneHow};
    use pan_model::{FsId, PanPath, Rev, Timestamp, UserNo};

    use super::super::Departure;
    use super::{Page, PageEnds};

    fn path(text: &str) -> PanPath {
        PanPath::parse(text).unwrap()
    }

    fn add(page: &mut Page, what: &str) -> Result<(), PageEnds> {
        let fs_id = FsId::compose(UserNo(1), 7);
        match what.split_at(1) {
            ("+", at) => page.add_present(
                path(at),
                Entry {
                    fs_id,
                    parent: None,
                    name: "x".into(),
                    kind: EntryKind::Directory { has_subdirectory: false },
                    ctime: Timestamp(0),
                    mtime: Timestamp(0),
                    rev: Rev(1),
                },
            ),
            (_, at) => page.add_gone(
                path(at),
                Departure {
                    fs_id: Some(fs_id),
                    directory: true,
                    how: GoneHow::Moved,
                    rev: Rev(1),
                    at: Timestamp(0),
                },
            ),
        }
    }

    #[test]
    fn a_page_ends_where_order_would_begin_to_matter() {
        for (changes, joins) in [
            (&["+/a", "+/a/b", "+/a"][..], true),
            (&["-/a", "-/a/b", "-/a"], true),
            (&["-/a", "+/ab", "+/b/a"], true),
            (&["+/ab", "+/a-b", "+/b/a", "-/a"], true),
            (&["-/a", "+/a"], false),
            (&["-/a", "+/a/b/c"], false),
            (&["-/a/b", "+/a"], true),
            (&["+/a", "-/a"], false),
            (&["+/a-", "+/a/b/c", "+/a0", "-/a"], false),
            (&["+/a", "-/a/b"], true),
            (&["-/a/b", "+/a/c", "-/a"], false),
        ] {
            let mut page = Page::new(100);
            let (last, before) = changes.split_last().unwrap();
            before.iter().for_each(|change| add(&mut page, change).unwrap());
            assert_eq!(add(&mut page, last).is_ok(), joins, "{changes:?}");
        }
    }

    #[test]
    fn a_page_has_an_end() {
        let mut page = Page::new(2);
        add(&mut page, "+/a").unwrap();
        add(&mut page, "-/b").unwrap();
        assert_eq!(add(&mut page, "+/c"), Err(PageEnds));
        assert_eq!(page.into_changes().len(), 2);
    }
}
