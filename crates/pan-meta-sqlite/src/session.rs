//! One connection at work: its prepared statements and what its transaction
//! has done so far. Readers and the writer use the same one; a reader is
//! handed out as `MetaRead` only, on a connection that refuses to write.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::{ControlFlow, Deref, DerefMut};

use pan_engine::meta::{MetaRead, MetaTxn, Result};
use pan_engine::{EngineError, ErrorKind};
use rusqlite::{CachedStatement, Connection, Params, PrepFlags, Row, Statement};

use crate::error::{engine_error, missing};
use crate::known::Known;
use crate::pending::Pending;
use crate::search_fold::Backlog;

/// The rows that one closure may write. It keeps a batch short for everybody
/// else in it; larger actions are staged.
const CLOSURE_ROWS_MAX: u64 = 2_000;

/// A connection, its statements and the transaction that is open on it.
pub(crate) struct Session<'c> {
    statements: Statements<'c>,
    /// Sums that are written once, before the commit; empty in a snapshot.
    pub(crate) pending: Pending,
    /// What the writer remembers from one batch to the next.
    pub(crate) known: Known,
    /// What the writer knows about names that are not in the index yet.
    pub(crate) backlog: Backlog,
    closure: Closure,
}

/// What the closure that is running has done.
struct Closure {
    rows_written: u64,
    rows_max: u64,
    /// The first thing that went wrong in it: from then on it cannot commit.
    failure: Option<(ErrorKind, String)>,
}

impl<'c> Session<'c> {
    /// For the thread that writes.
    pub(crate) fn of_writer(conn: &'c Connection) -> Self {
        Self::new(Statements { conn, held: Some(HashMap::new()) }, Known::of_writer())
    }

    /// For one snapshot.
    pub(crate) fn of_reader(conn: &'c Connection) -> Self {
        Self::new(Statements { conn, held: None }, Known::nothing())
    }

    fn new(statements: Statements<'c>, known: Known) -> Self {
        Self {
            statements,
            pending: Pending::default(),
            known,
            backlog: Backlog::default(),
            closure: Closure::of(CLOSURE_ROWS_MAX),
        }
    }

    /// Begins to count for the next closure.
    pub(crate) fn begin_closure(&mut self) {
        self.closure = Closure::of(CLOSURE_ROWS_MAX);
        self.pending.keep();
    }

    /// Takes back what the running closure has summed and learnt; what it has
    /// written is rolled back by a savepoint, or is nothing.
    pub(crate) fn undo_closure(&mut self) {
        self.pending.undo();
        self.known.forget();
    }

    /// All closures of the batch have run; what follows is the engine's own.
    pub(crate) fn end_closures(&mut self) {
        self.closure = Closure::of(u64::MAX);
    }

    /// Whether the running closure has changed any row.
    pub(crate) fn has_written(&self) -> bool {
        self.closure.rows_written > 0
    }

    /// Why the running closure cannot commit, if it cannot. What the closure
    /// itself returns does not matter: it may have ignored the error.
    pub(crate) fn failure(&self) -> Option<EngineError> {
        let (kind, what) = self.closure.failure.as_ref()?;
        Some(EngineError::new(*kind, what.clone()))
    }

    /// Whether SQLite has ended the transaction by itself, as it does when the
    /// disk is full, the device fails or memory runs out.
    pub(crate) fn is_transaction_lost(&self) -> bool {
        self.statements.conn.is_autocommit()
    }

    /// Runs a statement that begins, ends or divides a transaction.
    pub(crate) fn control(&mut self, sql: &'static str) -> rusqlite::Result<()> {
        self.statements.get(sql)?.execute([]).map(drop)
    }

    /// At most one row.
    pub(crate) fn query_row<T>(
        &mut self,
        what: &'static str,
        sql: &'static str,
        params: impl Params,
        decode: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        self.refuse_after_failure()?;
        let queried = self.statements.get(sql).and_then(|mut statement| {
            let mut rows = statement.query(params)?;
            rows.next()?.map(decode).transpose()
        });
        queried.map_err(|error| self.fail(what, error))
    }

    /// Rows one by one, until `each` has enough.
    pub(crate) fn query_each<T>(
        &mut self,
        what: &'static str,
        sql: &'static str,
        params: impl Params,
        decode: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
        mut each: impl FnMut(T, &Pending) -> ControlFlow<()>,
    ) -> Result<()> {
        self.refuse_after_failure()?;
        let pending = &self.pending;
        let queried = self.statements.get(sql).and_then(|mut statement| {
            let mut rows = statement.query(params)?;
            while let Some(row) = rows.next()? {
                if each(decode(row)?, pending).is_break() {
                    break;
                }
            }
            Ok(())
        });
        queried.map_err(|error| self.fail(what, error))
    }

    /// Rows as a list; the statement itself limits how many.
    pub(crate) fn query_all<T>(
        &mut self,
        what: &'static str,
        sql: &'static str,
        params: impl Params,
        decode: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        self.query_each(what, sql, params, decode, |row, _| {
            all.push(row);
            ControlFlow::Continue(())
        })?;
        Ok(all)
    }

    /// Changes rows and says how many.
    pub(crate) fn execute(
        &mut self,
        what: &'static str,
        sql: &'static str,
        params: impl Params,
    ) -> Result<usize> {
        self.refuse_after_failure()?;
        let changed = self
            .statements
            .get(sql)
            .and_then(|mut statement| statement.execute(params))
            .map_err(|error| self.fail(what, error))?;
        self.closure.rows_written += changed as u64;
        if self.closure.rows_written > self.closure.rows_max {
            let what = format!("{what}: more than {CLOSURE_ROWS_MAX} rows in one closure");
            return Err(self.poison(EngineError::new(ErrorKind::TooLong, what)));
        }
        Ok(changed)
    }

    /// Changes a row that must be there.
    pub(crate) fn execute_one(
        &mut self,
        what: &'static str,
        sql: &'static str,
        params: impl Params,
    ) -> Result<()> {
        match self.execute(what, sql, params)? {
            0 => Err(missing(what)),
            _ => Ok(()),
        }
    }

    /// Once a statement has failed, SQLite may have ended the transaction, and
    /// the next statement would be one of its own, durable by itself.
    fn refuse_after_failure(&self) -> Result<()> {
        self.failure().map_or(Ok(()), Err)
    }

    fn fail(&mut self, what: &'static str, error: rusqlite::Error) -> EngineError {
        let statement_failed = error.sqlite_error().is_some();
        let error = engine_error(what, error);
        // A row that makes no sense has harmed nothing: the closure may go on.
        if statement_failed { self.poison(error) } else { error }
    }

    /// The running closure cannot commit any more, whatever it says.
    pub(crate) fn poison(&mut self, error: EngineError) -> EngineError {
        self.closure.failure = Some((error.kind(), error.to_string()));
        error
    }
}

impl Closure {
    fn of(rows_max: u64) -> Self {
        Self { rows_written: 0, rows_max, failure: None }
    }
}

impl MetaRead for Session<'_> {}

impl MetaTxn for Session<'_> {
    fn as_read(&mut self) -> &mut dyn MetaRead {
        self
    }
}

/// The prepared statements of a connection.
struct Statements<'c> {
    conn: &'c Connection,
    /// The writer's, by the address of their text: every text is a constant,
    /// so that finding one costs no hashing of SQL. `None` for a reader, whose
    /// connection wanders between threads and keeps its statements itself.
    held: Option<HashMap<(usize, usize), Statement<'c>>>,
}

impl<'c> Statements<'c> {
    fn get(&mut self, sql: &'static str) -> rusqlite::Result<StatementRef<'_, 'c>> {
        let Some(held) = &mut self.held else {
            return self.conn.prepare_cached(sql).map(StatementRef::Cached);
        };
        Ok(StatementRef::Held(match held.entry((sql.as_ptr().addr(), sql.len())) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(vacant) => {
                let flags = PrepFlags::SQLITE_PREPARE_PERSISTENT;
                vacant.insert(self.conn.prepare_with_flags(sql, flags)?)
            }
        }))
    }
}

enum StatementRef<'s, 'c> {
    Held(&'s mut Statement<'c>),
    Cached(CachedStatement<'c>),
}

impl<'c> Deref for StatementRef<'_, 'c> {
    type Target = Statement<'c>;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Held(statement) => statement,
            Self::Cached(statement) => statement,
        }
    }
}

impl DerefMut for StatementRef<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Held(statement) => statement,
            Self::Cached(statement) => statement,
        }
    }
}
