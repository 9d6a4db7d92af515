//! Users, their counters, and tokens.

use std::ops::ControlFlow;

use pan_engine::meta::{
    AccountRead, AccountTxn, Entry, EntryKind, EntryTxn, NewUser, Result, TokenHash, TokenRow,
    Totals, Usage, UsageDelta, UserRow,
};
use pan_engine::{EngineError, ErrorKind};
use pan_model::{ByteSize, FsId, Rev, Timestamp, UserNo};
use rusqlite::{Row, params};

use crate::error::missing;
use crate::pending::Counters;
use crate::session::Session;
use crate::value::{Db, ids_per_user};

impl AccountRead for Session<'_> {
    fn get_user(&mut self, user: UserNo) -> Result<Option<UserRow>> {
        self.query_row(
            "reading a user",
            "SELECT user_no, name, quota, disabled, created FROM user WHERE user_no = ?1",
            [Db(user)],
            user_row,
        )
    }

    fn find_user(&mut self, name: &str) -> Result<Option<UserRow>> {
        self.query_row(
            "looking for a user",
            "SELECT user_no, name, quota, disabled, created FROM user WHERE name = ?1",
            [name],
            user_row,
        )
    }

    fn list_users(&mut self, each: &mut dyn FnMut(UserRow) -> ControlFlow<()>) -> Result<()> {
        self.query_each(
            "listing the users",
            "SELECT user_no, name, quota, disabled, created FROM user ORDER BY user_no",
            [],
            user_row,
            |user, _| each(user),
        )
    }

    fn get_usage(&mut self, user: UserNo) -> Result<Option<Usage>> {
        Ok(self.counters(user)?.map(|counters| counters.usage))
    }

    fn get_token(&mut self, hash: &TokenHash) -> Result<Option<TokenRow>> {
        self.query_row(
            "reading a token",
            "SELECT hash, user_no, root, rules, md5_style, created, expires
             FROM token WHERE hash = ?1",
            [hash],
            token_row,
        )
    }

    fn list_tokens(&mut self, each: &mut dyn FnMut(TokenRow) -> ControlFlow<()>) -> Result<()> {
        self.query_each(
            "listing tokens",
            "SELECT hash, user_no, root, rules, md5_style, created, expires FROM token",
            [],
            token_row,
            |token, _| each(token),
        )
    }

    fn last_fs_id(&mut self, user: UserNo) -> Result<Option<FsId>> {
        let counters = self.counters(user)?;
        Ok(counters.map(|counters| FsId::compose(user, counters.next_n.saturating_sub(1))))
    }

    fn auth_epoch(&mut self) -> Result<u64> {
        let sql = "SELECT auth_epoch FROM instance";
        let epoch =
            self.query_row("reading the auth epoch", sql, [], |row| row.get::<_, Db<u64>>(0))?;
        epoch.map(|Db(epoch)| epoch).ok_or_else(|| missing("reading the auth epoch"))
    }
}

impl AccountTxn for Session<'_> {
    fn insert_user(&mut self, user: &NewUser) -> Result<UserNo> {
        let number = self.next_user_no()?;
        self.execute(
            "adding a user",
            "INSERT INTO user (user_no, name, quota, disabled, created,
                               used, recycled, tmpfiles, rev, next_n)
             VALUES (?1, ?2, ?3, 0, ?4, 0, 0, 0, 0, 1)",
            params![Db(number), user.name, Db(user.quota), Db(user.created)],
        )?;
        self.insert_entry(&root_directory(number, user.created), &Totals::default())?;
        self.raise_auth_epoch()?;
        Ok(number)
    }

    fn update_user(&mut self, user: UserNo, quota: ByteSize, disabled: bool) -> Result<()> {
        self.execute_one(
            "changing a user",
            "UPDATE user SET quota = ?2, disabled = ?3 WHERE user_no = ?1",
            params![Db(user), Db(quota), disabled],
        )?;
        if let Some(mut counters) = self.pending.user(user) {
            counters.usage.quota = quota;
            self.pending.set_user(user, counters);
        }
        self.raise_auth_epoch()
    }

    fn insert_token(&mut self, token: &TokenRow) -> Result<()> {
        self.execute(
            "adding a token",
            "INSERT INTO token (hash, user_no, root, rules, md5_style, created, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                token.hash,
                Db(token.user),
                Db(&token.root),
                Db(token.rules),
                Db(token.md5_style),
                Db(token.created),
                token.expires.map(Db),
            ],
        )?;
        self.raise_auth_epoch()
    }

    fn next_fs_id(&mut self, user: UserNo) -> Result<FsId> {
        let mut counters = self.counters_of(user)?;
        let n = counters.next_n;
        if n >= ids_per_user() {
            return Err(EngineError::new(ErrorKind::Failed, "the user has no fs_id left"));
        }
        counters.next_n += 1;
        self.pending.set_user(user, counters);
        Ok(FsId::compose(user, n))
    }

    fn next_rev(&mut self, user: UserNo) -> Result<Rev> {
        let mut counters = self.counters_of(user)?;
        counters.usage.rev.0 += 1;
        self.pending.set_user(user, counters);
        Ok(counters.usage.rev)
    }

    fn add_usage(&mut self, user: UserNo, delta: &UsageDelta) -> Result<()> {
        let mut counters = self.counters_of(user)?;
        // Never below zero, like totals: a counter that has gone wrong must
        // not keep people from deleting. `check` finds and mends it.
        let add = |size: &mut ByteSize, change| size.0 = size.0.saturating_add_signed(change);
        add(&mut counters.usage.used, delta.used);
        add(&mut counters.usage.recycled, delta.recycled);
        add(&mut counters.usage.tmpfiles, delta.tmpfiles);
        self.pending.set_user(user, counters);
        Ok(())
    }
}

impl Session<'_> {
    /// A user's counters as the transaction sees them.
    fn counters(&mut self, user: UserNo) -> Result<Option<Counters>> {
        if let Some(counters) = self.pending.user(user) {
            return Ok(Some(counters));
        }
        self.query_row(
            "reading a user's counters",
            "SELECT quota, used, recycled, tmpfiles, rev, next_n FROM user WHERE user_no = ?1",
            [Db(user)],
            counters_row,
        )
    }

    /// The counters of a user who must be there.
    fn counters_of(&mut self, user: UserNo) -> Result<Counters> {
        self.counters(user)?.ok_or_else(|| missing("reading a user's counters"))
    }

    /// Writes a user's counters at the end of a batch.
    pub(crate) fn write_counters(&mut self, user: UserNo, counters: &Counters) -> Result<()> {
        let Counters { usage, next_n } = counters;
        self.execute_one(
            "writing a user's counters",
            "UPDATE user SET used = ?2, recycled = ?3, tmpfiles = ?4, rev = ?5, next_n = ?6
             WHERE user_no = ?1",
            params![
                Db(user),
                Db(usage.used),
                Db(usage.recycled),
                Db(usage.tmpfiles),
                Db(usage.rev),
                Db(*next_n),
            ],
        )
    }

    fn next_user_no(&mut self) -> Result<UserNo> {
        let sql = "SELECT ifnull(max(user_no), 0) + 1 FROM user";
        let next = self.query_row("numbering a user", sql, [], |row| row.get::<_, u32>(0))?;
        next.map(UserNo)
            .filter(|user| *user <= UserNo::MAX)
            .ok_or_else(|| EngineError::new(ErrorKind::Failed, "there is no user number left"))
    }

    fn raise_auth_epoch(&mut self) -> Result<()> {
        self.execute_one(
            "raising the auth epoch",
            "UPDATE instance SET auth_epoch = auth_epoch + 1",
            [],
        )
    }
}

fn root_directory(user: UserNo, created: Timestamp) -> Entry {
    Entry {
        fs_id: FsId::root(user),
        parent: None,
        name: String::new(),
        kind: EntryKind::Directory { has_subdirectory: false },
        ctime: created,
        mtime: created,
        rev: Rev(0),
    }
}

fn user_row(row: &Row<'_>) -> rusqlite::Result<UserRow> {
    Ok(UserRow {
        user: row.get::<_, Db<_>>(0)?.0,
        name: row.get(1)?,
        quota: row.get::<_, Db<_>>(2)?.0,
        disabled: row.get(3)?,
        created: row.get::<_, Db<_>>(4)?.0,
    })
}

fn counters_row(row: &Row<'_>) -> rusqlite::Result<Counters> {
    Ok(Counters {
        usage: Usage {
            quota: row.get::<_, Db<_>>(0)?.0,
            used: row.get::<_, Db<_>>(1)?.0,
            recycled: row.get::<_, Db<_>>(2)?.0,
            tmpfiles: row.get::<_, Db<_>>(3)?.0,
            rev: row.get::<_, Db<_>>(4)?.0,
        },
        next_n: row.get::<_, Db<_>>(5)?.0,
    })
}

fn token_row(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    Ok(TokenRow {
        hash: row.get::<_, Db<_>>(0)?.0,
        user: row.get::<_, Db<_>>(1)?.0,
        root: row.get::<_, Db<_>>(2)?.0,
        rules: row.get::<_, Db<_>>(3)?.0,
        md5_style: row.get::<_, Db<_>>(4)?.0,
        created: row.get::<_, Db<_>>(5)?.0,
        expires: row.get::<_, Option<Db<_>>>(6)?.map(|Db(expires)| expires),
    })
}
