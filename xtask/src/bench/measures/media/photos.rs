//! Pictures that are as hard as photos: much detail, and the noise of a sensor.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::programs;

/// Pictures of 12 megapixels.
const COUNT: u64 = 4;

/// The pictures of one run.
pub(super) struct Photos {
    /// JPEGs of 12 megapixels, about 4 MB each.
    pub(super) files: Vec<PathBuf>,
    /// One of 50 megapixels.
    pub(super) huge: PathBuf,
}

/// Makes them.
pub(super) fn make(dir: &Path) -> Result<Photos> {
    let first = dir.join("photo-0.jpg");
    let noise = "format=yuvj420p,noise=alls=14:allf=t";
    let graph = format!("mandelbrot=s=4000x3000:start_scale=0.5:maxiter=300,{noise}");
    programs::ffmpeg(&["-f", "lavfi", "-i", &graph, "-frames:v", "1", "-q:v", "3"], &first)?;
    let mut files = vec![first.clone()];
    let from = first.to_string_lossy();
    for number in 1..COUNT {
        // Turned, mirrored or both: other bytes, equally hard.
        let turn = ["hflip", "vflip", "hflip,vflip"][number as usize % 3];
        let file = dir.join(format!("photo-{number}.jpg"));
        programs::ffmpeg(&["-i", &from, "-vf", turn, "-q:v", "3"], &file)?;
        files.push(file);
    }
    let huge = dir.join("huge.jpg");
    programs::ffmpeg(&["-i", &from, "-vf", "scale=8660:5772", "-q:v", "4"], &huge)?;
    Ok(Photos { files, huge })
}

impl Photos {
    /// The bytes of a picture.
    pub(super) fn bytes(&self, number: usize) -> Result<Vec<u8>> {
        Ok(fs::read(&self.files[number % self.files.len()])?)
    }

    /// What the pictures are like, for the report.
    pub(super) fn note(&self) -> Result<String> {
        let bytes = self.files.iter().map(|file| Ok(file.metadata()?.len()));
        let bytes = bytes.collect::<Result<Vec<_>>>()?;
        let mean = bytes.iter().sum::<u64>() as f64 / bytes.len() as f64;
        Ok(format!("12 MP, {:.1} MB", mean / 1e6))
    }
}
