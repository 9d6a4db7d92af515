//! HTTP/1.1 by hand: exactly these bytes go out, exactly those came back.
//!
//! A library would tidy up the broken requests that half of the promises are
//! about. Nothing here knows PCS.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// No answer of a working server takes this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to the server, kept alive between requests.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<TcpStream>,
}

/// Status line and header fields.
#[derive(Debug, Clone)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// Names in lower case, values as they came, in order.
    pub fields: Vec<(String, String)>,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status line and header fields.
    pub head: Head,
    /// The body, transfer encoding removed.
    pub body: Vec<u8>,
}

impl Head {
    /// The value of a field; the first one when it was sent twice.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the server will not take another request on this connection.
    pub fn closes(&self) -> bool {
        self.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

impl Connection {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The server has closed the connection.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// Says that nothing more will be sent, and still listens.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn finish_sending(&self) -> io::Result<()> {
        self.reader.get_ref().shutdown(std::net::Shutdown::Write)
    }

    /// The socket, for timeouts of one's own.
    pub fn socket(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    /// Reads up to the end of the next head; `100 Continue` is passed over.
    ///
    /// # Errors
    /// The connection ended, or what came is not HTTP.
    pub fn read_head(&mut self) -> io::Result<Head> {
        loop {
            let head = self.read_any_head()?;
            if head.status >= 200 {
                return Ok(head);
            }
        }
    }

    fn read_any_head(&mut self) -> io::Result<Head> {
        let status_line = self.read_line()?;
        let status = status_line
            .strip_prefix("HTTP/1.1 ")
            .or(status_line.strip_prefix("HTTP/1.0 "))
            .and_then(|rest| rest.get(..3)?.parse().ok())
            .ok_or_else(|| garbled(&status_line))?;
        let mut fields = Vec::new();
        loop {
            let line = self.read_line()?;
            if line.is_empty() {
                return Ok(Head { status, fields });
            }
            let (name, value) = line.split_once(':').ok_or_else(|| garbled(&line))?;
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    /// Reads the body that belongs to `head`, as the answer to `verb`.
    ///
    /// # Errors
    /// The connection ended before the body did: [`io::ErrorKind::UnexpectedEof`].
    pub fn read_body(&mut self, verb: &str, head: &Head) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if verb == "HEAD" || matches!(head.status, 204 | 304) {
            return Ok(body);
        }
        if head.field("transfer-encoding").is_some() {
            self.read_chunks(&mut body)?;
        } else if let Some(length) = head.field("content-length") {
            let length = length.parse().map_err(|_| garbled(length))?;
            body.resize(length, 0);
            self.reader.read_exact(&mut body)?;
        } else {
            self.reader.read_to_end(&mut body)?;
        }
        Ok(body)
    }

    fn read_chunks(&mut self, body: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let line = self.read_line()?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let length = usize::from_str_radix(digits, 16).map_err(|_| garbled(&line))?;
            let start = body.len();
            body.resize(start + length, 0);
            self.reader.read_exact(&mut body[start..])?;
            let end = self.read_line()?;
            if !end.is_empty() {
                return Err(garbled(&end));
            }
            if length == 0 {
                return Ok(());
            }
        }
    }

    fn read_line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line)?;
        match line.strip_suffix(b"\r\n") {
            Some(text) => Ok(String::from_utf8_lossy(text).into_owned()),
            None if line.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            None => Err(garbled(&String::from_utf8_lossy(&line))),
        }
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

fn garbled(line: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not HTTP/1.1: `{line}`"))
}
