use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use pan_model::{ByteSize, Md5, Ondup, PanPath};
use pan_pcs::MAX_BLOCKS;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::parts::MAX_REQUEST_BYTES;
use crate::digest::{Algorithm, Hasher};
use crate::{Client, Content, Entry, Error, TransferOptions};

const MIB: u64 = 1 << 20;
/// The size of the first parts, which are held in memory.
const PART_BYTES: u64 = 16 * MIB;
/// How many parts have one size; the next so many have twice that, and so on,
/// so that 1024 of them hold 60 GiB.
const PARTS_OF_A_SIZE: usize = 256;
/// The parts in memory have so much in all, unless a single one has more.
const MEMORY_MIB: u32 = 80;

impl Client {
    /// Uploads what a reader gives until its end, of unknown length.
    ///
    /// Parts are held in memory while they are sent: 16 MiB each at first, or
    /// `part_size` when that was set to less or to more than its default.
    /// What does not fill the first part goes as a plain upload.
    ///
    /// # Errors
    /// As [`upload`](Self::upload); [`Error::Local`] when the reader fails, or
    /// gives more than 1024 parts hold.
    pub async fn upload_reader(
        &self,
        reader: impl AsyncRead + Send + Unpin,
        to: &PanPath,
        ondup: Ondup,
        options: &TransferOptions,
    ) -> Result<Entry, Error> {
        let mut source = PartReader::new(reader, first_part_size(options));
        let first = source.next_part().await?;
        let algorithm = self.algorithm_for(ByteSize(first.bytes.len() as u64)).await;
        if (first.bytes.len() as u64) < source.first_size {
            let content = Content::bytes(first.bytes).compared_by(algorithm);
            return self.upload_metered(to, content, ondup, options).await;
        }
        source.hash_from(algorithm, &first.bytes);
        let blocks: Vec<Md5> = stream::iter([Ok(first)])
            .chain(source.parts())
            .map_ok(|part| self.upload_part(part, algorithm, options))
            .try_buffered(options.lanes())
            .try_collect()
            .await?;
        let whole = source.hasher.map(Hasher::finish);
        self.merge(to, &blocks, ondup, whole).await
    }

    async fn upload_part(
        &self,
        part: Part,
        algorithm: Algorithm,
        options: &TransferOptions,
    ) -> Result<Md5, Error> {
        let content = Content::bytes(part.bytes).compared_by(algorithm);
        let md5 = self.upload_tmpfile_metered(content, options).await;
        drop(part.room);
        md5
    }
}

fn first_part_size(options: &TransferOptions) -> u64 {
    let asked = options.part_size;
    match asked == TransferOptions::default().part_size {
        true => PART_BYTES,
        false => asked.0.clamp(1, MAX_REQUEST_BYTES),
    }
}

/// A part in memory, and its share of the room there.
struct Part {
    bytes: Bytes,
    room: OwnedSemaphorePermit,
}

/// Cuts what a reader gives into parts.
struct PartReader<R> {
    reader: R,
    first_size: u64,
    parts: usize,
    /// Once it is known what the whole is compared by.
    hasher: Option<Hasher>,
    room: Arc<Semaphore>,
}

impl<R: AsyncRead + Unpin> PartReader<R> {
    fn new(reader: R, first_size: u64) -> Self {
        let room = Arc::new(Semaphore::new(MEMORY_MIB as usize));
        Self { reader, first_size, parts: 0, hasher: None, room }
    }

    /// From now on everything is hashed; this was read before.
    fn hash_from(&mut self, algorithm: Algorithm, first: &[u8]) {
        let mut hasher = algorithm.hasher();
        hasher.update(first);
        self.hasher = Some(hasher);
    }

    /// All parts that are not empty.
    fn parts(&mut self) -> impl Stream<Item = Result<Part, Error>> {
        stream::try_unfold(self, async |source| {
            let part = source.next_part().await?;
            Ok((!part.bytes.is_empty()).then_some((part, source)))
        })
    }

    /// The next part; shorter than it could be, or empty, at the end.
    async fn next_part(&mut self) -> Result<Part, Error> {
        let size = self.first_size << (self.parts / PARTS_OF_A_SIZE).min(16);
        let size = size.min(MAX_REQUEST_BYTES);
        let room = self.take_room(size).await?;
        let bytes = self.fill(size).await.map_err(|error| Error::local("cannot read", error))?;
        self.parts += 1;
        if self.parts > MAX_BLOCKS && !bytes.is_empty() {
            let text = "it has more than 1024 parts: choose a larger part size";
            return Err(Error::local("too much to upload", io::Error::other(text)));
        }
        Ok(Part { bytes, room })
    }

    async fn take_room(&self, bytes: u64) -> Result<OwnedSemaphorePermit, Error> {
        let share = u32::try_from(bytes.div_ceil(MIB)).unwrap_or(u32::MAX).min(MEMORY_MIB);
        let closed = |error| Error::local("cannot read", io::Error::other(error));
        Arc::clone(&self.room).acquire_many_owned(share).await.map_err(closed)
    }

    async fn fill(&mut self, size: u64) -> io::Result<Bytes> {
        let mut part = BytesMut::with_capacity(usize::try_from(size).unwrap_or(usize::MAX));
        let mut limited = (&mut self.reader).take(size);
        while limited.limit() > 0 {
            let before = part.len();
            if limited.read_buf(&mut part).await? == 0 {
                break;
            }
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&part[before..]);
            }
        }
        Ok(part.freeze())
    }
}

#[cfg(test)]
mod tests {
    use pan_model::ByteSize;

    use super::{MAX_REQUEST_BYTES, PART_BYTES, PartReader, first_part_size};
    use crate::TransferOptions;

    #[tokio::test]
    async fn a_part_is_never_larger_than_a_request() {
        let default = TransferOptions::default();
        assert_eq!(first_part_size(&default), PART_BYTES);
        for (asked, size) in [(0, 1), (9 << 20, 9 << 20), (1 << 50, MAX_REQUEST_BYTES)] {
            let options = TransferOptions { part_size: ByteSize(asked), ..default.clone() };
            assert_eq!(first_part_size(&options), size);
        }
        let mut grown = PartReader::new(&b"abc"[..], MAX_REQUEST_BYTES);
        grown.parts = 1023;
        assert_eq!(grown.next_part().await.unwrap().bytes.len(), 3);
    }

    #[tokio::test]
    async fn parts_are_full_but_the_last() {
        for (text, sizes) in [("", vec![0]), ("abc", vec![3, 0]), ("abcdefg", vec![3, 3, 1, 0])] {
            let mut source = PartReader::new(text.as_bytes(), 3);
            for size in sizes {
                assert_eq!(source.next_part().await.unwrap().bytes.len(), size, "{text}");
            }
        }
    }

    #[tokio::test]
    async fn parts_grow_and_their_number_has_an_end() {
        let mut source = PartReader::new(tokio::io::repeat(0), 1);
        for expected in [1, 2, 4, 8] {
            for _ in 0..256 {
                assert_eq!(source.next_part().await.unwrap().bytes.len(), expected);
            }
        }
        assert!(source.next_part().await.is_err());
    }
}
