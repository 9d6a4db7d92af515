use std::str::FromStr;

use clap::Args;
use pan_sdk::{Client, Download};
use tokio::io::{AsyncWriteExt, Stdout, stdout};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::glob;
use crate::remote::RemotePath;
use crate::session::Session;
use crate::tally::Tally;

/// Write files to stdout
#[derive(Debug, Args)]
pub(crate) struct CatArgs {
    /// Files in the storage
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<RemotePath>,
    /// Only these bytes, counted from 0: `A-B` with both ends, `A-` to the end, `-N` the last N
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    range: Option<ByteRange>,
}

/// Bytes of a file, as HTTP counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByteRange {
    /// From one to another, with both; to the end when there is no other.
    From(u64, Option<u64>),
    /// The last so many.
    Last(u64),
}

impl ByteRange {
    pub(crate) const ALL: Self = Self::From(0, None);
}

impl FromStr for ByteRange {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORMS: &str = "write A-B, A- or -N, in bytes";
        let number = |text: &str| text.parse::<u64>().map_err(|_| FORMS);
        match text.split_once('-').ok_or(FORMS)? {
            ("", last) => number(last).map(Self::Last),
            (from, "") => Ok(Self::From(number(from)?, None)),
            (from, to) => {
                let (from, to) = (number(from)?, number(to)?);
                if from > to {
                    return Err("the range ends before it begins");
                }
                Ok(Self::From(from, Some(to)))
            }
        }
    }
}

pub(crate) async fn run(session: &Session<'_>, args: CatArgs) -> Result<(), Failure> {
    let paths = glob::expand(session, args.paths).await?;
    to_stdout(session, &paths, args.range.unwrap_or(ByteRange::ALL)).await
}

/// Writes files to stdout, one after the other.
pub(crate) async fn to_stdout(
    session: &Session<'_>,
    paths: &[RemotePath],
    range: ByteRange,
) -> Result<(), Failure> {
    let mut tally = Tally::new(&session.screen.stderr);
    let mut out = stdout();
    for path in paths {
        let client = session.client(path)?;
        match copy(&client, path, range, &mut out).await {
            Ok(written) => {
                written?;
                tally.done();
            }
            Err(failure) => tally.failed(explain(&client, path, failure).await.about(path)),
        }
    }
    tally.finish()
}

/// A directory cannot be downloaded: the service says that no file is there.
pub(crate) async fn explain(client: &Client, path: &RemotePath, failure: Failure) -> Failure {
    let is_dir = failure.exit == Exit::NoFile
        && client.meta(&path.path).await.is_ok_and(|entry| entry.is_dir);
    if !is_dir {
        return failure;
    }
    Failure::new(Exit::NoFile, "it is a directory")
        .hint("`pan ls` lists it, and `pan get` downloads all of it")
}

/// Copies a file. A failure to read it and one to write it are two things.
async fn copy(
    client: &Client,
    path: &RemotePath,
    range: ByteRange,
    out: &mut Stdout,
) -> Result<Result<(), Failure>, Failure> {
    let Some(mut download) = open(client, path, range).await? else { return Ok(Ok(())) };
    while let Some(chunk) = download.chunk().await? {
        if let Err(error) = out.write_all(&chunk).await {
            return Ok(Err(Failure::output(&error)));
        }
    }
    Ok(out.flush().await.map_err(|error| Failure::output(&error)))
}

/// Begins to read; nothing is to be read where the last bytes of none are asked for.
async fn open(
    client: &Client,
    path: &RemotePath,
    range: ByteRange,
) -> Result<Option<Download>, Failure> {
    let from = match range {
        ByteRange::From(from, Some(to)) => {
            return Ok(Some(client.download(&path.path, from..=to).await?));
        }
        ByteRange::From(from, None) => from,
        ByteRange::Last(count) => {
            let size = path.look(client).await?.size.0;
            if size.min(count) == 0 {
                return Ok(None);
            }
            size.saturating_sub(count)
        }
    };
    Ok(Some(client.download(&path.path, from..).await?))
}

#[cfg(test)]
mod tests {
    use super::ByteRange;

    #[test]
    fn ranges_as_http_writes_them() {
        for (text, range) in [
            ("0-0", Some(ByteRange::From(0, Some(0)))),
            ("5-", Some(ByteRange::From(5, None))),
            ("-5", Some(ByteRange::Last(5))),
            ("5-4", None),
            ("-", None),
            ("5", None),
            ("a-b", None),
            ("1-2-3", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), range, "{text}");
        }
    }
}
