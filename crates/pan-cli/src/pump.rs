//! Many files at once: what `put` and `get` share.
//!
//! A walk runs ahead and counts. What it finds is worked on in two lanes:
//! large files one by one, small ones in batches where that is quicker. What
//! failed in passing waits until everything else is done.

mod queue;

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{FutureExt, LocalBoxFuture};
use futures_util::stream::{FuturesUnordered, Stream, StreamExt};
use pan_sdk::ByteSize;
use tokio::sync::mpsc::{self, Receiver, Sender};

use self::queue::{Lane, Queue};
use crate::bars::Bars;
use crate::copy_args::CopyArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;
use crate::show::count;
use crate::tally::Tally;
use crate::transfers::{Failed, Outcome, Step, TransferArgs, tell};

/// How far the walk is ahead of the transfers: so many files are counted
/// before they are begun.
const STEPS_AHEAD: usize = 20_000;
/// How many files that failed are remembered for another try.
const AGAIN_MAX: usize = 20_000;
/// So many transfers in a row that found no service, each after having tried
/// for a while, speak for all others.
const UNREACHABLE_MAX: u32 = 8;
/// How long what failed rests before the first new try.
const REST: Duration = Duration::from_millis(500);

/// Something to transfer.
pub(crate) trait Job {
    /// Its bytes; `None` when it is a directory.
    fn size(&self) -> Option<u64>;
    /// What it is called when it is told about.
    fn name(&self) -> String;
}

/// How a command transfers.
pub(crate) trait Work {
    type Job: Job;
    /// How many small files go together.
    const BATCH_FILES: usize;

    /// How many batches of small files are under way at once.
    fn batches(&self) -> usize;

    /// Transfers a large file, or a batch of small ones. Every job comes back.
    async fn work(&self, jobs: Vec<Self::Job>) -> Vec<(Self::Job, Outcome)>;
}

/// What a command transfers with.
pub(crate) struct Pump<'a> {
    pub(crate) screen: &'a Screen,
    pub(crate) args: &'a TransferArgs,
    pub(crate) copy: &'a CopyArgs,
    pub(crate) bars: &'a Bars,
}

impl Pump<'_> {
    /// Does what a walk comes upon. What fails is told and counted, and the
    /// others go on, unless they would all fail alike.
    pub(crate) async fn run<W: Work>(
        &self,
        steps: impl Stream<Item = Step<W::Job>>,
        work: &W,
    ) -> Result<(), Failure> {
        let (sender, steps_ahead) = mpsc::channel(STEPS_AHEAD);
        let walk = async {
            self.walk(steps, sender).await;
            std::future::pending().await
        };
        let course = Course::new(self, work);
        let all = async {
            tokio::select! {
                result = course.run(steps_ahead) => result,
                never = walk => never,
            }
        };
        self.copy.in_time(all).await
    }

    /// Counts what is found on its way to the transfers.
    async fn walk<J: Job>(&self, steps: impl Stream<Item = Step<J>>, found: Sender<Step<J>>) {
        let counts = self.bars.counts();
        let mut steps = pin!(steps);
        while let Some(step) = steps.next().await {
            if let Step::Do(job) = &step
                && let Some(size) = job.size()
            {
                counts.found(size);
            }
            if found.send(step).await.is_err() {
                return;
            }
        }
        counts.found_all();
    }
}

/// What a batch came to.
type Ended<J> = (Lane, Vec<(J, Outcome)>);

/// The course of a command.
struct Course<'a, W: Work> {
    pump: &'a Pump<'a>,
    work: &'a W,
    queue: Queue<W::Job>,
    running: FuturesUnordered<LocalBoxFuture<'a, Ended<W::Job>>>,
    again: Vec<W::Job>,
    round: u16,
    tally: Tally,
    /// The bytes of everything that was begun, for `--max-transfer`.
    begun_bytes: u64,
    /// A file for which there is room only if others are left out after all.
    held_back: Option<W::Job>,
    files_done: u64,
    unreachable: u32,
    /// Why nothing more is begun.
    stop: Option<Failure>,
}

impl<'a, W: Work> Course<'a, W> {
    fn new(pump: &'a Pump<'a>, work: &'a W) -> Self {
        let large = pump.args.at_once();
        Self {
            pump,
            work,
            queue: Queue::new(W::BATCH_FILES, work.batches(), large),
            running: FuturesUnordered::new(),
            again: Vec::new(),
            round: 0,
            tally: Tally::new(&pump.screen.stderr),
            begun_bytes: 0,
            held_back: None,
            files_done: 0,
            unreachable: 0,
            stop: None,
        }
    }

    async fn run(mut self, mut steps: Receiver<Step<W::Job>>) -> Result<(), Failure> {
        let mut is_open = true;
        loop {
            self.held_back.take().into_iter().for_each(|job| self.admit(job));
            while self.takes_more()
                && let Ok(step) = steps.try_recv()
            {
                self.take(step);
            }
            self.start();
            tokio::select! {
                Some(ended) = self.running.next() => self.settle(ended)?,
                step = steps.recv(), if is_open && self.takes_more() => match step {
                    Some(step) => self.take(step),
                    None => is_open = false,
                },
                else => if !self.begin_again().await { break },
            }
        }
        match self.pump.copy.dry_run {
            true => self.pump.bars.clear(),
            false => self.pump.bars.finish(),
        }
        self.finish()
    }

    fn takes_more(&self) -> bool {
        self.stop.is_none() && self.held_back.is_none() && self.queue.has_room()
    }

    /// Takes what the walk has come upon.
    fn take(&mut self, step: Step<W::Job>) {
        let stderr = &self.pump.screen.stderr;
        match step {
            Step::Do(job) => self.admit(job),
            Step::Skip(text) => stderr.note(&text),
            Step::Same(text) => {
                self.pump.bars.counts().left_out();
                stderr.say(&text);
            }
            Step::Fail(failure) => self.tally.failed(failure),
        }
    }

    fn admit(&mut self, job: W::Job) {
        let begun_bytes = self.begun_bytes + job.size().unwrap_or(0);
        if let Some(limit) = self.pump.copy.max_transfer
            && begun_bytes > limit.0
        {
            if !self.running.is_empty() || !self.queue.is_empty() {
                self.held_back = Some(job);
                return;
            }
            let begun = ByteSize(self.begun_bytes);
            let message = format!("stopped after {begun}: with `{}` it", job.name());
            let message = format!("{message} would be more than --max-transfer {limit}");
            self.stop = Some(Failure::new(Exit::MaxTransfer, message));
            return;
        }
        self.begun_bytes = begun_bytes;
        self.queue.push(job);
    }

    /// Begins what there is a lane for.
    fn start(&mut self) {
        while let Some((lane, jobs)) = self.queue.next() {
            let work = self.work.work(jobs);
            self.running.push(work.map(move |outcomes| (lane, outcomes)).boxed_local());
        }
    }

    fn settle(&mut self, (lane, outcomes): Ended<W::Job>) -> Result<(), Failure> {
        self.queue.ended(lane);
        let (mut is_reached, mut is_lost) = (false, false);
        for (job, outcome) in outcomes {
            match outcome {
                Outcome::Done(report) => {
                    is_reached = true;
                    self.tally.done();
                    self.files_done += u64::from(!report.is_dir);
                    tell(self.pump.screen, &report, self.pump.copy.dry_run)?;
                }
                Outcome::Same(text) => {
                    self.begun_bytes -= job.size().unwrap_or(0).min(self.begun_bytes);
                    self.pump.bars.counts().left_out_after_all(job.size().unwrap_or(0));
                    self.pump.screen.stderr.say(&text);
                }
                Outcome::Failed(failed) => {
                    is_lost |= failed.failure.is_unreachable;
                    is_reached |= !failed.failure.is_unreachable;
                    self.failed(job, failed)?;
                }
            }
        }
        self.unreachable = if is_reached { 0 } else { self.unreachable + u32::from(is_lost) };
        if self.unreachable >= UNREACHABLE_MAX {
            let message = "given up: the service cannot be reached, and the rest would fail alike";
            return Err(Failure::new(Exit::Temporary, message)
                .hint("run the same command again when the service is back"));
        }
        Ok(())
    }

    fn failed(&mut self, job: W::Job, failed: Failed) -> Result<(), Failure> {
        let Failed { failure, may_pass } = failed;
        if failure.is_fatal() {
            return Err(failure);
        }
        if may_pass && self.round < self.pump.copy.retries && self.again.len() < AGAIN_MAX {
            let note = format!("{}; it is tried again after the others", failure.message);
            self.pump.screen.stderr.note(&note);
            self.again.push(job);
        } else {
            self.tally.failed(failure);
        }
        Ok(())
    }

    /// When everything else is done: queues what failed in passing.
    async fn begin_again(&mut self) -> bool {
        if self.again.is_empty() {
            return false;
        }
        tokio::time::sleep(REST * 2u32.saturating_pow(u32::from(self.round).min(6))).await;
        self.round += 1;
        let files = count(self.again.len() as u64, "item");
        let (round, rounds) = (self.round, self.pump.copy.retries);
        self.pump.screen.stderr.note(&format!("trying {files} again ({round} of {rounds})"));
        self.again.drain(..).for_each(|job| self.queue.push(job));
        true
    }

    fn finish(self) -> Result<(), Failure> {
        let ended = self.tally.finish();
        if let Some(stop) = self.stop {
            // What failed before was told when it did.
            return Err(stop);
        }
        if ended.is_ok() && self.files_done == 0 && self.pump.copy.error_on_no_transfer {
            return Err(Failure::new(Exit::NoTransfer, "no file had to be transferred"));
        }
        ended
    }
}

#[cfg(test)]
mod tests;
