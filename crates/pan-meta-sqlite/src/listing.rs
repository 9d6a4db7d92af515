//! The children of a directory in every order, one window at a time.
//!
//! A window begins after a place, not at a number, so that entries which come
//! or go between two windows make no other entry appear twice or not at all.
//! By name runs on the index; the other orders sort what the index says of the
//! directory's entries, and only then read the rows of the window.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use pan_engine::meta::{ChildrenQuery, Entry, ListedAfter, Result};
use pan_model::{FsId, ListBy, ListOrder, Timestamp};
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, ToSql};

use crate::entry::{as_pending, entry_columns, entry_row};
use crate::session::Session;
use crate::value::{Db, at_most};

/// Adds the function `extension(name_key)` to a connection.
pub(crate) fn add_functions(conn: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function("extension", 1, flags, |context| {
        Ok(pan_model::extension(context.get_raw(0).as_str()?))
    })
}

impl Session<'_> {
    pub(crate) fn list_window(
        &mut self,
        parent: FsId,
        query: &ChildrenQuery,
        each: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<()> {
        let (parent, limit) = (Db(parent), at_most(query.limit));
        let skip = at_most(query.skip);
        let place = query.after.as_ref().map(|after| Place::of(query.order.by, after));
        let mut params: Vec<&dyn ToSql> = vec![&parent, &limit, &skip];
        if let Some(place) = &place {
            params.extend(place.params());
        }
        self.query_each(
            "listing a directory",
            &WINDOWS[&(query.order, place.is_some())],
            params.as_slice(),
            entry_row,
            |entry, pending| each(as_pending(entry, pending)),
        )
    }
}

/// The place a window begins after, as the order compares it.
enum Place<'a> {
    FileType { is_file: bool, extension: &'a str, key: &'a str },
    Name { key: &'a str },
    Time { mtime: Db<Timestamp>, key: &'a str },
    Size { is_file: bool, size: Db<u64>, key: &'a str },
}

impl<'a> Place<'a> {
    fn of(by: ListBy, after: &'a ListedAfter) -> Self {
        let key = after.key.as_str();
        let is_file = !after.directory;
        // A directory has neither an extension nor a size, whatever its name.
        match by {
            ListBy::FileType => {
                let extension = if is_file { after.extension.as_str() } else { "" };
                Self::FileType { is_file, extension, key }
            }
            ListBy::Name => Self::Name { key },
            ListBy::Time => Self::Time { mtime: Db(after.mtime), key },
            ListBy::Size => {
                let size = if is_file { after.size.0 } else { 0 };
                Self::Size { is_file, size: Db(size), key }
            }
        }
    }

    /// What `?4` and those after it stand for.
    fn params(&self) -> Vec<&dyn ToSql> {
        match self {
            Self::FileType { is_file, extension, key } => vec![key, extension, is_file],
            Self::Name { key } => vec![key],
            Self::Time { mtime, key } => vec![key, mtime],
            Self::Size { is_file, size, key } => vec![key, size, is_file],
        }
    }
}

/// The statements of all windows, made once so that their texts are constants.
static WINDOWS: LazyLock<HashMap<(ListOrder, bool), String>> = LazyLock::new(|| {
    let orders = [ListBy::FileType, ListBy::Name, ListBy::Time, ListBy::Size];
    let directions = [false, true];
    let keys = orders
        .into_iter()
        .flat_map(|by| directions.map(|descending| ListOrder { by, descending }).into_iter());
    keys.flat_map(|order| [(order, false), (order, true)])
        .map(|(order, after)| ((order, after), window_sql(order, after)))
        .collect()
});

fn window_sql(order: ListOrder, after: bool) -> String {
    // Only columns of the index `entry_place`: a directory has no size.
    const IS_FILE: &str = "(size IS NOT NULL)";
    const EXTENSION: &str = "CASE WHEN size IS NULL THEN '' ELSE extension(name_key) END";
    const SIZE: &str = "ifnull(size, 0)";

    let (than, way) = if order.descending { ("<", "DESC") } else { (">", "ASC") };
    // Directories come first in both directions; the rest of the order turns.
    let grouped = |field| {
        (
            format!("{IS_FILE} >= ?6 AND ({IS_FILE} > ?6 OR ({field}, name_key) {than} (?5, ?4))"),
            format!("{IS_FILE}, {field} {way}, name_key {way}"),
        )
    };
    let (place, sorted) = match order.by {
        ListBy::FileType => grouped(EXTENSION),
        ListBy::Name => (format!("name_key {than} ?4"), format!("name_key {way}")),
        ListBy::Time => {
            (format!("(mtime, name_key) {than} (?5, ?4)"), format!("mtime {way}, name_key {way}"))
        }
        ListBy::Size => grouped(SIZE),
    };
    let place = if after { format!(" AND {place}") } else { String::new() };
    let window = format!("WHERE parent = ?1{place} ORDER BY {sorted} LIMIT ?2 OFFSET ?3");
    let columns = entry_columns!();
    match order.by {
        ListBy::Name => format!("SELECT {columns} FROM entry {window}"),
        ListBy::FileType | ListBy::Time | ListBy::Size => format!(
            "SELECT {columns} FROM entry
             WHERE fs_id IN (SELECT fs_id FROM entry {window}) ORDER BY {sorted}"
        ),
    }
}
