//! Files: that search and the media lists find each of them.

use std::ops::ControlFlow;

use pan_engine::meta::{Entry, MediaPlace, SearchQuery};
use pan_engine::{MetaRead, MetaStoreExt, ReadCost};
use pan_model::{FsId, MediaType, SearchKey, UserNo};

use super::CheckReport;
use crate::{Error, Pan, Result};

/// Files of one snapshot.
const WINDOW: u64 = 5_000;

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

impl Pan {
    /// Every file is in the list of its media type, and in no other.
    pub(super) async fn check_media(
        &self,
        user: UserNo,
        counted: [u64; 4],
        report: &mut CheckReport,
    ) -> Result<()> {
        for (media, counted) in MediaType::LISTED.into_iter().zip(counted) {
            let (mut listed, mut after) = (0, None);
            loop {
                let window = self.media_window(user, media, after).await?;
                let Some(last) = window.last() else { break };
                after = Some(MediaPlace::of(last));
                listed += window.len() as u64;
                for entry in window.iter().filter(|file| MediaType::of_name(&file.name) != media) {
                    let (id, word) = (entry.fs_id, media.as_str());
                    report.find(format!("file {id}: it is listed as {word} and is none"));
                }
            }
            if listed != counted {
                let word = media.as_str();
                report
                    .find(format!("user {user}: {listed} files are listed as {word} of {counted}"));
            }
        }
        Ok(())
    }

    async fn media_window(
        &self,
        user: UserNo,
        media: MediaType,
        after: Option<MediaPlace>,
    ) -> Result<Vec<Entry>> {
        let read = move |read: &mut dyn MetaRead| {
            let mut window = Vec::new();
            read.list_media(user, media, after, WINDOW, &mut |file| {
                window.push(file);
                ControlFlow::Continue(())
            })?;
            Ok::<_, Error>(window)
        };
        self.meta().read(ReadCost::Long, read).await
    }
}
