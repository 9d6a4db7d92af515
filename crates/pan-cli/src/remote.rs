//! Remote paths, as they are typed: `/photos`, `home:/photos/`.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use pan_sdk::{Client, Entry, Error, PanPath};

use crate::failure::Failure;

const DIRECTIONS: &str = "`pan put` uploads, local paths first and the remote one last; \
     `pan get` downloads, the other way round";

/// A path in a profile's tree, or in the usual one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemotePath {
    /// `None` is the profile that was chosen for the command.
    pub(crate) profile: Option<String>,
    pub(crate) path: PanPath,
    /// Whether it ended with a slash: then it means a directory, or what is in it.
    pub(crate) has_slash: bool,
    /// What is there, when it was seen already because a pattern led to it.
    pub(crate) known: Option<Box<Entry>>,
}

impl FromStr for RemotePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (profile, path) = match text.split_once(':') {
            Some((name, path)) if is_profile_name(name) => (Some(name.to_owned()), path),
            _ => (None, text),
        };
        let path = if profile.is_some() && path.is_empty() { "/" } else { path };
        let has_slash = path.ends_with('/');
        match PanPath::parse(path) {
            Ok(path) => Ok(Self { profile, path, has_slash, known: None }),
            Err(_) if !path.starts_with('/') => {
                let begin = "a remote path begins with `/`, or with a profile";
                let example = path.trim_start_matches(['.', '~', '/']);
                let example = if example.is_empty() { "photos" } else { example };
                Err(format!("{begin}: `/{example}`, `home:/{example}`"))
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

impl RemotePath {
    /// Reads an argument that may have been meant for a local path.
    pub(crate) fn read(text: &OsStr) -> Result<Self, Failure> {
        let wrong = |why: &str| Failure::usage(format!("`{}`: {why}", text.display()));
        text.to_str()
            .ok_or_else(|| wrong("it is not UTF-8"))?
            .parse()
            .map_err(|why: String| wrong(&why).hint(DIRECTIONS))
    }

    /// Describes what is there.
    pub(crate) async fn look(&self, client: &Client) -> Result<Entry, Error> {
        match &self.known {
            Some(entry) => Ok(Entry::clone(entry)),
            None => client.meta(&self.path).await,
        }
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.spell(&self.path))
    }
}

impl RemotePath {
    /// How a path of the same tree is typed.
    pub(crate) fn spell(&self, path: &PanPath) -> String {
        match &self.profile {
            Some(profile) => format!("{profile}:{path}"),
            None => path.to_string(),
        }
    }
}

/// Whether this can be the name of a profile.
pub(crate) fn is_profile_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::RemotePath;

    #[test]
    fn paths_as_they_are_typed() {
        for (text, profile, path, has_slash) in [
            ("/", None, "/", true),
            ("/a:b/c", None, "/a:b/c", false),
            ("/a//b/", None, "/a/b", true),
            ("home:/a", Some("home"), "/a", false),
            ("home:", Some("home"), "/", true),
            ("home:/a:b", Some("home"), "/a:b", false),
        ] {
            let remote: RemotePath = text.parse().unwrap();
            assert_eq!(remote.profile.as_deref(), profile, "{text}");
            assert_eq!((remote.path.as_str(), remote.has_slash), (path, has_slash), "{text}");
        }
        for text in ["", "a", "a/b", "home:a", "über:/a", "/a/../b", "/a\0"] {
            assert!(text.parse::<RemotePath>().is_err(), "{text}");
        }
    }
}
