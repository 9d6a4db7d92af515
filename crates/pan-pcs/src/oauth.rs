//! What the token endpoint answers: a dialect of its own (pcs-rest 2.4, 7).

use std::fmt;

use serde::Deserialize;

use crate::scalar::{any_text, number};

/// The reply of `/oauth/2.0/token`. Its `Debug` shows none of the secrets.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct TokenBody {
    /// The new access token.
    pub access_token: String,
    /// For how long it is good, seconds; 0 when the service does not say.
    #[serde(default, deserialize_with = "number")]
    pub expires_in: u64,
    /// What the next one is got with; empty when there is none.
    #[serde(default, deserialize_with = "any_text")]
    pub refresh_token: String,
    /// What it may do, words between blanks.
    #[serde(default, deserialize_with = "any_text")]
    pub scope: String,
}

impl fmt::Debug for TokenBody {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TokenBody")
            .field("expires_in", &self.expires_in)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// The error body of OAuth.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct OauthErrorBody {
    /// The kind, such as `invalid_grant`.
    pub error: String,
    /// What happened, for people.
    #[serde(default, deserialize_with = "any_text")]
    pub error_description: String,
}
