use std::time::Duration;

use proptest::prelude::*;

use super::{Plan, RATE_MAX, RATE_MIN, rate_of};
use crate::hls::facts::{Audio, Facts, Video};
use crate::hls::{Container, Encoding, encode_arguments};

fn facts(rates: [Option<f64>; 2], seconds: f64, has_video: bool) -> Facts {
    Facts {
        container: Container::Mov,
        duration: Duration::from_secs_f64(seconds),
        video: has_video.then(|| Video {
            index: 0,
            codec: "h264".to_owned(),
            size: (1920, 1080),
            rates,
            interlaced: false,
        }),
        audio: Some(Audio { index: 1 }),
    }
}

#[test]
fn rates_are_even_and_near_the_source() {
    let table = [
        ([Some(25.0), Some(25.0)], (25, 1)),
        ([Some(30000.0 / 1001.0), Some(30000.0 / 1001.0)], (30000, 1001)),
        ([Some(24000.0 / 1001.0), Some(24000.0 / 1001.0)], (24000, 1001)),
        ([Some(60.0), Some(60.0)], (30, 1)),
        ([Some(60000.0 / 1001.0), Some(60000.0 / 1001.0)], (30000, 1001)),
        ([Some(50.0), Some(50.0)], (25, 1)),
        ([Some(240.0), Some(240.0)], (30, 1)),
        ([Some(5.0), Some(5.0)], (10, 1)),
        ([Some(12.5), Some(12.5)], (25, 1)),
        ([Some(29.7), Some(30.0)], (30, 1)),
        // A clock and no rate.
        ([Some(23.9), Some(90_000.0)], (30, 1)),
        ([Some(24.0), None], (24, 1)),
        ([None, None], (30, 1)),
    ];
    for (rates, (over, under)) in table {
        let rate = rate_of(rates);
        assert_eq!((rate.over, rate.under), (over, under), "{rates:?}");
    }
}

#[test]
fn a_timeline_is_the_whole_of_the_source() {
    let table = [
        (10.0, true, (3, 4.0, 2.0)),
        (4.0, true, (1, 4.0, 4.0)),
        (0.000_001, true, (1, 4.0, 0.04)),
        (86_400.0, true, (21_600, 4.0, 4.0)),
        (8.064, false, (2, 4.032, 4.032)),
    ];
    for (seconds, has_video, (pieces, piece, last)) in table {
        let timeline = Plan::of(&facts([Some(25.0); 2], seconds, has_video)).unwrap().timeline();
        assert_eq!(timeline.pieces, pieces, "{seconds}");
        assert_eq!(timeline.piece.as_secs_f64(), piece, "{seconds}");
        assert_eq!(timeline.last.as_secs_f64(), last, "{seconds}");
    }
}

proptest! {
    #[test]
    fn every_plan_cuts_without_gaps(
        rates in any::<[Option<f64>; 2]>(),
        seconds in 0.000_001_f64..86_400.0,
        has_video: bool,
        index: u32,
    ) {
        let facts = facts(rates, seconds, has_video);
        let plan = Plan::of(&facts).unwrap();
        let rate = plan.rate().over as f64 / plan.rate().under as f64;
        prop_assert!(!has_video || (RATE_MIN - 0.5..=RATE_MAX + 0.5).contains(&rate), "{rate}");
        let timeline = plan.timeline();
        // The sum of all lengths is the source's, but for a unit.
        let sum = timeline.piece.as_secs_f64() * f64::from(timeline.pieces - 1)
            + timeline.last.as_secs_f64();
        prop_assert!((sum - seconds).abs() < 1.01 / rate, "{sum} {seconds}");
        prop_assert!(!timeline.last.is_zero() && timeline.last <= timeline.piece);
        prop_assert!(plan.first_unit(timeline.pieces - 1) < plan.units());
        prop_assert_eq!(plan.first_unit(timeline.pieces), plan.units());
        // A piece that does not exist makes no panic either.
        for first_piece in [index, index % timeline.pieces] {
            let format = pan_model::StreamFormat::M3u8_320x240;
            let encoding = Encoding { input: "x", format, first_piece, threads: 1 };
            encode_arguments(&facts, &plan, encoding);
        }
    }
}
