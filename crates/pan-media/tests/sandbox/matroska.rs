//! Matroska files that name others, and that lie.

use crate::canary::Canary;
use crate::hostile::hls_file;

/// A file of sound and pictures, and what it says about them.
struct Claims {
    milliseconds: f64,
    side: u64,
    nanoseconds_of_frame: u64,
    /// What is between the facts and the sound.
    rest: Vec<u8>,
}

/// What is true, but for the side: the pictures are empty.
fn honest() -> Claims {
    Claims { milliseconds: 1000.0, side: 16, nanoseconds_of_frame: 40_000_000, rest: Vec::new() }
}

/// The next part of it is the canary, and so is a playlist that is attached.
pub(crate) fn links(canary: &Canary) -> Vec<u8> {
    let next = canary.sound().display().to_string();
    let attached = [
        element(&[0x46, 0x6e], b"list.m3u8"),
        element(&[0x46, 0x60], b"application/vnd.apple.mpegurl"),
        element(&[0x46, 0x5c], &hls_file(canary)),
        element(&[0x46, 0xae], &[1]),
    ];
    let attachments =
        element(&[0x19, 0x41, 0xa4, 0x69], &element(&[0x61, 0xa7], &attached.concat()));
    let information = [
        element(&[0x3c, 0xb9, 0x23], &[7; 16]),
        element(&[0x3c, 0x83, 0xab], next.as_bytes()),
        element(&[0x3e, 0xb9, 0x23], &[8; 16]),
        element(&[0x3e, 0x83, 0xbb], next.as_bytes()),
    ];
    let information = element(&[0x15, 0x49, 0xa9, 0x66], &information.concat());
    file(&Claims { rest: [information, attachments].concat(), ..honest() })
}

pub(crate) fn ten_hours(_: &Canary) -> Vec<u8> {
    file(&Claims { milliseconds: 36_000_000.0, ..honest() })
}

pub(crate) fn a_billion_years(_: &Canary) -> Vec<u8> {
    file(&Claims { milliseconds: 3e22, ..honest() })
}

pub(crate) fn no_number_of_hours(_: &Canary) -> Vec<u8> {
    file(&Claims { milliseconds: f64::NAN, ..honest() })
}

pub(crate) fn negative_hours(_: &Canary) -> Vec<u8> {
    file(&Claims { milliseconds: -36_000_000.0, ..honest() })
}

pub(crate) fn huge_pictures(_: &Canary) -> Vec<u8> {
    file(&Claims { side: 16384, ..honest() })
}

pub(crate) fn a_million_pictures_a_second(_: &Canary) -> Vec<u8> {
    file(&Claims { nanoseconds_of_frame: 1000, ..honest() })
}

pub(crate) fn ten_thousand_streams(_: &Canary) -> Vec<u8> {
    let tracks: Vec<_> = (3..10_003).map(sound).collect();
    file(&Claims { rest: element(TRACKS, &tracks.concat()), ..honest() })
}

const TRACKS: &[u8] = &[0x16, 0x54, 0xae, 0x6b];

fn file(claims: &Claims) -> Vec<u8> {
    let head = element(&[0x1a, 0x45, 0xdf, 0xa3], &element(&[0x42, 0x82], b"matroska"));
    let information = [
        number(&[0x2a, 0xd7, 0xb1], 1_000_000),
        element(&[0x44, 0x89], &claims.milliseconds.to_be_bytes()),
    ];
    let information = element(&[0x15, 0x49, 0xa9, 0x66], &information.concat());
    let tracks = element(TRACKS, &[pictures(claims), sound(2)].concat());
    let block = |track: u8, body: &[u8]| {
        element(&[0xa3], &[&[0x80 | track, 0, 0, 0x80][..], body].concat())
    };
    let picture = block(1, &[0; 16 * 16 * 3 / 2]);
    // A second of silence.
    let blocks = [number(&[0xe7], 0), picture, block(2, &[0; 16_000])];
    let cluster = element(&[0x1f, 0x43, 0xb6, 0x75], &blocks.concat());
    let segment = [information, tracks, claims.rest.clone(), cluster].concat();
    [head, element(&[0x18, 0x53, 0x80, 0x67], &segment)].concat()
}

/// Raw pictures (I420).
fn pictures(claims: &Claims) -> Vec<u8> {
    let size = [
        number(&[0xb0], claims.side),
        number(&[0xba], claims.side),
        element(&[0x2e, 0xb5, 0x24], b"I420"),
    ];
    let entry = [
        number(&[0xd7], 1),
        number(&[0x73, 0xc5], 1),
        number(&[0x83], 1),
        number(&[0x23, 0xe3, 0x83], claims.nanoseconds_of_frame),
        element(&[0x86], b"V_UNCOMPRESSED"),
        element(&[0xe0], &size.concat()),
    ];
    element(&[0xae], &entry.concat())
}

/// Sound of 8 kHz, one channel, 16 bits.
fn sound(track: u64) -> Vec<u8> {
    let samples =
        [element(&[0xb5], &8000_f64.to_be_bytes()), number(&[0x9f], 1), number(&[0x62, 0x64], 16)];
    let entry = [
        number(&[0xd7], track),
        number(&[0x73, 0xc5], track),
        number(&[0x83], 2),
        element(&[0x86], b"A_PCM/INT/LIT"),
        element(&[0xe1], &samples.concat()),
    ];
    element(&[0xae], &entry.concat())
}

fn number(name: &[u8], number: u64) -> Vec<u8> {
    element(name, &number.to_be_bytes())
}

/// An element of EBML, its length in eight bytes.
fn element(name: &[u8], body: &[u8]) -> Vec<u8> {
    let length = (1 << 56) | body.len() as u64;
    [name, &length.to_be_bytes(), body].concat()
}
