//! Rows as plain values. The tables and columns of a dump are those of the
//! schema by name; what is derived is named here.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use pan_engine::meta::{DUMP_TABLES, DumpRead, DumpTable, DumpTxn, DumpValue, Result};
use pan_engine::{EngineError, ErrorKind};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Row, ToSql, params_from_iter};

use crate::session::Session;
use crate::value::at_most;

/// Columns that no dump has, and what a row gets there when it is loaded, of
/// its other columns by their numbers from 1.
const DERIVED_COLUMNS: &[(&str, &str, &str)] = &[
    // Of a file's name; a directory has no content.
    ("entry", "media", "iif(?8 IS NULL, NULL, media_type(ifnull(?4, ?3)))"),
    ("damaged", "md5", "(SELECT md5 FROM content WHERE id = ?1)"),
];

/// The statements for one table. They are made once, so that every connection
/// knows them by their place in memory.
struct Statements {
    count: String,
    first: String,
    after: String,
    load: String,
}

static STATEMENTS: LazyLock<HashMap<&'static str, Statements>> =
    LazyLock::new(|| DUMP_TABLES.iter().map(|table| (table.name, Statements::of(table))).collect());

impl Statements {
    fn of(table: &DumpTable) -> Self {
        let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        let (name, key) = (table.name, names[..table.key_columns].join(", "));
        let columns = names.join(", ");
        let numbers = |count| (1..=count).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
        let key_values = numbers(table.key_columns);
        let select = format!("SELECT {columns} FROM {name}");
        let derived = || DERIVED_COLUMNS.iter().filter(|(table, ..)| *table == name);
        let more: String = derived().map(|(_, column, _)| format!(", {column}")).collect();
        let values: String = derived().map(|(_, _, value)| format!(", {value}")).collect();
        // A new database has its counters already.
        let or = if name == "instance" { "OR REPLACE " } else { "" };
        let all = numbers(names.len());
        Self {
            count: format!("SELECT count(*) FROM {name}"),
            first: format!("{select} ORDER BY {key} LIMIT ?1"),
            after: format!(
                "{select} WHERE ({key}) > ({key_values}) ORDER BY {key} LIMIT ?{}",
                table.key_columns + 1
            ),
            load: format!("INSERT {or}INTO {name} ({columns}{more}) VALUES ({all}{values})"),
        }
    }

    fn find(table: &DumpTable) -> Result<&'static Self> {
        STATEMENTS.get(table.name).ok_or_else(|| {
            EngineError::new(ErrorKind::Failed, format!("there is no table `{}`", table.name))
        })
    }
}

impl DumpRead for Session<'_> {
    fn count_rows(&mut self, table: &'static DumpTable) -> Result<u64> {
        let sql = &Statements::find(table)?.count;
        let count = self.query_row("counting rows", sql, [], |row| row.get::<_, i64>(0))?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }

    fn scan_rows(
        &mut self,
        table: &'static DumpTable,
        after: Option<&[DumpValue]>,
        limit: u64,
        each: &mut dyn FnMut(Vec<DumpValue>) -> ControlFlow<()>,
    ) -> Result<()> {
        let statements = Statements::find(table)?;
        let sql = if after.is_some() { &statements.after } else { &statements.first };
        let limit = DumpValue::Integer(at_most(limit));
        let params = after.into_iter().flatten().chain([&limit]).map(Stored);
        let decode = |row: &Row<'_>| (0..table.columns.len()).map(|n| value(row, n)).collect();
        self.query_each("reading rows", sql, params_from_iter(params), decode, |row, _| each(row))
    }
}

impl DumpTxn for Session<'_> {
    fn load_row(&mut self, table: &'static DumpTable, values: &[DumpValue]) -> Result<()> {
        let sql = &Statements::find(table)?.load;
        // What is remembered may be about to change under it.
        self.known.forget();
        self.execute("loading a row", sql, params_from_iter(values.iter().map(Stored)))?;
        Ok(())
    }
}

/// A value on its way into a statement.
struct Stored<'v>(&'v DumpValue);

impl ToSql for Stored<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            DumpValue::Null => ToSqlOutput::Owned(Value::Null),
            DumpValue::Integer(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            DumpValue::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            DumpValue::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

fn value(row: &Row<'_>, column: usize) -> rusqlite::Result<DumpValue> {
    Ok(match row.get::<_, Value>(column)? {
        Value::Null => DumpValue::Null,
        Value::Integer(number) => DumpValue::Integer(number),
        Value::Text(text) => DumpValue::Text(text),
        Value::Blob(bytes) => DumpValue::Bytes(bytes),
        Value::Real(_) => {
            let kind = rusqlite::types::Type::Real;
            return Err(rusqlite::Error::InvalidColumnType(column, String::new(), kind));
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pan_engine::meta::{ColumnKind, DUMP_TABLES};

    use super::DERIVED_COLUMNS;

    /// Tables that the engine fills from others by itself: without them, it
    /// finds names one by one and folds them in time.
    const DERIVED_TABLES: &str = "search_";

    /// A column that is neither in a dump nor derived would be lost by
    /// `openpan load`, silently.
    #[test]
    fn every_column_is_in_a_dump_or_derived() {
        let directory = tempfile::tempdir().unwrap();
        let conn = crate::connection::open_writer(&directory.path().join("meta.db"), None).unwrap();
        let sql = "SELECT m.name, c.name, c.type, c.\"notnull\" OR c.pk, c.pk
                   FROM sqlite_schema AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'";
        let mut statement = conn.prepare(sql).unwrap();
        let stored: BTreeSet<_> = statement
            .query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })
            .unwrap()
            .map(Result::unwrap)
            .filter(|(table, column, ..): &(String, String, String, bool, u32)| {
                let derived = |(of, name, _): &(&str, &str, &str)| of == table && name == column;
                !table.starts_with(DERIVED_TABLES) && !DERIVED_COLUMNS.iter().any(derived)
            })
            .collect();
        let mut dumped = BTreeSet::new();
        for table in DUMP_TABLES {
            for (place, column) in table.columns.iter().enumerate() {
                let kind = match column.kind {
                    ColumnKind::Integer => "INTEGER",
                    ColumnKind::Text => "TEXT",
                    ColumnKind::Bytes => "BLOB",
                };
                let key = if place < table.key_columns { place as u32 + 1 } else { 0 };
                let (table, name) = (table.name.to_owned(), column.name.to_owned());
                dumped.insert((table, name, kind.to_owned(), !column.nullable, key));
            }
        }
        let missing: Vec<_> = stored.difference(&dumped).collect();
        let unknown: Vec<_> = dumped.difference(&stored).collect();
        assert!(
            missing.is_empty() && unknown.is_empty(),
            "add to DUMP_TABLES (and docs/dump.md), or to what is derived: {missing:#?}; \
             listed, but not so in the schema: {unknown:#?}"
        );
    }
}
