//! What ffprobe says about a source, as far as the plan needs it and only when
//! it makes sense.

use std::time::Duration;

use serde::Deserialize;

use super::Container;

/// A transport stream counts time in 33 bits of 90 kHz, which is 26 hours.
const DURATION_MAX: Duration = Duration::from_secs(24 * 3600);

/// Pictures beyond these are refused before anything is decoded.
const SIDE_MAX: u32 = 8192;
const PIXELS_MAX: u64 = 40_000_000;

/// What is known of a source.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Facts {
    /// What it is.
    pub(crate) container: Container,
    /// Its length.
    pub(crate) duration: Duration,
    /// The stream of pictures, if it has one.
    pub(crate) video: Option<Video>,
    /// The stream of sound, if it has one.
    pub(crate) audio: Option<Audio>,
}

/// A stream of pictures.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Video {
    /// Its number in the source.
    pub(crate) index: u32,
    /// The decoder's name for what it is.
    pub(crate) codec: String,
    /// Pixels across and down as they are shown: turned, and made square.
    pub(crate) size: (u32, u32),
    /// Pictures in a second, on the average and as the container counts them.
    pub(crate) rates: [Option<f64>; 2],
    /// Whether it consists of half pictures.
    pub(crate) interlaced: bool,
}

/// A stream of sound.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Audio {
    /// Its number in the source.
    pub(crate) index: u32,
}

impl Facts {
    /// Reads the answer of ffprobe to [`super::probe_arguments`].
    ///
    /// # Errors
    /// Why nothing can be made of the source, for people.
    pub(crate) fn parse(container: Container, json: &[u8]) -> Result<Self, String> {
        let answer: Answer =
            serde_json::from_slice(json).map_err(|_| "this video cannot be read".to_owned())?;
        let video = answer.streams.iter().filter(|stream| stream.is_video()).find_map(Video::of);
        let audio = Audio::of(&answer.streams);
        if video.is_none() && audio.is_none() {
            return Err("there is neither a picture nor sound in it".to_owned());
        }
        let (width, height) = video.as_ref().map_or((1, 1), |video| video.size);
        if width > SIDE_MAX
            || height > SIDE_MAX
            || u64::from(width) * u64::from(height) > PIXELS_MAX
        {
            return Err(format!("its picture is too large: {width} × {height}"));
        }
        let duration = answer.duration().ok_or("nothing says how long this video is")?;
        if duration > DURATION_MAX {
            return Err("this video is longer than a day".to_owned());
        }
        Ok(Self { container, duration, video, audio })
    }
}

impl Video {
    fn of(stream: &Stream) -> Option<Self> {
        let square = stretched(stream.width?, stream.sample_aspect_ratio.as_deref());
        let (width, height) = (square, stream.height?);
        let stands = stream.side_data_list.iter().filter_map(|side| side.rotation).any(is_upright);
        Some(Self {
            index: stream.index,
            codec: stream.codec_name.clone()?,
            size: if stands { (height, width) } else { (width, height) },
            rates: [&stream.avg_frame_rate, &stream.r_frame_rate]
                .map(|rate| rate.as_deref().and_then(|rate| ratio(rate, '/'))),
            interlaced: matches!(stream.field_order.as_deref(), Some("tt" | "bb" | "tb" | "bt")),
        })
    }
}

impl Audio {
    /// The one that the container prefers, or else the first.
    fn of(streams: &[Stream]) -> Option<Self> {
        let is_audio = |stream: &&Stream| {
            stream.codec_type.as_deref() == Some("audio") && stream.codec_name.is_some()
        };
        let preferred =
            streams.iter().filter(is_audio).find(|stream| stream.disposition.default == 1);
        let audio = preferred.or_else(|| streams.iter().find(is_audio))?;
        Some(Self { index: audio.index })
    }
}

/// The width that gives the same shape with square pixels. Only a shape that is
/// no nonsense is followed.
fn stretched(width: u32, aspect: Option<&str>) -> u32 {
    let aspect =
        aspect.and_then(|aspect| ratio(aspect, ':')).filter(|aspect| (0.1..=10.0).contains(aspect));
    let square = f64::from(width) * aspect.unwrap_or(1.0);
    (square.round() as u32).max(1)
}

fn is_upright(degrees: f64) -> bool {
    (degrees.abs() % 180.0 - 90.0).abs() < 45.0
}

/// A positive ratio such as `30000/1001`; `None` for nonsense such as `0/0`.
fn ratio(text: &str, between: char) -> Option<f64> {
    let (over, under) = text.split_once(between)?;
    let ratio = over.parse::<f64>().ok()? / under.parse::<f64>().ok()?;
    (ratio.is_finite() && ratio > 0.0).then_some(ratio)
}

fn seconds(text: Option<&str>) -> Option<Duration> {
    let seconds = text?.parse::<f64>().ok()?;
    Duration::try_from_secs_f64(seconds).ok().filter(|duration| !duration.is_zero())
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

impl Answer {
    fn duration(&self) -> Option<Duration> {
        let streams = self.streams.iter().filter_map(|stream| seconds(stream.duration.as_deref()));
        seconds(self.format.duration.as_deref()).or_else(|| streams.max())
    }
}

#[derive(Deserialize, Default)]
struct Format {
    duration: Option<String>,
}

#[derive(Deserialize)]
struct Stream {
    index: u32,
    codec_name: Option<String>,
    codec_type: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    sample_aspect_ratio: Option<String>,
    field_order: Option<String>,
    r_frame_rate: Option<String>,
    avg_frame_rate: Option<String>,
    duration: Option<String>,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

impl Stream {
    /// Whether it moves: the cover of an album does not.
    fn is_video(&self) -> bool {
        self.codec_type.as_deref() == Some("video")
            && self.disposition.attached_pic == 0
            && self.disposition.timed_thumbnails == 0
            && self.width.is_some_and(|width| width > 0)
            && self.height.is_some_and(|height| height > 0)
    }
}

#[derive(Deserialize, Default)]
struct Disposition {
    #[serde(default)]
    default: i32,
    #[serde(default)]
    attached_pic: i32,
    #[serde(default)]
    timed_thumbnails: i32,
}

#[derive(Deserialize)]
struct SideData {
    rotation: Option<f64>,
}

#[cfg(test)]
mod tests;
