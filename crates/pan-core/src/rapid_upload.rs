//! Uploading a file by what is known about it (pcs-rest 4.19).
//!
//! Whoever knows the digests of a file need not have it. So only what the
//! caller could download anyway is found, unless the operator widened the
//! scope; and md5 never decides between two contents.

use std::ops::ControlFlow;

use pan_engine::meta::{ContentKind, ContentRow, ContentState, Entry, FileFacts};
use pan_engine::{MetaRead, MetaStoreExt, MetaTxn, ReadCost, Scope};
use pan_model::{Caller, ContentClaim, ContentId, ContentProbe, MAX_PATH_BYTES, Ondup, PanPath};

use crate::tree::{Located, target};
use crate::upload::Upload;
use crate::{Error, Pan, RapidUploadScope, Result, content};

/// Contents with one length and md5 that are looked at. There are several
/// where the same blocks were merged more than once.
const CONTENTS_MAX: usize = 100;
/// Entries that are looked at to find one that the caller can see.
const ENTRIES_MAX: u64 = 500;

impl Pan {
    /// Makes a content that the caller can see already a file at `path`,
    /// without its bytes.
    ///
    /// # Errors
    /// In this order: [`Error::OutsideRoot`], [`Error::NameInvalid`],
    /// [`Error::ParentIsFile`]; [`Error::ContentUnknown`]; then as
    /// [`Pan::upload`].
    pub async fn rapid_upload(
        &self,
        caller: &Caller,
        path: &PanPath,
        ondup: Ondup,
        claim: ContentClaim,
    ) -> Result<Located> {
        let upload = Upload::new(self, caller, path, ondup);
        let viewer = Viewer { caller: caller.clone() };
        let scope = self.settings().rapid_upload_scope;
        let search = Search { viewer, path: path.clone(), scope, claim };
        // Most searches find nothing: the writer need not hear of them.
        let first = search.clone();
        let look = move |read: &mut dyn MetaRead| first.find(read).map(drop);
        self.meta().read(ReadCost::Bounded, look).await?;
        let job = move |tx: &mut dyn MetaTxn| {
            let found = search.find(tx.as_read())?;
            let facts = FileFacts {
                content: content::revive(tx, found)?,
                size: found.fingerprint.size,
                md5: found.fingerprint.md5,
                one_block: found.kind != ContentKind::Superfile,
            };
            upload.place(tx, facts)
        };
        self.meta().write(Scope::User(caller.user), job).await
    }

    /// Whether a rapid upload may succeed of a file that begins so: what the
    /// caller can see is looked through. Where the scope is wider, this would
    /// tell more of what others have than a rapid upload does, which asks for
    /// the md5 of the whole; there anything is possible.
    ///
    /// # Errors
    /// What the engine meets.
    pub async fn rapid_probe(&self, caller: &Caller, probe: ContentProbe) -> Result<bool> {
        if self.settings().rapid_upload_scope == RapidUploadScope::Instance {
            return Ok(true);
        }
        let viewer = Viewer { caller: caller.clone() };
        let look = move |read: &mut dyn MetaRead| {
            let mut stored = Vec::new();
            let ContentProbe { size, slice_md5 } = probe;
            read.find_contents_by_slice(size, slice_md5, &mut |row| collect(&mut stored, row))?;
            Ok::<_, Error>(!viewer.seen(read, stored)?.is_empty())
        };
        self.meta().read(ReadCost::Bounded, look).await
    }
}

/// Who looks for what.
#[derive(Clone)]
struct Search {
    viewer: Viewer,
    path: PanPath,
    scope: RapidUploadScope,
    claim: ContentClaim,
}

impl Search {
    /// The content that is meant, once the path may be used.
    fn find(&self, read: &mut dyn MetaRead) -> Result<ContentRow> {
        target(read, &self.viewer.caller, &self.path)?;
        let stored = self.stored(read)?;
        let mut visible = match self.scope {
            RapidUploadScope::Token => self.viewer.seen(read, stored)?,
            RapidUploadScope::Instance => stored,
        };
        // Of two contents with one md5 nobody can say which is meant.
        let one =
            visible.windows(2).all(|pair| pair[0].fingerprint.blake3 == pair[1].fingerprint.blake3);
        visible.retain(|row| self.claim.fits(&row.fingerprint));
        // What came in one piece is told as one block.
        visible.sort_by_key(|row| row.kind == ContentKind::Superfile);
        for row in visible.into_iter().filter(|_| one) {
            if !is_damaged(read, &row)? {
                return Ok(row);
            }
        }
        Err(Error::ContentUnknown)
    }

    /// Contents of this length and md5, whoever has them.
    fn stored(&self, read: &mut dyn MetaRead) -> Result<Vec<ContentRow>> {
        let mut stored = Vec::new();
        let ContentClaim { size, md5, .. } = self.claim;
        read.find_contents(size, md5, &mut |row| collect(&mut stored, row))?;
        Ok(stored)
    }
}

/// Keeps a content that may serve, until there are enough.
fn collect(stored: &mut Vec<ContentRow>, row: ContentRow) -> ControlFlow<()> {
    if row.state != ContentState::Deleting {
        stored.push(row);
    }
    if stored.len() < CONTENTS_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

/// Whose eyes are looked with.
#[derive(Clone)]
struct Viewer {
    caller: Caller,
}

impl Viewer {
    /// The contents that a file points to which the caller can see.
    fn seen(
        &self,
        read: &mut dyn MetaRead,
        mut stored: Vec<ContentRow>,
    ) -> Result<Vec<ContentRow>> {
        let mut left = ENTRIES_MAX;
        if stored.is_empty() {
            // The same work as when somebody else has it: a miss must not
            // tell by its time whether the bytes are stored.
            self.sees(read, ContentId(0), &mut left)?;
        }
        let mut failed = None;
        stored.retain(|row| {
            self.sees(read, row.id, &mut left).unwrap_or_else(|error| {
                failed.get_or_insert(error);
                false
            })
        });
        failed.map_or(Ok(stored), Err)
    }

    fn sees(&self, read: &mut dyn MetaRead, id: ContentId, left: &mut u64) -> Result<bool> {
        // Mostly the first one does: only if not are there more to be read.
        let (mut after, mut some) = (None, 1);
        loop {
            let wanted = some.min(*left);
            let entries = read.list_entries_of(id, self.caller.user, after, wanted)?;
            let is_end = (entries.len() as u64) < wanted || wanted == 0;
            after = entries.last().map(|entry| entry.fs_id);
            for entry in entries {
                *left -= 1;
                if self.reaches(read, entry)? {
                    return Ok(true);
                }
            }
            if is_end {
                return Ok(false);
            }
            some *= 8;
        }
    }

    /// Whether a file is within the caller's root: where it is, or where it
    /// was when it went into the recycle bin.
    fn reaches(&self, read: &mut dyn MetaRead, file: Entry) -> Result<bool> {
        let mut names = Vec::new();
        let mut top = file;
        while let Some(parent) = top.parent {
            // Below what a path can say nothing can be reached.
            if names.len() > MAX_PATH_BYTES / 2 {
                return Ok(false);
            }
            names.push(top.name);
            top = read.get_entry(parent)?.ok_or_else(|| Error::Damaged {
                what: format!("the directory {parent} is missing"),
            })?;
        }
        let above = if top.fs_id.is_root() {
            PanPath::root()
        } else if let Some(recycled) = read.get_recycled(top.fs_id)? {
            recycled.path
        } else {
            return Ok(false);
        };
        let path = names.iter().rev().fold(above, |path, name| path.join(name));
        Ok(path.is_within(&self.caller.root))
    }
}

/// Whether a read has met damage in the content, or in a part of it.
fn is_damaged(read: &mut dyn MetaRead, row: &ContentRow) -> Result<bool> {
    if read.is_damaged(row.id)? {
        return Ok(true);
    }
    if row.kind == ContentKind::Superfile {
        for part in read.list_parts(row.id)? {
            if read.is_damaged(part.id)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
