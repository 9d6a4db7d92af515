//! Finding files by their media type.

use std::ops::ControlFlow;

use pan_engine::meta::{Entry, MediaPlace, MediaRead, Result};
use pan_model::{FsId, MediaType, UserNo};
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value;
use rusqlite::{Connection, params};

use crate::entry::{entry_columns, entry_row};
use crate::session::Session;
use crate::value::{Db, at_most};

/// Adds the function `media_type(name)` to a connection.
pub(crate) fn add_functions(conn: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function("media_type", 1, flags, |context| {
        Ok(media_number(MediaType::of_name(context.get_raw(0).as_str()?)))
    })
}

/// What stands in the column: 1 video, 2 audio, 3 image, 4 doc.
pub(crate) fn media_number(media: MediaType) -> Option<u8> {
    media.index().map(|index| index as u8 + 1)
}

impl MediaRead for Session<'_> {
    fn list_media(
        &mut self,
        user: UserNo,
        media: MediaType,
        after: Option<MediaPlace>,
        limit: u64,
        each: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<()> {
        let place = after.map_or((i64::MAX, i64::MAX), |place| {
            (place.mtime.0, i64::try_from(place.fs_id.get()).unwrap_or(i64::MAX))
        });
        self.query_each(
            "listing files by media type",
            concat!(
                "SELECT ",
                entry_columns!(),
                " FROM entry WHERE fs_id >> 33 = ?1 AND media = ?2 AND (mtime, fs_id) < (?3, ?4)
                 ORDER BY mtime DESC, fs_id DESC LIMIT ?5"
            ),
            params![Db(user), media_number(media), place.0, place.1, at_most(limit)],
            entry_row,
            |entry, _| each(entry),
        )
    }

    fn count_media(&mut self, directory: FsId, media: MediaType, prefix: &str) -> Result<u64> {
        let Some(index) = media.index() else { return Ok(0) };
        let mut count = 0;
        self.query_each(
            "counting files by media type",
            "SELECT fs_id, CASE WHEN content IS NOT NULL THEN ifnull(media = ?4, 0) ELSE
               (SELECT CASE ?4 WHEN 1 THEN video WHEN 2 THEN audio WHEN 3 THEN image ELSE doc END
                FROM directory WHERE directory.fs_id = entry.fs_id)
             END
             FROM entry WHERE parent = ?1 AND name_key >= ?2 AND name_key < ?3",
            params![Db(directory), prefix, end_of(prefix), media_number(media)],
            |row| Ok((row.get::<_, Db<FsId>>(0)?.0, row.get::<_, Db<u64>>(1)?.0)),
            |(fs_id, stored), pending| {
                count += pending.totals(fs_id).map_or(stored, |totals| totals.media[index]);
                ControlFlow::Continue(())
            },
        )?;
        Ok(count)
    }
}

/// The first text after all that begin with this prefix. Bytes are greater
/// than any text.
fn end_of(prefix: &str) -> Value {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // The numbers from D800 to DFFF are no characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { following(last) };
        if let Some(next) = next {
            end.push(next);
            return Value::Text(end);
        }
    }
    Value::Blob(Vec::new())
}

fn following(c: char) -> Option<char> {
    char::from_u32(u32::from(c) + 1)
}

#[cfg(test)]
mod tests {
    use rusqlite::types::Value;

    use super::end_of;

    #[test]
    fn a_prefix_ends_before_the_next_character() {
        let text = |text: &str| Value::Text(text.into());
        assert_eq!(end_of("ab"), text("ac"));
        assert_eq!(end_of("a\u{10ffff}"), text("b"));
        assert_eq!(end_of("\u{d7ff}"), text("\u{e000}"));
        assert_eq!(end_of(""), Value::Blob(Vec::new()));
        assert_eq!(end_of("\u{10ffff}"), Value::Blob(Vec::new()));
    }
}
