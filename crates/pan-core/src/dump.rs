//! All rows out, as they were at one moment, and into an empty store.
//!
//! What a row says is put into text at the edge; which rows there are is the
//! engine's.

use std::ops::ControlFlow;

use pan_engine::meta::{DUMP_TABLES, DumpTable, DumpValue};
use pan_engine::{MetaRead, MetaStore, MetaStoreExt, MetaTxn, ReadCost, Scope};

use crate::seal::forget_secrets;
use crate::{Error, Pan, Result};

/// Rows of one snapshot and of one closure.
pub const DUMP_SLICE: usize = 500;

/// A row of a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpRow {
    /// Its table.
    pub table: &'static DumpTable,
    /// A value for every column of the table.
    pub values: Vec<DumpValue>,
}

/// All rows of a moment, being read: table by table, by key.
pub struct Dump {
    rows: Box<dyn MetaStore>,
    counts: Vec<(&'static str, u64)>,
    left: &'static [DumpTable],
    after: Option<Vec<DumpValue>>,
}

impl Pan {
    /// Begins a dump of everything that was acknowledged before the call.
    ///
    /// # Errors
    /// Those of the engines.
    pub async fn dump(&self) -> Result<Dump> {
        let rows = self.inner().engines.backups.freeze().await?;
        forget_secrets(&*rows).await?;
        let count = |read: &mut dyn MetaRead| {
            let counts = DUMP_TABLES.iter().map(|table| Ok((table.name, read.count_rows(table)?)));
            counts.collect::<Result<Vec<_>>>()
        };
        let counts = rows.read(ReadCost::Long, count).await?;
        Ok(Dump { rows, counts, left: DUMP_TABLES, after: None })
    }

    /// Adds rows of a dump to a store that is being filled. They come in the
    /// order of the dump, at most [`DUMP_SLICE`] at a time.
    ///
    /// # Errors
    /// Those of the engine; then nothing of the slice was added.
    pub async fn load(&self, rows: Vec<DumpRow>) -> Result<()> {
        let job = move |tx: &mut dyn MetaTxn| {
            for row in &rows {
                tx.load_row(row.table, &row.values)?;
            }
            Ok::<_, Error>(())
        };
        self.meta().write(Scope::Instance, job).await
    }
}

impl Dump {
    /// How many rows each table has.
    pub fn counts(&self) -> &[(&'static str, u64)] {
        &self.counts
    }

    /// The next rows; none at the end.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn next_slice(&mut self) -> Result<Vec<DumpRow>> {
        while let Some(table) = self.left.first() {
            let after = self.after.take();
            let scan = move |read: &mut dyn MetaRead| {
                let mut rows = Vec::new();
                read.scan_rows(table, after.as_deref(), DUMP_SLICE as u64, &mut |values| {
                    rows.push(DumpRow { table, values });
                    ControlFlow::Continue(())
                })?;
                Ok::<_, Error>(rows)
            };
            let rows = self.rows.read(ReadCost::Long, scan).await?;
            if let Some(last) = rows.last() {
                self.after = last.values.get(..table.key_columns).map(<[_]>::to_vec);
                return Ok(rows);
            }
            self.left = &self.left[1..];
        }
        Ok(Vec::new())
    }
}
