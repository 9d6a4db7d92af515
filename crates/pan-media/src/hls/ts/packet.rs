//! One packet of a transport stream (ISO 13818-1, 2.4.3).

/// The length of every packet.
pub(super) const PACKET: usize = 188;

const HEADER: usize = 4;

/// Which parts follow the header.
const HAS_ADAPTATION: u8 = 0x20;
const HAS_PAYLOAD: u8 = 0x10;

/// A packet, taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) pid: u16,
    /// Whether a unit of the payload begins here.
    pub(super) begins: bool,
    /// The adaptation field, without its length.
    adaptation: Option<&'a [u8]>,
    /// What is carried; empty in a packet that carries the time alone.
    pub(super) payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Takes 188 bytes apart; `None` when they are no packet.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(HEADER)?;
        if bytes.len() != PACKET || header[0] != 0x47 {
            return None;
        }
        let (adaptation, payload) = match header[3] & HAS_ADAPTATION {
            0 => (None, rest),
            _ => {
                let (length, rest) = rest.split_first()?;
                let (adaptation, payload) = rest.split_at_checked(usize::from(*length))?;
                (Some(adaptation), payload)
            }
        };
        Some(Self {
            pid: u16::from_be_bytes([header[1], header[2]]) & 0x1fff,
            begins: header[1] & 0x40 != 0,
            adaptation,
            payload: if header[3] & HAS_PAYLOAD == 0 { &[] } else { payload },
        })
    }

    /// Whether decoding can begin here.
    pub(super) fn is_key(&self) -> bool {
        self.begins
            && self.adaptation.is_some_and(|field| field.first().is_some_and(|f| f & 0x40 != 0))
    }

    /// When the unit that begins here is shown, in parts of 90 kHz.
    pub(super) fn shown_at(&self) -> Option<u64> {
        let header = self.payload.get(..14).filter(|_| self.begins)?;
        if header[..3] != [0, 0, 1] || header[7] & 0x80 == 0 {
            return None;
        }
        let [a, b, c, d, e] = [9, 10, 11, 12, 13].map(|at| u64::from(header[at]));
        Some((a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1)
    }

    /// Writes the packet with a counter, as one and some more that together
    /// carry the same: each of the others takes one byte of the payload.
    pub(super) fn write(&self, counter: u8, more: usize, out: &mut Vec<u8>) {
        let (payload, tail) = self.payload.split_at(self.payload.len().saturating_sub(more));
        self.put(self.begins, self.adaptation, counter, payload, out);
        for (byte, step) in tail.chunks(1).zip(1_u8..) {
            self.put(false, None, counter.wrapping_add(step), byte, out);
        }
    }

    fn put(
        &self,
        begins: bool,
        field: Option<&[u8]>,
        counter: u8,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) {
        let [high, low] = self.pid.to_be_bytes();
        let room = PACKET - HEADER - payload.len();
        let mut flags = counter & 0x0f;
        flags |= if payload.is_empty() { 0 } else { HAS_PAYLOAD };
        flags |= if room == 0 { 0 } else { HAS_ADAPTATION };
        out.extend([0x47, high | if begins { 0x40 } else { 0 }, low, flags]);
        if let Some(length) = room.checked_sub(1) {
            let end = out.len() + 1 + length;
            out.push(u8::try_from(length).unwrap_or(u8::MAX));
            // A field that is not empty begins with its flags; the rest is stuffing.
            let field = field.filter(|field| !field.is_empty()).unwrap_or(&[0]);
            out.extend_from_slice(&field[..field.len().min(length)]);
            out.resize(end, 0xff);
        }
        out.extend_from_slice(payload);
    }
}
