//! Where things are: the repository, Cargo's output, programs on the `PATH`.

use std::env;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the repository")
}

/// Cargo's output directory.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |dir| root().join(PathBuf::from(dir)))
}

/// A program that `cargo build --release` has made, without the caller's settings for it.
pub(crate) fn release(program: &str) -> Command {
    let mut command = Command::new(target().join("release").join(program));
    for (key, _) in env::vars_os().filter(|(key, _)| key.as_bytes().starts_with(b"OPENPAN_")) {
        command.env_remove(key);
    }
    command
}

/// A command in the root of the repository.
pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

/// A Cargo command in the root of the repository.
pub(crate) fn cargo(args: &[&str]) -> Command {
    command("cargo", args)
}

/// Where a program is, if it is on the `PATH` or among the administrator's.
///
/// Debian keeps nginx in `/usr/sbin`, which is not on everybody's `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// Whether this process may do what only root may.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
