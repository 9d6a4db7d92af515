//! The grid: which frames make which piece.
//!
//! Everything is counted in whole pictures and whole frames of sound from the
//! beginning of the source, never from where a transcoder began.

use std::time::Duration;

use pan_engine::Timeline;

use super::Facts;

/// Samples of sound in a second, of what is made.
pub(crate) const SAMPLES: u64 = 48_000;

/// Samples in one frame of AAC.
pub(crate) const SAMPLES_OF_FRAME: u64 = 1024;

/// How long a piece is, about.
const PIECE_SECONDS: u64 = 4;

/// A piece of sound alone, in frames: 4.032 s, which is whole milliseconds.
const AUDIO_FRAMES_OF_PIECE: u64 = 189;

/// Rates beyond this are halved: half the work for a screen of 480 lines.
const RATE_MAX: f64 = 31.0;

/// Rates below this are doubled: a player updates its clock with each picture.
const RATE_MIN: f64 = 10.0;

/// Where the rate says nothing that can be believed.
const RATE_ELSE: f64 = 30.0;

/// Units in a second, as a ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) over: u64,
    pub(crate) under: u64,
}

/// How a source is cut: the same for every format and every transcoder. A unit
/// is a picture, or, where there is none, a frame of sound.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    rate: Rate,
    units: u64,
    units_of_piece: u64,
    has_video: bool,
}

impl Plan {
    /// Decides from the facts alone.
    pub(crate) fn of(facts: &Facts) -> Result<Self, String> {
        let (rate, units_of_piece) = match &facts.video {
            Some(video) => {
                let rate = rate_of(video.rates);
                (rate, rounded(PIECE_SECONDS * rate.over, rate.under))
            }
            None => (Rate { over: SAMPLES, under: SAMPLES_OF_FRAME }, AUDIO_FRAMES_OF_PIECE),
        };
        let micros = u64::try_from(facts.duration.as_micros()).unwrap_or(u64::MAX);
        let units = rounded(micros.saturating_mul(rate.over), rate.under * 1_000_000).max(1);
        let plan = Self { rate, units, units_of_piece, has_video: facts.video.is_some() };
        u32::try_from(units.div_ceil(units_of_piece)).map_err(|_| "this video is too long")?;
        Ok(plan)
    }

    /// The pieces and their lengths.
    pub(crate) fn timeline(&self) -> Timeline {
        let pieces = self.units.div_ceil(self.units_of_piece);
        let last = self.units - (pieces - 1) * self.units_of_piece;
        Timeline {
            pieces: u32::try_from(pieces).unwrap_or(u32::MAX),
            piece: self.length(self.units_of_piece),
            last: self.length(last),
        }
    }

    /// The piece before which a run that begins at `first` ends by itself.
    pub(crate) fn run_end(&self, first: u32) -> u32 {
        self.timeline().pieces.max(first)
    }

    /// Units in a second.
    pub(crate) fn rate(&self) -> Rate {
        self.rate
    }

    /// Whether a unit is a picture.
    pub(crate) fn has_video(&self) -> bool {
        self.has_video
    }

    /// The units of all pieces.
    #[cfg(test)]
    pub(crate) fn units(&self) -> u64 {
        self.units
    }

    /// The units of a piece that is not the last.
    pub(crate) fn units_of_piece(&self) -> u64 {
        self.units_of_piece
    }

    /// The unit that a piece begins with.
    pub(crate) fn first_unit(&self, piece: u32) -> u64 {
        (u64::from(piece) * self.units_of_piece).min(self.units)
    }

    /// When a unit begins, in parts of a second.
    pub(crate) fn time_of(&self, unit: u64, parts: u64) -> u64 {
        rounded(unit.saturating_mul(self.rate.under).saturating_mul(parts), self.rate.over)
    }

    fn length(&self, units: u64) -> Duration {
        Duration::from_nanos(self.time_of(units, 1_000_000_000))
    }
}

fn rounded(over: u64, under: u64) -> u64 {
    over.saturating_add(under / 2) / under
}

/// The rate of what is made: whole, or the whole of NTSC, so that pictures lie
/// evenly; the source's own, its half or its double where that is possible.
fn rate_of([average, counted]: [Option<f64>; 2]) -> Rate {
    let sane = |rate: &f64| (0.01..=240.5).contains(rate);
    let rate = match (average.filter(sane), counted.filter(sane)) {
        // The two disagree where pictures come unevenly: fast ones are kept.
        (_, Some(counted)) => counted,
        (Some(average), None) if counted.is_none() => average,
        _ => RATE_ELSE,
    };
    let mut rate = rate;
    while rate > RATE_MAX {
        rate /= 2.0;
    }
    while rate < RATE_MIN {
        rate *= 2.0;
    }
    let doubled = Some(rate * 2.0).filter(|rate| *rate <= RATE_MAX);
    [Some(rate), doubled]
        .into_iter()
        .flatten()
        .find_map(even)
        .unwrap_or(Rate { over: rate.round() as u64, under: 1 })
}

/// A rate that is whole, or whole but for the 1001 of NTSC.
fn even(rate: f64) -> Option<Rate> {
    let is_near = |rate: f64| (rate - rate.round()).abs() < rate * 0.0004;
    if is_near(rate) {
        return Some(Rate { over: rate.round() as u64, under: 1 });
    }
    let whole = rate * 1.001;
    is_near(whole).then(|| Rate { over: whole.round() as u64 * 1000, under: 1001 })
}

#[cfg(test)]
mod tests;
