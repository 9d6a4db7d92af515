//! Contents: that each is whole, pointed to or on its way out, and, on
//! request, that every byte is what was uploaded.

use std::ops::ControlFlow;

use bytes::Bytes;
use pan_engine::meta::{BlobRow, ContentKind, ContentRow, ContentState};
use pan_engine::{ErrorKind, MetaRead, MetaStoreExt, ReadCost};
use pan_hash::BLOB_BYTES;
use pan_model::ByteSize;

use super::CheckReport;
use super::stored::{read_stored, stored_length};
use crate::{Error, Pan, Result};

/// Contents of one snapshot.
const WINDOW: u64 = 500;

impl Pan {
    pub(super) async fn check_contents(
        &self,
        read_data: bool,
        report: &mut CheckReport,
    ) -> Result<()> {
        let last = |read: &mut dyn MetaRead| Ok::<_, Error>(read.last_content_id()?);
        let last_id = self.meta().read(ReadCost::Bounded, last).await?;
        let mut after = None;
        loop {
            let scan = move |read: &mut dyn MetaRead| {
                let mut rows = Vec::new();
                read.scan_contents(after, WINDOW, &mut |row| {
                    rows.push(row);
                    ControlFlow::Continue(())
                })?;
                rows.into_iter().map(|row| Examined::load(read, row)).collect::<Result<Vec<_>>>()
            };
            let contents = self.meta().read(ReadCost::Long, scan).await?;
            let Some(last) = contents.last() else { return Ok(()) };
            if last.row.id > last_id {
                report.find(format!("content {}: its id will be given out again", last.row.id.0));
            }
            after = Some(last.row.id);
            for content in &contents {
                report.contents += 1;
                content.check_rows(report);
                // A superfile's bytes are those of its parts, which come in
                // turn; what is being deleted has none that count.
                if content.row.kind == ContentKind::Superfile
                    || content.row.state == ContentState::Deleting
                {
                    continue;
                }
                match read_data {
                    true => self.check_bytes(content, report).await?,
                    false => self.check_blobs(content, report).await?,
                }
            }
        }
    }

    /// That every blob is there, without reading it.
    async fn check_blobs(&self, content: &Examined, report: &mut CheckReport) -> Result<()> {
        for blob in &content.blobs {
            let wanted = stored_length(blob);
            let length = match self.blobs().head(blob.key).await {
                Ok(length) => length,
                // Something else is in its place: the rest can still be checked.
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    report.find(format!("content {}: {error}", content.row.id.0));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if length != Some(wanted) {
                report.find(format!(
                    "blob {} of content {}: its length is {length:?}, not {wanted}",
                    blob.key, content.row.id.0
                ));
            }
        }
        Ok(())
    }

    /// That every byte is what was uploaded.
    async fn check_bytes(&self, content: &Examined, report: &mut CheckReport) -> Result<()> {
        let id = content.row.id;
        let mut digest = self.hasher().whole();
        for blob in &content.blobs {
            match read_stored(&**self.blobs(), blob).await {
                Ok(stored) => {
                    let bytes = stored.slice(..blob.size.0 as usize);
                    report.bytes_read += bytes.len() as u64;
                    digest.push(bytes);
                }
                Err(error) if error.is_damage() => {
                    if self.note_damage(id, Some(*blob), &error).await?.is_some() {
                        report.find(format!("content {}: {error}", id.0));
                    }
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(body) = &content.body {
            report.bytes_read += body.len() as u64;
            digest.push(body.clone());
        }
        if digest.finish().await != content.row.fingerprint {
            let what = "its bytes do not match its digests".into();
            self.note_damage(id, None, &Error::Damaged { what }).await?;
            report.find(format!("content {}: its bytes do not match its digests", id.0));
        }
        Ok(())
    }
}

/// A content row with what hangs on it.
struct Examined {
    row: ContentRow,
    body: Option<Bytes>,
    blobs: Vec<BlobRow>,
    parts: Vec<ContentRow>,
    referenced: bool,
    noted: bool,
    damaged: bool,
}

impl Examined {
    fn load(read: &mut dyn MetaRead, row: ContentRow) -> Result<Self> {
        Ok(Self {
            row,
            body: read.get_body(row.id)?,
            blobs: read.list_blobs(row.id, 0, u64::MAX)?,
            parts: read.list_parts(row.id)?,
            referenced: read.is_referenced(row.id)?,
            noted: read.is_maybe_unreferenced(row.id)?,
            damaged: read.is_damaged(row.id)?,
        })
    }

    fn check_rows(&self, report: &mut CheckReport) {
        let (id, size) = (self.row.id.0, self.row.fingerprint.size);
        let stored = match self.row.kind {
            ContentKind::Inline => self.body.as_ref().map(|body| ByteSize(body.len() as u64)),
            ContentKind::Blobs => Some(self.blobs.iter().map(|blob| blob.size).sum()),
            ContentKind::Superfile => {
                Some(self.parts.iter().map(|part| part.fingerprint.size).sum())
            }
        };
        let deleting = self.row.state == ContentState::Deleting;
        if stored != Some(size) && !deleting {
            report.find(format!("content {id}: it has {stored:?} bytes, not {}", size.0));
        }
        if !self.blobs_are_in_line() {
            report.find(format!("content {id}: its blobs are not in line"));
        }
        if self.parts.iter().any(|part| part.kind == ContentKind::Superfile) {
            report.find(format!("content {id}: a part is a superfile itself"));
        }
        if self.damaged {
            report.find(format!(
                "content {id}: it was found damaged; uploading the same bytes again heals it"
            ));
        }
        let is_present = self.row.state == ContentState::Present;
        if self.referenced && deleting {
            report.find(format!("content {id} is being deleted and something points to it"));
        }
        if !self.referenced && is_present && !self.noted {
            report.find(format!("content {id}: nothing points to it and nobody knows"));
        }
    }

    fn blobs_are_in_line(&self) -> bool {
        let last = self.blobs.len().saturating_sub(1);
        self.blobs
            .iter()
            .enumerate()
            .all(|(i, blob)| blob.seq as usize == i && (i == last || blob.size.0 == BLOB_BYTES))
    }
}
