//! The client's side of HTTP/1.1 on one kept-alive connection: as much of it as a load
//! generator needs, with as few system calls as possible.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::net::sockopt::set_tcp_quickack;

/// Large enough that the reader is not what is measured.
const BUFFER: usize = 256 << 10;
/// A server that is silent for so long does not answer any more.
const SILENCE: Duration = Duration::from_secs(60);

/// A connection with what has been received and not yet looked at.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

/// What a server answered.
pub(crate) struct Reply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Bytes of body that went to the sink.
    pub(crate) body_bytes: u64,
}

enum Length {
    Known(u64),
    Chunked,
}

impl Connection {
    /// Connects without Nagle's delay.
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        let stream =
            TcpStream::connect(address).with_context(|| format!("no server at {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        Ok(Self { stream, buffer: vec![0; BUFFER].into(), start: 0, end: 0 })
    }

    /// Sends a part of a request.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("the server closed the connection")
    }

    /// The stream, for a body that writes itself.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Receives a reply and hands its body to the sink, piece by piece.
    pub(crate) fn receive(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<Reply> {
        let (status, length) = self.head()?;
        let body_bytes = match length {
            Length::Known(bytes) => {
                self.copy(bytes, sink)?;
                bytes
            }
            Length::Chunked => self.copy_chunks(sink)?,
        };
        Ok(Reply { status, body_bytes })
    }

    fn head(&mut self) -> Result<(u16, Length)> {
        let mut looked = 0;
        let length = loop {
            let seen = &self.buffer[self.start..self.end];
            if let Some(at) = find(&seen[looked..], b"\r\n\r\n") {
                break looked + at + 4;
            }
            looked = seen.len().saturating_sub(3);
            self.fill()?;
        };
        let head = parse_head(&self.buffer[self.start..self.start + length])?;
        self.start += length;
        Ok(head)
    }

    fn copy(&mut self, mut bytes: u64, sink: &mut dyn FnMut(&[u8])) -> Result<()> {
        while bytes > 0 {
            if self.start == self.end {
                self.fill()?;
            }
            let have = (self.end - self.start) as u64;
            let taken = have.min(bytes) as usize;
            sink(&self.buffer[self.start..self.start + taken]);
            self.start += taken;
            bytes -= taken as u64;
        }
        Ok(())
    }

    fn copy_chunks(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<u64> {
        let mut total = 0;
        loop {
            let line = self.line()?;
            let digits = line.split(';').next().unwrap_or_default();
            let size = u64::from_str_radix(digits.trim(), 16).context("not a chunk size")?;
            self.copy(size, sink)?;
            ensure!(self.line()?.is_empty(), "a chunk does not end where it should");
            if size == 0 {
                return Ok(total);
            }
            total += size;
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        loop {
            self.copy(1, &mut |byte| line.extend_from_slice(byte))?;
            if line.ends_with(b"\r\n") {
                line.truncate(line.len() - 2);
                return Ok(String::from_utf8(line)?);
            }
        }
    }

    fn fill(&mut self) -> Result<()> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        ensure!(self.end < self.buffer.len(), "the head of the reply is too long");
        // The kernel forgets this wish after a while, so it is repeated.
        set_tcp_quickack(&self.stream, true)?;
        match self.stream.read(&mut self.buffer[self.end..])? {
            0 => bail!("the server closed the connection before the end of its reply"),
            read => self.end += read,
        }
        Ok(())
    }
}

fn parse_head(head: &[u8]) -> Result<(u16, Length)> {
    let head = std::str::from_utf8(head)?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status line")?;
    let status = status.parse::<u16>()?;
    let mut length = Length::Known(0);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = Length::Known(value.trim().parse()?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            length = Length::Chunked;
        }
    }
    Ok((status, length))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::Connection;

    /// Answers one request with these pieces and returns what the client makes of them.
    fn check(pieces: &'static [&str], status: u16, body: &str) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut connection = Connection::open(listener.local_addr().unwrap()).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            stream.read_exact(&mut [0; 4]).unwrap();
            for piece in pieces {
                stream.write_all(piece.as_bytes()).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        });
        connection.send(b"ping").unwrap();
        let mut received = Vec::new();
        let reply = connection.receive(&mut |bytes| received.extend_from_slice(bytes)).unwrap();
        server.join().unwrap();
        assert_eq!((reply.status, received), (status, body.as_bytes().to_vec()), "{pieces:?}");
        assert_eq!(reply.body_bytes, body.len() as u64);
    }

    #[test]
    fn replies_are_understood_however_they_arrive() {
        check(&["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"], 200, "hello");
        check(&["HTTP/1.1 206 x\r\nContent-Length:5\r", "\n\r", "\nhe", "llo"], 206, "hello");
        check(&["HTTP/1.1 201 Created\r\nLocation: /x\r\n\r\n"], 201, "");
        check(&["HTTP/1.1 204 No Content\r\n\r\n"], 204, "");
        check(
            &[
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n",
                "2;x=y\r",
                "\nlo\r\n0\r\n\r\n",
            ],
            200,
            "hello",
        );
    }
}
