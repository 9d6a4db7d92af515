//! Files: that search and the media lists find each of them.

use std::ops::ControlFlow;

use pan_engine::MetaRead;
use pan_engine::meta::{Entry, MediaPlace, SearchQuery};
use pan_model::{FsId, MediaType, SearchKey};

use crate::Result;

/// Whether a file is found by its own name: the first that is looked at below
/// the next id.
///
/// Three characters are asked for, other ones of every file: whole names would
/// take ten times as long, and an index has a name whole or not at all.
pub(super) fn check_name(read: &mut dyn MetaRead, entry: &Entry) -> Result<Option<String>> {
    if entry.file().is_none() {
        return Ok(None);
    }
    let query = SearchQuery {
        user: entry.fs_id.user(),
        keyword: SearchKey::of(&some_piece(&entry.name, entry.fs_id.get())),
        before: FsId::from_u64(entry.fs_id.get() + 1),
        limit: 1,
    };
    let mut is_found = false;
    read.search_files(&query, &mut |found| {
        is_found |= found.fs_id == entry.fs_id;
        ControlFlow::Break(())
    })?;
    Ok((!is_found).then(|| format!("file {}: it is not found by its name", entry.fs_id)))
}

fn some_piece(name: &str, seed: u64) -> String {
    let folded = SearchKey::of(name);
    let chars: Vec<char> = folded.as_str().chars().collect();
    let places = chars.len().saturating_sub(2).max(1);
    chars.into_iter().skip(seed as usize % places).take(3).collect()
}

/// Whether a file is in the list of its media type, and in no other.
pub(super) fn check_listed(read: &mut dyn MetaRead, entry: &Entry) -> Result<Option<String>> {
    if entry.file().is_none() {
        return Ok(None);
    }
    let due = MediaType::of_name(&entry.name);
    // One that is in another list is not in its own, unless it has none.
    let lists = match due {
        MediaType::Other => &MediaType::LISTED[..],
        _ => std::slice::from_ref(&due),
    };
    for &media in lists {
        if is_listed(read, entry, media)? != (media == due) {
            let (id, word) = (entry.fs_id, media.as_str());
            return Ok(Some(format!("file {id}: the list of {word} is wrong about it")));
        }
    }
    Ok(None)
}

fn is_listed(read: &mut dyn MetaRead, entry: &Entry, media: MediaType) -> Result<bool> {
    let before = FsId::from_u64(entry.fs_id.get() + 1)
        .map(|next| MediaPlace { fs_id: next, ..MediaPlace::of(entry) });
    let mut is_listed = false;
    read.list_media(entry.fs_id.user(), media, before, 1, &mut |found| {
        is_listed = found.fs_id == entry.fs_id;
        ControlFlow::Break(())
    })?;
    Ok(is_listed)
}
