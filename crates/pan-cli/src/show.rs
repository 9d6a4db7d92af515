//! How entries look: in columns for people, as objects for scripts.

use jiff::tz::TimeZone;
use pan_sdk::{ByteSize, Entry, FsId, Timestamp};
use serde::Serialize;

use crate::failure::Failure;
use crate::screen::Screen;

/// An entry in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct EntryObject<'a> {
    path: &'a str,
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5: Option<String>,
    ctime: String,
    mtime: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fs_id: Option<u64>,
}

impl<'a> EntryObject<'a> {
    pub(crate) fn of(entry: &'a Entry) -> Self {
        Self {
            path: entry.path.as_str(),
            name: entry.name(),
            kind: kind(entry),
            size: entry.size.0,
            md5: entry.md5.map(|md5| md5.to_string()),
            ctime: rfc3339(entry.ctime),
            mtime: rfc3339(entry.mtime),
            fs_id: entry.fs_id.map(FsId::get),
        }
    }
}

/// Something that was done, in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct DoneObject<'a> {
    pub(crate) action: &'static str,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) md5: Option<String>,
    /// Whether it was only said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dry_run: Option<bool>,
}

impl<'a> DoneObject<'a> {
    /// From one place to another.
    pub(crate) fn new(action: &'static str, from: &'a str, to: &'a str) -> Self {
        Self { action, from, to, kind: None, size: None, md5: None, dry_run: None }
    }
}

/// `file` or `dir`.
pub(crate) fn kind(entry: &Entry) -> &'static str {
    if entry.is_dir { "dir" } else { "file" }
}

/// A time for scripts.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    jiff::Timestamp::from_second(time.0).map_or_else(|_| String::new(), |time| time.to_string())
}

/// A time for people, in their zone.
pub(crate) fn local_time(time: Timestamp, format: &str) -> String {
    let shown = jiff::Timestamp::from_second(time.0)
        .map(|time| time.to_zoned(TimeZone::system()).strftime(format).to_string());
    shown.unwrap_or_else(|_| String::from("?"))
}

/// A size: exact, or for people.
pub(crate) fn size(size: ByteSize, human: bool) -> String {
    if human { size.to_string() } else { size.0.to_string() }
}

/// A line of `ls -l`, without the name.
pub(crate) fn columns(entry: &Entry, human: bool) -> String {
    let (letter, size) =
        if entry.is_dir { ('d', String::from("-")) } else { ('-', size(entry.size, human)) };
    let width = if human { 10 } else { 14 };
    format!("{letter} {size:>width$}  {}  ", local_time(entry.mtime, "%Y-%m-%d %H:%M"))
}

/// A file with its whole path: an object, or a line.
pub(crate) fn file_line(screen: &Screen, file: &Entry, long: bool) -> Result<(), Failure> {
    if screen.json {
        return screen.object(&EntryObject::of(file));
    }
    let path = screen.name(file.path.as_str(), file.is_dir);
    screen.line(if long { columns(file, true) + &path } else { path })
}

/// A number with a noun that agrees with it.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
