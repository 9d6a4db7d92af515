use bytes::Bytes;
use pan_pcs::ErrorCode;
use tokio::sync::Mutex;

use crate::{Client, Error, Playlist, PlaylistPiece};

/// The pieces of a video for as long as somebody watches it, which may be
/// longer than their addresses are good for.
///
/// When the service refuses an address (31064), the playlist is asked for once
/// more, and the same piece taken from that.
#[derive(Debug)]
pub struct VideoPieces {
    client: Client,
    /// The newest one.
    playlist: Mutex<Playlist>,
}

impl VideoPieces {
    /// The pieces of a playlist.
    pub fn new(client: Client, playlist: Playlist) -> Self {
        Self { client, playlist: Mutex::new(playlist) }
    }

    /// Fetches one piece; `None` when there is none of this number, from 0.
    ///
    /// # Errors
    /// As [`Client::stream_piece`], and [`Client::playlist`] when that has to be
    /// asked for again. [`Error::RemoteChanged`] when it is of another video by then.
    pub async fn get(&self, number: usize) -> Result<Option<Bytes>, Error> {
        let piece = self.playlist.lock().await.pieces.get(number).cloned();
        let Some(piece) = piece else { return Ok(None) };
        let content = match self.client.stream_piece(&piece).await {
            Err(error) if error.is(ErrorCode::NotAuthorized) => {
                let renewed = self.renew(number, &piece, error).await?;
                self.client.stream_piece(&renewed).await
            }
            result => result,
        };
        content.map(Some)
    }

    /// The piece at an address that is newer than the one which was refused.
    async fn renew(
        &self,
        number: usize,
        refused: &PlaylistPiece,
        error: Error,
    ) -> Result<PlaylistPiece, Error> {
        // Whoever was refused meanwhile waits, and takes what came.
        let mut playlist = self.playlist.lock().await;
        if playlist.pieces.get(number) == Some(refused) {
            let Some(source) = &playlist.source else { return Err(error) };
            let path = source.entry.path.clone();
            let newer = self.client.playlist(&path, source.format).await?;
            if !newer.is_same_video(&playlist) {
                return Err(Error::RemoteChanged { path });
            }
            *playlist = newer;
        }
        playlist.pieces.get(number).cloned().ok_or(error)
    }
}
