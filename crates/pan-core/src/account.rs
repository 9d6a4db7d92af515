//! Users and tokens: who may ask, and for what.

use std::ops::ControlFlow;

use pan_engine::meta::{NewUser, TokenHash, TokenRow, UserRow};
use pan_engine::{MetaRead, MetaStoreExt, MetaTxn, ReadCost, Scope};
use pan_model::{ByteSize, Caller, Md5Style, PanPath, PathRules, Timestamp, UserNo};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use crate::ledger::{self, Node};
use crate::tree::target;
use crate::{Error, Pan, Result};

/// Callers that are remembered, so that a request need not read its token.
const CALLERS_MAX: usize = 4096;

/// What a new token is to be good for.
#[derive(Debug, Clone)]
pub struct TokenSpec {
    /// Whose token it is, by name.
    pub user: String,
    /// The directory it is confined to; made when it is not there.
    pub root: PanPath,
    /// Which names it may create.
    pub rules: PathRules,
    /// How md5 values are written in its replies.
    pub md5_style: Md5Style,
    /// When it ends; `None` for never.
    pub expires: Option<Timestamp>,
}

/// Callers by the hash of their token, each with the auth epoch it was read
/// at: good for as long as nothing about users and tokens changes.
pub(crate) struct CallerCache(Cache<TokenHash, Known>);

#[derive(Clone)]
struct Known {
    epoch: u64,
    caller: Caller,
    expires: Option<Timestamp>,
}

impl CallerCache {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CALLERS_MAX))
    }
}

impl Pan {
    /// Who holds this token.
    ///
    /// # Errors
    /// [`Error::TokenInvalid`], [`Error::TokenExpired`], [`Error::UserDisabled`].
    pub async fn authenticate(&self, token: &str) -> Result<Caller> {
        let hash: TokenHash = Sha256::digest(token).into();
        let known = self.inner().callers.0.get(&hash);
        let look = move |read: &mut dyn MetaRead| {
            let epoch = read.auth_epoch()?;
            match known {
                Some(known) if known.epoch == epoch => Ok(known),
                _ => read_caller(read, &hash, epoch),
            }
        };
        let known = self.meta().read(ReadCost::Bounded, look).await?;
        if known.expires.is_some_and(|end| end <= self.now()) {
            return Err(Error::TokenExpired);
        }
        let caller = known.caller.clone();
        if self.inner().callers.0.peek(&hash).is_none_or(|old| old.epoch != known.epoch) {
            self.inner().callers.0.insert(hash, known);
        }
        Ok(caller)
    }

    /// Adds a user with an empty tree.
    ///
    /// # Errors
    /// [`Error::UserNameInvalid`], [`Error::UserExists`].
    pub async fn add_user(&self, name: &str, quota: ByteSize) -> Result<UserNo> {
        check_user_name(name)?;
        let quota = quota.min(ByteSize::UNLIMITED);
        let user = NewUser { name: name.to_owned(), quota, created: self.now() };
        let job = move |tx: &mut dyn MetaTxn| match tx.find_user(&user.name)? {
            Some(_) => Err(Error::UserExists { name: user.name.clone() }),
            None => Ok(tx.insert_user(&user)?),
        };
        self.meta().write(Scope::Instance, job).await
    }

    /// All users, in the order they were added.
    ///
    /// # Errors
    /// Only those of the engine.
    pub async fn users(&self) -> Result<Vec<UserRow>> {
        let look = |read: &mut dyn MetaRead| {
            let mut users = Vec::new();
            read.list_users(&mut |user| {
                users.push(user);
                ControlFlow::Continue(())
            })?;
            Ok(users)
        };
        self.meta().read(ReadCost::Bounded, look).await
    }

    /// Sets a user's quota, or shuts a user out and lets them in again. What
    /// is `None` stays.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn set_user(
        &self,
        name: &str,
        quota: Option<ByteSize>,
        disabled: Option<bool>,
    ) -> Result<()> {
        let name = name.to_owned();
        let job = move |tx: &mut dyn MetaTxn| {
            let user = find_user(tx.as_read(), &name)?;
            let quota = quota.unwrap_or(user.quota).min(ByteSize::UNLIMITED);
            Ok::<_, Error>(tx.update_user(user.user, quota, disabled.unwrap_or(user.disabled))?)
        };
        self.meta().write(Scope::Instance, job).await
    }

    /// Issues a token and makes its root directory. This is the only time
    /// the token can be seen: its hash is all that is stored.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::NameInvalid`],
    /// [`Error::AlreadyExists`] when the root is a file.
    pub async fn issue_token(&self, spec: TokenSpec) -> Result<String> {
        let mut secret = [0; 32];
        self.inner().engines.entropy.fill(&mut secret);
        let token = pan_model::Blake3(secret).to_string();
        let hash: TokenHash = Sha256::digest(&token).into();
        let user = self
            .meta()
            .read(ReadCost::Bounded, {
                let name = spec.user.clone();
                move |read: &mut dyn MetaRead| find_user(read, &name)
            })
            .await?;
        let now = self.now();
        let job = move |tx: &mut dyn MetaTxn| {
            make_root(tx, user.user, &spec.root, now)?;
            Ok::<_, Error>(tx.insert_token(&TokenRow {
                hash,
                user: user.user,
                root: spec.root.clone(),
                rules: spec.rules,
                md5_style: spec.md5_style,
                created: now,
                expires: spec.expires,
            })?)
        };
        self.meta().write(Scope::User(user.user), job).await?;
        Ok(token)
    }
}

fn read_caller(read: &mut dyn MetaRead, hash: &TokenHash, epoch: u64) -> Result<Known> {
    let token = read.get_token(hash)?.ok_or(Error::TokenInvalid)?;
    let user = read.get_user(token.user)?.ok_or(Error::TokenInvalid)?;
    if user.disabled {
        return Err(Error::UserDisabled);
    }
    let caller = Caller {
        user: token.user,
        root: token.root,
        rules: token.rules,
        md5_style: token.md5_style,
    };
    Ok(Known { epoch, caller, expires: token.expires })
}

fn find_user(read: &mut dyn MetaRead, name: &str) -> Result<UserRow> {
    read.find_user(name)?.ok_or_else(|| Error::UserNotFound { name: name.to_owned() })
}

/// Makes the root of a token, with the operator's freedom of names.
fn make_root(tx: &mut dyn MetaTxn, user: UserNo, root: &PanPath, now: Timestamp) -> Result<()> {
    if root.is_root() {
        return Ok(());
    }
    let operator = Caller {
        user,
        root: PanPath::root(),
        rules: PathRules::Relaxed,
        md5_style: Md5Style::Plain,
    };
    let place = target(tx.as_read(), &operator, root)?;
    match &place.existing {
        Some(existing) if existing.is_directory() => Ok(()),
        Some(_) => Err(Error::AlreadyExists { path: root.clone() }),
        None => {
            let parent = place.make_parents(tx, now)?;
            let node = Node::new_directory(tx, &parent, &place.name, now)?;
            ledger::apply(tx, now, None, Some(node))?;
            Ok(())
        }
    }
}

fn check_user_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_alphanumeric() || "._-@".contains(c);
    if (1..=64).contains(&name.chars().count()) && name.chars().all(allowed) {
        return Ok(());
    }
    Err(Error::UserNameInvalid { name: name.to_owned() })
}
