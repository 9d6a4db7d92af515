//! Random programs: few names, so that everything meets everything.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::in_process::Ground;
use super::storage::{Op, ROOTS, Reader, Storage, difference};
use crate::crash::{seed, variable};

crate::tests![random_programs_end_in_the_listing];

const PROGRAMS: u64 = 200;
/// The largest page that a program asks for.
pub(crate) const PAGE_MAX: usize = 6;

fn random_programs_end_in_the_listing() {
    let seed = seed();
    let programs = variable("OPENPAN_TEST_FEED_PROGRAMS").unwrap_or(PROGRAMS);
    println!("feed: OPENPAN_TEST_SEED={seed} OPENPAN_TEST_FEED_PROGRAMS={programs}");
    let ground = Ground::new();
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= programs {
                        return;
                    }
                    let storage = ground.user(&format!("program{number}"));
                    let readers = (0..ROOTS.len()).map(Reader::new).collect();
                    if let Err(wrong) = run(&storage, seed ^ (number << 20), 60, readers) {
                        panic!("seed {seed}, program {number}: {wrong}");
                    }
                }
            });
        }
    });
    ground.check();
}

/// Runs a program of up to so many rounds; an error says where a reader went
/// wrong.
pub(crate) fn run(
    storage: &dyn Storage,
    seed: u64,
    rounds: usize,
    mut readers: Vec<Reader>,
) -> Result<(), String> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut content = 0;
    for _ in 0..random.random_range(5..rounds) {
        for _ in 0..random.random_range(0..5) {
            content += 1;
            storage.act(&op(&mut random, content));
        }
        let nth = random.random_range(0..readers.len());
        let size = random.random_range(1..=PAGE_MAX);
        if !readers[nth].read(storage, &mut random, size) {
            compare(storage, &readers[nth], "in between")?;
        }
    }
    for reader in &mut readers {
        let size = random.random_range(1..=PAGE_MAX);
        reader.catch_up(storage, &mut random, size);
        compare(storage, reader, "at the end")?;
    }
    Ok(())
}

fn compare(storage: &dyn Storage, reader: &Reader, when: &str) -> Result<(), String> {
    match difference(&reader.tree, &storage.listing(reader.root)) {
        None => Ok(()),
        Some(difference) => Err(format!("{when}, root {}: {difference}", ROOTS[reader.root])),
    }
}

fn op(random: &mut StdRng, content: u64) -> Op {
    match random.random_range(0..100) {
        0..36 => Op::Put { path: path(random), content: format!("{content}") },
        36..42 => Op::Mkdir { path: path(random) },
        42..60 => Op::Move { from: path(random), to: path(random) },
        60..68 => Op::Copy { from: path(random), to: path(random) },
        68..82 => Op::Delete { path: path(random) },
        82..94 => Op::Restore { nth: random.random_range(0..100) },
        _ => Op::Empty { root: random.random_range(0..ROOTS.len()) },
    }
}

fn path(random: &mut StdRng) -> String {
    let mut path = String::new();
    for _ in 0..random.random_range(1..5) {
        path.push('/');
        path.push_str(match random.random_range(0..14) {
            0..4 => "a",
            4..8 => "b",
            8..12 => "c",
            // One name in both of its spellings.
            12 => "\u{e9}",
            _ => "e\u{301}",
        });
    }
    path
}
