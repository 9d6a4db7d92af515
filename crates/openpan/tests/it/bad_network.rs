//! A network that cuts, stalls and spoils exactly where a test says, and
//! counts every byte of content that went over it.
//!
//! It stands between a client and a server and understands as much of HTTP as
//! it takes to know where in which exchange it is. One thread serves one
//! connection, a request and its reply at a time.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::spawn;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The connection ends, on both sides.
    Cut,
    /// Nothing moves any more, until the client gives up.
    Stall,
    /// A bit falls over. In a head nothing does: that would be another
    /// request, or another reply.
    Corrupt,
    /// The request does not reach the server, and the client is told that it
    /// is refused.
    Refuse,
}

/// Where in an exchange: before the byte with this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    RequestHead(usize),
    /// From the beginning of the content on, behind the head of its part.
    RequestBody(usize),
    /// The server has the whole request, the client nothing of the reply.
    BetweenBoth,
    ReplyHead(usize),
    ReplyBody(usize),
}

/// Something that goes wrong once, in the first exchange whose request line
/// contains `call`, after `skip` others.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) call: &'static str,
    pub(crate) skip: usize,
    pub(crate) stage: Stage,
    pub(crate) kind: Kind,
}

const REFUSAL: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 49\r\n\r\n\
    {\"error_code\":31023,\"error_msg\":\"param error\"}   ";

/// The network; it lives as long as the test run.
#[derive(Clone)]
pub(crate) struct Network(Arc<Inner>);

struct Inner {
    address: String,
    target: Mutex<String>,
    faults: Mutex<Vec<Fault>>,
    /// Faults that have happened.
    happened: AtomicU64,
    /// Content that clients sent, and that they were sent.
    sent: AtomicU64,
    received: AtomicU64,
}

impl Network {
    /// Leads to the server at `target`.
    pub(crate) fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let this = Self(Arc::new(Inner {
            address: listener.local_addr().unwrap().to_string(),
            target: Mutex::new(target.to_owned()),
            faults: Mutex::default(),
            happened: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        }));
        let network = this.clone();
        spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let network = network.clone();
                // A connection that breaks ends its own thread only.
                spawn(move || _ = network.serve(client));
            }
        });
        this
    }

    /// `host:port` for the client.
    pub(crate) fn address(&self) -> &str {
        &self.0.address
    }

    /// The server is somewhere else now.
    pub(crate) fn lead_to(&self, target: &str) {
        target.clone_into(&mut self.0.target.lock().unwrap());
    }

    /// From now on only this goes wrong.
    pub(crate) fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        *self.0.faults.lock().unwrap() = faults.into_iter().collect();
        self.0.happened.store(0, Ordering::SeqCst);
    }

    /// How much went wrong since it was planned.
    pub(crate) fn happened(&self) -> u64 {
        self.0.happened.load(Ordering::SeqCst)
    }

    /// The content that was sent since this was last asked.
    pub(crate) fn sent(&self) -> u64 {
        self.0.sent.swap(0, Ordering::SeqCst)
    }

    /// The content that was received since this was last asked.
    pub(crate) fn received(&self) -> u64 {
        self.0.received.swap(0, Ordering::SeqCst)
    }

    fn serve(&self, client: TcpStream) -> io::Result<()> {
        let target = self.0.target.lock().unwrap().clone();
        let server = TcpStream::connect(target)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let mut up = Way::new(&client, &server)?;
        let mut down = Way::new(&server, &client)?;
        while let Some(head) = up.read_head()? {
            let fault = self.fault_for(&head);
            if fault.as_ref().is_some_and(|fault| fault.kind == Kind::Refuse) {
                self.0.happened.fetch_add(1, Ordering::SeqCst);
                up.from.get_ref().write_all(REFUSAL)?;
                break;
            }
            match self.exchange(&head, fault, &mut up, &mut down) {
                Ok(()) => continue,
                // The client goes when it has had enough.
                Err(Ended::Fault(Kind::Stall)) => _ = io::copy(&mut up.from, &mut io::sink()),
                Err(Ended::Fault(_) | Ended::Broken) => {}
            }
            break;
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
        Ok(())
    }

    fn fault_for(&self, head: &str) -> Option<Fault> {
        let line = head.lines().next().unwrap_or_default();
        let mut faults = self.0.faults.lock().unwrap();
        let index = faults.iter().position(|fault| line.contains(fault.call))?;
        if faults[index].skip > 0 {
            faults[index].skip -= 1;
            return None;
        }
        Some(faults.remove(index))
    }

    fn exchange(
        &self,
        head: &str,
        fault: Option<Fault>,
        up: &mut Way,
        down: &mut Way,
    ) -> Result<(), Ended> {
        let inner = &*self.0;
        let (stage, kind) = match fault {
            Some(fault) => (Some(fault.stage), fault.kind),
            None => (None, Kind::Cut),
        };
        let spoil = |at: Option<usize>| Spoil { at, kind, happened: &inner.happened };
        let at = |found: fn(Stage) -> Option<usize>| spoil(stage.and_then(found));
        up.send_head(
            head,
            at(|stage| match stage {
                Stage::RequestHead(at) => Some(at),
                _ => None,
            }),
        )?;
        let body = length_of(head).unwrap_or(0);
        let is_content = head.contains("method=upload&");
        let wrapped = if is_content { up.send_part_head()? } else { 0 };
        let counter = is_content.then_some(&inner.sent);
        up.send_body(
            body - wrapped,
            counter,
            at(|stage| match stage {
                Stage::RequestBody(at) => Some(at),
                _ => None,
            }),
        )?;
        spoil((stage == Some(Stage::BetweenBoth)).then_some(0)).before_everything()?;
        let Some(reply) = down.read_head()? else { return Err(Ended::Broken) };
        down.send_head(
            &reply,
            at(|stage| match stage {
                Stage::ReplyHead(at) => Some(at),
                _ => None,
            }),
        )?;
        let has_body = !head.starts_with("HEAD");
        let length = if has_body { length_of(&reply).unwrap_or(0) } else { 0 };
        let counter = head.contains("method=download").then_some(&inner.received);
        down.send_body(
            length,
            counter,
            at(|stage| match stage {
                Stage::ReplyBody(at) => Some(at),
                _ => None,
            }),
        )
    }
}

/// Why an exchange is over before its end.
enum Ended {
    Fault(Kind),
    Broken,
}

impl From<io::Error> for Ended {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

/// What goes wrong in one stretch of bytes, if anything does.
struct Spoil<'a> {
    at: Option<usize>,
    kind: Kind,
    happened: &'a AtomicU64,
}

impl Spoil<'_> {
    fn before_everything(&self) -> Result<(), Ended> {
        if self.at.is_none() {
            return Ok(());
        }
        self.happened.fetch_add(1, Ordering::SeqCst);
        Err(Ended::Fault(self.kind))
    }

    /// Does it, when it is in this piece, which begins at `position`; how many
    /// bytes of the piece are still to be sent, and whether it ends there.
    fn spoil(&self, piece: &mut [u8], position: usize) -> (usize, bool) {
        let Some(offset) = self.at.and_then(|at| at.checked_sub(position)) else {
            return (piece.len(), false);
        };
        if offset >= piece.len() {
            return (piece.len(), false);
        }
        self.happened.fetch_add(1, Ordering::SeqCst);
        if self.kind == Kind::Corrupt {
            piece[offset] ^= 4;
            return (piece.len(), false);
        }
        (offset, true)
    }
}

/// One direction of a connection.
struct Way {
    from: BufReader<TcpStream>,
    to: TcpStream,
}

impl Way {
    fn new(from: &TcpStream, to: &TcpStream) -> io::Result<Self> {
        // Little is read ahead, so that what is counted is what came through.
        let from = BufReader::with_capacity(4096, from.try_clone()?);
        Ok(Self { from, to: to.try_clone()? })
    }

    /// Everything up to and with the empty line; `None` at the end.
    fn read_head(&mut self) -> io::Result<Option<String>> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.from.read_line(&mut head)? == 0 {
                return Ok(None);
            }
        }
        Ok(Some(head))
    }

    fn send_head(&mut self, head: &str, spoil: Spoil<'_>) -> Result<(), Ended> {
        let mut bytes = head.as_bytes().to_vec();
        let (length, ends) = spoil.spoil(&mut bytes, 0);
        self.to.write_all(&bytes[..length])?;
        if ends { Err(Ended::Fault(spoil.kind)) } else { Ok(()) }
    }

    /// Passes on what stands in front of the content of a part; its length.
    fn send_part_head(&mut self) -> Result<usize, Ended> {
        let head = self.read_head()?.ok_or(Ended::Broken)?;
        self.to.write_all(head.as_bytes())?;
        Ok(head.len())
    }

    fn send_body(
        &mut self,
        length: usize,
        counter: Option<&AtomicU64>,
        spoil: Spoil<'_>,
    ) -> Result<(), Ended> {
        let mut position = 0;
        let mut buffer = [0; 4096];
        while position < length {
            let most = buffer.len().min(length - position);
            let read = self.from.read(&mut buffer[..most])?;
            if read == 0 {
                return Err(Ended::Broken);
            }
            let (passes, ends) = spoil.spoil(&mut buffer[..read], position);
            self.to.write_all(&buffer[..passes])?;
            counter.map(|counter| counter.fetch_add(passes as u64, Ordering::SeqCst));
            if ends {
                return Err(Ended::Fault(spoil.kind));
            }
            position += read;
        }
        Ok(())
    }
}

/// The length of a body that has one.
fn length_of(head: &str) -> Option<usize> {
    let mut lines = head.lines().map(str::to_ascii_lowercase);
    let value = lines.find_map(|line| line.strip_prefix("content-length:").map(str::to_owned))?;
    value.trim().parse().ok()
}
