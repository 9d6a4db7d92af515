//! One endless transport stream, cut into pieces that continue one another,
//! whichever run of the transcoder each comes from.
//!
//! RFC 8216 §3 wants the continuity counters to go on from piece to piece. So
//! in every piece each counter begins at 0 and ends at 15: a packet is made
//! several, until their number is a multiple of 16. The tables come once in a
//! piece, with the number of the piece as their counter.

mod packet;

use bytes::Bytes;

use self::packet::{PACKET, Packet};
use super::arguments::OFFSET_SECONDS;
use super::plan::Plan;

/// Where ffmpeg is told to put what.
pub(super) const VIDEO_PID: u16 = 0x100;
pub(super) const AUDIO_PID: u16 = 0x101;
pub(super) const PMT_PID: u16 = 0x1000;
const PAT_PID: u16 = 0;

/// Far more than four seconds of any format are; a larger piece is a stream
/// that has gone wrong.
const PIECE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Units of the time in a packet, in a second.
const CLOCK: u64 = 90_000;

/// How far off the grid a time may lie: rounding, twice.
const TICKS_OFF_MAX: u64 = 2;

/// So many pictures before its first one, the sound of a piece begins. ffmpeg
/// holds a frame of sound back until it has the next one: less than a picture.
const LEAD_UNITS: u64 = 2;

/// One finished piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Its place in the timeline.
    pub(crate) index: u32,
    /// A whole transport stream.
    pub(crate) stream: Bytes,
}

/// Cuts what one run of ffmpeg writes. Holds one piece in memory, and no more.
pub(crate) struct Splitter {
    plan: Plan,
    /// The piece that begins next, and the one before which the run ends.
    next: u32,
    end: u32,
    /// Whether the first piece has begun: what comes before it is thrown away.
    is_open: bool,
    /// The last packet with each table.
    tables: [Option<[u8; PACKET]>; 2],
    /// The packets of the open piece.
    piece: Vec<u8>,
    /// Sound that came before the first picture of the piece that it belongs to.
    early: Vec<u8>,
    /// Where the sound goes whose packets come now.
    sound: Sound,
    /// Less than a packet.
    rest: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sound {
    Open,
    Early,
}

impl Splitter {
    /// For the run that begins at a piece.
    pub(crate) fn new(plan: &Plan, first_piece: u32) -> Self {
        Self {
            plan: plan.clone(),
            next: first_piece,
            end: plan.run_end(first_piece),
            is_open: false,
            tables: [None, None],
            piece: Vec::new(),
            early: Vec::new(),
            sound: Sound::Open,
            rest: Vec::new(),
        }
    }

    /// Takes the next bytes of the stream, as they come; returns the pieces
    /// that they finish, in order.
    ///
    /// # Errors
    /// What is wrong with the stream. Nothing more comes of this splitter.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<Cut>, String> {
        let mut cuts = Vec::new();
        if !self.rest.is_empty() {
            let (head, tail) = bytes.split_at(bytes.len().min(PACKET - self.rest.len()));
            self.rest.extend_from_slice(head);
            bytes = tail;
            if self.rest.len() == PACKET {
                let packet = std::mem::take(&mut self.rest);
                cuts.extend(self.take(&packet)?);
            }
        }
        let packets = bytes.chunks_exact(PACKET);
        self.rest.extend_from_slice(packets.remainder());
        for packet in packets {
            cuts.extend(self.take(packet)?);
        }
        Ok(cuts)
    }

    /// The last piece of the run, when the stream has ended well.
    ///
    /// # Errors
    /// When the stream has ended before the run should.
    pub(crate) fn finish(mut self) -> Result<Option<Cut>, String> {
        if !self.rest.is_empty() || self.next != self.end {
            return Err("the transcoder ended early".to_owned());
        }
        self.close()
    }

    fn take(&mut self, bytes: &[u8]) -> Result<Option<Cut>, String> {
        let packet = Packet::parse(bytes).ok_or("the transcoder wrote no transport stream")?;
        let mut cut = None;
        match packet.pid {
            PAT_PID => self.tables[0] = bytes.try_into().ok(),
            PMT_PID => self.tables[1] = bytes.try_into().ok(),
            VIDEO_PID | AUDIO_PID => {
                if self.is_border(&packet)? {
                    cut = self.close()?;
                    self.is_open = true;
                    self.next += 1;
                    self.piece = std::mem::take(&mut self.early);
                    self.sound = Sound::Open;
                }
                if self.is_early(&packet) {
                    self.early.extend_from_slice(bytes);
                } else if self.is_open {
                    self.piece.extend_from_slice(bytes);
                }
            }
            _ => {}
        }
        if self.piece.len().max(self.early.len()) > PIECE_BYTES_MAX {
            return Err("the transcoder writes more than a video can be".to_owned());
        }
        Ok(cut)
    }

    /// Whether a packet is sound of the next piece. By its time, and not by its
    /// place, which is not the same in every run.
    fn is_early(&mut self, packet: &Packet<'_>) -> bool {
        if packet.pid != AUDIO_PID || !self.plan.has_video() {
            return false;
        }
        if let Some(at) = packet.shown_at() {
            // Nothing comes before the first piece that its sound could continue.
            let lead = if self.next == 0 { 0 } else { self.plan.time_of(LEAD_UNITS, CLOCK) };
            let is_early = self.next < self.end && at >= self.border().saturating_sub(lead);
            self.sound = if is_early { Sound::Early } else { Sound::Open };
        }
        self.sound == Sound::Early
    }

    /// When the next piece begins.
    fn border(&self) -> u64 {
        self.plan.time_of(self.plan.first_unit(self.next), CLOCK) + OFFSET_SECONDS * CLOCK
    }

    /// Whether the next piece begins with this packet.
    fn is_border(&self, packet: &Packet<'_>) -> Result<bool, String> {
        let border = self.border();
        let shown_at = match self.plan.has_video() {
            true if packet.pid == VIDEO_PID && packet.is_key() => packet.shown_at(),
            false if packet.begins => packet.shown_at().filter(|at| at + TICKS_OFF_MAX >= border),
            _ => return Ok(false),
        };
        match shown_at {
            None if !self.plan.has_video() => Ok(false),
            Some(at) if at.abs_diff(border) <= TICKS_OFF_MAX && self.next < self.end => Ok(true),
            _ => Err("the transcoder left the grid".to_owned()),
        }
    }

    fn close(&mut self) -> Result<Option<Cut>, String> {
        let packets = std::mem::take(&mut self.piece);
        let Some(index) = self.next.checked_sub(1).filter(|_| self.is_open) else {
            return Ok(None);
        };
        let mut stream = Vec::with_capacity(packets.len() + 40 * PACKET);
        for table in &self.tables {
            let table = table.as_ref().and_then(|table| Packet::parse(table));
            let table = table.ok_or("the transcoder wrote no tables")?;
            table.write((index & 0x0f) as u8, 0, &mut stream);
        }
        continued(&packets, &mut stream)?;
        Ok(Some(Cut { index, stream: stream.into() }))
    }
}

/// Writes packets with counters that begin at 0 and end at 15.
fn continued(packets: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let parsed = || packets.chunks_exact(PACKET).filter_map(Packet::parse).enumerate();
    // For each stream: where packets are added, how many, and the next counter.
    let mut streams = [VIDEO_PID, AUDIO_PID].map(|pid| (pid, usize::MAX, 0_usize, 0_u8));
    for (pid, place, more, _) in &mut streams {
        let carried =
            || parsed().filter(|(_, packet)| packet.pid == *pid && !packet.payload.is_empty());
        *more = carried().count().wrapping_neg() % 16;
        if *more > 0 {
            let (at, _) = carried()
                .filter(|(_, packet)| packet.payload.len() > *more)
                .last()
                .ok_or("the transcoder writes packets of nothing")?;
            *place = at;
        }
    }
    for (at, packet) in parsed() {
        let Some((_, place, more, counter)) =
            streams.iter_mut().find(|stream| stream.0 == packet.pid)
        else {
            continue;
        };
        if packet.payload.is_empty() {
            // The time alone does not count.
            packet.write(counter.wrapping_sub(1), 0, out);
            continue;
        }
        let more = if at == *place { *more } else { 0 };
        packet.write(*counter, more, out);
        *counter = counter.wrapping_add(1).wrapping_add(more as u8);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
