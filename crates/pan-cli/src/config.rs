//! The configuration file: profiles, each an endpoint and a token.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::failure::Failure;

/// The name of the profile that is used when none is chosen.
pub(crate) const DEFAULT_PROFILE: &str = "default";

/// The whole file. An unknown key is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The profile of commands that choose none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) profiles: BTreeMap<String, Profile>,
}

/// A service and who one is there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    pub(crate) endpoint: String,
    pub(crate) token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
}

impl fmt::Debug for Profile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Profile({})", self.endpoint)
    }
}

impl Config {
    /// `$XDG_CONFIG_HOME/openpan/config.toml`.
    pub(crate) fn path() -> Result<PathBuf, Failure> {
        let base = etcetera::choose_base_strategy()
            .map_err(|error| Failure::usage(format!("no home directory: {error}")))?;
        Ok(base.config_dir().join("openpan").join("config.toml"))
    }

    /// `$XDG_STATE_HOME/openpan`, where commands keep what they must remember.
    pub(crate) fn state_directory() -> Result<PathBuf, Failure> {
        let base = etcetera::choose_base_strategy()
            .map_err(|error| Failure::usage(format!("no home directory: {error}")))?;
        let state = base.state_dir().unwrap_or_else(|| base.data_dir());
        Ok(state.join("openpan"))
    }

    /// Reads a file; one that is not there is empty.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |why: &dyn fmt::Display| {
            Failure::usage(format!("cannot use `{}`: {why}", path.display()))
        };
        match fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|error| wrong(&error.message())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(wrong(&error)),
        }
    }

    /// Replaces a file, readable by its owner only.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = toml::to_string(self).map_err(|error| Failure::other(error.to_string()))?;
        replace_private(path, &text).map_err(|error| {
            Failure::new(Exit::Other, format!("cannot write `{}`: {error}", path.display()))
        })
    }

    /// The profile that is used when none is chosen.
    pub(crate) fn default_name(&self) -> &str {
        self.default.as_deref().unwrap_or(DEFAULT_PROFILE)
    }
}

/// Whether others than its owner may read a file.
pub(crate) fn is_exposed(path: &Path) -> bool {
    #[cfg(unix)]
    if let Ok(metadata) = fs::metadata(path) {
        use std::os::unix::fs::MetadataExt;
        return metadata.mode() & 0o077 != 0;
    }
    false
}

/// Makes a directory, and those above it, for their owner only.
pub(crate) fn make_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

fn replace_private(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    make_private_directory(directory)?;
    // Temporary files are made for their owner only.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Config, Profile, is_exposed};

    #[test]
    fn a_configuration_is_written_privately_and_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("openpan/config.toml");
        assert_eq!(Config::read(&path).unwrap(), Config::default());
        let home = Profile { endpoint: "http://h".into(), token: "secret".into(), ca_file: None };
        assert!(!format!("{home:?}").contains("secret"));
        let mut config = Config { default: Some("home".into()), ..Config::default() };
        config.profiles.insert("home".into(), home);
        config.write(&path).unwrap();
        assert_eq!(Config::read(&path).unwrap(), config);
        assert!(!is_exposed(&path));
    }

    #[test]
    fn an_unknown_key_is_an_error_that_shows_no_token() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        for text in ["x = 1", "[profiles.a]\nendpoint='e'\ntoken='secret'\nx=1", "token = 'secret"]
        {
            std::fs::write(&path, text).unwrap();
            let failure = Config::read(&path).unwrap_err();
            assert!(!failure.message.contains("secret"), "{}", failure.message);
        }
    }
}
