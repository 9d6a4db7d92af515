//! A download that has begun ends with the bytes it began with (G10).

use std::io::Read;
use std::thread::sleep;
use std::time::Duration;

use pan_conformance::pcs::wire::{Connection, Head};
use pan_conformance::pcs::{Client, digest};

use crate::shared::with_target;

crate::tests![
    an_overwrite_does_not_disturb_a_reader,
    a_delete_does_not_disturb_a_reader,
    a_move_does_not_disturb_a_reader,
    a_superfile_is_read_to_its_end_too,
    a_slow_reader_stops_nobody,
];

/// More than the kernel buffers between two sockets, so that most of it has
/// not left the server when the file changes.
const LARGE: usize = 24 << 20;
const PATH: &str = "/apps/demo/large";

/// A download of which only the beginning has been read.
struct Reading {
    connection: Connection,
    head: Head,
    got: Vec<u8>,
}

fn begin(demo: &Client) -> Reading {
    let mut connection = demo.connect();
    let call = demo.file("download").get().param("path", PATH);
    connection.send(&call.to_bytes()).unwrap();
    let head = connection.read_head().unwrap();
    assert_eq!(head.status, 200);
    let mut got = vec![0; 100_000];
    connection.read_exact(&mut got).unwrap();
    Reading { connection, head, got }
}

impl Reading {
    fn finish(mut self) -> Vec<u8> {
        let length: usize = self.head.field("content-length").unwrap().parse().unwrap();
        let start = self.got.len();
        self.got.resize(length, 0);
        self.connection.read_exact(&mut self.got[start..]).unwrap();
        self.got
    }
}

fn while_reading(change: impl Fn(&Client)) {
    with_target(|t| {
        let demo = t.demo();
        let old = digest::content(1, LARGE);
        demo.put(PATH, &old).ok();
        let reading = begin(&demo);
        change(&demo);
        // Give whatever cleans up a chance to do it too early.
        sleep(Duration::from_millis(500));
        assert!(reading.finish() == old, "the reader got the old bytes whole");
    });
}

fn an_overwrite_does_not_disturb_a_reader() {
    while_reading(|demo| {
        demo.put_ondup(PATH, &digest::content(2, LARGE), "overwrite").ok();
        let reply = demo.get(PATH);
        assert!(reply.file() == digest::content(2, LARGE), "a new reader gets the new bytes");
    });
}

fn a_delete_does_not_disturb_a_reader() {
    while_reading(|demo| {
        demo.rm("/apps/demo").ok();
        demo.get(PATH).refused(404, 31066);
        assert_eq!(demo.quota().1, 0);
    });
}

fn a_move_does_not_disturb_a_reader() {
    while_reading(|demo| {
        demo.mv(PATH, "/apps/demo/elsewhere").ok();
        demo.put(PATH, b"another").ok();
    });
}

fn a_superfile_is_read_to_its_end_too() {
    with_target(|t| {
        let demo = t.demo();
        let parts: Vec<Vec<u8>> = (0..6).map(|i| digest::content(i, LARGE / 6)).collect();
        let blocks: Vec<String> = parts.iter().map(|part| demo.put_block(part)).collect();
        demo.merge(PATH, &blocks).ok();
        let reading = begin(&demo);
        demo.put_ondup(PATH, b"new", "overwrite").ok();
        sleep(Duration::from_millis(300));
        assert!(reading.finish() == parts.concat());
    });
}

// A reader that takes nothing holds no lock, no snapshot, no worker.
fn a_slow_reader_stops_nobody() {
    with_target(|t| {
        let demo = t.demo();
        demo.put(PATH, &digest::content(1, LARGE)).ok();
        let readers: Vec<Reading> = (0..40).map(|_| begin(&demo)).collect();
        let other = t.demo();
        for i in 0..20 {
            let path = format!("/apps/demo/{i}");
            other.put(&path, &digest::content(i, 400_000)).ok();
            assert!(other.get(&path).file() == digest::content(i, 400_000));
        }
        assert_eq!(other.names("/apps/demo").len(), 21);
        drop(readers);
        assert_eq!(demo.get(PATH).file().len(), LARGE);
    });
}
