//! What was measured: a JSON line as soon as it is known, a table at the end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use super::figures::{FIGURES, Figure};
use super::series::Series;

/// Collects the measures and prints them.
pub(crate) struct Report {
    quick: bool,
    file: Option<File>,
    rows: Vec<(usize, Row)>,
}

/// A measured value with what it is compared with.
#[derive(Default)]
pub(crate) struct Measured {
    /// OpenPan's figures.
    pub(crate) value: Series,
    /// What they are compared with, by name.
    pub(crate) reference: Option<(&'static str, Series)>,
    /// Other servers, for information.
    pub(crate) peers: BTreeMap<&'static str, Series>,
    /// Latencies of OpenPan's last round in milliseconds: p50 and p99.
    pub(crate) latencies_ms: Option<[f64; 2]>,
    /// What a reader has to know: sizes and circumstances.
    pub(crate) note: Option<String>,
}

impl Measured {
    /// A value without anything to compare it with.
    pub(crate) fn of(value: Series) -> Self {
        Self { value, ..Self::default() }
    }
}

#[derive(Serialize)]
struct Row {
    measure: &'static str,
    title: &'static str,
    unit: &'static str,
    value: f64,
    rounds: Series,
    reference: Option<Reference>,
    ratio: Option<f64>,
    asked: String,
    reached: Option<bool>,
    peers: BTreeMap<&'static str, Series>,
    p50_p99_ms: Option<[f64; 2]>,
    note: Option<String>,
    quick: bool,
}

#[derive(Serialize)]
struct Reference {
    name: &'static str,
    value: f64,
    rounds: Series,
}

impl Report {
    /// Starts a report; lines go to stdout and, if wanted, to a file.
    pub(crate) fn new(quick: bool, json: Option<&Path>) -> Result<Self> {
        let file = json
            .map(|path| {
                File::create(path).with_context(|| format!("cannot write {}", path.display()))
            })
            .transpose()?;
        Ok(Self { quick, file, rows: Vec::new() })
    }

    /// Adds a measure and prints its line.
    pub(crate) fn add(&mut self, name: &str, measured: Measured) -> Result<()> {
        let position = FIGURES.iter().position(|figure| figure.name == name);
        let position = position.with_context(|| format!("no figure is called {name}"))?;
        let row = Row::new(&FIGURES[position], measured, self.quick);
        let line = serde_json::to_string(&row)?;
        println!("{line}");
        if let Some(file) = &mut self.file {
            writeln!(file, "{line}")?;
        }
        self.rows.push((position, row));
        Ok(())
    }

    /// Prints the table on stderr, in the order of the figures.
    pub(crate) fn print_table(&mut self) {
        self.rows.sort_by_key(|(position, _)| *position);
        let width = self.rows.iter().map(|(_, row)| row.heading().chars().count()).max();
        let width = width.unwrap_or(0);
        let columns = ["value", "reference", "ratio", "asked"];
        eprintln!("\n{}  reached", cells("measure", width, columns));
        for (_, row) in &self.rows {
            eprintln!("{}", row.table_line(width));
        }
        if self.quick {
            eprintln!("\n--quick is a smoke test: its figures mean little");
        }
    }
}

fn cells(first: &str, width: usize, [value, reference, ratio, asked]: [&str; 4]) -> String {
    format!("{first:<width$} {value:>12} {reference:>24} {ratio:>6} {asked:>10}")
}

impl Row {
    fn new(figure: &Figure, measured: Measured, quick: bool) -> Self {
        let value = measured.value.median();
        let reference = measured.reference.map(|(name, rounds)| Reference {
            name,
            value: rounds.median(),
            rounds,
        });
        let ratio = reference.as_ref().map(|reference| value / reference.value);
        Self {
            measure: figure.name,
            title: figure.title,
            unit: figure.unit,
            value,
            rounds: measured.value,
            ratio,
            asked: figure.asked.to_string(),
            reached: figure.asked.reached(value, ratio),
            reference,
            peers: measured.peers,
            p50_p99_ms: measured.latencies_ms,
            note: measured.note,
            quick,
        }
    }

    fn heading(&self) -> String {
        match &self.note {
            Some(note) => format!("{} ({note})", self.title),
            None => self.title.to_owned(),
        }
    }

    fn table_line(&self, width: usize) -> String {
        let value = format!("{} {}", readable(self.value), self.unit);
        let reference = self.reference.as_ref().map_or_else(String::new, |reference| {
            format!("{} {}", reference.name, readable(reference.value))
        });
        let ratio = self.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let reached = match self.reached {
            Some(true) => "yes",
            Some(false) => "NO",
            None if self.asked.is_empty() => "",
            None => "no reference",
        };
        let cells = cells(&self.heading(), width, [&value, &reference, &ratio, &self.asked]);
        format!("{cells}  {reached}").trim_end().to_owned()
    }
}

/// Three digits, or all that stand before the point.
fn readable(value: f64) -> String {
    let decimals = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::{Measured, Row, Series, readable};
    use crate::bench::figures::FIGURES;

    fn series(values: &[f64]) -> Series {
        values.iter().copied().collect()
    }

    #[test]
    fn a_row_compares_medians() {
        let figure = FIGURES.iter().find(|figure| figure.name == "upload_1").unwrap();
        let measured = Measured {
            value: series(&[0.9, 0.656, 0.1]),
            reference: Some(("md5", series(&[0.9, 0.8, 0.2]))),
            note: Some("1 GiB".to_owned()),
            ..Measured::default()
        };
        let row = Row::new(figure, measured, false);
        assert_eq!(row.reached, Some(true));
        assert_eq!(
            row.table_line(30),
            "one large upload (1 GiB)          0.66 GB/s                 md5 0.80   0.82  >= 0.80 x  yes"
        );
    }

    #[test]
    fn readable_figures() {
        for (value, text) in [(0.123, "0.12"), (12.34, "12.3"), (12345.6, "12346")] {
            assert_eq!(readable(value), text);
        }
    }
}
