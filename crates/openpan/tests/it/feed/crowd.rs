//! Many writers, some readers, and large directories that come and go (T7).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use pan_conformance::pcs::Client;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::over_http::{OverHttp, listing, plant, read_page};
use super::storage::{Op, Page, ROOTS, Reader, Storage, Tree, difference};
use crate::crash::seed;
use crate::server::{Server, empty_directory};
use crate::shared::with_target;

crate::tests![nothing_is_missed_in_a_crowd, a_cursor_outlives_a_crash];

const WRITERS: u64 = 16;
const CHANGES: u64 = 5_000;
/// Between two looks of a reader who has seen everything.
const PAUSE: Duration = Duration::from_millis(20);

fn nothing_is_missed_in_a_crowd() {
    let seed = seed();
    println!("feed in a crowd: OPENPAN_TEST_SEED={seed}");
    with_target(|t| {
        plant(&t.owner(), "/a/big", 8);
        let (done, over) = (AtomicU64::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..4)
                .map(|root| {
                    let storage = OverHttp::new(t);
                    let over = &over;
                    scope.spawn(move || {
                        let reader = follow(&storage, root, seed, over);
                        (storage, reader)
                    })
                })
                .collect();
            let writers: Vec<_> = (0..WRITERS)
                .map(|number| {
                    let (client, done) = (t.owner(), &done);
                    let random = StdRng::seed_from_u64(seed ^ (number << 32));
                    scope.spawn(move || write(&client, number, random, done))
                })
                .collect();
            let mover = {
                let (client, over) = (t.owner(), &over);
                scope.spawn(move || shift(&client, over))
            };
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            over.store(true, Ordering::Release);
            assert!(done.load(Ordering::Relaxed) >= CHANGES, "the server stays");
            let shifted = mover.join().unwrap();
            println!("feed in a crowd: {shifted} changes of large directories");
            assert!(shifted >= 3, "the large directories must move meanwhile");
            let client = t.owner();
            for reader in readers {
                let (storage, mut reader) = reader.join().unwrap();
                reader.catch_up(&storage, &mut StdRng::seed_from_u64(seed), 0);
                let listed = listing(&client, ROOTS[reader.root]);
                assert_eq!(difference(&reader.tree, &listed), None, "{}", ROOTS[reader.root]);
                assert!(reader.root > 0 || listed.len() > 2_500, "{} entries", listed.len());
            }
        });
    });
}

/// Reads page after page until the writers are done.
fn follow(storage: &dyn Storage, root: usize, seed: u64, over: &AtomicBool) -> Reader {
    let random = &mut StdRng::seed_from_u64(seed ^ root as u64);
    let mut reader = Reader::new(root);
    while !over.load(Ordering::Acquire) {
        if !reader.read(storage, random, 0) {
            std::thread::sleep(PAUSE);
        }
    }
    // What the writers did last may still be to come.
    reader
}

/// Works in a directory of its own until enough was done, or the server is gone.
fn write(client: &Client, number: u64, mut random: StdRng, done: &AtomicU64) {
    let top = ["/a", "/a/b", "/c", "/d"][(number % 4) as usize];
    while done.load(Ordering::Relaxed) < CHANGES {
        let mut path = || {
            let inner = ["", "/x", "/y", "/x/z"][random.random_range(0..4)];
            format!("{top}/w{number}{inner}/{}", random.random_range(0..6))
        };
        let (path, other) = (path(), path());
        let pair = |verb: &str| client.file(verb).param("from", &path).param("to", &other);
        let call = match random.random_range(0..10) {
            0..6 => {
                let upload = client.file("upload").param("path", &path);
                upload.param("ondup", "overwrite").content(other.as_bytes())
            }
            6..8 => pair("move"),
            8 => pair("copy"),
            _ => client.file("delete").param("path", &path),
        };
        match client.try_send(&call) {
            Ok(reply) => drop(done.fetch_add((reply.status() == 200).into(), Ordering::Relaxed)),
            Err(_) => return,
        }
    }
}

/// Moves, deletes and restores a directory of thousands, over and over.
fn shift(client: &Client, over: &AtomicBool) -> u64 {
    let mut shifted = 0;
    let mut place = 0;
    let places = ["/a/big", "/c/big", "/d/big", "/a/b/big"];
    while !over.load(Ordering::Acquire) {
        let next = (place + 1) % places.len();
        client.mv(places[place], places[next]).ok();
        client.rm(places[next]).ok();
        let bin = client.file("listrecycle").get().param("limit", "1000").send().ok();
        let bin = bin["list"].as_array().unwrap().iter();
        let mut bin = bin.filter(|record| record["path"] == places[next]);
        let fs_id = bin.next().unwrap()["fs_id"].to_string();
        client.file("restore").param("fs_id", fs_id).send().ok();
        place = next;
        shifted += 3;
    }
    shifted
}

/// What a reader was told is durable, and its cursor goes on where it was.
fn a_cursor_outlives_a_crash() {
    let seed = seed();
    println!("feed in a crash: OPENPAN_TEST_SEED={seed}");
    let directory = empty_directory();
    let data = directory.path().join("data");
    let mut random = StdRng::seed_from_u64(seed);
    let mut server = Server::start(&data);
    let token = server.setup_token().unwrap();
    let mut reader = Reader::new(0);
    for round in 0..4u64 {
        let (address, done) = (server.address.clone(), AtomicU64::new(0));
        let client = || Client::new(&address, &token);
        std::thread::scope(|scope| {
            for number in 0..4 {
                let (client, done) = (client(), &done);
                let random = StdRng::seed_from_u64(seed ^ (round << 40) ^ (number << 32));
                scope.spawn(move || write(&client, number, random, done));
            }
            let storage = OneCaller(client());
            while done.load(Ordering::Relaxed) < 100 {
                reader.read(&storage, &mut random, 0);
            }
            server.kill();
        });
        server = Server::start(&data);
        let storage = OneCaller(Client::new(&server.address, &token));
        let resets = reader.resets;
        reader.catch_up(&storage, &mut random, 0);
        assert_eq!(reader.resets, resets, "round {round}: the cursor is still good");
        assert_eq!(difference(&reader.tree, &storage.listing(0)), None, "round {round}");
    }
    server.check();
    server.stop();
}

/// The feed of one token; nothing else.
struct OneCaller(Client);

impl Storage for OneCaller {
    fn act(&self, op: &Op) {
        panic!("a reader does not do {op:?}")
    }

    fn page(&self, _: usize, cursor: Option<&str>, _: usize) -> Page {
        read_page(&self.0, cursor)
    }

    fn listing(&self, root: usize) -> Tree {
        listing(&self.0, ROOTS[root])
    }
}
