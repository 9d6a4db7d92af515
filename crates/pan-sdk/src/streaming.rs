use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use pan_model::{PanPath, StreamFormat};
use pan_pcs::Object;
use reqwest::Url;

use crate::call::Call;
use crate::endpoint::{Host, host_of_url};
use crate::playlist::Source;
use crate::reply::Answer;
use crate::retry::Repeat;
use crate::stall::{Activity, while_active};
use crate::{Client, Error, Playlist, PlaylistPiece, VideoPieces};

/// How many pieces are asked for at once: the next one is made while one is used.
const PIECES_AHEAD: usize = 2;
/// What every packet of an MPEG transport stream begins with.
const SYNC_BYTE: u8 = 0x47;

impl Client {
    /// Has a video transcoded while it is watched (pcs-rest 4.16): the text of
    /// an HLS playlist, which a player plays. The addresses in it need no token.
    ///
    /// # Errors
    /// 31066 when nothing is there, 31300 to 31304 when it cannot be
    /// transcoded, 31210 where the service has no transcoder. 31341, while it
    /// is being transcoded, is waited out like a failure in passing.
    pub async fn streaming(&self, path: &PanPath, format: StreamFormat) -> Result<String, Error> {
        let call = streaming_call(path, format);
        let reply = self.ask_content(&call).await?;
        let text = String::from_utf8_lossy(&reply.body);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if !text.starts_with("#EXTM3U") {
            return Err(self.malformed(&call, String::from("it is not a playlist")));
        }
        Ok(text.to_owned())
    }

    /// As [`streaming`](Self::streaming), but the playlist is read, for
    /// [`stream_pieces`](Self::stream_pieces) from the beginning, or
    /// [`stream_piece`](Self::stream_piece) from anywhere.
    ///
    /// # Errors
    /// As [`streaming`](Self::streaming). [`Error::Reply`] for a playlist
    /// whose pieces are no whole files, or encrypted.
    pub async fn playlist(&self, path: &PanPath, format: StreamFormat) -> Result<Playlist, Error> {
        // First: should it change meanwhile, it counts as changed.
        let entry = self.meta(path).await?;
        let text = self.streaming(path, format).await?;
        let base = self.endpoint().object_url(Host::Api, Object::File);
        let base = Url::parse(&base).map_err(|error| Error::Input(error.to_string()))?;
        let mut playlist = Playlist::parse(&text, &base)
            .map_err(|reason| self.malformed(&streaming_call(path, format), reason))?;
        playlist.source = Some(Source { entry, format });
        Ok(playlist)
    }

    /// Fetches one piece of a video. The token is not sent: the address of the
    /// piece is enough, wherever it leads.
    ///
    /// # Errors
    /// When the address has expired, or the file was changed or deleted since
    /// the playlist was made. 31341, while the piece is being made, is waited
    /// out like a failure in passing.
    pub async fn stream_piece(&self, piece: &PlaylistPiece) -> Result<Bytes, Error> {
        let mut pauses = self.retry().pauses();
        loop {
            match self.fetch(&piece.url).await {
                Ok(content) => return Ok(content),
                Err(error) => pauses.wait(error, Repeat::Harmless).await?,
            }
        }
    }

    /// Fetches the pieces of a video in order: one after the other they are
    /// the whole, as an MPEG transport stream. Addresses that expire on the
    /// way are renewed.
    ///
    /// # Errors
    /// The stream ends with the first error, which is one of
    /// [`VideoPieces::get`].
    pub fn stream_pieces(
        &self,
        playlist: &Playlist,
    ) -> impl Stream<Item = Result<Bytes, Error>> + Send + use<> {
        let pieces = Arc::new(VideoPieces::new(self.clone(), playlist.clone()));
        let fetched = stream::iter(0..playlist.pieces.len()).map(move |number| {
            let pieces = Arc::clone(&pieces);
            async move { pieces.get(number).await }
        });
        let fetched = fetched.buffered(PIECES_AHEAD).boxed();
        stream::try_unfold(fetched, async |mut fetched| {
            Ok(fetched.try_next().await?.flatten().map(|piece| (piece, fetched)))
        })
    }

    /// The address at which a player finds the playlist by itself.
    ///
    /// **It contains the token**, with which whoever sees the address can do
    /// all that you can: it does not belong on a command line, into a log, a
    /// history or a page. What [`playlist`](Self::playlist) brings does not
    /// contain it.
    pub fn streaming_url(&self, path: &PanPath, format: StreamFormat) -> String {
        streaming_call(path, format).url(self)
    }

    async fn fetch(&self, url: &Url) -> Result<Bytes, Error> {
        let (activity, after) = (Activity::start(), self.stall_timeout());
        let host = host_of_url(url.as_str()).to_owned();
        let exchange = async {
            let response = self.http().get(url.clone()).send().await;
            activity.mark();
            let response = response.map_err(|error| Error::transport(&host, error))?;
            let status = response.status().as_u16();
            let reply = Answer::read(host.clone(), response, &activity).await?.into_content()?;
            if reply.body.first() != Some(&SYNC_BYTE) {
                let reason = String::from("it is not a piece of video");
                return Err(Error::Reply { host: host.clone(), status, reason });
            }
            Ok(reply.body)
        };
        let exchanged = while_active(&activity, after, exchange).await;
        exchanged.ok_or_else(|| Error::Stalled { host: host.clone(), after })?
    }
}

fn streaming_call(path: &PanPath, format: StreamFormat) -> Call {
    Call::get(Object::File, "streaming").with_path(path).with("type", format.as_str())
}
