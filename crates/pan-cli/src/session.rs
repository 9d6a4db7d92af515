//! Whom a command talks to: flags over environment over configuration.

use std::cell::RefCell;
use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use pan_sdk::{Client, Endpoint, RetryPolicy};

use crate::cli::GlobalOptions;
use crate::config::{Config, Profile, is_exposed};
use crate::failure::Failure;
use crate::remote::RemotePath;
use crate::screen::Screen;

const LOG_IN: &str = "`pan login --endpoint URL` stores an endpoint and a token";

/// What a command needs of the world around it.
pub(crate) struct Session<'a> {
    options: &'a GlobalOptions,
    pub(crate) screen: &'a Screen,
    clients: RefCell<HashMap<Option<String>, Client>>,
}

/// An endpoint with a token, and where they come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) endpoint: String,
    pub(crate) token: Secret,
    /// The profile, when something of it is used.
    pub(crate) profile: Option<String>,
    pub(crate) ca_file: Option<PathBuf>,
}

/// A token that no message shows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("…")
    }
}

/// What flags and environment say.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) endpoint: Option<String>,
    pub(crate) token: Option<Secret>,
    pub(crate) profile: Option<String>,
    pub(crate) ca_file: Option<PathBuf>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(options: &'a GlobalOptions, screen: &'a Screen) -> Self {
        Self { options, screen, clients: RefCell::default() }
    }

    /// Whether remote paths may be patterns.
    pub(crate) fn globs(&self) -> bool {
        !self.options.no_glob
    }

    /// The client for a remote path, for questions that somebody waits for.
    pub(crate) fn client(&self, remote: &RemotePath) -> Result<Client, Failure> {
        Ok(self.patient_client(remote)?.with_retry(RetryPolicy::brief()))
    }

    /// The client for a remote path, for work that must get done.
    pub(crate) fn patient_client(&self, remote: &RemotePath) -> Result<Client, Failure> {
        self.client_of(remote.profile.as_deref())
    }

    /// The client of a profile, or of the one that was chosen.
    pub(crate) fn client_of(&self, profile: Option<&str>) -> Result<Client, Failure> {
        let key = profile.map(str::to_owned);
        if let Some(client) = self.clients.borrow().get(&key) {
            return Ok(client.clone());
        }
        let client = connect(&self.access(profile)?)?;
        self.clients.borrow_mut().insert(key, client.clone());
        Ok(client)
    }

    /// Whether two remote paths are in one tree, whatever it is called.
    pub(crate) fn is_same_storage(
        &self,
        one: &RemotePath,
        other: &RemotePath,
    ) -> Result<bool, Failure> {
        if one.profile == other.profile {
            return Ok(true);
        }
        let one = self.access(one.profile.as_deref())?;
        let other = self.access(other.profile.as_deref())?;
        Ok(one.endpoint == other.endpoint && one.token == other.token)
    }

    /// Whom to talk to.
    pub(crate) fn access(&self, profile: Option<&str>) -> Result<Access, Failure> {
        let path = Config::path()?;
        let config = Config::read(&path)?;
        if !config.profiles.is_empty() && is_exposed(&path) {
            let path = path.display();
            self.screen
                .stderr
                .note(&format!("others may read the tokens in `{path}`: chmod 600 it"));
        }
        match profile {
            Some(name) => profile_named(&config, name).map(|found| found.access(name)),
            // A profile that a flag names is not mixed with the environment.
            None => resolve(self.given(self.options.profile.is_none())?, &config),
        }
    }

    /// What flags say, and the environment where it counts.
    pub(crate) fn given(&self, environment_counts: bool) -> Result<Given, Failure> {
        let options = self.options;
        let variable = |name: &str| environment_counts.then(|| text_variable(name)).flatten();
        let token_file = |path: &Path| read_token(path).map(Secret);
        let token = match (&options.token, &options.token_file) {
            (Some(token), _) => Some(Secret(token.clone())),
            (None, Some(path)) => Some(token_file(path)?),
            (None, None) => match (variable("OPENPAN_TOKEN"), variable("OPENPAN_TOKEN_FILE")) {
                (Some(token), _) => Some(Secret(token)),
                (None, Some(path)) => Some(token_file(Path::new(&path))?),
                (None, None) => None,
            },
        };
        Ok(Given {
            endpoint: options.endpoint.clone().or_else(|| variable("OPENPAN_ENDPOINT")),
            token,
            profile: options.profile.clone().or_else(|| variable("OPENPAN_PROFILE")),
            ca_file: options.ca_file.clone().or_else(|| Some(variable("OPENPAN_CA_FILE")?.into())),
        })
    }
}

impl Profile {
    fn access(&self, name: &str) -> Access {
        Access {
            endpoint: self.endpoint.clone(),
            token: Secret(self.token.clone()),
            profile: Some(name.to_owned()),
            ca_file: self.ca_file.clone(),
        }
    }
}

/// Makes the client for an access.
pub(crate) fn connect(access: &Access) -> Result<Client, Failure> {
    let endpoint = match access.endpoint.as_str() {
        "baidu" => Endpoint::baidu(),
        url => Endpoint::single(url)
            .map_err(|error| Failure::from(error).hint("write it as http://HOST:PORT"))?,
    };
    let mut builder = Client::builder(endpoint, &access.token.0)
        .user_agent(concat!("pan/", env!("CARGO_PKG_VERSION")));
    if let Some(path) = &access.ca_file {
        let pem = fs::read(path).map_err(|error| cannot_read(path, &error))?;
        builder = builder.root_certificates(pem);
    }
    Ok(builder.build()?)
}

/// Completes what was given from the configuration.
///
/// The token of a profile is sent to the endpoint of that profile only.
fn resolve(given: Given, config: &Config) -> Result<Access, Failure> {
    let is_named = given.profile.is_some();
    let name = given.profile.unwrap_or_else(|| config.default_name().to_owned());
    let profile = match profile_named(config, &name) {
        Ok(profile) => Some(profile.access(&name)),
        Err(failure) if is_named => return Err(failure),
        Err(_) => None,
    };
    let Some(endpoint) = given.endpoint.or_else(|| Some(profile.as_ref()?.endpoint.clone())) else {
        return Err(Failure::usage("no endpoint is known").hint(LOG_IN));
    };
    let profile = profile.filter(|profile| profile.endpoint == endpoint);
    let used = profile.as_ref().and_then(|profile| profile.profile.clone());
    let ca_file = given.ca_file.or_else(|| profile.as_ref()?.ca_file.clone());
    let Some(token) = given.token.or_else(|| profile.map(|profile| profile.token)) else {
        return Err(Failure::usage(format!("no token is known for {endpoint}")).hint(LOG_IN));
    };
    Ok(Access { endpoint, token, profile: used, ca_file })
}

fn profile_named<'c>(config: &'c Config, name: &str) -> Result<&'c Profile, Failure> {
    config.profiles.get(name).ok_or_else(|| {
        let hint = format!("`pan login --profile {name} --endpoint URL` makes it");
        Failure::usage(format!("there is no profile `{name}`")).hint(hint)
    })
}

/// An environment variable; an empty one is as good as none.
fn text_variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Reads the first line of a file.
fn read_token(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(path).map_err(|error| cannot_read(path, &error))?;
    first_line(&text)
        .ok_or_else(|| Failure::usage(format!("there is no token in `{}`", path.display())))
}

/// The token in a text: its first line.
pub(crate) fn first_line(text: &str) -> Option<String> {
    text.lines().next().map(str::trim).filter(|token| !token.is_empty()).map(str::to_owned)
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot read `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{Given, Secret, resolve};
    use crate::config::{Config, Profile};

    fn config() -> Config {
        let profile = |endpoint: &str, token: &str| Profile {
            endpoint: endpoint.into(),
            token: token.into(),
            ca_file: None,
        };
        Config {
            default: Some("home".into()),
            profiles: [
                ("home".into(), profile("http://home", "t-home")),
                ("work".into(), profile("http://work", "t-work")),
            ]
            .into(),
        }
    }

    /// Endpoint, token and profile that result.
    fn resolved(
        endpoint: Option<&str>,
        token: Option<&str>,
        profile: Option<&str>,
    ) -> Option<(String, String, Option<String>)> {
        let given = Given {
            endpoint: endpoint.map(str::to_owned),
            token: token.map(|token| Secret(token.into())),
            profile: profile.map(str::to_owned),
            ca_file: None,
        };
        let access = resolve(given, &config()).ok()?;
        Some((access.endpoint, access.token.0, access.profile))
    }

    #[test]
    fn flags_complete_each_other_from_the_profile() {
        for (endpoint, token, profile, expected) in [
            (None, None, None, Some(("http://home", "t-home", Some("home")))),
            (None, None, Some("work"), Some(("http://work", "t-work", Some("work")))),
            (None, None, Some("nowhere"), None),
            (None, Some("x"), None, Some(("http://home", "x", Some("home")))),
            (Some("http://other"), Some("x"), None, Some(("http://other", "x", None))),
            (Some("http://home"), None, None, Some(("http://home", "t-home", Some("home")))),
        ] {
            let expected = expected.map(|(endpoint, token, profile)| {
                (endpoint.to_owned(), token.to_owned(), profile.map(str::to_owned))
            });
            assert_eq!(resolved(endpoint, token, profile), expected, "{endpoint:?} {token:?}");
        }
    }

    #[test]
    fn a_token_is_not_sent_to_another_endpoint() {
        assert_eq!(resolved(Some("http://other"), None, None), None);
        assert_eq!(resolved(Some("http://other"), None, Some("work")), None);
    }
}
