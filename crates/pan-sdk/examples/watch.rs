//! Saves a small version of a picture, and a video while it is transcoded.
//!
//! The video is an MPEG transport stream, which players play as it grows.
//!
//! ```sh
//! cargo run -p pan-sdk --example watch -- /photos/sea.jpg sea.jpg /films/sea.mov sea.ts
//! ```

use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::pin::pin;

use futures_util::TryStreamExt;
use pan_sdk::{Client, Endpoint, PanPath, StreamFormat, ThumbnailSize};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = Endpoint::single(&std::env::var("OPENPAN_ENDPOINT")?)?;
    let client = Client::new(endpoint, std::env::var("OPENPAN_TOKEN")?)?;
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: watch PICTURE LOCAL VIDEO LOCAL");

    let (picture, small) = (PanPath::parse(&next()?)?, next()?);
    let thumbnail = client.thumbnail(&picture, ThumbnailSize::within(320, 240)).await?;
    fs::write(&small, &thumbnail.image)?;
    println!("{small} is {}", thumbnail.media_type.as_deref().unwrap_or("a picture"));

    let (video, local) = (PanPath::parse(&next()?)?, next()?);
    let playlist = client.playlist(&video, StreamFormat::M3u8Auto480).await?;
    let mut file = File::create(&local)?;
    let mut pieces = pin!(client.stream_pieces(&playlist));
    while let Some(piece) = pieces.try_next().await? {
        file.write_all(&piece)?;
    }
    file.sync_all()?;
    println!("{local} plays {:.0} s", playlist.duration().as_secs_f64());
    Ok(())
}
