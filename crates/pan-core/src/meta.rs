//! What is known about entries (pcs-rest 4.7, 4.8).

use pan_engine::meta::ContentKind;
use pan_engine::{MetaRead, MetaStoreExt, ReadCost};
use pan_model::{Caller, Md5, PanPath};

use crate::tree::{Located, look_up};
use crate::{Error, Pan, Result};

/// An entry with the md5 of each of its blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The entry and where it is.
    pub located: Located,
    /// Plain md5s: one for a file that came in one piece, one per part for a
    /// superfile, none for a directory.
    pub blocks: Vec<Md5>,
}

impl Pan {
    /// Describes an entry.
    ///
    /// # Errors
    /// [`Error::OutsideRoot`], [`Error::NameInvalid`], [`Error::NotFound`].
    pub async fn meta_of(&self, caller: &Caller, path: &PanPath) -> Result<Described> {
        let (caller, path) = (caller.clone(), path.clone());
        let look = move |read: &mut dyn MetaRead| describe(read, &caller, &path);
        self.meta().read(ReadCost::Bounded, look).await
    }
}

fn describe(read: &mut dyn MetaRead, caller: &Caller, path: &PanPath) -> Result<Described> {
    let located = look_up(read, caller, path)?.located();
    let blocks = match located.entry.file() {
        None => Vec::new(),
        Some(facts) if facts.one_block => vec![facts.md5],
        Some(facts) => match read.get_content(facts.content)? {
            Some(content) if content.kind == ContentKind::Superfile => {
                read.list_parts(content.id)?.iter().map(|part| part.fingerprint.md5).collect()
            }
            Some(_) => vec![facts.md5],
            None => {
                return Err(Error::Damaged { what: format!("content of `{path}` is missing") });
            }
        },
    };
    Ok(Described { located, blocks })
}
