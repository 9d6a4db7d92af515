//! Many writers, some readers, and large directories that come and go (T7).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use pan_conformance::pcs::Client;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::over_http::{OverHttp, listing, plant};
use super::storage::{ROOTS, Reader, Storage, difference};
use crate::crash::seed;
use crate::shared::with_target;

crate::tests![nothing_is_missed_in_a_crowd];

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

fn write(client: &Client, number: u64, mut random: StdRng, done: &AtomicU64) {
    let top = ["/a", "/a/b", "/c", "/d"][(number % 4) as usize];
    while done.load(Ordering::Relaxed) < CHANGES {
        let path = |random: &mut StdRng| {
            let inner = ["", "/x", "/y", "/x/z"][random.random_range(0..4)];
            format!("{top}/w{number}{inner}/{}", random.random_range(0..6))
        };
        let reply = match random.random_range(0..10) {
            0..6 => client.put_ondup(&path(&mut random), b"x", "overwrite"),
            6..8 => client.mv(&path(&mut random), &path(&mut random)),
            8 => client.cp(&path(&mut random), &path(&mut random)),
            _ => client.rm(&path(&mut random)),
        };
        if reply.status() == 200 {
            done.fetch_add(1, Ordering::Relaxed);
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
