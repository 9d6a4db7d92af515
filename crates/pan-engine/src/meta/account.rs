use std::ops::ControlFlow;

use pan_model::{ByteSize, FsId, Md5Style, PanPath, PathRules, Rev, Timestamp, UserNo};

use super::Result;

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// The number, for life.
    pub user: UserNo,
    /// The name people use.
    pub name: String,
    /// The most bytes that live files may have together.
    pub quota: ByteSize,
    /// Whether every token of this user is refused.
    pub disabled: bool,
    /// When the user was added.
    pub created: Timestamp,
}

/// A user to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The name; taken names are an error of the rule, not of the engine.
    pub name: String,
    /// See [`UserRow::quota`].
    pub quota: ByteSize,
    /// See [`UserRow::created`].
    pub created: Timestamp,
}

/// What a user has stored: the row that every change of theirs locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// The most bytes that live files may have together.
    pub quota: ByteSize,
    /// Bytes of all live files.
    pub used: ByteSize,
    /// Bytes of everything in the recycle bin.
    pub recycled: ByteSize,
    /// Bytes of all tmpfiles.
    pub tmpfiles: ByteSize,
    /// The last rev that was given out.
    pub rev: Rev,
}

/// A change of [`Usage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UsageDelta {
    /// Bytes of live files.
    pub used: i64,
    /// Bytes in the recycle bin.
    pub recycled: i64,
    /// Bytes of tmpfiles.
    pub tmpfiles: i64,
}

/// The SHA-256 of a token: all that is stored of one.
pub type TokenHash = [u8; 32];

/// What a token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// The token's hash, its key.
    pub hash: TokenHash,
    /// Whose token it is.
    pub user: UserNo,
    /// The directory it is confined to.
    pub root: PanPath,
    /// Which names it may create.
    pub rules: PathRules,
    /// How md5 values are written in its replies.
    pub md5_style: Md5Style,
    /// When it was issued.
    pub created: Timestamp,
    /// When it ends; `None` for never.
    pub expires: Option<Timestamp>,
}

/// Reading users and tokens.
pub trait AccountRead {
    /// The user with this number.
    fn get_user(&mut self, user: UserNo) -> Result<Option<UserRow>>;

    /// The user with exactly this name.
    fn find_user(&mut self, name: &str) -> Result<Option<UserRow>>;

    /// All users, by number.
    fn list_users(&mut self, each: &mut dyn FnMut(UserRow) -> ControlFlow<()>) -> Result<()>;

    /// A user's counters; `None` when there is no such user.
    fn get_usage(&mut self, user: UserNo) -> Result<Option<Usage>>;

    /// The token with this hash, expired or not.
    fn get_token(&mut self, hash: &TokenHash) -> Result<Option<TokenRow>>;

    /// All tokens, in no particular order.
    fn list_tokens(&mut self, each: &mut dyn FnMut(TokenRow) -> ControlFlow<()>) -> Result<()>;

    /// The largest id that was given out to a user's entries, the root's if
    /// none was; `None` when there is no such user.
    fn last_fs_id(&mut self, user: UserNo) -> Result<Option<FsId>>;

    /// A number that rises with every change of a user or token, so that a
    /// cached caller is as good as a fresh one while it stands still.
    fn auth_epoch(&mut self) -> Result<u64>;
}

/// Changing users, tokens and counters.
pub trait AccountTxn {
    /// Adds a user, with an empty root directory, and raises the auth epoch.
    fn insert_user(&mut self, user: &NewUser) -> Result<UserNo>;

    /// Sets quota and disabled state; raises the auth epoch.
    fn update_user(&mut self, user: UserNo, quota: ByteSize, disabled: bool) -> Result<()>;

    /// Adds a token and raises the auth epoch.
    fn insert_token(&mut self, token: &TokenRow) -> Result<()>;

    /// A new id in the user's range. Never given out twice; gaps are possible.
    fn next_fs_id(&mut self, user: UserNo) -> Result<FsId>;

    /// The next rev: gapless and in commit order among the user's transactions.
    fn next_rev(&mut self, user: UserNo) -> Result<Rev>;

    /// Adds to a user's counters. The rule has checked the quota before, in
    /// this transaction.
    fn add_usage(&mut self, user: UserNo, delta: &UsageDelta) -> Result<()>;
}
