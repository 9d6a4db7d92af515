use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use pan_sdk::{Thumbnail, ThumbnailSize};
use serde::Serialize;

use crate::cat;
use crate::failure::Failure;
use crate::fresh_file::FreshFile;
use crate::get::OnDup;
use crate::glob;
use crate::place::{self, Place};
use crate::remote::RemotePath;
use crate::screen::{Screen, read_or_not};
use crate::session::Session;
use crate::show::DoneObject;
use crate::tally::Tally;

/// The code of a service that could make no thumbnail (pcs-rest 4.14).
const NO_THUMBNAIL: u32 = 31141;

/// Download small versions of pictures
///
/// They are made of jpg, png, gif and bmp files of up to 10 MiB, and are of
/// the same kind. Without `--output` that of `sea.jpg` becomes `sea.thumb.jpg`
/// in the current directory.
#[derive(Debug, Args)]
pub(crate) struct ThumbArgs {
    /// Pictures in the storage
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<RemotePath>,
    /// A file, a directory for pictures of the same names, or `-` for stdout
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// The most pixels across and down: 1 to 1600 each
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "320x320")]
    size: Pixels,
    /// The quality of a jpg, 1 to 100
    #[arg(long, value_name = "N", default_value_t = 85, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: u8,
    /// What to do when a file exists
    #[arg(long, value_enum, default_value_t = OnDup::Overwrite)]
    on_dup: OnDup,
}

/// So many across and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pixels(u16, u16);

impl FromStr for Pixels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = |text: &str| {
            text.parse().ok().filter(|side| (1..=ThumbnailSize::MAX_PIXELS).contains(side))
        };
        let (width, height) = text.split_once(['x', 'X']).unwrap_or((text, text));
        let sides = read(width).zip(read(height));
        let sides = sides.map(|(width, height)| Self(width, height));
        let most = ThumbnailSize::MAX_PIXELS;
        sides.ok_or_else(|| format!("write 320x240, each side from 1 to {most}"))
    }
}

/// Where thumbnails go.
enum Goal {
    Stdout,
    Place(Place<PathBuf>),
    /// Into the current directory, under a name of their own.
    Here,
}

pub(crate) async fn run(session: &Session<'_>, args: ThumbArgs) -> Result<(), Failure> {
    let paths = glob::expand(session, args.paths.clone()).await?;
    let goal = goal(args.output.as_deref(), &paths)?;
    let mut tally = Tally::new(&session.screen.stderr);
    for path in &paths {
        match make(session, path, &args, &goal).await {
            Err(failure) if failure.is_fatal() => return Err(failure),
            result => tally.count(result),
        }
    }
    tally.finish()
}

fn goal(output: Option<&Path>, paths: &[RemotePath]) -> Result<Goal, Failure> {
    let Some(output) = output else {
        place::no_twins(paths, &Place::Into(PathBuf::new()))?;
        return Ok(Goal::Here);
    };
    if output != Path::new("-") {
        let place = Place::local(output, paths.len())?;
        place::no_twins(paths, &place)?;
        return Ok(Goal::Place(place));
    }
    if paths.len() > 1 {
        return Err(Failure::usage("several pictures do not go to stdout").hint("write `-o DIR/`"));
    }
    if io::stdout().is_terminal() {
        return Err(Failure::usage("a picture is not shown on a terminal")
            .hint("write it to a file with `-o FILE`, or into a pipe"));
    }
    Ok(Goal::Stdout)
}

async fn make(
    session: &Session<'_>,
    path: &RemotePath,
    args: &ThumbArgs,
    goal: &Goal,
) -> Result<(), Failure> {
    let name = path.path.name();
    let to = match goal {
        Goal::Stdout => None,
        Goal::Here => Some(PathBuf::from(small_name(name.unwrap_or_default()))),
        Goal::Place(place) => Some(place.of(name)),
    };
    to.iter().try_for_each(|to| args.on_dup.check(to))?;
    let made = fetch(session, path, args).await?;
    let Some(to) = to else {
        let mut out = io::stdout().lock();
        let written = out.write_all(&made.image).and_then(|()| out.flush());
        return written.map_err(|error| Failure::output(&error));
    };
    if let Some(parent) = to.parent()
        && matches!(goal, Goal::Place(Place::Into(_)))
    {
        let made = std::fs::create_dir_all(parent);
        made.map_err(|error| {
            Failure::other(format!("cannot create `{}`: {error}", parent.display()))
        })?;
    }
    let mut file = FreshFile::create(&to)?;
    file.write(&made.image)?;
    file.finish()?;
    read_or_not(tell(session.screen, path, &to, &made))
}

async fn fetch(
    session: &Session<'_>,
    path: &RemotePath,
    args: &ThumbArgs,
) -> Result<Thumbnail, Failure> {
    let client = session.patient_client(path)?;
    let Pixels(width, height) = args.size;
    let size = ThumbnailSize { width, height, quality: args.quality };
    let failure = match client.thumbnail(&path.path, size).await {
        Ok(made) => return Ok(made),
        Err(error) => Failure::from(error),
    };
    let failure = cat::explain(&client, path, failure).await.about(path);
    if failure.code == Some(NO_THUMBNAIL) && failure.hint.is_none() {
        return Err(
            failure.hint("thumbnails are made of jpg, png, gif and bmp files of up to 10 MiB")
        );
    }
    Err(failure)
}

/// A thumbnail that was written, in JSON.
#[derive(Serialize)]
struct ThumbObject<'a> {
    #[serde(flatten)]
    done: DoneObject<'a>,
    media_type: Option<&'a str>,
}

fn tell(screen: &Screen, path: &RemotePath, to: &Path, made: &Thumbnail) -> Result<(), Failure> {
    let (from, to) = (path.to_string(), to.display().to_string());
    if !screen.json {
        screen.stderr.moved(&format!("{from} -> {to}"));
        return Ok(());
    }
    let size = Some(made.image.len() as u64);
    let done = DoneObject { kind: Some("file"), size, ..DoneObject::new("thumb", &from, &to) };
    screen.object(&ThumbObject { done, media_type: made.media_type.as_deref() })
}

/// `sea.jpg` becomes `sea.thumb.jpg`.
fn small_name(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => format!("{stem}.thumb.{ending}"),
        _ => format!("{name}.thumb"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Pixels, small_name};

    #[test]
    fn sizes_are_read() {
        for (text, pixels) in [
            ("320x240", Some(Pixels(320, 240))),
            ("1X1600", Some(Pixels(1, 1600))),
            ("100", Some(Pixels(100, 100))),
            ("0x1", None),
            ("1x1601", None),
            ("x", None),
            ("1x1x1", None),
            ("-1x1", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), pixels, "{text}");
        }
    }

    #[test]
    fn thumbnails_have_names_of_their_own() {
        for (name, small) in [
            ("sea.jpg", "sea.thumb.jpg"),
            ("a.b.png", "a.b.thumb.png"),
            ("sea", "sea.thumb"),
            (".jpg", ".jpg.thumb"),
        ] {
            assert_eq!(small_name(name), small);
        }
    }
}
