use std::path::PathBuf;

use pan_model::ByteSize;

/// What the operator may set about the media engine.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where what was made is kept. Made when it is missing; its content may be
    /// deleted at any time.
    pub cache_dir: PathBuf,
    /// How much is kept there at most.
    pub cache_size: ByteSize,
    /// The transcoder, a path or a name to look for in `PATH`; `ffprobe` is
    /// looked for beside it.
    pub ffmpeg: PathBuf,
    /// Processes that decode at once, at most: one for each core.
    pub processes_max: usize,
    /// Of those, the processes of one user.
    pub processes_of_user_max: usize,
}
