//! New access tokens for old ones (pcs-rest 7.2).

use std::fmt;
use std::time::Duration;

use pan_pcs::{OauthErrorBody, TokenBody};
use reqwest::header::CONTENT_TYPE;

use crate::call::push_pair;
use crate::endpoint::host_of_url;
use crate::reply::Answer;
use crate::retry::Repeat;
use crate::stall::{Activity, while_active};
use crate::token::Token;
use crate::{Client, Error};

/// An application that is registered with the service.
#[derive(Debug, Clone)]
pub struct App {
    id: String,
    secret: Token,
}

impl App {
    /// With its API key and its secret key.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { id: id.into(), secret: Token::new(secret.into()) }
    }
}

/// What the token service gave. Its `Debug` shows none of the secrets.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewToken {
    /// The access token, for [`Client::with_token`].
    pub access_token: String,
    /// What the next one is got with. The one that was used is spent: keep
    /// this one before anything else. `None` when the service gave none.
    pub refresh_token: Option<String>,
    /// For how long the access token is good; `None` when the service did not
    /// say.
    pub lifetime: Option<Duration>,
    /// What it may do, such as `basic` and `netdisk`.
    pub scope: Vec<String>,
}

impl NewToken {
    fn read(body: TokenBody) -> Self {
        Self {
            access_token: body.access_token,
            refresh_token: Some(body.refresh_token).filter(|token| !token.is_empty()),
            lifetime: (body.expires_in > 0).then(|| Duration::from_secs(body.expires_in)),
            // Commas were seen between them too.
            scope: body
                .scope
                .split([' ', ','])
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }
}

impl fmt::Debug for NewToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("NewToken")
            .field("lifetime", &self.lifetime)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// An answer of the token service that says no (pcs-rest 7.6).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OauthRefusal {
    /// The kind: `expired_token`, `invalid_grant`, `invalid_client`…
    pub error: String,
    /// The service's own words; may be empty.
    pub description: String,
    /// The HTTP status.
    pub status: u16,
}

impl fmt::Display for OauthRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.description.as_str() {
            "" => write!(out, "the token service refused ({})", self.error),
            description => write!(out, "{description} ({})", self.error),
        }
    }
}

impl Client {
    /// Gets a new access token for a refresh token (pcs-rest 7.2). `scope`,
    /// words between blanks, may be less than before; `None` is as before.
    ///
    /// The client's own token is not sent and goes on being used; use the new
    /// one with [`with_token`](Self::with_token). The refresh token is spent.
    ///
    /// An OpenPan server has no token service yet: [`Error::Reply`] with 404.
    ///
    /// # Errors
    /// [`Error::Oauth`]: `expired_token` when the refresh token was used
    /// before, `invalid_grant`, `invalid_client`, `invalid_scope`.
    pub async fn refresh_token(
        &self,
        app: &App,
        refresh_token: &str,
        scope: Option<&str>,
    ) -> Result<NewToken, Error> {
        let mut form = Form::of(app, "refresh_token").with("refresh_token", refresh_token);
        if let Some(scope) = scope {
            form = form.with("scope", scope);
        }
        self.ask_token(form).await
    }

    /// Gets the first tokens for the code that a person was shown, or that
    /// came with a redirect (pcs-rest 7.2). `redirect_uri` is what the code
    /// was asked for with, `oob` when it was shown.
    ///
    /// # Errors
    /// As [`refresh_token`](Self::refresh_token); `invalid_grant` for a code
    /// that was used, or is older than ten minutes.
    pub async fn exchange_code(
        &self,
        app: &App,
        code: &str,
        redirect_uri: &str,
    ) -> Result<NewToken, Error> {
        let form = Form::of(app, "authorization_code").with("code", code);
        self.ask_token(form.with("redirect_uri", redirect_uri)).await
    }

    /// What is asked for is spent by asking: it is repeated only when the
    /// service certainly did not see it.
    async fn ask_token(&self, form: Form) -> Result<NewToken, Error> {
        let mut pauses = self.retry().pauses();
        loop {
            match self.ask_token_once(&form).await {
                Ok(body) => return Ok(NewToken::read(body)),
                Err(error) => pauses.wait(error, Repeat::Harmful).await?,
            }
        }
    }

    async fn ask_token_once(&self, form: &Form) -> Result<TokenBody, Error> {
        let url = self.endpoint().token_url();
        let host = host_of_url(&url).to_owned();
        // In the body: a secret in a query is a secret in a log.
        let request = self
            .http()
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.0.clone());
        let activity = Activity::start();
        let exchange = async {
            let response = request.send().await.map_err(|error| Error::transport(&host, error))?;
            Answer::read(host.clone(), response, &activity).await
        };
        let after = self.stall_timeout();
        let stalled = || Error::Stalled { host: host.clone(), after };
        let answer = while_active(&activity, after, exchange).await.ok_or_else(stalled)??;
        match refusal(&answer) {
            Some(refusal) => Err(Error::Oauth(Box::new(refusal))),
            None => answer.judge(),
        }
    }
}

/// The refusal that an answer is.
fn refusal(answer: &Answer) -> Option<OauthRefusal> {
    let (status, json) = answer.raw();
    let body: OauthErrorBody = serde_json::from_slice(json).ok()?;
    Some(OauthRefusal { error: body.error, description: body.error_description, status })
}

/// The parameters of the token service.
struct Form(String);

impl Form {
    fn of(app: &App, grant_type: &str) -> Self {
        Self(format!("grant_type={grant_type}"))
            .with("client_id", &app.id)
            .with("client_secret", app.secret.reveal())
    }

    fn with(mut self, key: &str, value: &str) -> Self {
        push_pair(&mut self.0, key, value);
        self
    }
}
