//! Downloading (pcs-rest 4.5).

use pan_engine::{MetaRead, MetaStoreExt, ReadCost};
use pan_model::{Caller, PanPath};

use crate::tree::{Located, look_up};
use crate::{ContentReader, Error, Pan, Result};

/// A file that can be read from beginning to end, whatever happens to its
/// name meanwhile.
pub struct Download {
    /// The entry and where it was.
    pub located: Located,
    /// Its bytes.
    pub content: ContentReader,
}

impl Pan {
    /// Opens a file for reading. A directory has no bytes: it is not found.
    ///
    /// # Errors
    /// [`Error::OutsideRoot`], [`Error::NameInvalid`], [`Error::NotFound`],
    /// [`Error::Damaged`].
    pub async fn download(&self, caller: &Caller, path: &PanPath) -> Result<Download> {
        let (pan, caller, path) = (self.clone(), caller.clone(), path.clone());
        let look = move |read: &mut dyn MetaRead| {
            let located = look_up(read, &caller, &path)?.located();
            let Some(facts) = located.entry.file() else { return Err(Error::NotFound { path }) };
            let content = ContentReader::open(&pan, read, facts.content)?;
            Ok(Download { located, content })
        };
        self.meta().read(ReadCost::Bounded, look).await
    }
}
