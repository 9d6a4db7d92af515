//! The way out for bytes: read, verified, sent.
//!
//! Every read hashes the 64 KiB groups that it touches and compares them with
//! the blob's check list, which was compared with the root in its row. What
//! does not match is not sent.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use pan_engine::meta::{BlobRow, ContentKind, ContentRow};
use pan_engine::{MetaRead, MetaStoreExt, ReadCost};
use pan_hash::{GROUP_BYTES, body_blake3, check_list_root, group_value};
use pan_model::{Blake3, BlobKey, ContentId, Fingerprint};
use quick_cache::sync::Cache;
use tokio::sync::mpsc;

use crate::{Error, Pan, Result};

/// Bytes of one read, at most: four groups.
const STEP_BYTES: u64 = 4 * GROUP_BYTES;
/// Steps that are read ahead of the client.
const STEPS_AHEAD: usize = 2;
/// Blob rows that are fetched at once: 1 GiB of content.
const BLOBS_AT_ONCE: u64 = 256;
/// Check lists kept in memory: 2 KiB each at most.
const CHECK_LISTS_MAX: usize = 2048;

/// Check lists that were compared with their roots.
pub(crate) struct CheckLists(Cache<BlobKey, Bytes>);

impl CheckLists {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CHECK_LISTS_MAX))
    }
}

/// Reads one content, whatever becomes of the entry that pointed to it.
#[derive(Clone)]
pub struct ContentReader {
    pan: Pan,
    layout: Arc<Layout>,
}

struct Layout {
    fingerprint: Fingerprint,
    pieces: Vec<Piece>,
}

/// A plain content and where it begins in the whole.
struct Piece {
    start: u64,
    size: u64,
    bytes: PieceBytes,
}

enum PieceBytes {
    /// The body, fetched with the row.
    Here(Bytes),
    /// In the table of bodies.
    Inline(ContentId, Blake3),
    /// In blobs; the first rows were fetched with the content.
    Blobs(ContentId, Vec<BlobRow>),
}

/// Blob rows fetched together with the content row: enough for most files.
const BLOBS_AT_FIRST: u64 = 8;

impl ContentReader {
    /// Finds out where the bytes of a content are, in the caller's snapshot.
    pub(crate) fn open(pan: &Pan, read: &mut dyn MetaRead, id: ContentId) -> Result<Self> {
        let row = read.get_content(id)?.ok_or_else(|| lost(format!("content {}", id.0)))?;
        let pieces = match row.kind {
            ContentKind::Inline => {
                let blake3 = row.fingerprint.blake3;
                let bytes = match read.get_body(id)? {
                    Some(body) if body_blake3(&body) == blake3 => PieceBytes::Here(body),
                    // Whoever asks for the bytes finds out, and notes it.
                    _ => PieceBytes::Inline(id, blake3),
                };
                vec![Piece { start: 0, size: row.fingerprint.size.0, bytes }]
            }
            ContentKind::Blobs => {
                let blobs = read.list_blobs(id, 0, BLOBS_AT_FIRST)?;
                let bytes = PieceBytes::Blobs(id, blobs);
                vec![Piece { start: 0, size: row.fingerprint.size.0, bytes }]
            }
            ContentKind::Superfile => lay_out(&read.list_parts(id)?),
        };
        let layout = Layout { fingerprint: row.fingerprint, pieces };
        Ok(Self { pan: pan.clone(), layout: Arc::new(layout) })
    }

    /// A reader over contents one after another: the merge of a superfile.
    pub(crate) fn of_parts(pan: &Pan, parts: &[ContentRow], fingerprint: Fingerprint) -> Self {
        let layout = Layout { fingerprint, pieces: lay_out(parts) };
        Self { pan: pan.clone(), layout: Arc::new(layout) }
    }

    /// The digests of the content.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.layout.fingerprint
    }

    /// The length in bytes.
    pub fn len(&self) -> u64 {
        self.layout.fingerprint.size.0
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of a range when they are at hand without any further read:
    /// a small content.
    pub fn at_hand(&self, range: &Range<u64>) -> Option<Bytes> {
        match &self.layout.pieces[..] {
            [Piece { bytes: PieceBytes::Here(body), .. }] => slice(body, range),
            [] => Some(Bytes::new()),
            _ => None,
        }
    }

    /// Reads a range that is within the content, in steps. A step that does
    /// not match its digest is an error, and the last item.
    pub fn stream(&self, range: Range<u64>) -> impl Stream<Item = Result<Bytes>> + Send + use<> {
        let (steps, ahead) = mpsc::channel(STEPS_AHEAD);
        let reader = self.clone();
        tokio::spawn(async move {
            let mut cursor = Cursor::default();
            let mut at = range.start;
            while at < range.end {
                let step = reader.step(&mut cursor, at..range.end).await;
                let failed = step.is_err();
                at += step.as_ref().map_or(0, |bytes| bytes.len() as u64);
                if steps.send(step).await.is_err() || failed {
                    return;
                }
            }
        });
        stream::unfold(ahead, |mut ahead| async move { Some((ahead.recv().await?, ahead)) })
    }

    /// Reads a short range whole.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        if let Some(bytes) = self.at_hand(&range) {
            return Ok(bytes);
        }
        let mut cursor = Cursor::default();
        let first = self.step(&mut cursor, range.clone()).await?;
        if first.len() as u64 == range.end - range.start {
            return Ok(first);
        }
        let mut whole = Vec::from(first);
        while (whole.len() as u64) < range.end - range.start {
            let at = range.start + whole.len() as u64;
            whole.extend_from_slice(&self.step(&mut cursor, at..range.end).await?);
        }
        Ok(whole.into())
    }

    /// The next verified bytes of a range: at least one, at most a step.
    pub(crate) async fn step(&self, cursor: &mut Cursor, range: Range<u64>) -> Result<Bytes> {
        let pieces = &self.layout.pieces;
        let index = pieces.partition_point(|piece| piece.start + piece.size <= range.start);
        let piece = pieces.get(index).ok_or_else(|| lost("bytes beyond the content".into()))?;
        let within = range.start - piece.start..piece.size.min(range.end - piece.start);
        match &piece.bytes {
            PieceBytes::Here(body) => {
                slice(body, &within).ok_or_else(|| lost("a body is too short".into()))
            }
            PieceBytes::Inline(id, blake3) => {
                let body = self.noting(*id, None, self.body(*id, blake3).await).await?;
                slice(&body, &within).ok_or_else(|| lost(format!("body {} is too short", id.0)))
            }
            PieceBytes::Blobs(id, first) => self.blobs_step(cursor, *id, first, within).await,
        }
    }

    async fn blobs_step(
        &self,
        cursor: &mut Cursor,
        id: ContentId,
        first: &[BlobRow],
        range: Range<u64>,
    ) -> Result<Bytes> {
        let seq = (range.start / pan_hash::BLOB_BYTES) as u32;
        let row = match first.get(seq as usize) {
            Some(row) => *row,
            None => {
                let row = self.blob_row(cursor, id, seq).await;
                self.noting(id, None, row).await?
            }
        };
        self.noting(id, Some(row), self.blob_step(&row, range).await).await
    }

    /// Passes on what a read came to. Damage is noted, so that the next upload
    /// of the same bytes heals it. Who reads has bad news enough if that fails.
    async fn noting<T>(&self, id: ContentId, blob: Option<BlobRow>, read: Result<T>) -> Result<T> {
        if let Err(error) = &read
            && error.is_damage()
            && let Err(failure) = self.pan.note_damage(id, blob, error).await
        {
            tracing::error!(content = id.0, %error, %failure, "could not note the damage");
        }
        read
    }

    async fn body(&self, id: ContentId, blake3: &Blake3) -> Result<Bytes> {
        let body: Option<Bytes> = self
            .pan
            .meta()
            .read(ReadCost::Bounded, move |read| Ok::<_, Error>(read.get_body(id)?))
            .await?;
        let body = body.ok_or_else(|| lost(format!("body {}", id.0)))?;
        check_body(id, &body, blake3)?;
        Ok(body)
    }

    async fn blob_row(&self, cursor: &mut Cursor, id: ContentId, seq: u32) -> Result<BlobRow> {
        if cursor.content != Some(id) || !cursor.covers(seq) {
            let list = move |read: &mut dyn MetaRead| {
                Ok::<_, Error>(read.list_blobs(id, seq, BLOBS_AT_ONCE)?)
            };
            cursor.rows = self.pan.meta().read(ReadCost::Bounded, list).await?;
            cursor.content = Some(id);
        }
        cursor.get(seq).ok_or_else(|| lost(format!("blob {seq} of content {}", id.0)))
    }

    /// Reads and verifies the groups of one blob that a range begins in.
    /// `range` counts from the start of the blob's content.
    async fn blob_step(&self, row: &BlobRow, range: Range<u64>) -> Result<Bytes> {
        let blob_start = u64::from(row.seq) * pan_hash::BLOB_BYTES;
        let start = range.start - blob_start;
        let end = (range.end - blob_start).min(row.size.0);
        let first_group = start / GROUP_BYTES;
        let read_start = first_group * GROUP_BYTES;
        let read_end =
            (read_start + STEP_BYTES).min(end.next_multiple_of(GROUP_BYTES)).min(row.size.0);
        let check_list = self.check_list(row).await?;
        let bytes = self.pan.blobs().get(row.key, read_start..read_end).await?;
        for (i, group) in bytes.chunks(GROUP_BYTES as usize).enumerate() {
            let number = first_group as usize + i;
            let value = group_value(blob_start + number as u64 * GROUP_BYTES, group);
            if check_list.get(number * 32..number * 32 + 32) != Some(&value.0[..]) {
                return Err(damaged(row, format!("group {number}")));
            }
        }
        Ok(bytes.slice((start - read_start) as usize..(end.min(read_end) - read_start) as usize))
    }

    async fn check_list(&self, row: &BlobRow) -> Result<Bytes> {
        let cache = &self.pan.inner().check_lists.0;
        if let Some(list) = cache.get(&row.key) {
            return Ok(list);
        }
        let length = row.size.0.div_ceil(GROUP_BYTES) * 32;
        let list = self.pan.blobs().get(row.key, row.size.0..row.size.0 + length).await?;
        if check_list_root(&list, row.size.0) != Some(row.root) {
            return Err(damaged(row, "check list".into()));
        }
        cache.insert(row.key, list.clone());
        Ok(list)
    }
}

/// The blob rows that were fetched last.
#[derive(Default)]
pub(crate) struct Cursor {
    content: Option<ContentId>,
    rows: Vec<BlobRow>,
}

impl Cursor {
    fn covers(&self, seq: u32) -> bool {
        self.get(seq).is_some()
    }

    fn get(&self, seq: u32) -> Option<BlobRow> {
        let first = self.rows.first()?.seq;
        self.rows.get(seq.checked_sub(first)? as usize).copied()
    }
}

fn lay_out(parts: &[ContentRow]) -> Vec<Piece> {
    let mut start = 0;
    let mut pieces = Vec::with_capacity(parts.len());
    for part in parts.iter().filter(|part| part.fingerprint.size.0 > 0) {
        let size = part.fingerprint.size.0;
        let bytes = match part.kind {
            ContentKind::Inline => PieceBytes::Inline(part.id, part.fingerprint.blake3),
            // A part is never a superfile; one that claims to be has no blobs
            // and is reported as lost when it is read.
            ContentKind::Blobs | ContentKind::Superfile => PieceBytes::Blobs(part.id, Vec::new()),
        };
        pieces.push(Piece { start, size, bytes });
        start += size;
    }
    pieces
}

fn slice(body: &Bytes, range: &Range<u64>) -> Option<Bytes> {
    let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
    (start <= end && end <= body.len()).then(|| body.slice(start..end))
}

fn lost(what: String) -> Error {
    Error::Damaged { what: format!("{what} is missing") }
}

fn check_body(id: ContentId, body: &Bytes, wanted: &Blake3) -> Result<()> {
    if body_blake3(body) == *wanted {
        return Ok(());
    }
    Err(Error::Damaged { what: format!("body {} does not match its digest", id.0) })
}

fn damaged(row: &BlobRow, what: String) -> Error {
    Error::Damaged { what: format!("{what} of blob {} does not match its digest", row.key) }
}
