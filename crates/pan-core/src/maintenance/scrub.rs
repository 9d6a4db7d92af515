//! Reads every stored byte, so that damage is known before somebody needs the
//! bytes (reliability G6): in slices that end after some blobs. On request one
//! follows the other; `scrub_round` takes its time.

use std::ops::ControlFlow;

use pan_engine::meta::{BlobRow, ContentKind, ContentRow, ContentState};
use pan_engine::{MetaRead, MetaStoreExt, MetaTxn, ReadCost, Scope};
use pan_hash::{BLOB_BYTES, body_blake3};
use pan_model::{Blake3, ByteSize, ContentId};

use super::Progress;
use super::damage::Damages;
use super::stored::read_stored;
use crate::{Error, Pan, Result};

/// Contents of one snapshot.
const ROWS: u64 = 256;
/// Bytes that are read in one piece of work: four full blobs.
const SLICE_BYTES: u64 = 16 << 20;
/// Blobs of one content in one piece of work.
const BLOBS_AT_ONCE: u64 = 4;

/// What a scrub saw.
#[derive(Debug, Clone, Default)]
pub struct ScrubReport {
    /// Blobs and bodies that were read.
    pub pieces: u64,
    /// Bytes that were read and compared.
    pub bytes_read: u64,
    /// Contents that are damaged.
    pub damages: Damages,
    /// Contents that were noted as damaged and are not any more: somebody put
    /// the right bytes back.
    pub contents_recovered: u64,
}

/// Where to go on: at a blob of a content, or of the next one there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) content: ContentId,
    pub(super) seq: u32,
}

pub(super) const BEGINNING: Place = Place { content: ContentId(1), seq: 0 };

impl Pan {
    /// Reads every stored byte now. What is damaged is noted, so that it is
    /// healed when the same bytes are uploaded again.
    ///
    /// # Errors
    /// Only those of the engines; what is wrong is in the report.
    pub async fn scrub(&self, progress: Progress<'_>) -> Result<ScrubReport> {
        let mut report = ScrubReport::default();
        let mut place = Some(BEGINNING);
        while let Some(at) = place {
            place = self.scrub_slice(at, &mut report).await?;
            progress(ByteSize(report.bytes_read));
        }
        report.contents_recovered = self.recognise_recovered().await?;
        Ok(report)
    }

    /// Reads one slice; returns where the next begins, `None` after the last.
    pub(super) async fn scrub_slice(
        &self,
        place: Place,
        report: &mut ScrubReport,
    ) -> Result<Option<Place>> {
        let load = move |read: &mut dyn MetaRead| Slice::load(read, place);
        let slice = self.meta().read(ReadCost::Long, load).await?;
        report.pieces += slice.bodies;
        report.bytes_read += slice.body_bytes;
        let mut found = slice.bad_bodies;
        for (id, blob) in slice.blobs {
            report.pieces += 1;
            match read_stored(&**self.blobs(), &blob).await {
                Ok(bytes) => report.bytes_read += bytes.len() as u64,
                Err(error) if error.is_damage() => found.push((id, Some(blob), error)),
                Err(error) => return Err(error),
            }
        }
        // In the order of the contents again.
        found.sort_by_key(|(id, ..)| *id);
        for (id, blob, error) in found {
            if let Some(damage) = self.note_damage(id, blob, &error).await? {
                report.damages.add(damage);
            }
        }
        Ok(slice.next)
    }

    /// Takes back the notes of contents whose bytes are right again.
    pub(super) async fn recognise_recovered(&self) -> Result<u64> {
        let (mut recovered, mut after) = (0, None);
        loop {
            let list = move |read: &mut dyn MetaRead| Ok::<_, Error>(read.list_damaged(after, 1)?);
            let Some(&id) = self.meta().read(ReadCost::Bounded, list).await?.first() else {
                return Ok(recovered);
            };
            recovered += u64::from(self.recognise_if_whole(id).await?);
            after = Some(id);
        }
    }

    async fn recognise_if_whole(&self, id: ContentId) -> Result<bool> {
        let mut seq = 0;
        loop {
            let at = Place { content: id, seq };
            let load = move |read: &mut dyn MetaRead| Slice::load_one(read, at);
            let slice = self.meta().read(ReadCost::Long, load).await?;
            let mut whole = slice.bad_bodies.is_empty();
            for (_, blob) in slice.blobs {
                match read_stored(&**self.blobs(), &blob).await {
                    Ok(_) => {}
                    Err(error) if error.is_damage() => whole = false,
                    Err(error) => return Err(error),
                }
            }
            match slice.next {
                _ if !whole => return Ok(false),
                Some(next) if next.content == id => seq = next.seq,
                _ => break,
            }
        }
        let job = move |tx: &mut dyn MetaTxn| Ok::<_, Error>(tx.set_damaged(id, false)?);
        self.meta().write(Scope::Instance, job).await?;
        tracing::info!(content = id.0, "a content that was damaged has its bytes back");
        Ok(true)
    }
}

/// What one piece of work reads. Bodies were compared in the snapshot.
#[derive(Default)]
pub(super) struct Slice {
    bodies: u64,
    body_bytes: u64,
    pub(super) bad_bodies: Vec<(ContentId, Option<BlobRow>, Error)>,
    pub(super) blobs: Vec<(ContentId, BlobRow)>,
    pub(super) next: Option<Place>,
}

impl Slice {
    pub(super) fn load(read: &mut dyn MetaRead, place: Place) -> Result<Self> {
        Self::load_rows(read, place, ROWS)
    }

    fn load_one(read: &mut dyn MetaRead, place: Place) -> Result<Self> {
        Self::load_rows(read, place, 1)
    }

    fn load_rows(read: &mut dyn MetaRead, place: Place, limit: u64) -> Result<Self> {
        let mut rows = Vec::new();
        read.scan_contents(Some(ContentId(place.content.0 - 1)), limit, &mut |row| {
            rows.push(row);
            ControlFlow::Continue(())
        })?;
        let mut slice = Self::default();
        for row in &rows {
            slice.next = Some(Place { content: ContentId(row.id.0 + 1), seq: 0 });
            match row.kind {
                _ if row.state == ContentState::Deleting => {}
                ContentKind::Inline => slice.add_body(read, row.id, &row.fingerprint.blake3)?,
                ContentKind::Blobs => {
                    let seq = if row.id == place.content { place.seq } else { 0 };
                    slice.add_blobs(read, row, seq)?;
                }
                // Its bytes are those of its parts, which come in turn.
                ContentKind::Superfile => {}
            }
            let goes_on = slice.next.is_some_and(|next| next.content == row.id);
            if goes_on || slice.bytes() >= SLICE_BYTES {
                return Ok(slice);
            }
        }
        if (rows.len() as u64) < limit {
            slice.next = None;
        }
        Ok(slice)
    }

    fn add_body(&mut self, read: &mut dyn MetaRead, id: ContentId, blake3: &Blake3) -> Result<()> {
        self.bodies += 1;
        let wrong = match read.get_body(id)? {
            Some(body) if body_blake3(&body) == *blake3 => {
                self.body_bytes += body.len() as u64;
                return Ok(());
            }
            Some(_) => format!("body {} does not match its digest", id.0),
            None => format!("body {} is missing", id.0),
        };
        self.bad_bodies.push((id, None, Error::Damaged { what: wrong }));
        Ok(())
    }

    fn add_blobs(&mut self, read: &mut dyn MetaRead, row: &ContentRow, seq: u32) -> Result<()> {
        let id = row.id;
        let blobs = read.list_blobs(id, seq, BLOBS_AT_ONCE)?;
        if let Some(last) = blobs.last().filter(|_| blobs.len() as u64 == BLOBS_AT_ONCE) {
            self.next = Some(Place { content: id, seq: last.seq + 1 });
        }
        let left = row.fingerprint.size.0.div_ceil(BLOB_BYTES).saturating_sub(seq.into());
        let in_line = blobs.iter().zip(seq..).all(|(blob, seq)| blob.seq == seq);
        if !in_line || blobs.len() as u64 != left.min(BLOBS_AT_ONCE) {
            let what = format!("blobs of content {} are missing", id.0);
            self.bad_bodies.push((id, None, Error::Damaged { what }));
        }
        self.blobs.extend(blobs.into_iter().map(|blob| (id, blob)));
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.body_bytes + self.blobs.iter().map(|(_, blob)| blob.size.0).sum::<u64>()
    }
}
