//! Reading a range of a blob.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use pan_engine::{EngineError, ErrorKind};
use pan_model::BlobKey;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{failed, refused};
use crate::place::file_name;
use crate::readers::OpenBlob;
use crate::store::Shared;
use crate::{blocking, cached};

/// Up to this many bytes are copied where they are asked for, if they are in
/// memory: it takes some 40 µs, and asking another thread takes as long.
const IN_PLACE_BYTES: u64 = 256 << 10;

/// A planted link is refused, and a planted fifo does not wait for a writer.
pub(crate) const FLAGS: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Reads exactly the bytes of `range`.
pub(crate) async fn read(
    shared: &Arc<Shared>,
    key: BlobKey,
    range: Range<u64>,
) -> Result<Bytes, EngineError> {
    let blob = open(shared, key).await?;
    if range.end > blob.size || range.start > range.end {
        return Err(too_short(&blob, &range));
    }
    let length = range.end - range.start;
    if length <= IN_PLACE_BYTES
        && let Some(bytes) = cached::read(&blob.file, range.start, length as usize)
    {
        return Ok(bytes);
    }
    blocking::run(move || read_from_disk(&blob, range)).await
}

/// The open blob; opened if need be.
pub(crate) async fn open(shared: &Arc<Shared>, key: BlobKey) -> Result<Arc<OpenBlob>, EngineError> {
    let moment = match shared.readers.get(key) {
        Ok(blob) => return Ok(blob),
        Err(moment) => moment,
    };
    let blob = match cached::open(shared.buckets.root(), key) {
        Some(file) => admit(shared, key, file)?,
        None => {
            let opener = Arc::clone(shared);
            blocking::run(move || open_from_disk(&opener, key)).await?
        }
    };
    let blob = Arc::new(blob);
    shared.readers.keep(Arc::clone(&blob), moment);
    Ok(blob)
}

pub(crate) fn open_from_disk(shared: &Shared, key: BlobKey) -> Result<OpenBlob, EngineError> {
    let bucket = shared.buckets.get(key.hour)?.ok_or_else(|| missing(key))?;
    match rustix::fs::openat(bucket.dir(), file_name(key), FLAGS, Mode::empty()) {
        Ok(file) => admit(shared, key, File::from(file)),
        Err(Errno::NOENT) => Err(missing(key)),
        Err(Errno::LOOP | Errno::NXIO) => Err(no_file(key)),
        Err(errno) => Err(refused(errno, format!("opening blob {key}"))),
    }
}

/// Whether an open file is a finished blob.
fn admit(shared: &Shared, key: BlobKey, file: File) -> Result<OpenBlob, EngineError> {
    // Before its size is taken: a blob that is finished now has all its bytes.
    if shared.unfinished.contains(key) {
        return Err(missing(key));
    }
    let stat = rustix::fs::fstat(&file)
        .map_err(|errno| refused(errno, format!("looking at blob {key}")))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(no_file(key));
    }
    Ok(OpenBlob { key, file, size: u64::try_from(stat.st_size).unwrap_or(0) })
}

fn missing(key: BlobKey) -> EngineError {
    EngineError::new(ErrorKind::Missing, format!("there is no blob {key}"))
}

fn no_file(key: BlobKey) -> EngineError {
    EngineError::new(ErrorKind::Corrupt, format!("what lies in the place of blob {key} is no file"))
}

fn too_short(blob: &OpenBlob, range: &Range<u64>) -> EngineError {
    let context = format!("blob {} has {} bytes, {range:?} were asked for", blob.key, blob.size);
    EngineError::new(ErrorKind::Corrupt, context)
}

/// Reads from the file itself. A sector that the device cannot read is damage
/// to this blob, and no failure of the store.
pub(crate) fn read_from_disk(blob: &OpenBlob, range: Range<u64>) -> Result<Bytes, EngineError> {
    let mut bytes = vec![0; (range.end - range.start) as usize];
    match blob.file.read_exact_at(&mut bytes, range.start) {
        Ok(()) => Ok(bytes.into()),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(too_short(blob, &range))
        }
        Err(error) if Errno::from_io_error(&error) == Some(Errno::IO) => {
            let context = format!("the device cannot read blob {}", blob.key);
            Err(EngineError::new(ErrorKind::Corrupt, context).with_source(error))
        }
        Err(error) => Err(failed(error, format!("reading blob {}", blob.key))),
    }
}
