use std::time::Duration;

use proptest::prelude::*;

use super::packet::{PACKET, Packet};
use super::{AUDIO_PID, OFFSET_SECONDS, PMT_PID, Splitter, VIDEO_PID, continued};
use crate::hls::Container;
use crate::hls::Plan;
use crate::hls::facts::{Audio, Facts, Video};

/// Twelve seconds of 25 pictures each: three pieces.
fn plan(has_video: bool) -> Plan {
    let video = has_video.then(|| Video {
        index: 0,
        codec: "h264".to_owned(),
        size: (2, 2),
        rates: [Some(25.0); 2],
        interlaced: false,
    });
    let audio = Some(Audio { index: 1 });
    let duration = Duration::from_secs(12);
    Plan::of(&Facts { container: Container::Mov, duration, video, audio }).unwrap()
}

/// A packet: its payload begins a unit when that has a time.
fn packet(pid: u16, key: bool, shown_at: Option<u64>, payload: &[u8]) -> Vec<u8> {
    let mut unit = Vec::new();
    if let Some(at) = shown_at {
        unit.extend([0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5]);
        unit.extend([
            0x21 | (at >> 29) as u8 & 0x0e,
            (at >> 22) as u8,
            (at >> 14) as u8 | 1,
            (at >> 7) as u8,
            (at << 1) as u8 | 1,
        ]);
    }
    unit.extend_from_slice(payload);
    let [high, low] = pid.to_be_bytes();
    let begins = if shown_at.is_some() { 0x40 } else { 0 };
    let mut bytes = vec![0x47, high | begins, low, 0x30];
    bytes.push((PACKET - 5 - unit.len()) as u8);
    bytes.push(if key { 0x40 } else { 0 });
    bytes.resize(PACKET - unit.len(), 0xff);
    bytes.extend(unit);
    bytes
}

fn tables() -> Vec<u8> {
    [packet(0, false, None, b"pat"), packet(PMT_PID, false, None, b"pmt")].concat()
}

fn seconds(count: u64) -> u64 {
    (count + OFFSET_SECONDS) * 90_000
}

#[test]
fn a_stream_is_cut_where_the_grid_says_however_it_comes() {
    let mut stream = tables();
    for piece in 1..3 {
        stream.extend(packet(VIDEO_PID, true, Some(seconds(4 * piece)), b"key"));
        stream.extend(packet(VIDEO_PID, false, Some(seconds(4 * piece) + 3600), b"next"));
    }
    for step in [1, 7, 187, 188, 189, 4096] {
        let mut splitter = Splitter::new(&plan(true), 1);
        let mut cuts = Vec::new();
        for bytes in stream.chunks(step) {
            cuts.extend(splitter.push(bytes).unwrap());
        }
        cuts.extend(splitter.finish().unwrap());
        assert_eq!(cuts.iter().map(|cut| cut.index).collect::<Vec<_>>(), [1, 2], "{step}");
        for cut in cuts {
            // Two tables, and one or two packets that have become sixteen.
            assert_eq!(cut.stream.len(), 18 * PACKET, "{step}");
        }
    }
}

#[test]
fn a_stream_that_leaves_the_grid_is_refused() {
    let push = |first, packets: &[Vec<u8>]| {
        let mut splitter = Splitter::new(&plan(true), first);
        splitter.push(&[tables(), packets.concat()].concat()).map(|cuts| (splitter, cuts))
    };
    let key = |at| packet(VIDEO_PID, true, Some(at), b"key");
    assert!(push(0, &[key(seconds(0))]).is_ok());
    assert!(push(0, &[key(seconds(0) + 2)]).is_ok());
    assert!(push(0, &[key(seconds(0) + 3)]).is_err());
    assert!(push(0, &[key(seconds(4))]).is_err());
    assert!(push(0, &[key(seconds(0)), key(seconds(8))]).is_err());
    assert!(push(0, &[packet(VIDEO_PID, true, None, b"no time")]).is_ok());
    assert!(push(2, &[key(seconds(8)), key(seconds(12))]).is_err());
    // It ends early, or in the middle of a packet.
    let (splitter, _) = push(0, &[key(seconds(0))]).unwrap_or_else(|error| panic!("{error}"));
    assert!(splitter.finish().is_err());
    let (mut splitter, _) = push(2, &[key(seconds(8))]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(splitter.push(&[0x47]), Ok(Vec::new()));
    assert!(splitter.finish().is_err());
    // No tables.
    let mut splitter = Splitter::new(&plan(true), 2);
    assert_eq!(splitter.push(&key(seconds(8))), Ok(Vec::new()));
    assert!(splitter.finish().is_err());
    assert!(Splitter::new(&plan(true), 0).push(&[0; PACKET]).is_err());
}

#[test]
fn sound_belongs_to_the_piece_of_its_time() {
    let sound = |at, text: &[u8]| packet(AUDIO_PID, false, Some(at), text);
    let stream = [
        tables(),
        packet(VIDEO_PID, true, Some(seconds(0)), b"key"),
        sound(seconds(3), b"before"),
        sound(seconds(4), b"after"),
        packet(AUDIO_PID, false, None, b"of-after"),
        packet(VIDEO_PID, true, Some(seconds(4)), b"key"),
        sound(seconds(5), b"later"),
        packet(VIDEO_PID, true, Some(seconds(8)), b"key"),
    ];
    let cuts = Splitter::new(&plan(true), 0).push(&stream.concat()).unwrap();
    let has = |at: usize, text: &[u8]| {
        // The filling may have split it: its first byte is enough, with the time.
        let packets = cuts[at].stream.chunks(PACKET).filter_map(Packet::parse);
        let sounds = packets.filter(|packet| packet.pid == AUDIO_PID);
        sounds
            .flat_map(|packet| packet.payload.to_vec())
            .collect::<Vec<_>>()
            .windows(text.len())
            .any(|window| window == text)
    };
    assert!(has(0, b"before") && !has(0, b"after"));
    assert!(has(1, b"after") && has(1, b"of-after") && has(1, b"later"));
}

proptest! {
    #[test]
    fn no_stream_makes_it_panic(
        packets in prop::collection::vec(
            (prop::sample::select(vec![0, PMT_PID, VIDEO_PID, AUDIO_PID, 0x1fff]),
             any::<[u8; 20]>(), 0_u8..=255, prop::sample::select(vec![0_u64, 4, 8, 12])),
            0..60,
        ),
        has_video: bool,
        first in 0_u32..4,
        step in 1_usize..400,
    ) {
        let mut stream = tables();
        for (pid, random, flags, at) in packets {
            if random[0] < 128 {
                stream.extend(packet(pid, flags & 1 == 1, Some(seconds(at)), &random));
            } else {
                let mut bytes = packet(pid, flags & 1 == 1, None, &random);
                bytes[3] = flags;
                bytes[4] = random[1];
                bytes[1] |= random[2] & 0xe0;
                stream.extend(bytes);
            }
        }
        let mut splitter = Splitter::new(&plan(has_video), first);
        for bytes in stream.chunks(step) {
            let Ok(cuts) = splitter.push(bytes) else { return Ok(()) };
            for cut in cuts {
                prop_assert_eq!(cut.stream.len() % PACKET, 0);
            }
        }
        let _ = splitter.finish();
    }

    #[test]
    fn counters_end_at_fifteen_and_nothing_is_lost(
        packets in prop::collection::vec(
            (any::<bool>(), prop::collection::vec(any::<u8>(), 0..169), any::<bool>()), 1..80),
    ) {
        let pid = |video| if video { VIDEO_PID } else { AUDIO_PID };
        let mut stream = Vec::new();
        for (video, payload, key) in &packets {
            // Something is long enough to be split.
            let payload = if payload.len() < 16 { &[7; 30][..] } else { payload };
            stream.extend(packet(pid(*video), *key, None, payload));
        }
        let mut out = Vec::new();
        continued(&stream, &mut out).unwrap();
        for pid in [VIDEO_PID, AUDIO_PID] {
            let of = |stream: &[u8]| -> (Vec<u8>, Vec<u8>) {
                let packets = stream.chunks(PACKET).filter(|bytes| {
                    Packet::parse(bytes).is_some_and(|packet| packet.pid == pid)
                });
                let (counters, payloads): (Vec<_>, Vec<_>) = packets
                    .map(|bytes| (bytes[3] & 15, Packet::parse(bytes).unwrap().payload.to_vec()))
                    .unzip();
                (counters, payloads.concat())
            };
            let (counters, carried) = of(&out);
            prop_assert_eq!(carried, of(&stream).1);
            prop_assert_eq!(counters.len() % 16, 0);
            prop_assert!(counters.iter().enumerate().all(|(at, counter)| at % 16 == usize::from(*counter)));
        }
    }
}
