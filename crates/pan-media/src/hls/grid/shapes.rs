//! Pictures that are turned, odd, made of halves, or no video at all.

use std::path::Path;
use std::process::Command;

use super::{Source, make, run};

/// White above, black below, with a red left edge: every turn is another picture.
fn halves(size: &str) -> String {
    let odd = size.replace('x', ":");
    format!(
        "-f lavfi -i color=white:s={size}:r=25:d=5 \
         -vf format=yuv444p,scale={odd},setsar=1,drawbox=y=ih/2:h=ih/2:c=black:t=fill,drawbox=w=iw/4:c=red:t=fill \
         -preset ultrafast -pix_fmt yuv444p "
    )
}

/// The size of the first picture of a file, and the picture on a small canvas.
fn picture(path: &Path) -> (String, Vec<u8>) {
    let path = path.display().to_string();
    let entries = ["-v", "error", "-select_streams", "v:0", "-show_entries", "frame=width,height"];
    let first = ["-read_intervals", "%+#1", "-of", "csv=p=0:s=x", &path];
    let size = run("ffprobe", entries.into_iter().chain(first));
    let decode = ["-v", "error", "-i", &path, "-frames:v", "1", "-vf", "scale=16:16:flags=area"];
    let output = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"];
    let pixels = run("ffmpeg", decode.into_iter().chain(output));
    (String::from_utf8(size).unwrap().trim_matches(['x', '\n']).to_owned(), pixels)
}

#[test]
fn pictures_are_upright_and_have_their_shape() {
    let table = [
        ("320x180", "", "320x180"),
        ("320x180", "-metadata:s:v rotate=90", "180x320"),
        ("320x180", "-metadata:s:v rotate=270", "180x320"),
        ("320x180", "-metadata:s:v rotate=180", "320x180"),
        ("127x63", "", "128x64"),
        ("63x127", "-metadata:s:v rotate=90", "128x64"),
        ("160x128", "-aspect 5:2", "320x128"),
        ("160x128", "-aspect 5:2 -metadata:s:v rotate=90", "128x320"),
    ];
    let directory = tempfile::tempdir().unwrap();
    for (size, rest, made) in table {
        let (plain, path) = (directory.path().join("plain.mp4"), directory.path().join("a.mp4"));
        make(&plain, &(halves(size) + "-c:v libx264"));
        make(&path, &format!("-i {} -c copy {rest}", plain.display()));
        let piece = Source::of(&path).pieces(0, 1).remove(&0).unwrap();
        let stream = directory.path().join("piece.ts");
        std::fs::write(&stream, piece).unwrap();
        // What ffmpeg shows of the source is turned as the source wants it.
        let ((_, wanted), (size, pixels)) = (picture(&path), picture(&stream));
        assert_eq!(size, made, "{rest}");
        assert_eq!(wanted.len(), pixels.len());
        let off = wanted.iter().zip(&pixels).map(|(one, other)| u64::from(one.abs_diff(*other)));
        let off = off.sum::<u64>() / wanted.len() as u64;
        assert!(off < 16, "{size} {rest}: {off}");
    }
}

#[test]
fn half_pictures_are_made_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.mpg");
    // Every line of two is from another time: a comb, where it is not taken away.
    let making = "-f lavfi -i testsrc=s=320x240:r=50:d=5 -vf scroll=h=0.05,interlace \
                  -c:v mpeg2video -q:v 2 -flags +ildct+ilme -f vob";
    make(&path, making);
    let source = Source::of(&path);
    assert!(source.facts.video.as_ref().unwrap().interlaced);
    let stream = directory.path().join("piece.ts");
    std::fs::write(&stream, &source.pieces(0, 1)[&0]).unwrap();
    let combed = |path: &Path| {
        let judged = Command::new("ffmpeg")
            .args(["-hide_banner", "-nostats", "-i"])
            .arg(path)
            .args(["-t", "4", "-vf", "idet", "-an", "-f", "null", "-"])
            .output()
            .unwrap();
        let said = String::from_utf8(judged.stderr).unwrap();
        let line = said.lines().find(|line| line.contains("Multi frame")).unwrap();
        let fields = line.split_whitespace().collect::<Vec<_>>();
        let of = |name: &str| {
            let at = fields.iter().position(|field| *field == name).unwrap();
            fields[at + 1].parse::<u32>().unwrap()
        };
        of("TFF:") + of("BFF:")
    };
    assert!(combed(&path) > 50);
    assert!(combed(&stream) < 10);
}

#[test]
fn the_cover_of_an_album_is_no_video() {
    let directory = tempfile::tempdir().unwrap();
    let cover = directory.path().join("cover.png");
    make(&cover, "-f lavfi -i testsrc=s=64x64 -frames:v 1");
    for name in ["a.m4a", "a.mp4"] {
        let path = directory.path().join(name);
        let making = "-map 0 -map 1 -c:a aac -c:v png -disposition:v attached_pic";
        make(&path, &format!("-f lavfi -i sine=d=9 -i {} {making}", cover.display()));
        let source = Source::of(&path);
        assert_eq!(source.facts.video, None, "{name}");
        assert!(source.facts.audio.is_some(), "{name}");
        assert_eq!(source.pieces(1, 1).keys().collect::<Vec<_>>(), [&1], "{name}");
    }
}

#[test]
fn words_to_read_are_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let words = directory.path().join("words.srt");
    std::fs::write(&words, "1\n00:00:01,000 --> 00:00:03,000\nHello\n").unwrap();
    for (name, codec) in [("a.mkv", "srt"), ("b.mkv", "ass"), ("a.mp4", "mov_text")] {
        let path = directory.path().join(name);
        let making = halves("64x64").replace("yuv444p", "yuv420p");
        let inputs = making.replacen(" -vf", &format!(" -i {} -vf", words.display()), 1);
        make(&path, &format!("{inputs} -c:v libx264 -c:s {codec}"));
        assert_eq!(Source::of(&path).pieces(0, 2).len(), 2, "{name}");
    }
}
