//! Videos that ffmpeg makes for the tests: the picture counts the seconds, the
//! sound is one tone.
//!
//! They lie in the directory of the build and are made once. Tests run at the
//! same time, in processes of their own.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How a video is made.
#[derive(Hash)]
pub(crate) struct Video {
    /// Its file name; the end tells ffmpeg the container.
    pub(crate) name: &'static str,
    /// What ffmpeg is told, between blanks.
    arguments: &'static str,
    /// Whether players have to turn it by a quarter. ffmpeg writes that only
    /// when it copies.
    turned: bool,
}

/// H.264 and AAC. The index is at the end, as ffmpeg leaves it.
pub(crate) const MP4: Video = Video {
    name: "index-at-the-end.mp4",
    arguments: "-f lavfi -i testsrc2=s=320x240:r=30:d=61.4 -f lavfi -i sine=r=48000:d=61.4 \
                -c:v libx264 -preset ultrafast -g 60 -c:a aac",
    turned: false,
};

/// A phone was held upright.
pub(crate) const TURNED: Video = Video {
    name: "turned.mov",
    arguments: "-f lavfi -i testsrc2=s=320x240:r=30000/1001:d=60.06 -c:v libx264 -preset ultrafast",
    turned: true,
};

/// The free formats of browsers.
pub(crate) const WEBM: Video = Video {
    name: "vp8.webm",
    arguments: "-f lavfi -i testsrc2=s=320x240:r=24:d=60.5 -f lavfi -i sine=r=48000:d=60.5 \
                -c:v libvpx -deadline realtime -cpu-used 16 -b:v 300k -c:a libvorbis",
    turned: false,
};

/// Ten seconds whole, then frames are missing: four of seven are left. No sound.
pub(crate) const VARIABLE: Video = Video {
    name: "variable.mkv",
    arguments: "-f lavfi -i testsrc2=s=320x240:r=30:d=61.4 \
                -vf select='gt(mod(n\\,7)\\,2)+lt(n\\,300)' -fps_mode vfr \
                -c:v libx264 -preset ultrafast",
    turned: false,
};

/// One for every container but MP4.
pub(crate) const OTHERS: &[Video] = &[
    WEBM,
    VARIABLE,
    Video {
        name: "film.avi",
        arguments: "-f lavfi -i testsrc2=s=320x240:r=24000/1001:d=60.06 \
                    -f lavfi -i sine=r=44100:d=60.06 -c:v mpeg4 -c:a libmp3lame -ac 2",
        turned: false,
    },
    Video {
        name: "broadcast.ts",
        arguments: "-f lavfi -i testsrc2=s=320x240:r=25:d=60.48 -f lavfi -i sine=r=48000:d=60.48 \
                    -c:v mpeg2video -c:a mp2",
        turned: false,
    },
    Video {
        name: "old.flv",
        arguments: "-f lavfi -i testsrc2=s=320x240:r=15:d=60.6 -f lavfi -i sine=r=22050:d=60.6 \
                    -c:v flv -c:a libmp3lame",
        turned: false,
    },
    Video {
        name: "windows.asf",
        arguments: "-f lavfi -i testsrc2=s=320x240:r=20:d=60.5 -f lavfi -i sine=r=44100:d=60.5 \
                    -c:v wmv2 -c:a wmav2",
        turned: false,
    },
    Video {
        name: "sound.m4a",
        arguments: "-f lavfi -i sine=r=44100:d=60.5 -c:a aac",
        turned: false,
    },
    Video {
        name: "moving.gif",
        arguments: "-f lavfi -i testsrc2=s=160x120:r=5:d=60.6 -pix_fmt gray",
        turned: false,
    },
];

/// Copies a video; players are to turn the copy by a quarter.
fn turn(video: &Path) -> PathBuf {
    let turned = video.with_file_name(format!("turned-{}", video.file_name().unwrap().display()));
    let words = ["-c", "copy", "-metadata:s:v:0", "rotate=90"].map(Into::into);
    let input = ["-i".into(), video.as_os_str().to_owned()];
    ffmpeg(input.into_iter().chain(words).chain([turned.clone().into_os_string()]));
    turned
}

impl Video {
    /// Where it lies; made by the first who asks.
    pub(crate) fn file(&self) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("videos");
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join(format!("{:016x}-{}", hasher.finish(), self.name));
        if !file.exists() {
            let unfinished = tempfile::TempDir::new_in(&directory).unwrap();
            let made = unfinished.path().join(self.name);
            let words = self.arguments.split_whitespace();
            ffmpeg(words.map(Into::into).chain([made.clone().into_os_string()]));
            match self.turned {
                true => std::fs::rename(turn(&made), &file).unwrap(),
                false => std::fs::rename(made, &file).unwrap(),
            }
        }
        file
    }

    /// What is in it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.file()).unwrap()
    }
}

/// Runs ffmpeg, which must succeed and have nothing to say.
#[track_caller]
pub(crate) fn ffmpeg(arguments: impl IntoIterator<Item = std::ffi::OsString>) {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "warning", "-y"]).args(arguments).stdin(Stdio::null());
    let output = command.output().expect("`cargo xtask test` installs ffmpeg");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{command:?}: {said}");
}
