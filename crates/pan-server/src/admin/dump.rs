//! Rows as text: one JSON object a line, as `docs/dump.md` says.

use std::fmt::Write;
use std::io::BufRead;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use pan_core::{
    ColumnKind, DUMP_SLICE, DUMP_TABLES, DumpColumn, DumpRow, DumpTable, DumpValue, Pan,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;

use super::AdminReply;

/// What the first line says the text is.
const FORMAT: &str = "openpan dump 1";
/// A longer line is none of ours: the longest holds a small content.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: String,
    /// The columns of every table, so that a dump of another version is known.
    tables: serde_json::Map<String, Value>,
    counts: serde_json::Map<String, Value>,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    end: bool,
    rows: u64,
}

/// Puts everything into text and hands it on in pieces, each of whole lines
/// without the end of the last one.
pub(super) async fn dump(pan: &Pan, pieces: &mpsc::Sender<AdminReply>) -> Result<(), String> {
    let told = |error: pan_core::Error| error.to_string();
    let gone = |_| "nobody reads the dump any more".to_owned();
    let say = async |text| pieces.send(AdminReply::Text(text)).await.map_err(gone);
    let mut dump = pan.dump().await.map_err(told)?;
    let counts = dump.counts().iter().map(|&(name, count)| (name.into(), count.into())).collect();
    let head = Head { format: FORMAT.into(), tables: columns(), counts };
    say(json(&head)?).await?;
    let mut rows = 0;
    loop {
        let slice = dump.next_slice().await.map_err(told)?;
        if slice.is_empty() {
            break;
        }
        rows += slice.len() as u64;
        let lines: Vec<String> = slice.iter().map(line).collect::<Result<_, _>>()?;
        say(lines.join("\n")).await?;
    }
    say(json(&End { end: true, rows })?).await
}

fn json(value: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}

/// The names of all columns, by table.
fn columns() -> serde_json::Map<String, Value> {
    let names = |table: &DumpTable| -> Value {
        table.columns.iter().map(|column| Value::from(column.name)).collect()
    };
    DUMP_TABLES.iter().map(|table| (table.name.to_owned(), names(table))).collect()
}

/// A row, its columns in the order of the table.
fn line(row: &DumpRow) -> Result<String, String> {
    let mut line = format!("{{\"table\":\"{}\"", row.table.name);
    for (column, value) in row.table.columns.iter().zip(&row.values) {
        let value = match value {
            DumpValue::Null => "null".into(),
            DumpValue::Integer(number) => number.to_string(),
            DumpValue::Text(text) => json(text)?,
            DumpValue::Bytes(bytes) => format!("\"{}\"", BASE64.encode(bytes)),
        };
        write!(line, ",\"{}\":{value}", column.name).map_err(|error| error.to_string())?;
    }
    line.push('}');
    Ok(line)
}

/// Fills an empty store from a dump; returns how many rows that were.
///
/// # Errors
/// A sentence that names the line. What was loaded by then is a part of a
/// store and of no use.
pub async fn load(pan: &Pan, text: impl BufRead) -> Result<u64, String> {
    let mut lines = Lines { text, number: 0 };
    let head: Head = lines.parse()?;
    if head.format != FORMAT {
        return Err(format!("this is no dump that is understood here: `{}`", head.format));
    }
    if head.tables != columns() {
        return Err("the dump is of another version of OpenPan: load it with that version, and \
                    let this one open what it makes"
            .into());
    }
    let mut rows: u64 = 0;
    let mut left = head.counts;
    let mut slice = Vec::new();
    loop {
        let object: serde_json::Map<String, Value> = lines.parse()?;
        if object.contains_key("end") {
            let end: End = serde_json::from_value(object.into()).map_err(|e| lines.wrong(e))?;
            return finish(pan, lines, slice, end, rows, &left).await;
        }
        let row = row(object).map_err(|error| lines.wrong(error))?;
        count_down(&mut left, row.table).map_err(|error| lines.wrong(error))?;
        rows += 1;
        slice.push(row);
        if slice.len() == DUMP_SLICE {
            let full = std::mem::take(&mut slice);
            pan.load(full).await.map_err(|error| lines.wrong(error))?;
        }
    }
}

/// The last rows, once it is clear that they are the last, and that all are
/// there.
async fn finish(
    pan: &Pan,
    mut lines: Lines<impl BufRead>,
    slice: Vec<DumpRow>,
    end: End,
    rows: u64,
    left: &serde_json::Map<String, Value>,
) -> Result<u64, String> {
    if !end.end || end.rows != rows {
        return Err(lines.wrong(format!("{} rows were written, {rows} are there", end.rows)));
    }
    if let Some((table, count)) = left.iter().find(|(_, count)| count.as_u64() != Some(0)) {
        return Err(lines.wrong(format!("{count} rows of `{table}` are missing")));
    }
    if lines.next()?.is_some() {
        return Err(lines.wrong("something follows the end"));
    }
    pan.load(slice).await.map_err(|error| lines.wrong(error))?;
    Ok(rows)
}

fn count_down(left: &mut serde_json::Map<String, Value>, table: &DumpTable) -> Result<(), String> {
    let count = left.get_mut(table.name).and_then(|count| Some((count.as_u64()?, count)));
    match count {
        Some((number @ 1.., count)) => *count = (number - 1).into(),
        _ => return Err(format!("a row of `{}` more than were counted", table.name)),
    }
    Ok(())
}

fn row(mut object: serde_json::Map<String, Value>) -> Result<DumpRow, String> {
    let name = object.remove("table");
    let name = name.as_ref().and_then(Value::as_str).ok_or("the row is of no table")?;
    let table = DumpTable::find(name).ok_or_else(|| format!("there is no table `{name}`"))?;
    let mut values = Vec::with_capacity(table.columns.len());
    for column in table.columns {
        let value = object.remove(column.name);
        let value = value.ok_or_else(|| format!("`{}` is missing", column.name))?;
        values.push(stored(column, value).ok_or_else(|| format!("`{}` is wrong", column.name))?);
    }
    match object.keys().next() {
        Some(name) => Err(format!("there is no column `{name}`")),
        None => Ok(DumpRow { table, values }),
    }
}

fn stored(column: &DumpColumn, value: Value) -> Option<DumpValue> {
    let value = match (column.kind, value) {
        (_, Value::Null) => DumpValue::Null,
        (ColumnKind::Integer, Value::Number(number)) => DumpValue::Integer(number.as_i64()?),
        (ColumnKind::Text, Value::String(text)) => DumpValue::Text(text),
        (ColumnKind::Bytes, Value::String(text)) => DumpValue::Bytes(BASE64.decode(text).ok()?),
        _ => return None,
    };
    column.takes(&value).then_some(value)
}

/// The lines of a dump, counted.
struct Lines<R> {
    text: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next line; `None` at the end of the text.
    fn next(&mut self) -> Result<Option<String>, String> {
        self.number += 1;
        let mut line = String::new();
        let read = std::io::Read::take(&mut self.text, LINE_BYTES_MAX).read_line(&mut line);
        match read.map_err(|error| self.wrong(error))? {
            0 => Ok(None),
            _ if line.pop() == Some('\n') => Ok(Some(line)),
            _ => Err(self.wrong("the line has no end: the dump was cut, or this is none")),
        }
    }

    fn parse<T: for<'de> Deserialize<'de>>(&mut self) -> Result<T, String> {
        let line = self.next()?.ok_or_else(|| self.wrong("the dump was cut: it has no end"))?;
        serde_json::from_str(&line).map_err(|error| self.wrong(error))
    }

    fn wrong(&self, what: impl std::fmt::Display) -> String {
        format!("line {}: {what}", self.number)
    }
}
