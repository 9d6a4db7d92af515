mod player;
mod relay;
mod remux;
mod save;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pan_sdk::{Client, ErrorCode, Playlist, StreamFormat};

use crate::cat;
use crate::failure::Failure;
use crate::get::OnDup;
use crate::glob;
use crate::play::player::Player;
use crate::play::relay::Relay;
use crate::play::save::Target;
use crate::remote::RemotePath;
use crate::session::Session;

/// Play a video while it is transcoded, or download the transcode
///
/// Opens a player with an address on this machine, and ends with it; where no
/// player is found, the address is printed, and ends with Ctrl-C. The token is
/// in none of these.
#[derive(Debug, Args)]
pub(crate) struct PlayArgs {
    /// A video, or music, in the storage
    #[arg(value_name = "PATH")]
    path: RemotePath,
    /// How large the picture is
    #[arg(long, value_enum, default_value_t = Format::Auto480)]
    format: Format,
    /// Play with this; the address is put behind it [env: OPENPAN_PLAYER]
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["url", "download"])]
    player: Option<String>,
    /// Print the address, for any player, and serve it until Ctrl-C
    #[arg(long, conflicts_with = "download")]
    url: bool,
    /// Write it to a file instead: `.mp4`, `.ts`, or `.m3u8` for the playlist; `-` is stdout
    #[arg(long, value_name = "OUT")]
    download: Option<PathBuf>,
    /// What to do when the file exists
    #[arg(long, value_enum, default_value_t = OnDup::Overwrite, requires = "download")]
    on_dup: OnDup,
}

/// How large the picture is at most. The auto formats keep their shape.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    #[value(name = "auto-480", help = "About 480 lines")]
    Auto480,
    #[value(name = "auto-720", help = "About 720 lines")]
    Auto720,
    #[value(name = "854x480")]
    Within854x480,
    #[value(name = "640x480")]
    Within640x480,
    #[value(name = "480x360")]
    Within480x360,
    #[value(name = "480x224")]
    Within480x224,
    #[value(name = "320x240")]
    Within320x240,
}

impl Format {
    fn of_the_service(self) -> StreamFormat {
        match self {
            Self::Auto480 => StreamFormat::M3u8Auto480,
            Self::Auto720 => StreamFormat::M3u8Auto720,
            Self::Within854x480 => StreamFormat::M3u8_854x480,
            Self::Within640x480 => StreamFormat::M3u8_640x480,
            Self::Within480x360 => StreamFormat::M3u8_480x360,
            Self::Within480x224 => StreamFormat::M3u8_480x224,
            Self::Within320x240 => StreamFormat::M3u8_320x240,
        }
    }
}

pub(crate) async fn run(session: &Session<'_>, args: PlayArgs) -> Result<(), Failure> {
    let path = only(glob::expand(session, vec![args.path.clone()]).await?)?;
    // What is wrong here is found before anything is transcoded.
    let target = match &args.download {
        Some(out) => Some(Target::of(out, &path, args.on_dup).await?),
        None => None,
    };
    let client = session.patient_client(&path)?;
    let playlist = ask(&client, &path, args.format).await?;
    match target {
        Some(target) => save::run(session, &client, &path, &playlist, target).await,
        None => play(session, &args, client, &path, playlist).await,
    }
}

/// The video that a pattern means.
fn only(mut paths: Vec<RemotePath>) -> Result<RemotePath, Failure> {
    match paths.pop() {
        Some(path) if paths.is_empty() => Ok(path),
        _ => Err(Failure::usage("one video is played at a time, and several match")
            .hint("`pan ls` shows what a pattern matches")),
    }
}

async fn ask(client: &Client, path: &RemotePath, format: Format) -> Result<Playlist, Failure> {
    let error = match client.playlist(&path.path, format.of_the_service()).await {
        Ok(playlist) => return Ok(playlist),
        Err(error) => error,
    };
    let has_none = error.is(ErrorCode::NotImplemented);
    let failure = cat::explain(client, path, error.into()).await.about(path);
    Err(match has_none {
        true => failure.hint("`pan get` downloads the file as it is"),
        false => failure,
    })
}

async fn play(
    session: &Session<'_>,
    args: &PlayArgs,
    client: Client,
    path: &RemotePath,
    playlist: Playlist,
) -> Result<(), Failure> {
    let stderr = &session.screen.stderr;
    let name = path.path.name().unwrap_or_default();
    let relay = Relay::open(client, playlist, name, stderr.clone()).await?;
    let url = relay.url().clone();
    let player = if args.url { None } else { Player::start(args.player.as_deref(), &url)? };
    let Some(player) = player else {
        match session.screen.json {
            true => session.screen.object(&serde_json::json!({ "url": url.as_str() }))?,
            false => session.screen.line(&url)?,
        }
        session.screen.flush()?;
        stderr.note("a player on this machine finds the video there until Ctrl-C");
        return relay.serve().await;
    };
    stderr.note(&format!("playing with `{}`", player.name()));
    tokio::select! {
        ended = player.ended() => ended,
        failed = relay.serve() => failed,
    }
}
