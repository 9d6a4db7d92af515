//! What is known to be damaged: noted so that an upload heals it, and told
//! once, with the files that show it.

use pan_engine::meta::{BlobRow, ContentState};
use pan_engine::{MetaRead, MetaStoreExt, MetaTxn, Scope};
use pan_model::{ContentId, FsId};

use crate::{Error, Pan, Result};

/// Damaged contents that a report names; the others are counted.
const NAMED_MAX: usize = 1_000;
/// Files that are named for one content.
const FILES_MAX: u64 = 5;
/// No way up is longer; the tree is checked elsewhere.
const LEVELS_MAX: usize = 4096;

/// A content whose stored bytes are not what was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The content.
    pub content: ContentId,
    /// What is wrong with it, for people.
    pub what: String,
    /// Some of the files that have it, as `user:/path`.
    pub files: Vec<String>,
}

/// Damaged contents in the order of their ids: each once, however many of its
/// blobs are.
#[derive(Debug, Clone, Default)]
pub struct Damages {
    /// How many there are.
    pub contents: u64,
    /// The first of them.
    pub first: Vec<Damage>,
    last: Option<ContentId>,
}

impl Damages {
    pub(super) fn add(&mut self, damage: Damage) {
        if self.last.replace(damage.content) == Some(damage.content) {
            return;
        }
        self.contents += 1;
        if self.first.len() < NAMED_MAX {
            self.first.push(damage);
        }
    }
}

/// What a note found.
struct Noted {
    newly: bool,
    files: Vec<String>,
}

impl Pan {
    /// Notes that a read of a content, or of one blob of it, met damage.
    ///
    /// `None` when it is not damage after all: the content or the blob was
    /// replaced or removed while it was being read.
    pub(crate) async fn note_damage(
        &self,
        id: ContentId,
        blob: Option<BlobRow>,
        error: &Error,
    ) -> Result<Option<Damage>> {
        let job = move |tx: &mut dyn MetaTxn| note(tx, id, blob);
        let Some(noted) = self.meta().write(Scope::Instance, job).await? else { return Ok(None) };
        let (content, what, files) = (id, error.to_string(), noted.files);
        if noted.newly {
            tracing::error!(
                content = id.0,
                ?files,
                "{what}; uploading the same bytes again heals it"
            );
        }
        Ok(Some(Damage { content, what, files }))
    }
}

fn note(tx: &mut dyn MetaTxn, id: ContentId, blob: Option<BlobRow>) -> Result<Option<Noted>> {
    match tx.get_content(id)? {
        Some(row) if row.state != ContentState::Deleting => {}
        _ => return Ok(None),
    }
    if let Some(blob) = blob
        && !tx.list_blobs(id, blob.seq, 1)?.contains(&blob)
    {
        return Ok(None);
    }
    let newly = !tx.is_damaged(id)?;
    if newly {
        tx.set_damaged(id, true)?;
    }
    Ok(Some(Noted { newly, files: name_files(tx.as_read(), id)? }))
}

/// Some of the files that have a content, for people.
pub(super) fn name_files(read: &mut dyn MetaRead, id: ContentId) -> Result<Vec<String>> {
    let pointers = read.list_pointers(id, FILES_MAX)?;
    pointers.into_iter().map(|fs_id| name_file(read, fs_id)).collect()
}

fn name_file(read: &mut dyn MetaRead, fs_id: FsId) -> Result<String> {
    let user = read.get_user(fs_id.user())?.map_or("?".into(), |user| user.name);
    let mut names = Vec::new();
    let mut at = fs_id;
    for _ in 0..LEVELS_MAX {
        let Some(entry) = read.get_entry(at)? else { break };
        let Some(parent) = entry.parent else { break };
        names.push(entry.name);
        at = parent;
    }
    names.reverse();
    if at.is_root() {
        return Ok(format!("{user}:/{}", names.join("/")));
    }
    Ok(match read.get_recycled(at)? {
        Some(recycled) => {
            let path = names.iter().fold(recycled.path, |path, name| path.join(name));
            format!("{user}:{path} (in the recycle bin)")
        }
        None => format!("{user}: entry {fs_id} (on its way)"),
    })
}
