use pan_model::PanPath;
use pan_pcs::Object;

use crate::call::Call;
use crate::{Client, Error};

/// What a video is transcoded to: a playlist of pieces in one of these sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamFormat {
    /// 320 × 240 pixels.
    M3u8_320x240,
    /// 480 × 224 pixels.
    M3u8_480x224,
    /// 480 × 360 pixels.
    M3u8_480x360,
    /// 640 × 480 pixels.
    M3u8_640x480,
    /// 854 × 480 pixels.
    M3u8_854x480,
    /// About 480 lines, in the shape of the source; newer than the manual.
    M3u8Auto480,
    /// About 720 lines, in the shape of the source; newer than the manual.
    M3u8Auto720,
}

impl StreamFormat {
    /// The value of `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::M3u8_320x240 => "M3U8_320_240",
            Self::M3u8_480x224 => "M3U8_480_224",
            Self::M3u8_480x360 => "M3U8_480_360",
            Self::M3u8_640x480 => "M3U8_640_480",
            Self::M3u8_854x480 => "M3U8_854_480",
            Self::M3u8Auto480 => "M3U8_AUTO_480",
            Self::M3u8Auto720 => "M3U8_AUTO_720",
        }
    }
}

impl Client {
    /// Has a video transcoded while it is watched (pcs-rest 4.16): the text of
    /// an HLS playlist, which a player plays. The addresses in it need no token.
    ///
    /// An OpenPan server does not transcode yet: it refuses with 3.
    ///
    /// # Errors
    /// 31066 when nothing is there, 31300 to 31304 when it cannot be
    /// transcoded. 31341, while it is being transcoded, is waited out like a
    /// failure in passing.
    pub async fn streaming(&self, path: &PanPath, format: StreamFormat) -> Result<String, Error> {
        let call = Call::get(Object::File, "streaming").with_path(path);
        let call = call.with("type", format.as_str());
        let reply = self.ask_content(&call).await?;
        let text = String::from_utf8_lossy(&reply.body);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if !text.starts_with("#EXTM3U") {
            return Err(self.malformed(&call, String::from("it is not a playlist")));
        }
        Ok(text.to_owned())
    }
}
