//! One page: the rows of the log in order, and what they mean now.

use std::ops::ControlFlow;

use pan_engine::MetaRead;
use pan_engine::meta::{ChangeRow, Gone, GoneHow};
use pan_model::{Caller, FsId, PanPath, Rev, UserNo};

use super::cursor::{Cursor, Place, Step};
use super::page::{Page, PageEnds};
use super::position::{self, Position, keys_of};
use super::unfold::Walk;
use super::view::{Relation, View};
use super::{Change, Departure};
use crate::tree::find;
use crate::{Error, Result};

/// Rows that one page reads, of the log and of directories; then it ends, with
/// whatever it has.
const ROWS_MAX: usize = 20_000;
/// Rows of the log that are read together.
const WINDOW: u64 = 500;

/// A page that was read.
pub(super) struct ReadPage {
    pub(super) changes: Vec<(PanPath, Change)>,
    pub(super) cursor: Cursor,
    pub(super) has_more: bool,
    pub(super) reset: bool,
}

/// Reads the page that follows a cursor, or the first one.
pub(super) fn read_page(
    read: &mut dyn MetaRead,
    caller: &Caller,
    from: Option<&Cursor>,
    entries_max: usize,
) -> Result<ReadPage> {
    let latest = read.get_usage(caller.user)?.ok_or(Error::TokenInvalid)?.rev;
    if let Some(cursor) = from.filter(|cursor| cursor.is_of(caller))
        && follows_without_gap(read, caller.user, cursor.place.rev, latest)?
        && let Some(page) = Reader::new(read, caller, entries_max).page(&cursor.place, false)?
    {
        return Ok(page);
    }
    let beginning = Place { rev: latest, step: Step::Snapshot(Position::default()) };
    let first = Reader::new(read, caller, entries_max).page(&beginning, true)?;
    first.ok_or_else(|| Error::Damaged { what: "the change feed cannot begin".into() })
}

/// Whether the log still has every row after `rev`. A rev that is still to
/// come is that of a store that was put back to an earlier state.
fn follows_without_gap(
    read: &mut dyn MetaRead,
    user: UserNo,
    rev: Rev,
    latest: Rev,
) -> Result<bool> {
    if rev >= latest {
        return Ok(rev == latest);
    }
    Ok(changes_after(read, user, rev, 1)?.first().is_some_and(|next| next.rev.0 == rev.0 + 1))
}

fn changes_after(
    read: &mut dyn MetaRead,
    user: UserNo,
    rev: Rev,
    limit: u64,
) -> Result<Vec<ChangeRow>> {
    let mut rows = Vec::new();
    read.list_changes(user, rev, limit, &mut |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// Why a page does not go on.
enum Stop {
    /// It ends here; the next one goes on from this step.
    At(Step),
    /// There is no way on from this cursor: everything is told anew.
    StartOver,
}

struct Reader<'a> {
    read: &'a mut dyn MetaRead,
    view: View<'a>,
    caller: &'a Caller,
    page: Page,
    rows: usize,
}

impl<'a> Reader<'a> {
    fn new(read: &'a mut dyn MetaRead, caller: &'a Caller, entries_max: usize) -> Self {
        let (view, page) = (View::of(caller), Page::new(entries_max));
        Self { read, view, caller, page, rows: 0 }
    }

    /// The page from a place on; `None` when everything must be told anew.
    fn page(mut self, from: &Place, reset: bool) -> Result<Option<ReadPage>> {
        let Some((place, has_more)) = self.run(from)? else { return Ok(None) };
        let cursor = Cursor::new(self.caller, place);
        Ok(Some(ReadPage { changes: self.page.into_changes(), cursor, has_more, reset }))
    }

    /// How far it came, and whether there is more.
    fn run(&mut self, from: &Place) -> Result<Option<(Place, bool)>> {
        let Place { mut rev, mut step } = from.clone();
        if let Step::Snapshot(position) = &step {
            match self.snapshot(position)? {
                Some(Stop::At(step)) => return Ok(Some((Place { rev, step }, true))),
                Some(Stop::StartOver) => return Ok(None),
                None => step = Step::Gone,
            }
        }
        loop {
            let rows = changes_after(self.read, self.caller.user, rev, WINDOW)?;
            if rows.is_empty() {
                return Ok(Some((Place { rev, step }, false)));
            }
            for row in rows {
                if self.rows >= ROWS_MAX {
                    return Ok(Some((Place { rev, step }, true)));
                }
                self.rows += 1;
                match self.row(&row, &step)? {
                    Some(Stop::At(step)) => return Ok(Some((Place { rev, step }, true))),
                    Some(Stop::StartOver) => return Ok(None),
                    None => (rev, step) = (row.rev, Step::Gone),
                }
            }
        }
    }

    /// Everything that the token sees.
    fn snapshot(&mut self, position: &Position) -> Result<Option<Stop>> {
        let Some(root) = find(self.read, self.caller.user, self.view.root)? else {
            return Ok(None);
        };
        self.unfold(root.entry.fs_id, &root.path, position, Step::Snapshot)
    }

    fn row(&mut self, row: &ChangeRow, step: &Step) -> Result<Option<Stop>> {
        if let (Step::Gone, Some(gone)) = (step, &row.gone)
            && let Some(stop) = self.gone(row, gone)?
        {
            return Ok(Some(stop));
        }
        match row.came {
            Some(came) => self.came(row, came, step),
            None => Ok(None),
        }
    }

    /// A place that was left is empty, even if something lives there now: that
    /// has a later row.
    fn gone(&mut self, row: &ChangeRow, gone: &Gone) -> Result<Option<Stop>> {
        let Some(parent) = self.view.directory(self.read, gone.parent)? else { return Ok(None) };
        let path = parent.join(&gone.name);
        let purged = gone.how == GoneHow::Purged;
        let (path, itself) = match self.view.relation(&path) {
            Relation::Outside => return Ok(None),
            // The place was left when the entry was deleted, and may be
            // another's by now.
            Relation::Below if purged && find(self.read, self.caller.user, &path)?.is_some() => {
                return Ok(None);
            }
            Relation::AtOrAbove if purged => return Ok(None),
            Relation::Below => (path, true),
            Relation::AtOrAbove if path.depth() == self.view.root.depth() => (path, true),
            // With what lay above went the spelling of what lay below, and a
            // client knows its entries by that.
            Relation::AtOrAbove if !self.view.root.as_str().is_ascii() => {
                return Ok(Some(Stop::StartOver));
            }
            Relation::AtOrAbove => (self.view.root.clone(), false),
        };
        let departure = Departure {
            fs_id: itself.then_some(gone.fs_id),
            directory: gone.directory,
            how: gone.how,
            rev: row.rev,
            at: row.at,
        };
        let added = self.page.add_gone(path, departure);
        Ok(added.err().map(|PageEnds| Stop::At(Step::Gone)))
    }

    /// What came and is still there, unless a later row tells of it.
    fn came(&mut self, row: &ChangeRow, came: FsId, step: &Step) -> Result<Option<Stop>> {
        let Some(entry) = self.read.get_entry(came)? else { return Ok(None) };
        if entry.rev != row.rev {
            return Ok(None);
        }
        let Some(path) = self.view.path_of(self.read, &entry)? else { return Ok(None) };
        let relation = self.view.relation(&path);
        let nothing = Position::default();
        let position = match step {
            Step::Below(position) => position,
            _ if relation == Relation::Below => {
                if self.page.add_present(path.clone(), entry).is_err() {
                    return Ok(Some(Stop::At(Step::Came)));
                }
                &nothing
            }
            _ => &nothing,
        };
        if !row.unfold || relation == Relation::Outside {
            return Ok(None);
        }
        self.unfold(came, &path, position, Step::Below)
    }

    /// Tells what lies below `top`, as far as the token sees it, from a
    /// position on.
    fn unfold(
        &mut self,
        top: FsId,
        path: &PanPath,
        position: &Position,
        step: fn(Position) -> Step,
    ) -> Result<Option<Stop>> {
        let Some(told) = position.keys_below(self.read, &mut self.view, path)? else {
            return Ok(Some(Stop::StartOver));
        };
        let Some(mut walk) = self.walk(top, path, &told)? else { return Ok(None) };
        let depth = path.depth();
        let mut last = None;
        while let Some((path, entry)) = walk.next(self.read, &mut self.rows)? {
            // A page that has nothing yet goes on: the next one would come no
            // further.
            let enough = self.rows >= ROWS_MAX && last.is_some();
            if enough || self.page.add_present(path.clone(), entry).is_err() {
                let position = match last {
                    Some(last) => Position::of(self.read, top, keys_of(&last, depth))?,
                    None => position.clone(),
                };
                return Ok(Some(Stop::At(step(position))));
            }
            last = Some(path);
        }
        Ok(None)
    }

    /// The walk below `top`; where the token's root lies further down, below
    /// that. `None` when there is nothing left to see.
    fn walk(&mut self, top: FsId, path: &PanPath, told: &[String]) -> Result<Option<Walk>> {
        if path.is_within(self.view.root) {
            return Walk::begin(self.read, top, path.clone(), told).map(Some);
        }
        let Some(root) = find(self.read, self.caller.user, self.view.root)? else {
            return Ok(None);
        };
        let prefix = keys_of(&root.path, path.depth());
        match position::below(&prefix, told) {
            Some(left) => Walk::begin(self.read, root.entry.fs_id, root.path, left).map(Some),
            None => Ok(None),
        }
    }
}
