//! Where the text of a command goes: stdout, or a file that is whole or not
//! there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::cli::Command;

/// Stdout, or a file under another name until it is whole.
pub(crate) enum Output {
    Stdout,
    File { file: io::BufWriter<File>, part: PathBuf, path: PathBuf },
}

impl Output {
    /// Opens what a command wants.
    pub(crate) fn open(command: &Command) -> Result<Self> {
        match command {
            Command::Dump { file } if file != Path::new("-") => Self::create(file),
            _ => Ok(Self::Stdout),
        }
    }

    fn create(path: &Path) -> Result<Self> {
        let Some(name) = path.file_name() else { bail!("{} is no file", path.display()) };
        let mut part = name.to_owned();
        part.push(".part");
        let part = path.with_file_name(part);
        let file =
            File::create(&part).with_context(|| format!("could not make {}", part.display()))?;
        Ok(Self::File { file: io::BufWriter::new(file), part, path: path.into() })
    }

    /// Writes lines; the end of the last one is added.
    pub(crate) fn write(&mut self, text: String) -> io::Result<()> {
        match self {
            Self::Stdout => writeln!(io::stdout().lock(), "{text}"),
            Self::File { file, .. } => writeln!(file, "{text}"),
        }
    }

    /// Gives the file its name. What was there before is replaced at once.
    pub(crate) fn finish(self) -> Result<()> {
        let Self::File { mut file, part, path } = self else { return Ok(()) };
        file.flush()?;
        file.get_ref().sync_all()?;
        fs::rename(&part, &path)
            .with_context(|| format!("could not give {} its name", part.display()))
    }
}
