//! The programs beside OpenPan: ffmpeg, vipsthumbnail and ImageMagick.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::steps::line_of;
use crate::workspace::find_program;

/// A thumbnail that is wanted: the longest side and the quality.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) side: u32,
    pub(super) quality: u32,
}

/// The arguments for one picture: from where, how, to where.
type Arguments = fn(&Path, Wanted, &Path) -> Vec<String>;

/// A program that makes a thumbnail.
pub(super) struct Maker {
    pub(super) name: &'static str,
    program: PathBuf,
    arguments: Arguments,
}

impl Maker {
    /// The makers that are installed.
    pub(super) fn installed() -> Vec<Self> {
        let maker = |name, program: Option<PathBuf>, arguments: Arguments| {
            Some(Self { name, program: program?, arguments })
        };
        // Debian's own name for it comes first: `convert` may be something else.
        let convert = find_program("convert-im6.q16").or_else(|| find_program("convert"));
        let vipsthumbnail = maker("vipsthumbnail", find_program("vipsthumbnail"), vipsthumbnail);
        vipsthumbnail.into_iter().chain(maker("convert", convert, imagemagick)).collect()
    }

    /// The command for one picture.
    pub(super) fn command(&self, from: &Path, wanted: Wanted, to: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args((self.arguments)(from, wanted, to)).stdin(Stdio::null());
        command
    }
}

fn vipsthumbnail(from: &Path, wanted: Wanted, to: &Path) -> Vec<String> {
    let Wanted { side, quality } = wanted;
    let output = format!("{}[Q={quality}]", to.display());
    let words = [&from.display().to_string(), "--size", &format!("{side}x{side}>"), "-o", &output];
    words.map(str::to_owned).into()
}

fn imagemagick(from: &Path, wanted: Wanted, to: &Path) -> Vec<String> {
    let Wanted { side, quality } = wanted;
    // As its manual advises for thumbnails: JPEG is decoded at a fraction of its size.
    let hint = format!("jpeg:size={0}x{0}", 2 * side);
    let from = from.display().to_string();
    let (size, quality, to) =
        (format!("{side}x{side}>"), quality.to_string(), to.display().to_string());
    let words = ["-define", &hint, &from, "-auto-orient", "-thumbnail", &size, "-quality"];
    words.into_iter().chain([&*quality, &to]).map(str::to_owned).collect()
}

/// Runs ffmpeg to make a file; the seconds.
pub(super) fn ffmpeg(arguments: &[&str], to: &Path) -> Result<f64> {
    let program = find_program("ffmpeg").context("ffmpeg is not installed")?;
    let mut command = Command::new(program);
    command.args(["-nostdin", "-y", "-v", "error"]).args(arguments).arg(to);
    time(command)
}

/// Runs a command that must succeed; the seconds.
pub(super) fn time(mut command: Command) -> Result<f64> {
    let started = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let seconds = started.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{}`: {said}", line_of(&command));
    Ok(seconds)
}
