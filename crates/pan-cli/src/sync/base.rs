//! What both sides agreed on last, in a SQLite file of its own for each pair
//! of roots.
//!
//! `pair` has what was agreed on. `pending` has where the remote side is known
//! to differ from it: what the feed told and nobody acted on yet. Both change
//! in the transaction that moves the cursor, or that records an action as
//! done, so a run that is killed loses nothing and repeats nothing.

use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};

use pan_sdk::Md5;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::model::{Kind, Pair, Remote, Stat};
use super::names::rebase;
use crate::config::make_private_directory;
use crate::exit::Exit;
use crate::failure::Failure;

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS pair (
        path TEXT PRIMARY KEY,
        is_dir INTEGER NOT NULL, size INTEGER NOT NULL,
        mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, inode INTEGER NOT NULL,
        remote_size INTEGER NOT NULL, fs_id INTEGER NOT NULL, remote_mtime INTEGER NOT NULL,
        remote_md5 BLOB, md5 BLOB
    ) WITHOUT ROWID;
    -- is_dir is null where nothing is.
    CREATE TABLE IF NOT EXISTS pending (
        path TEXT PRIMARY KEY, is_dir INTEGER,
        size INTEGER NOT NULL, fs_id INTEGER NOT NULL, mtime INTEGER NOT NULL, md5 BLOB
    ) WITHOUT ROWID;";
/// What a path and all below it are, as a condition on `path`: `0` follows `/`.
const WITHIN: &str = "(path = ?1 OR (path > ?1 || '/' AND path < ?1 || '0'))";

/// The state of one pair of roots. Nobody else has it open.
pub(crate) struct Base {
    db: Connection,
    path: PathBuf,
    _lock: File,
}

/// What the base says, in the order of the paths.
pub(crate) struct Loaded {
    pub(crate) pairs: Vec<(String, Pair)>,
    /// `None`: nothing is there.
    pub(crate) pending: Vec<(String, Option<Remote>)>,
}

impl Base {
    /// Opens the state in a file, or begins one.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let lock = lock(path)?;
        let fail = |error| failure(path, &error);
        let db = Connection::open(path).map_err(fail)?;
        db.execute_batch(SCHEMA).map_err(fail)?;
        db.set_prepared_statement_cache_capacity(32);
        Ok(Self { db, path: path.to_owned(), _lock: lock })
    }

    /// What is remembered under a name.
    pub(crate) fn fact(&self, name: &str) -> Result<Option<String>, Failure> {
        let mut ask = self.prepare("SELECT value FROM fact WHERE name = ?1")?;
        ask.query_row([name], |row| row.get(0)).optional().map_err(|error| self.failure(&error))
    }

    /// Remembers something under a name.
    pub(crate) fn set_fact(&self, name: &str, value: &str) -> Result<(), Failure> {
        let mut put = self.prepare("INSERT OR REPLACE INTO fact VALUES (?1, ?2)")?;
        put.execute([name, value]).map_err(|error| self.failure(&error)).map(drop)
    }

    /// A name by which this state is told from all others.
    pub(crate) fn own_name(&self) -> Result<String, Failure> {
        if let Some(name) = self.fact("own_name")? {
            return Ok(name);
        }
        // The keys of these hashers are random.
        let name = format!("{:016x}", RandomState::new().build_hasher().finish());
        self.set_fact("own_name", &name)?;
        Ok(name)
    }

    /// Everything.
    pub(crate) fn load(&self) -> Result<Loaded, Failure> {
        let read = || {
            let mut pairs = self.db.prepare_cached(
                "SELECT path, is_dir, size, mtime, ctime, inode, remote_size, fs_id,
                        remote_mtime, remote_md5, md5 FROM pair ORDER BY path",
            )?;
            let pairs = pairs.query_map([], pair_of)?.collect::<Result<_, _>>()?;
            let mut pending = self.db.prepare_cached(
                "SELECT path, is_dir, size, fs_id, mtime, md5 FROM pending ORDER BY path",
            )?;
            let pending = pending.query_map([], pending_of)?.collect::<Result<_, _>>()?;
            Ok(Loaded { pairs, pending })
        };
        read().map_err(|error| self.failure(&error))
    }

    /// Whether there was something at a place, on either side.
    pub(crate) fn knows(&self, key: &str) -> Result<bool, Failure> {
        let mut ask = self.prepare(
            "SELECT EXISTS (SELECT 1 FROM pair WHERE path = ?1)
                 OR EXISTS (SELECT 1 FROM pending WHERE path = ?1)",
        )?;
        ask.query_row([key], |row| row.get(0)).map_err(|error| self.failure(&error))
    }

    /// Both sides agree on a place now.
    pub(crate) fn agree(&mut self, key: &str, pair: &Pair) -> Result<(), Failure> {
        self.change(|change| {
            change.set_pair(key, pair)?;
            change.settle(key)
        })
    }

    /// Neither side has anything at these places any more, as far as is known.
    pub(crate) fn forget<'k>(
        &mut self,
        keys: impl IntoIterator<Item = &'k str>,
    ) -> Result<(), Failure> {
        self.change(|change| {
            for key in keys {
                change.drop_pair(key)?;
                change.settle(key)?;
            }
            Ok(())
        })
    }

    /// Something that both sides have under one name has another one on both
    /// of them now. What else is known of the remote side stays known.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<(), Failure> {
        self.change(|change| change.rename(from, to))
    }

    /// Changes all or nothing.
    pub(crate) fn change<T>(
        &mut self,
        change: impl FnOnce(&Change<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Failure> {
        let run = |db: &mut Connection| {
            let change_now = Change(db.transaction()?);
            let value = change(&change_now)?;
            change_now.0.commit()?;
            Ok(value)
        };
        run(&mut self.db).map_err(|error| failure(&self.path, &error))
    }

    fn prepare(&self, sql: &str) -> Result<rusqlite::CachedStatement<'_>, Failure> {
        self.db.prepare_cached(sql).map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &rusqlite::Error) -> Failure {
        failure(&self.path, error)
    }
}

/// A transaction.
pub(crate) struct Change<'a>(Transaction<'a>);

impl Change<'_> {
    pub(crate) fn set_cursor(&self, cursor: &str) -> rusqlite::Result<()> {
        self.run("INSERT OR REPLACE INTO fact VALUES ('cursor', ?1)", [cursor])
    }

    pub(crate) fn set_pair(&self, key: &str, pair: &Pair) -> rusqlite::Result<()> {
        let Pair { stat, remote, md5 } = pair;
        let row = params![
            key,
            stat.kind == Kind::Dir,
            to_sql(stat.size),
            stat.mtime,
            stat.ctime,
            to_sql(stat.inode),
            to_sql(remote.size),
            to_sql(remote.fs_id),
            remote.mtime,
            remote.md5.as_ref().map(|md5| &md5.0[..]),
            md5.as_ref().map(|md5| &md5.0[..]),
        ];
        let put = "INSERT OR REPLACE INTO pair VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)";
        self.run(put, row)
    }

    pub(crate) fn pair(&self, key: &str) -> rusqlite::Result<Option<Pair>> {
        let mut ask = self.0.prepare_cached("SELECT * FROM pair WHERE path = ?1")?;
        ask.query_row([key], pair_of).optional().map(|found| found.map(|(_, pair)| pair))
    }

    pub(crate) fn pairs_within(&self, key: &str) -> rusqlite::Result<Vec<(String, Pair)>> {
        let mut ask = self.0.prepare_cached(&format!("SELECT * FROM pair WHERE {WITHIN}"))?;
        ask.query_map([key], pair_of)?.collect()
    }

    fn pending_within(&self, key: &str) -> rusqlite::Result<Vec<(String, Option<Remote>)>> {
        let mut ask = self.0.prepare_cached(&format!("SELECT * FROM pending WHERE {WITHIN}"))?;
        ask.query_map([key], pending_of)?.collect()
    }

    pub(crate) fn drop_pair(&self, key: &str) -> rusqlite::Result<()> {
        self.run("DELETE FROM pair WHERE path = ?1", [key])
    }

    /// The remote side is as was agreed.
    pub(crate) fn settle(&self, key: &str) -> rusqlite::Result<()> {
        self.run("DELETE FROM pending WHERE path = ?1", [key])
    }

    pub(crate) fn settle_all(&self) -> rusqlite::Result<()> {
        self.run("DELETE FROM pending", [])
    }

    /// What the remote side has at a place, whatever was agreed.
    pub(crate) fn tell(&self, key: &str, remote: Option<&Remote>) -> rusqlite::Result<()> {
        let pair = self.pair(key)?;
        match (pair, remote) {
            (None, None) => self.settle(key),
            (Some(pair), Some(remote)) if pair.remote.is_same_content(remote) => {
                if pair.remote != *remote {
                    self.set_pair(key, &Pair { remote: *remote, ..pair })?;
                }
                self.settle(key)
            }
            (_, remote) => self.put_pending(key, remote),
        }
    }

    /// Nothing is at a place any more, nor below it.
    pub(crate) fn tell_gone(&self, key: &str) -> rusqlite::Result<()> {
        self.run(&format!("DELETE FROM pending WHERE {WITHIN}"), [key])?;
        self.run(
            &format!(
                "INSERT INTO pending SELECT path, NULL, 0, 0, 0, NULL FROM pair WHERE {WITHIN}"
            ),
            [key],
        )
    }

    /// Nothing is anywhere any more.
    pub(crate) fn tell_all_gone(&self) -> rusqlite::Result<()> {
        self.settle_all()?;
        self.run("INSERT INTO pending SELECT path, NULL, 0, 0, 0, NULL FROM pair", [])
    }

    fn put_pending(&self, key: &str, remote: Option<&Remote>) -> rusqlite::Result<()> {
        let put = "INSERT OR REPLACE INTO pending VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        match remote {
            None => self.run(put, params![key, None::<bool>, 0, 0, 0, None::<&[u8]>]),
            Some(remote) => self.run(
                put,
                params![
                    key,
                    remote.kind == Kind::Dir,
                    to_sql(remote.size),
                    to_sql(remote.fs_id),
                    remote.mtime,
                    remote.md5.as_ref().map(|md5| &md5.0[..]),
                ],
            ),
        }
    }

    /// See [`Base::rename`]. `moved_remotely` is how the remote side looks
    /// when it was this rename that moved it; else it had moved already.
    fn rename(&self, from: &str, to: &str) -> rusqlite::Result<()> {
        let pairs = self.pairs_within(from)?;
        let pending = self.pending_within(from)?;
        self.run(&format!("DELETE FROM pair WHERE {WITHIN}"), [from])?;
        self.run(&format!("DELETE FROM pending WHERE {WITHIN}"), [from])?;
        for (path, pair) in pairs {
            self.set_pair(&rebase(&path, from, to), &pair)?;
        }
        for (path, remote) in pending {
            self.put_pending(&rebase(&path, from, to), remote.as_ref())?;
        }
        Ok(())
    }

    /// The local side follows a rename that the remote side has behind it.
    pub(crate) fn follow(&self, from: &str, to: &str) -> rusqlite::Result<()> {
        let there: std::collections::BTreeMap<_, _> =
            self.pending_within(to)?.into_iter().collect();
        let stayed = self.pending_within(from)?.into_iter().filter(|(_, remote)| remote.is_some());
        let stayed: Vec<_> = stayed.collect();
        let pairs = self.pairs_within(from)?;
        // Where nothing is pending, the remote side is as agreed: it stayed.
        let pending: std::collections::BTreeSet<_> =
            self.pending_within(from)?.into_iter().map(|(path, _)| path).collect();
        let as_agreed: Vec<_> =
            pairs.iter().filter(|(path, _)| !pending.contains(path)).cloned().collect();
        self.run(&format!("DELETE FROM pair WHERE {WITHIN}"), [from])?;
        self.run(&format!("DELETE FROM pending WHERE {WITHIN}"), [from])?;
        for (path, remote) in &stayed {
            self.put_pending(path, remote.as_ref())?;
        }
        for (path, pair) in &as_agreed {
            self.put_pending(path, Some(&pair.remote))?;
        }
        for (path, pair) in pairs {
            let path = rebase(&path, from, to);
            self.set_pair(&path, &pair)?;
            self.tell(&path, there.get(&path).and_then(Option::as_ref))?;
        }
        Ok(())
    }

    fn run(&self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<()> {
        self.0.prepare_cached(sql)?.execute(values).map(drop)
    }
}

impl Base {
    /// See [`Change::follow`].
    pub(crate) fn follow(&mut self, from: &str, to: &str) -> Result<(), Failure> {
        self.change(|change| change.follow(from, to))
    }
}

fn pair_of(row: &Row<'_>) -> rusqlite::Result<(String, Pair)> {
    let kind = kind_of(row.get(1)?);
    let stat = Stat {
        kind,
        size: from_sql(row.get(2)?),
        mtime: row.get(3)?,
        ctime: row.get(4)?,
        inode: from_sql(row.get(5)?),
    };
    let remote = Remote {
        kind,
        size: from_sql(row.get(6)?),
        fs_id: from_sql(row.get(7)?),
        mtime: row.get(8)?,
        md5: md5_of(row, 9)?,
    };
    Ok((row.get(0)?, Pair { stat, remote, md5: md5_of(row, 10)? }))
}

fn pending_of(row: &Row<'_>) -> rusqlite::Result<(String, Option<Remote>)> {
    let Some(is_dir) = row.get(1)? else { return Ok((row.get(0)?, None)) };
    let remote = Remote {
        kind: kind_of(is_dir),
        size: from_sql(row.get(2)?),
        fs_id: from_sql(row.get(3)?),
        mtime: row.get(4)?,
        md5: md5_of(row, 5)?,
    };
    Ok((row.get(0)?, Some(remote)))
}

fn md5_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Md5>> {
    let bytes = row.get_ref(column)?.as_blob_or_null()?;
    Ok(bytes.and_then(Md5::from_slice))
}

fn kind_of(is_dir: bool) -> Kind {
    if is_dir { Kind::Dir } else { Kind::File }
}

/// SQLite's integers are signed: the bits are kept.
fn to_sql(number: u64) -> i64 {
    number.cast_signed()
}

fn from_sql(number: i64) -> u64 {
    number.cast_unsigned()
}

/// Takes the lock of a state, for as long as the file lives.
fn lock(path: &Path) -> Result<File, Failure> {
    // Of all modes: `NAME.both.db` and `NAME.mirror.db` have `NAME.lock`.
    let lock = path.with_extension("").with_extension("lock");
    let made = path.parent().map_or(Ok(()), make_private_directory);
    let opened = made.and_then(|()| File::options().create(true).append(true).open(&lock));
    let cannot = |error| Failure::other(format!("cannot write `{}`: {error}", lock.display()));
    let file = opened.map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = "another `pan sync` is at work on these directories";
            Err(Failure::new(Exit::Temporary, message).hint("wait until it is done"))
        }
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}

fn failure(path: &Path, error: &rusqlite::Error) -> Failure {
    let message = format!("cannot use the state in `{}`: {error}", path.display());
    Failure::other(message).hint(
        "without that file the next run begins anew: nothing is deleted, what is equal is \
               not sent again",
    )
}
