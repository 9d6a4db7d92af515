//! How much a confined process may use.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

/// A transcoder has a few sockets and pipes open, and a library at a time.
const FILES_MAX: u64 = 64;

/// A library of ffmpeg (libgcrypt) complains where it cannot lock a few pages.
const LOCKED_BYTES_MAX: u64 = 64 << 10;

/// Sets the limits, for good. At the limit of time the kernel sends SIGXCPU if
/// there is a grace after it, and SIGKILL at the end of that.
pub(super) fn apply(memory_bytes: u64, cpu_seconds: u64, grace_seconds: u64) -> io::Result<()> {
    let limits = [
        (Resource::As, memory_bytes),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nofile, FILES_MAX),
        (Resource::Memlock, LOCKED_BYTES_MAX),
    ];
    for (resource, limit) in limits {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    let maximum = Some(cpu_seconds.saturating_add(grace_seconds));
    setrlimit(Resource::Cpu, Rlimit { current: Some(cpu_seconds), maximum })?;
    Ok(())
}
