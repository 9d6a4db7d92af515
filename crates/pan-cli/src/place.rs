//! Where sources land, by the rules of `cp`.
//!
//! A destination that ends with a slash, or is a directory, takes every
//! source under its own name; any other is the new name of the only source.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use pan_sdk::{Client, ErrorCode, PanPath};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::remote::RemotePath;

/// A destination, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place<P> {
    /// A directory: sources keep their names.
    Into(P),
    /// The new name of the source.
    As(P),
}

impl Place<PanPath> {
    /// Looks at a remote destination of so many sources.
    pub(crate) async fn remote(
        client: &Client,
        to: &RemotePath,
        sources: usize,
    ) -> Result<Self, Failure> {
        if to.path.is_root() {
            return Ok(Self::Into(to.path.clone()));
        }
        let is_dir = match client.meta(&to.path).await {
            Ok(entry) => Some(entry.is_dir),
            Err(error) if error.is(ErrorCode::FileNotExists) => None,
            Err(error) => return Err(Failure::from(error).about(to)),
        };
        decide(is_dir, to.has_slash, sources, &to.to_string())
            .map(|into| if into { Self::Into(to.path.clone()) } else { Self::As(to.path.clone()) })
    }

    /// Where a source of this name lands; one without a name is its contents.
    pub(crate) fn of(&self, name: Option<&str>) -> PanPath {
        match (self, name) {
            (Self::Into(directory), Some(name)) => directory.join(name),
            (Self::Into(path) | Self::As(path), _) => path.clone(),
        }
    }
}

impl Place<PathBuf> {
    /// Looks at a local destination of so many sources.
    pub(crate) fn local(to: &Path, sources: usize) -> Result<Self, Failure> {
        let is_dir = to.metadata().ok().map(|metadata| metadata.is_dir());
        decide(is_dir, has_slash(to), sources, &to.display().to_string())
            .map(|into| if into { Self::Into(to.to_owned()) } else { Self::As(to.to_owned()) })
    }

    /// Where a source of this name lands; one without a name is its contents.
    pub(crate) fn of(&self, name: Option<&str>) -> PathBuf {
        match (self, name) {
            (Self::Into(directory), Some(name)) => directory.join(name),
            (Self::Into(path) | Self::As(path), _) => path.clone(),
        }
    }
}

/// Tells the destination, which comes last, from the sources before it.
///
/// They are one list on the command line, so that options may stand anywhere.
pub(crate) fn split<T>(mut paths: Vec<T>) -> Result<(Vec<T>, T), Failure> {
    match paths.pop() {
        Some(to) if !paths.is_empty() => Ok((paths, to)),
        _ => Err(Failure::usage("there is no DEST").hint("write SRC... DEST; see --help")),
    }
}

/// Refuses sources of which one would overwrite another: those of one name
/// that go into one directory.
pub(crate) fn no_twins<P>(sources: &[RemotePath], place: &Place<P>) -> Result<(), Failure> {
    let Place::Into(_) = place else { return Ok(()) };
    let mut seen = HashMap::new();
    for source in sources.iter().filter(|source| !source.has_slash) {
        let Some(name) = source.path.name() else { continue };
        if let Some(other) = seen.insert(name, source) {
            let message = format!("{other} and {source} would both become `{name}`");
            return Err(Failure::usage(message).hint("get them into directories of their own"));
        }
    }
    Ok(())
}

/// Whether a path was typed with a slash at its end.
pub(crate) fn has_slash(path: &Path) -> bool {
    path.as_os_str()
        .as_encoded_bytes()
        .last()
        .is_some_and(|&byte| std::path::is_separator(char::from(byte)))
}

/// Whether sources keep their names. `is_dir` is `None` where nothing is.
fn decide(
    is_dir: Option<bool>,
    has_slash: bool,
    sources: usize,
    to: &str,
) -> Result<bool, Failure> {
    match is_dir {
        Some(true) => Ok(true),
        Some(false) if has_slash || sources > 1 => {
            Err(Failure::new(Exit::NoDirectory, format!("{to}: it is a file, not a directory")))
        }
        None if sources > 1 && !has_slash => {
            let message = format!("{to}: there is no such directory");
            Err(Failure::new(Exit::NoDirectory, message).hint(format!("`{to}/` would be made")))
        }
        _ => Ok(has_slash),
    }
}

#[cfg(test)]
mod tests {
    use pan_sdk::PanPath;

    use super::{Place, decide};

    #[test]
    fn destinations_as_cp_sees_them() {
        for (is_dir, has_slash, sources, into) in [
            (Some(true), false, 1, Some(true)),
            (Some(true), true, 3, Some(true)),
            (Some(false), false, 1, Some(false)),
            (Some(false), true, 1, None),
            (Some(false), false, 2, None),
            (None, false, 1, Some(false)),
            (None, true, 1, Some(true)),
            (None, true, 2, Some(true)),
            (None, false, 2, None),
        ] {
            let decided = decide(is_dir, has_slash, sources, "/x").ok();
            assert_eq!(decided, into, "{is_dir:?} {has_slash} {sources}");
        }
    }

    #[test]
    fn a_source_without_a_name_is_its_contents() {
        let path = |text| PanPath::parse(text).unwrap();
        assert_eq!(Place::Into(path("/d")).of(Some("a")), path("/d/a"));
        assert_eq!(Place::Into(path("/d")).of(None), path("/d"));
        assert_eq!(Place::As(path("/d")).of(Some("a")), path("/d"));
    }
}
