use std::cell::RefCell;
use std::collections::HashMap;

use clap::Parser;
use futures_util::stream;
use pan_sdk::ByteSize;

use super::{Job, Pump, UNREACHABLE_MAX, Work};
use crate::bars::Bars;
use crate::cli::GlobalOptions;
use crate::copy_args::CopyArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;
use crate::transfers::{Failed, Outcome, Report, Step, TransferArgs};

#[derive(Parser)]
#[command(no_binary_name = true)]
struct Options {
    #[command(flatten)]
    global: GlobalOptions,
    #[command(flatten)]
    transfer: TransferArgs,
    #[command(flatten)]
    copy: CopyArgs,
}

/// A job that fails so many times before it succeeds.
struct Item {
    number: usize,
    size: u64,
    failures: usize,
    fails: fn() -> Failed,
}

impl Job for Item {
    fn size(&self) -> Option<u64> {
        Some(self.size)
    }

    fn name(&self) -> String {
        self.number.to_string()
    }
}

/// Work that is only counted: how often for each item, and in which order.
#[derive(Default)]
struct Counted {
    tries: RefCell<HashMap<usize, usize>>,
    order: RefCell<Vec<usize>>,
}

impl Work for Counted {
    type Job = Item;
    const BATCH_FILES: usize = 2;

    fn batches(&self) -> usize {
        1
    }

    async fn work(&self, jobs: Vec<Item>) -> Vec<(Item, Outcome)> {
        let mut ended = Vec::new();
        for job in jobs {
            self.order.borrow_mut().push(job.number);
            let tries = *self.tries.borrow().get(&job.number).unwrap_or(&0) + 1;
            self.tries.borrow_mut().insert(job.number, tries);
            let outcome = match tries > job.failures {
                true => Outcome::Done(Report {
                    action: "put",
                    from: job.name(),
                    to: job.name(),
                    is_dir: false,
                    size: ByteSize(job.size),
                    md5: None,
                }),
                false => Outcome::Failed((job.fails)()),
            };
            ended.push((job, outcome));
        }
        ended
    }
}

fn in_passing() -> Failed {
    Failed { failure: Failure::other("busy"), may_pass: true }
}

fn unreachable() -> Failed {
    let failure = Failure { is_unreachable: true, ..Failure::new(Exit::Temporary, "gone") };
    Failed { failure, may_pass: true }
}

/// Runs items of this size; what was done, and how it ended.
fn run(words: &[&str], items: Vec<(usize, fn() -> Failed)>, size: u64) -> (Counted, Option<Exit>) {
    let options = Options::parse_from([&["-q"], words].concat());
    let screen = Screen::new(&options.global);
    let work = Counted::default();
    let items = items
        .into_iter()
        .enumerate()
        .map(|(number, (failures, fails))| Step::Do(Item { number, size, failures, fails }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ended = runtime.block_on(async {
        let bars = Bars::new(&screen.stderr);
        let pump =
            Pump { screen: &screen, args: &options.transfer, copy: &options.copy, bars: &bars };
        pump.run(stream::iter(items.collect::<Vec<_>>()), &work).await
    });
    (work, ended.err().map(|failure| failure.exit))
}

#[test]
fn what_fails_in_passing_waits_for_the_others() {
    let items: Vec<(usize, fn() -> Failed)> =
        vec![(1, in_passing), (0, in_passing), (2, in_passing), (0, in_passing), (9, in_passing)];
    let (work, exit) = run(&["--retries", "3"], items, 10);
    assert_eq!(exit, Some(Exit::Some));
    let order = work.order.into_inner();
    assert_eq!(order[..8], [0, 1, 2, 3, 4, 0, 2, 4]);
    let tries = work.tries.into_inner();
    assert_eq!((tries[&0], tries[&2], tries[&4]), (2, 3, 4));
    let (work, exit) = run(&["--retries", "0"], vec![(1, in_passing), (0, in_passing)], 10);
    assert_eq!((work.order.into_inner(), exit), (vec![0, 1], Some(Exit::Some)));
}

#[test]
fn what_fails_for_good_is_not_tried_again() {
    let for_good = || Failed::for_good(Failure::new(Exit::NoFile, "gone"));
    let (work, exit) = run(&[], vec![(1, for_good)], 10);
    assert_eq!((work.order.into_inner().len(), exit), (1, Some(Exit::NoFile)));
}

#[test]
fn a_service_that_is_gone_is_not_asked_for_every_file() {
    let large = 1 << 20;
    let (work, exit) = run(&["--transfers", "1"], vec![(99, unreachable); 1000], large);
    assert_eq!(exit, Some(Exit::Temporary));
    assert_eq!(work.order.into_inner().len(), UNREACHABLE_MAX as usize);
    // One that answers in between begins the count anew.
    let mut items: Vec<(usize, fn() -> Failed)> = vec![(1, unreachable); 12];
    items[5].0 = 0;
    let (work, exit) = run(&["--transfers", "1"], items, large);
    assert_eq!((work.tries.into_inner().len(), exit), (12, None));
}

#[test]
fn the_limit_of_bytes_is_kept_by_what_is_begun() {
    let items: Vec<(usize, fn() -> Failed)> = vec![(1, in_passing); 5];
    let (work, exit) = run(&["--max-transfer", "30"], items.clone(), 10);
    let tries = work.tries.into_inner();
    // Another try is not another file.
    assert_eq!((tries.len(), tries[&0], exit), (3, 2, Some(Exit::MaxTransfer)));
    let (work, exit) = run(&["--max-transfer", "50"], items, 10);
    assert_eq!((work.tries.into_inner().len(), exit), (5, None));
    assert_eq!(run(&["--error-on-no-transfer"], vec![], 10).1, Some(Exit::NoTransfer));
    assert_eq!(run(&["--error-on-no-transfer"], vec![(0, in_passing)], 10).1, None);
}
