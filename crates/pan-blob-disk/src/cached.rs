//! What can be answered without waiting for the disk.
//!
//! Linux says whether it would have to wait; elsewhere nothing is cached.

use std::fs::File;
use std::os::fd::BorrowedFd;

use bytes::Bytes;
use pan_model::BlobKey;

/// Opens a blob, if that takes nothing but memory. `None` says nothing about
/// the blob: ask the disk.
#[cfg(target_os = "linux")]
pub(crate) fn open(root: BorrowedFd<'_>, key: BlobKey) -> Option<File> {
    use rustix::fs::{Mode, ResolveFlags};

    let resolve = ResolveFlags::CACHED | ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let path = crate::place::path(key);
    let opened = rustix::fs::openat2(root, path, crate::read::FLAGS, Mode::empty(), resolve);
    opened.ok().map(File::from)
}

/// The bytes, if all of them are in the page cache.
#[cfg(target_os = "linux")]
pub(crate) fn read(file: &File, offset: u64, length: usize) -> Option<Bytes> {
    use std::io::IoSliceMut;

    use rustix::io::{ReadWriteFlags, preadv2};

    let mut bytes = vec![0; length];
    let mut into = [IoSliceMut::new(&mut bytes)];
    match preadv2(file, &mut into, offset, ReadWriteFlags::NOWAIT) {
        Ok(read) if read == length => Some(bytes.into()),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn open(_root: BorrowedFd<'_>, _key: BlobKey) -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn read(_file: &File, _offset: u64, _length: usize) -> Option<Bytes> {
    None
}
