//! Random programs on a model and on the real thing (T1): every reply, then
//! the whole tree and the quota, then check.

mod compare;
mod days;
mod drive;
mod program;
mod rules;
mod run;
mod views;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pan_conformance::pcs::{Accounts, Client, DEMO, TokenSpec};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::crash::{seed, variable};
use crate::server::{CommandLine, Server, empty_directory};
use days::Days;

crate::tests![random_programs_do_what_the_model_does, so_do_programs_in_which_days_pass];

const PROGRAMS: u64 = 256;
const OPERATIONS: usize = 64;

fn random_programs_do_what_the_model_does() {
    let seed = seed();
    let programs = variable("OPENPAN_TEST_MODEL_PROGRAMS").unwrap_or(PROGRAMS);
    println!("model: OPENPAN_TEST_SEED={seed} OPENPAN_TEST_MODEL_PROGRAMS={programs}");
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let accounts = CommandLine(&data);
    let next = AtomicU64::new(0);
    let done = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= programs {
                        return;
                    }
                    let program = new_program(&accounts, &server.address, seed, number);
                    done.fetch_add(program.run(OPERATIONS), Ordering::Relaxed);
                }
            });
        }
    });
    let done = done.into_inner();
    println!("model: {done} of {} requests changed something", programs * OPERATIONS as u64);
    assert!(done > programs * OPERATIONS as u64 / 5, "too few to mean anything: {done}");
    server.check();
    server.stop();
    Server::start(&data).check();
}

// One after the other: they have one clock.
fn so_do_programs_in_which_days_pass() {
    let seed = seed();
    let programs = variable("OPENPAN_TEST_MODEL_PROGRAMS").unwrap_or(PROGRAMS) / 4;
    println!("model: OPENPAN_TEST_SEED={seed}, {programs} programs in which days pass");
    let days = Arc::new(Days::begin());
    for number in 0..programs {
        let program = new_program(&*days, &days.address, !seed, number);
        let days = days.clone();
        program.with_clock(Box::new(move |passed| days.pass(passed))).run(OPERATIONS);
    }
    days.check();
}

/// A program of its own user; every fourth one has little room.
fn new_program(accounts: &dyn Accounts, address: &str, seed: u64, number: u64) -> run::Program {
    let mut random = StdRng::seed_from_u64(seed ^ (number << 20));
    let quota = (number % 4 == 3).then(|| random.random_range(20_000..80_000));
    let user = format!("program{number}");
    accounts.add_user(&user, quota);
    let caller = |spec: &TokenSpec| Client::new(address, &accounts.issue_token(&user, spec));
    run::Program::new(
        format!("seed {seed}, program {number}"),
        random,
        quota,
        caller(&TokenSpec::rooted(DEMO)),
        caller(&TokenSpec::rooted("/").relaxed()),
    )
}
