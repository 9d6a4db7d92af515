//! The server under test, and a user of it who has just been added.
//!
//! Every promise gets a fresh user, so that promises run side by side. How
//! users and tokens are made is the harness's business: [`Accounts`].

use super::Client;

/// Adds users and issues tokens, whatever the server is.
pub trait Accounts: Sync {
    /// Adds a user; without a quota there is room for everything.
    fn add_user(&self, name: &str, quota: Option<u64>);

    /// Issues a token to a user.
    fn issue_token(&self, user: &str, spec: &TokenSpec) -> String;
}

/// What a token should be good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSpec {
    /// The directory it is confined to.
    pub root: String,
    /// Path rules: `relaxed` instead of `pcs`.
    pub relaxed: bool,
    /// Whether md5s come scrambled, as bypy expects them (pcs-rest 9.1).
    pub baidu_md5: bool,
    /// How long it is good for, as `openpan token issue --expires` takes it.
    pub expires: Option<&'static str>,
}

impl TokenSpec {
    /// A token of an application, by the book.
    pub fn rooted(root: &str) -> Self {
        Self { root: root.into(), relaxed: false, baidu_md5: false, expires: None }
    }

    /// The same with relaxed path rules.
    #[must_use]
    pub fn relaxed(self) -> Self {
        Self { relaxed: true, ..self }
    }

    /// The same with scrambled md5s.
    #[must_use]
    pub fn baidu_md5(self) -> Self {
        Self { baidu_md5: true, ..self }
    }

    /// The same, ending after a while.
    #[must_use]
    pub fn expires(self, after: &'static str) -> Self {
        Self { expires: Some(after), ..self }
    }
}

/// The root of the application that most promises speak through.
pub const DEMO: &str = "/apps/demo";

/// A server, and a user of its own for one promise.
pub struct Target<'a> {
    address: String,
    accounts: &'a dyn Accounts,
    user: String,
}

impl<'a> Target<'a> {
    /// A target at `host:port`; the user is added.
    pub fn new(address: &str, accounts: &'a dyn Accounts, user: &str) -> Self {
        Self::with_quota(address, accounts, user, None)
    }

    /// A target whose user has a quota.
    pub fn with_quota(
        address: &str,
        accounts: &'a dyn Accounts,
        user: &str,
        quota: Option<u64>,
    ) -> Self {
        accounts.add_user(user, quota);
        Self { address: address.into(), accounts, user: user.into() }
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The user's name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Another user of the same server.
    #[must_use]
    pub fn another(&self, name: &str, quota: Option<u64>) -> Self {
        let user = format!("{}-{name}", self.user);
        Self::with_quota(&self.address, self.accounts, &user, quota)
    }

    /// A caller with a new token.
    pub fn caller(&self, spec: &TokenSpec) -> Client {
        Client::new(&self.address, &self.accounts.issue_token(&self.user, spec))
    }

    /// A caller whose token nobody issued.
    pub fn caller_with(&self, token: &str) -> Client {
        Client::new(&self.address, token)
    }

    /// The application `demo`: root `/apps/demo`, the rules of the book.
    pub fn demo(&self) -> Client {
        self.caller(&TokenSpec::rooted(DEMO))
    }

    /// The same user's own token: root `/`, relaxed path rules.
    pub fn owner(&self) -> Client {
        self.caller(&TokenSpec::rooted("/").relaxed())
    }

    /// The application `demo` with scrambled md5s.
    pub fn scrambled(&self) -> Client {
        self.caller(&TokenSpec::rooted(DEMO).baidu_md5())
    }
}
