//! Remote paths that are patterns: `/photos/*.jpg`, `/a/**/b`.
//!
//! What exists under exactly that name is meant before anything that it
//! matches, so that every name can be reached.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use pan_sdk::{Client, Entry, Error, ErrorCode, ListBy, ListOrder, PanPath};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::pattern::{NamePattern, is_pattern, unescaped};
use crate::remote::RemotePath;
use crate::session::Session;

/// How many directories are looked into at once.
const LOOKS: usize = 8;

/// Puts in the place of each pattern what it matches, by name. Other paths
/// stay as they are and are not looked at.
///
/// A pattern that matches nothing is an error, before anything was done.
pub(crate) async fn expand(
    session: &Session<'_>,
    paths: Vec<RemotePath>,
) -> Result<Vec<RemotePath>, Failure> {
    let mut expanded = Vec::with_capacity(paths.len());
    for path in paths {
        if session.globs() && is_pattern(path.path.as_str()) {
            expanded.extend(meant(&session.client(&path)?, path).await?);
        } else {
            expanded.push(path);
        }
    }
    Ok(expanded)
}

/// What one pattern means.
async fn meant(client: &Client, path: RemotePath) -> Result<Vec<RemotePath>, Failure> {
    match client.meta(&path.path).await {
        Ok(entry) => return Ok(vec![RemotePath { known: Some(Box::new(entry)), ..path }]),
        // What cannot be a name can be a pattern all the same.
        Err(error) if error.is(ErrorCode::FileNotExists) => {}
        Err(error) if error.is(ErrorCode::FileNameInvalid) => {}
        Err(error) => return Err(Failure::from(error).about(&path)),
    }
    let pattern = Pattern::of(&path.path).map_err(Failure::usage)?;
    let mut found =
        pattern.find(client).await.map_err(|error| Failure::from(error).about(&path))?;
    found.retain(|entry| entry.is_dir || !path.has_slash);
    found.sort_by(|one, other| one.path.components().cmp(other.path.components()));
    if found.is_empty() {
        let failure = Failure::new(Exit::NoFile, format!("{path}: nothing matches"));
        let base = path.spell(&pattern.base);
        return Err(failure.hint(format!("`pan ls {base}` shows what is there")));
    }
    let paths = found.into_iter().map(|entry| RemotePath {
        profile: path.profile.clone(),
        path: entry.path.clone(),
        has_slash: path.has_slash,
        known: Some(Box::new(Entry::clone(&entry))),
    });
    Ok(paths.collect())
}

/// A pattern for whole paths.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// The directory above all that can match.
    base: PanPath,
    /// What the names below it must be.
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    /// Exactly this name.
    Literal(String),
    /// A name like this.
    Like(NamePattern),
    /// `**`: any directories, or none.
    Deep,
}

/// A directory that may lead to matches, and the parts that its entries may
/// be: their numbers, in order.
struct Open {
    directory: PanPath,
    states: Vec<usize>,
}

impl Pattern {
    /// Reads a path as a pattern.
    pub(crate) fn of(path: &PanPath) -> Result<Self, String> {
        let mut base = PanPath::root();
        let mut names = path.components().peekable();
        while let Some(name) = names.next_if(|name| !is_pattern(name)) {
            base = base.join(&unescaped(name));
        }
        let mut parts = Vec::new();
        for name in names {
            parts.push(match name {
                "**" if matches!(parts.last(), Some(Part::Deep)) => continue,
                "**" => Part::Deep,
                name if is_pattern(name) => Part::Like(NamePattern::parse(name)?),
                name => Part::Literal(unescaped(name)),
            });
        }
        if let Some(Part::Deep) = parts.last() {
            parts.push(Part::Like(NamePattern::parse("*")?));
        }
        Ok(Self { base, parts })
    }

    /// Whether a path matches, and none of the directories above it does.
    pub(crate) fn matches(&self, path: &PanPath) -> bool {
        if !path.is_within(&self.base) {
            return false;
        }
        let mut states = self.closed(vec![0]);
        let mut names = path.components().skip(self.base.depth()).peekable();
        while let Some(name) = names.next() {
            states = self.after(&states, name);
            if states.contains(&self.parts.len()) {
                return names.peek().is_none();
            }
        }
        false
    }

    /// Everything that matches, but for what is below something that does: a
    /// directory stands for all that is in it.
    async fn find(&self, client: &Client) -> Result<Vec<Entry>, Error> {
        let mut found = Vec::new();
        let states = self.closed(vec![0]);
        let mut level = vec![Open { directory: self.base.clone(), states }];
        while !level.is_empty() {
            let looks = level.into_iter().map(|open| self.look(client, open));
            let mut looks = stream::iter(looks).buffered(LOOKS);
            let mut next = Vec::new();
            while let Some((matched, open)) = looks.try_next().await? {
                found.extend(matched);
                next.extend(open);
            }
            level = next;
        }
        Ok(found)
    }

    /// Looks into a directory: what matches, and where to look next.
    async fn look(&self, client: &Client, open: Open) -> Result<(Vec<Entry>, Vec<Open>), Error> {
        let (mut found, mut next) = (Vec::new(), Vec::new());
        let mut entries = self.entries(client, &open).boxed();
        loop {
            let mut entry = match entries.try_next().await {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                // It went away, or was never there.
                Err(error) if error.is(ErrorCode::FileNotExists) => break,
                Err(error) => return Err(error),
            };
            let states = self.after(&open.states, entry.name());
            if states.contains(&self.parts.len()) {
                // There may be many, and nobody asks for these.
                entry.blocks = Vec::new();
                found.push(entry);
            } else if entry.is_dir && !states.is_empty() {
                next.push(Open { directory: entry.path, states });
            }
        }
        Ok((found, next))
    }

    /// The entries that may match: of a directory in which only one name can,
    /// that one.
    fn entries<'a>(
        &'a self,
        client: &'a Client,
        open: &Open,
    ) -> impl stream::Stream<Item = Result<Entry, Error>> + 'a {
        const BY_NAME: ListOrder = ListOrder { by: ListBy::Name, descending: false };
        let only = match open.states[..] {
            [only] => match &self.parts[only] {
                Part::Literal(name) => Some(open.directory.join(name)),
                _ => None,
            },
            _ => None,
        };
        match only {
            Some(path) => stream::once(async move { client.meta(&path).await }).boxed(),
            None => client.list_all(&open.directory, BY_NAME).boxed(),
        }
    }

    /// The parts that come after a name that was one of these.
    fn after(&self, states: &[usize], name: &str) -> Vec<usize> {
        let mut next = Vec::new();
        for &state in states {
            match &self.parts[state] {
                Part::Deep => next.push(state),
                Part::Like(pattern) if pattern.matches(name) => next.push(state + 1),
                Part::Literal(own) if same_name(own, name) => next.push(state + 1),
                _ => {}
            }
        }
        self.closed(next)
    }

    /// Adds what follows a `**` that stands for nothing.
    fn closed(&self, mut states: Vec<usize>) -> Vec<usize> {
        let behind = |&state: &usize| matches!(self.parts.get(state), Some(Part::Deep));
        let more: Vec<_> = states.iter().filter(|state| behind(state)).map(|at| at + 1).collect();
        states.extend(more);
        states.sort_unstable();
        states.dedup();
        states
    }
}

/// Whether two spellings mean one name.
fn same_name(one: &str, other: &str) -> bool {
    use unicode_normalization::UnicodeNormalization;
    one == other || one.nfc().eq(other.nfc())
}

#[cfg(test)]
mod tests {
    use pan_sdk::PanPath;

    use super::Pattern;

    fn matches(pattern: &str, path: &str) -> bool {
        let parsed = |text| PanPath::parse(text).unwrap();
        Pattern::of(&parsed(pattern)).unwrap().matches(&parsed(path))
    }

    #[test]
    fn paths_and_patterns() {
        for (pattern, yes, no) in [
            ("/a/*.jpg", &["/a/x.jpg"][..], &["/a/b/x.jpg", "/x.jpg", "/a/x.png"][..]),
            ("/a/*/x", &["/a/b/x"], &["/a/x", "/a/b/c/x", "/a/b/y"]),
            ("/a/**/x", &["/a/x", "/a/b/x", "/a/b/c/x"], &["/x", "/a/b", "/a/x/x"]),
            ("/a/**", &["/a/b"], &["/a", "/a/b/c"]),
            ("/**/*.tmp", &["/x.tmp", "/a/b/x.tmp"], &["/a", "/a/b/x"]),
            ("/**/a/**/b", &["/a/b", "/a/a/b", "/x/a/y/b"], &["/b", "/x/b"]),
            ("/**/**/x", &["/x", "/a/b/x"], &["/a"]),
            (r"/a\*/[xy]", &["/a*/x"], &["/ab/x"]),
        ] {
            for path in yes {
                assert!(matches(pattern, path), "{pattern} {path}");
            }
            for path in no {
                assert!(!matches(pattern, path), "{pattern} {path}");
            }
        }
    }
}
