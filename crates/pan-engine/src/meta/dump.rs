//! All rows as plain values, in the words of `docs/dump.md`: how a store moves
//! from one engine to another.
//!
//! A column is listed here, or an engine derives it from what is; each engine
//! has a test that says which.

use std::ops::ControlFlow;

use super::Result;

/// What a column of a dump holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// A whole number.
    Integer,
    /// Text.
    Text,
    /// Raw bytes.
    Bytes,
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DumpColumn {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether it may hold nothing.
    pub nullable: bool,
}

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DumpTable {
    /// Its name.
    pub name: &'static str,
    /// So many of its columns, from the first, are the key and the order.
    pub key_columns: usize,
    /// Its columns.
    pub columns: &'static [DumpColumn],
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DumpValue {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
}

impl DumpColumn {
    /// Whether a value may be in the column.
    pub fn takes(&self, value: &DumpValue) -> bool {
        match value {
            DumpValue::Null => self.nullable,
            DumpValue::Integer(_) => self.kind == ColumnKind::Integer,
            DumpValue::Text(_) => self.kind == ColumnKind::Text,
            DumpValue::Bytes(_) => self.kind == ColumnKind::Bytes,
        }
    }

    const fn or_null(self) -> Self {
        Self { nullable: true, ..self }
    }
}

impl DumpTable {
    /// The table with this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        DUMP_TABLES.iter().find(|table| table.name == name)
    }
}

const fn integer(name: &'static str) -> DumpColumn {
    DumpColumn { name, kind: ColumnKind::Integer, nullable: false }
}

const fn text(name: &'static str) -> DumpColumn {
    DumpColumn { name, kind: ColumnKind::Text, nullable: false }
}

const fn bytes(name: &'static str) -> DumpColumn {
    DumpColumn { name, kind: ColumnKind::Bytes, nullable: false }
}

const fn table(
    name: &'static str,
    key_columns: usize,
    columns: &'static [DumpColumn],
) -> DumpTable {
    DumpTable { name, key_columns, columns }
}

/// Every table, in the order of a dump: what an engine derives from other
/// tables comes after them.
pub const DUMP_TABLES: &[DumpTable] = &[
    table("instance", 1, &[integer("only_row"), integer("auth_epoch"), integer("next_content")]),
    table("setting", 1, &[text("name"), bytes("value")]),
    table(
        "user",
        1,
        &[
            integer("user_no"),
            text("name"),
            integer("quota"),
            integer("disabled"),
            integer("created"),
            integer("used"),
            integer("recycled"),
            integer("tmpfiles"),
            integer("rev"),
            integer("next_n"),
        ],
    ),
    table(
        "token",
        1,
        &[
            bytes("hash"),
            integer("user_no"),
            text("root"),
            text("rules"),
            text("md5_style"),
            integer("created"),
            integer("expires").or_null(),
        ],
    ),
    table(
        "entry",
        1,
        &[
            integer("fs_id"),
            integer("parent").or_null(),
            text("name_key"),
            text("name").or_null(),
            integer("ctime"),
            integer("mtime"),
            integer("rev"),
            integer("content").or_null(),
            integer("size").or_null(),
            bytes("md5").or_null(),
            integer("one_block").or_null(),
        ],
    ),
    table(
        "directory",
        1,
        &[
            integer("fs_id"),
            integer("entries"),
            integer("directories"),
            integer("bytes"),
            integer("video"),
            integer("audio"),
            integer("image"),
            integer("doc"),
            integer("rev"),
        ],
    ),
    table(
        "content",
        1,
        &[
            integer("id"),
            integer("size"),
            bytes("md5"),
            bytes("slice_md5").or_null(),
            integer("crc32"),
            bytes("blake3"),
            integer("kind"),
            integer("state"),
            integer("state_at").or_null(),
        ],
    ),
    table("body", 1, &[integer("content"), bytes("bytes")]),
    table(
        "blob",
        2,
        &[integer("content"), integer("seq"), bytes("key"), integer("size"), bytes("root")],
    ),
    table("part", 2, &[integer("content"), integer("seq"), integer("part")]),
    table("maybe_unreferenced", 1, &[integer("content")]),
    table("damaged", 1, &[integer("content")]),
    table(
        "tmpfile",
        3,
        &[
            integer("user_no"),
            text("root"),
            bytes("md5"),
            integer("content"),
            integer("size"),
            integer("used_at"),
            integer("merged"),
        ],
    ),
    table(
        "change",
        2,
        &[
            integer("user_no"),
            integer("rev"),
            integer("gone").or_null(),
            integer("gone_parent").or_null(),
            text("gone_name").or_null(),
            integer("gone_directory").or_null(),
            integer("gone_how").or_null(),
            integer("came").or_null(),
            integer("unfold"),
            integer("at"),
        ],
    ),
    table(
        "recycled",
        1,
        &[
            integer("fs_id"),
            integer("user_no"),
            integer("deleted_at"),
            integer("parent"),
            text("path"),
            integer("bytes"),
            integer("rev"),
        ],
    ),
    table("staged", 1, &[integer("fs_id"), integer("begun"), integer("removing")]),
];

/// Reading rows as plain values.
pub trait DumpRead {
    /// How many rows a table has.
    fn count_rows(&mut self, table: &'static DumpTable) -> Result<u64>;

    /// The rows of a table in the order of their keys, those after the key
    /// `after`, at most `limit`; each as the values of the table's columns.
    fn scan_rows(
        &mut self,
        table: &'static DumpTable,
        after: Option<&[DumpValue]>,
        limit: u64,
        each: &mut dyn FnMut(Vec<DumpValue>) -> ControlFlow<()>,
    ) -> Result<()>;
}

/// Writing rows as plain values, into a store that has none.
pub trait DumpTxn {
    /// Adds a row with all that the engine derives from it. Tables come in the
    /// order of [`DUMP_TABLES`]. A row that is there already is an error, but
    /// for that of `instance`, which is replaced.
    fn load_row(&mut self, table: &'static DumpTable, values: &[DumpValue]) -> Result<()>;
}
