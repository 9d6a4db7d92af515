use clap::Args;
use serde_json::json;

use crate::config::Config;
use crate::failure::Failure;
use crate::session::Session;

/// Forget a profile and its token
///
/// The token stays valid on the server; `openpan token` revokes it there.
#[derive(Debug, Args)]
pub(crate) struct LogoutArgs {}

pub(crate) fn run(session: &Session<'_>, _: LogoutArgs) -> Result<(), Failure> {
    let path = Config::path()?;
    let mut config = Config::read(&path)?;
    let named = session.given(true)?.profile;
    let name = named.unwrap_or_else(|| config.default_name().to_owned());
    if config.profiles.remove(&name).is_none() {
        return Err(Failure::usage(format!("there is no profile `{name}`")));
    }
    if config.default.as_deref() == Some(&name) {
        config.default = None;
    }
    config.write(&path)?;
    if session.screen.json {
        return session.screen.object(&json!({ "action": "logout", "profile": name }));
    }
    session.screen.stderr.note(&format!("forgot the profile `{name}`"));
    Ok(())
}
