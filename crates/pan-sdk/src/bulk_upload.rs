use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};
use md5::{Digest, Md5 as Hasher};
use pan_model::{ByteSize, Md5, Ondup};
use pan_pcs::{BULK_END, BULK_TYPE, BulkBody, BulkHeader, BulkItemBody};

use crate::call::Call;
use crate::digest::compare;
use crate::endpoint::Host;
use crate::progress::Meter;
use crate::stall::Activity;
use crate::{Client, Entry, Error, Progress, Refusal, SmallFile, Throttle};

/// How much of a body goes out at a time: little enough that a service hears
/// something every few seconds also under a strict limit.
const PIECE_BYTES: usize = 32 << 10;
/// The longest that a limit of bytes a second may hold a piece back before it
/// counts as a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

impl Client {
    /// Uploads small files in one request (pcs-rest 4.26), an extension of
    /// OpenPan: see [`extensions`](Self::extensions) for its limits, and
    /// [`upload_many`](Self::upload_many), which keeps to them. Each file is
    /// stored or refused on its own, in order; the results come in that order.
    ///
    /// A request that failed is repeated only when all of its files may be
    /// overwritten.
    ///
    /// # Errors
    /// 31023 when the request breaks a limit; whatever keeps the request from
    /// being answered. Files from its beginning on may be stored then.
    pub async fn bulk_upload(
        &self,
        files: &[SmallFile],
    ) -> Result<Vec<Result<Entry, Error>>, Error> {
        let files: Vec<_> = files.iter().collect();
        self.bulk_upload_metered(&files, &Progress::default().meter(), &Throttle::default()).await
    }

    pub(crate) async fn bulk_upload_metered(
        &self,
        files: &[&SmallFile],
        meter: &Meter,
        throttle: &Throttle,
    ) -> Result<Vec<Result<Entry, Error>>, Error> {
        let is_harmless = files.iter().all(|file| file.ondup == Ondup::Overwrite);
        let call = Call::post("bulkupload").on_host(Host::Upload).harmless_if(is_harmless);
        let packed = Packed::new(files);
        let mut pauses = self.retry().pauses();
        loop {
            let activity = Activity::start();
            let body = packed.send(activity.clone(), meter.clone(), throttle.clone());
            let body = reqwest::Body::wrap_stream(body);
            let sent = self.send_body(&call, BULK_TYPE, packed.length, body, &activity).await;
            match sent.and_then(|body| self.read_items(&call, &packed.md5s, body)) {
                Ok(items) => return Ok(items),
                Err(error) => pauses.wait(error, call.repeat).await?,
            }
        }
    }

    fn read_items(
        &self,
        call: &Call,
        sent: &[Md5],
        body: BulkBody,
    ) -> Result<Vec<Result<Entry, Error>>, Error> {
        if body.list.len() != sent.len() {
            let reason = format!("{} items were sent, {} came back", sent.len(), body.list.len());
            return Err(self.malformed(call, reason));
        }
        let request_id = body.request_id;
        let read = |(item, &md5): (BulkItemBody, &Md5)| match item {
            BulkItemBody::Stored(entry) => {
                let entry = Entry::read(entry).map_err(|reason| self.malformed(call, reason))?;
                compare(Some(md5), entry.md5)?;
                Ok(entry)
            }
            BulkItemBody::Refused { code, message } => Err(Error::Refused(Box::new(Refusal {
                code,
                status: BulkItemBody::status_of(code),
                message,
                request_id,
                retry_after: None,
                extra: None,
            }))),
        };
        Ok(body.list.into_iter().zip(sent).map(read).collect())
    }
}

/// The frames of a request. The contents are shared, not copied.
struct Packed {
    parts: Vec<Part>,
    md5s: Vec<Md5>,
    length: u64,
}

#[derive(Clone)]
struct Part {
    bytes: Bytes,
    is_content: bool,
}

impl Packed {
    fn new(files: &[&SmallFile]) -> Self {
        let mut parts = Vec::with_capacity(files.len() * 2 + 1);
        let mut md5s = Vec::with_capacity(files.len());
        for file in files {
            let md5 = Md5(Hasher::digest(&file.bytes).into());
            let header = frame_of(file, md5);
            parts.push(Part { bytes: header.into(), is_content: false });
            parts.push(Part { bytes: file.bytes.clone(), is_content: true });
            md5s.push(md5);
        }
        parts.push(Part { bytes: Bytes::from_static(&BULK_END), is_content: false });
        let length = parts.iter().map(|part| part.bytes.len() as u64).sum();
        Self { parts, md5s, length }
    }

    /// The body, once from its beginning to its end.
    fn send(
        &self,
        activity: Activity,
        meter: Meter,
        throttle: Throttle,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let left: VecDeque<Part> = self.parts.iter().cloned().collect();
        stream::unfold((left, 0), move |(mut left, sent)| {
            let (activity, meter, throttle) = (activity.clone(), meter.clone(), throttle.clone());
            async move {
                activity.mark();
                let (piece, content) = take_piece(&mut left)?;
                wait(throttle.wait_for(piece.len() as u64), &activity).await;
                meter.reach(sent + content);
                Some((Ok(piece), (left, sent + content)))
            }
        })
    }
}

/// The frame of a file, up to its content.
pub(crate) fn frame_of(file: &SmallFile, md5: Md5) -> Vec<u8> {
    let size = ByteSize(file.bytes.len() as u64);
    BulkHeader::new(&file.path, size, md5, file.ondup).to_frame()
}

/// The next piece of a body, and how many bytes in it are content.
fn take_piece(left: &mut VecDeque<Part>) -> Option<(Bytes, u64)> {
    let mut piece = BytesMut::with_capacity(PIECE_BYTES);
    let mut content = 0;
    while let Some(part) = left.front_mut()
        && piece.len() < PIECE_BYTES
    {
        let room = PIECE_BYTES - piece.len();
        let taken = part.bytes.split_to(room.min(part.bytes.len()));
        content += if part.is_content { taken.len() as u64 } else { 0 };
        piece.extend_from_slice(&taken);
        if part.bytes.is_empty() {
            left.pop_front();
        }
    }
    (!piece.is_empty()).then(|| (piece.freeze(), content))
}

/// Waits because of a limit, which is no standstill.
async fn wait(mut left: Duration, activity: &Activity) {
    while !left.is_zero() {
        let step = left.min(SIGN_OF_LIFE);
        tokio::time::sleep(step).await;
        activity.mark();
        left -= step;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use bytes::Bytes;
    use futures_util::TryStreamExt;
    use pan_model::{Ondup, PanPath};

    use super::{PIECE_BYTES, Packed};
    use crate::stall::Activity;
    use crate::{Progress, SmallFile, Throttle};

    fn file(name: &str, size: usize) -> SmallFile {
        let path = PanPath::parse(name).unwrap();
        SmallFile { path, bytes: Bytes::from(vec![7; size]), ondup: Ondup::Overwrite }
    }

    #[tokio::test]
    async fn pieces_are_the_frames_and_only_content_is_counted() {
        let files = [file("/a", 0), file("/b", 10), file("/c", 100_000), file("/d", 1)];
        let packed = Packed::new(&files.iter().collect::<Vec<_>>());
        let sum = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&sum);
        let meter = Progress::new(move |bytes| {
            counted.fetch_add(bytes, Ordering::Relaxed);
        })
        .meter();
        for _ in 0..2 {
            let body = packed.send(Activity::start(), meter.clone(), Throttle::default());
            let pieces: Vec<Bytes> = body.try_collect().await.unwrap();
            assert!(pieces.iter().all(|piece| piece.len() <= PIECE_BYTES));
            let body = pieces.concat();
            assert_eq!(body.len() as u64, packed.length);
            assert!(body.ends_with(&[7, 0, 0, 0, 0]));
            assert!(body[4..].starts_with(br#"{"path":"/a","size":0,"md5":"d41d8cd9"#));
        }
        assert_eq!(sum.load(Ordering::Relaxed), 100_011);
    }
}
