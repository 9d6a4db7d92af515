use std::io::{self, IsTerminal};

use clap::Args;
use console::Term;
use serde_json::json;

use crate::config::{Config, DEFAULT_PROFILE, Profile};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::remote::is_profile_name;
use crate::session::{Access, Given, Secret, Session, connect, first_line};

/// Store an endpoint and a token as a profile, after trying them
///
/// Takes --endpoint, and --token, --token-file or `--token -`, which reads the
/// token from stdin; a terminal is asked for what is missing.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// Make it the profile that is used when none is chosen
    #[arg(long)]
    default: bool,
}

pub(crate) async fn run(session: &Session<'_>, args: LoginArgs) -> Result<(), Failure> {
    let (name, access) = asked_for(session.given(true)?)?;
    connect(&access)?.quota().await.map_err(|error| Failure::from(error).about("not stored"))?;
    let path = Config::path()?;
    let mut config = Config::read(&path)?;
    if args.default || config.profiles.is_empty() {
        config.default = Some(name.clone());
    }
    let Access { endpoint, token, ca_file, .. } = access;
    let profile = Profile { endpoint: endpoint.clone(), token: token.0, ca_file };
    config.profiles.insert(name.clone(), profile);
    config.write(&path)?;
    if session.screen.json {
        return session.screen.object(&json!({ "profile": name, "endpoint": endpoint }));
    }
    session.screen.stderr.note(&format!("stored as profile `{name}` in {}", path.display()));
    Ok(())
}

/// The name of the profile, and what it is to contain.
fn asked_for(given: Given) -> Result<(String, Access), Failure> {
    let name = given.profile.unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
    if !is_profile_name(&name) {
        let message = format!("`{name}` cannot be the name of a profile");
        return Err(Failure::usage(message).hint("use letters, digits, `-`, `_` and `.`"));
    }
    let endpoint = match given.endpoint {
        Some(endpoint) => endpoint,
        None => ask("endpoint (http://HOST:PORT): ", false)?,
    };
    let token = match given.token {
        Some(Secret(dash)) if dash == "-" => Secret(token_from_stdin()?),
        Some(token) => token,
        None => Secret(ask("token: ", true)?),
    };
    let profile = Some(name.clone());
    Ok((name, Access { endpoint, token, profile, ca_file: given.ca_file }))
}

fn token_from_stdin() -> Result<String, Failure> {
    let text = io::read_to_string(io::stdin())
        .map_err(|error| Failure::usage(format!("cannot read the token from stdin: {error}")))?;
    first_line(&text).ok_or_else(|| Failure::usage("there is no token on stdin"))
}

/// Asks a person; a secret is not shown as it is typed.
fn ask(question: &str, is_secret: bool) -> Result<String, Failure> {
    let missing = || Failure::usage(format!("no {} was given", question.trim_end_matches(": ")));
    if !io::stdin().is_terminal() {
        return Err(missing().hint("pan login --endpoint URL --token -  < FILE"));
    }
    let terminal = Term::stderr();
    let answer = terminal.write_str(question).and_then(|()| match is_secret {
        true => terminal.read_secure_line(),
        false => terminal.read_line(),
    });
    let answer = answer.map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
    first_line(&answer).ok_or_else(missing)
}
