//! What a thread of the hasher does: it takes jobs, and gives lanes their turn.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Buf;
use pan_model::Crc32;

use crate::lane::{BoxedLane, Lane, TreeAndCrc, TreeAsk, TreeEnd, Work};
use crate::md5::{BLOCK_BYTES, ContentMd5, LaneInput, digest_together};
use crate::queue::{Job, Queue};

/// A lane goes back to the end of the queue after this many bytes, so that
/// streams take turns and those that came late can join the others.
const TURN_BYTES: usize = 64 << 10;

/// Works until the queue is closed and empty.
///
/// A panic is a bug; it costs the streams of that turn, and others go on.
pub(crate) fn work(queue: &Queue) {
    while let Some(job) = queue.take() {
        match job {
            Job::Md5(lanes) => queue.end_md5(survive(|| md5_turn(lanes))),
            Job::Tree(lane) => {
                if let Some(lane) = survive(|| tree_turn(lane)) {
                    queue.put_tree(lane);
                }
            }
        }
    }
}

fn survive<T: Default>(turn: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(turn)).unwrap_or_default()
}

/// Digests what waits for these lanes, in step. Returns those with more to do.
fn md5_turn(mut lanes: Vec<BoxedLane<ContentMd5>>) -> Vec<BoxedLane<ContentMd5>> {
    lanes.iter_mut().for_each(|lane| lane.collect());
    let mut left = TURN_BYTES;
    while left > 0 {
        lanes.iter_mut().for_each(|lane| align(lane));
        let mut inputs: Vec<_> = lanes.iter_mut().filter_map(|lane| input(lane)).collect();
        let Some(common) = inputs.iter().map(|input| input.bytes.len()).min() else { break };
        let common = common.min(left);
        digest_together(&mut inputs, common / BLOCK_BYTES);
        lanes.iter_mut().for_each(|lane| advance(lane, common));
        left -= common;
    }
    lanes.into_iter().filter_map(Lane::settle).collect()
}

/// Does what cannot be done in step, until the lane's first work is a chunk
/// with whole blocks at its front, or nothing.
fn align(lane: &mut Lane<ContentMd5>) {
    while let Some(work) = lane.work.pop_front() {
        match work {
            Work::Chunk(mut chunk) => {
                chunk.advance(lane.digest.align(&chunk));
                if chunk.len() >= BLOCK_BYTES {
                    lane.work.push_front(Work::Chunk(chunk));
                    return;
                }
                lane.digest.align(&chunk);
            }
            Work::Ask(answer) => {
                // Whoever asked may have gone.
                let _ = answer.send(mem::take(&mut lane.digest).finish());
            }
        }
    }
}

/// The whole blocks at the front of an aligned lane, if it has any.
fn input(lane: &mut Lane<ContentMd5>) -> Option<LaneInput<'_>> {
    let Some(Work::Chunk(chunk)) = lane.work.front() else { return None };
    let bytes = lane.digest.whole_blocks(chunk);
    Some(LaneInput { words: lane.digest.words(), bytes })
}

/// Notes that the first `bytes` of the lane's first chunk have been digested.
fn advance(lane: &mut Lane<ContentMd5>, bytes: usize) {
    let Some(Work::Chunk(chunk)) = lane.work.front_mut() else { return };
    chunk.advance(bytes);
    lane.digest.advance(bytes);
    if chunk.is_empty() {
        lane.work.pop_front();
    }
}

/// Digests what waits for a tree lane. Returns it if there is more to do.
fn tree_turn(mut lane: BoxedLane<TreeAndCrc>) -> Option<BoxedLane<TreeAndCrc>> {
    lane.collect();
    let mut left = TURN_BYTES;
    while left > 0 {
        match lane.work.pop_front() {
            Some(Work::Chunk(mut chunk)) => {
                let now = chunk.split_to(chunk.len().min(left));
                left -= now.len();
                lane.digest.update(&now);
                if !chunk.is_empty() {
                    lane.work.push_front(Work::Chunk(chunk));
                }
            }
            Some(Work::Ask(ask)) => answer(&mut lane.digest, ask),
            None => break,
        }
    }
    lane.settle()
}

fn answer(digest: &mut TreeAndCrc, ask: TreeAsk) {
    // Whoever asked may have gone.
    match ask {
        TreeAsk::EndBlob(answer) => {
            let _ = answer.send(digest.tree.end_blob());
        }
        TreeAsk::Finish(answer) => {
            let TreeAndCrc { tree, crc32 } = mem::take(digest);
            let _ = answer.send(TreeEnd { blake3: tree.finish(), crc32: Crc32(crc32.finalize()) });
        }
    }
}
