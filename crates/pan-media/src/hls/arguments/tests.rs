use pan_model::StreamFormat::{
    M3u8_320x240, M3u8_480x224, M3u8_480x360, M3u8_640x480, M3u8_854x480, M3u8Auto480, M3u8Auto720,
};
use proptest::prelude::*;

use super::{LONG_MAX, fit, probe_arguments};
use crate::hls::Container;

#[test]
fn pictures_fit_their_format_and_keep_their_shape() {
    let table = [
        ((1920, 1080), M3u8_320x240, (320, 180)),
        ((1920, 1080), M3u8_480x224, (398, 224)),
        ((1920, 1080), M3u8_480x360, (480, 270)),
        ((1920, 1080), M3u8_640x480, (640, 360)),
        ((1920, 1080), M3u8_854x480, (854, 480)),
        ((1920, 1080), M3u8Auto480, (854, 480)),
        ((1920, 1080), M3u8Auto720, (1280, 720)),
        // Upright: the sides of the format change places.
        ((1080, 1920), M3u8_854x480, (480, 854)),
        ((1080, 1920), M3u8Auto720, (720, 1280)),
        ((1080, 1920), M3u8_320x240, (180, 320)),
        // Never larger, but for the even number.
        ((160, 120), M3u8Auto720, (160, 120)),
        ((127, 63), M3u8_320x240, (128, 64)),
        ((1, 1), M3u8Auto720, (2, 2)),
        ((1, 8192), M3u8_320x240, (2, 320)),
        // What an auto format leaves open has a bound.
        ((8192, 600), M3u8Auto480, (2560, 188)),
        ((2048, 858), M3u8_854x480, (854, 358)),
        ((720, 576), M3u8_640x480, (600, 480)),
    ];
    for (picture, format, size) in table {
        assert_eq!(fit(picture, format), size, "{picture:?} {format:?}");
    }
}

#[test]
fn only_the_source_and_nothing_that_it_names_is_read() {
    for (input, protocols) in [("http://127.0.0.1:8000/source", "http,tcp"), ("a.mp4", "file")] {
        let said = probe_arguments(Container::Mov, input);
        let after = |name: &str| {
            let at = said.iter().position(|word| word == name).unwrap();
            said[at + 1].to_str().unwrap().to_owned()
        };
        assert_eq!(after("-protocol_whitelist"), protocols);
        assert_eq!(after("-format_whitelist"), "mov");
        assert_eq!(after("-f"), "mov");
        assert_eq!(after("-i"), input);
    }
}

proptest! {
    #[test]
    fn every_picture_fits(width in 1_u32..=8192, height in 1_u32..=8192) {
        let formats = [
            M3u8_320x240, M3u8_480x224, M3u8_480x360, M3u8_640x480, M3u8_854x480, M3u8Auto480,
            M3u8Auto720,
        ];
        for format in formats {
            let (across, down) = fit((width, height), format);
            let (long, short) = format.bounds();
            prop_assert!(across >= 2 && down >= 2 && across % 2 == 0 && down % 2 == 0);
            prop_assert!(across.max(down) <= long.unwrap_or(LONG_MAX));
            prop_assert!(across.min(down) <= short);
            prop_assert!(across <= width + 1 && down <= height + 1);
            prop_assert_eq!((down, across), fit((height, width), format));
        }
    }
}
