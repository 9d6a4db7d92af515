use clap::{Args, ValueEnum};
use futures_util::stream::{StreamExt, TryStreamExt};
use pan_sdk::MediaType;

use crate::failure::Failure;
use crate::session::Session;
use crate::show::file_line;

/// List videos, music, pictures or documents, the latest first
#[derive(Debug, Args)]
pub(crate) struct MediaArgs {
    /// What to list
    #[arg(value_enum, value_name = "TYPE")]
    media: Media,
    /// Only files whose path begins with this text
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Show only so many
    #[arg(long, value_name = "NUMBER", default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
    /// Show type, size and time too
    #[arg(short, long)]
    long: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Media {
    /// Moving pictures
    Video,
    /// Music and other sound
    Audio,
    /// Still pictures
    Image,
    /// Texts, tables, slides
    Doc,
}

pub(crate) async fn run(session: &Session<'_>, args: MediaArgs) -> Result<(), Failure> {
    let media = match args.media {
        Media::Video => MediaType::Video,
        Media::Audio => MediaType::Audio,
        Media::Image => MediaType::Image,
        Media::Doc => MediaType::Doc,
    };
    let client = session.client_of(None)?;
    let files = client.list_media_all(media, args.prefix.as_deref()).take(args.limit);
    let mut files = std::pin::pin!(files);
    while let Some(file) = files.try_next().await? {
        file_line(session.screen, &file, args.long)?;
    }
    Ok(())
}
