//! `multipart/form-data`, read as it comes (pcs-rest 1.6).
//!
//! Content is handed on in the pieces that the connection delivered, without
//! a copy; nothing is buffered but a boundary that is cut in two.

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use pan_core::BodyError;
use pan_pcs::{MAX_PARAM_BYTES, METHODS};

use crate::body::RequestBody;

/// Parts of one body.
const PARTS_MAX: usize = 16;
/// Headers of one part.
const HEAD_BYTES_MAX: usize = 8 << 10;
/// RFC 2046 allows no longer boundary.
const BOUNDARY_BYTES_MAX: usize = 70;
/// Parameters that clients of Baidu's other services add; never content.
const IGNORED: &[&str] = &[
    "method",
    "access_token",
    "app_id",
    "BDUSS",
    "STOKEN",
    "channel",
    "web",
    "clienttype",
    "bdstoken",
    "logid",
    "t",
    "vip",
    "type",
    "local_ctime",
    "local_mtime",
    "is_revision",
];

/// The head of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    has_filename: bool,
}

/// How sure it is that a part is the content; a surer one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    /// Its name is not that of a parameter.
    Unnamed,
    /// It has a filename, if an empty one.
    Filename,
    /// It is named `file`.
    File,
}

impl Part {
    /// Whether this is a parameter.
    pub(super) fn is_text(&self) -> bool {
        self.claim().is_none()
    }

    /// How sure it is that this is the content; `None` for a parameter.
    pub(super) fn claim(&self) -> Option<Claim> {
        match () {
            () if self.name == "file" => Some(Claim::File),
            () if self.has_filename => Some(Claim::Filename),
            () if is_parameter(&self.name) => None,
            () => Some(Claim::Unnamed),
        }
    }
}

fn is_parameter(name: &str) -> bool {
    IGNORED.contains(&name) || METHODS.iter().any(|row| row.params.contains(&name))
}

/// A multipart body that is being read.
pub(super) struct Multipart {
    body: RequestBody,
    /// `\r\n--boundary`.
    delimiter: Vec<u8>,
    buffer: Bytes,
    state: State,
    parts: usize,
    held: Option<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first boundary.
    Begin,
    /// In a part's content.
    Content,
    /// Just behind a boundary.
    Boundary,
    /// Behind the last boundary.
    End,
}

impl Multipart {
    pub(super) fn new(content_type: &str, body: RequestBody) -> Self {
        let boundary = boundary(content_type).unwrap_or_default();
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        Self { body, delimiter, buffer: Bytes::new(), state: State::Begin, parts: 0, held: None }
    }

    pub(super) fn into_body(self) -> RequestBody {
        self.body
    }

    /// The most bytes that are still to come, if the request said.
    pub(super) fn announced(&self) -> Option<u64> {
        Some(self.body.announced()? + self.buffer.len() as u64)
    }

    /// Gives a part back that the next [`Multipart::next_part`] returns.
    pub(super) fn hold(&mut self, part: Part) {
        self.held = Some(part);
    }

    /// The next part; `None` when the body has ended as it should.
    pub(super) async fn next_part(&mut self) -> Result<Option<Part>, BodyError> {
        if let Some(part) = self.held.take() {
            return Ok(Some(part));
        }
        match self.state {
            State::Begin => self.find_first_boundary().await?,
            State::Content => self.skip_part().await?,
            State::Boundary | State::End => {}
        }
        if self.state == State::End || self.is_last_boundary().await? {
            return self.end().await.map(|()| None);
        }
        self.parts += 1;
        if self.parts > PARTS_MAX {
            return Err(malformed("the multipart body has more than 16 parts"));
        }
        let head = self.read_until(b"\r\n\r\n").await?;
        self.state = State::Content;
        parse_head(&head).map(Some)
    }

    /// The next piece of the part's content; `None` at its end.
    pub(super) async fn next_piece(&mut self) -> Result<Option<Bytes>, BodyError> {
        if self.state != State::Content {
            return Ok(None);
        }
        loop {
            if let Some(at) = memmem::find(&self.buffer, &self.delimiter) {
                let piece = self.buffer.split_to(at);
                if !piece.is_empty() {
                    return Ok(Some(piece));
                }
                let _ = self.buffer.split_to(self.delimiter.len());
                self.state = State::Boundary;
                return Ok(None);
            }
            let keep = partial_suffix(&self.buffer, &self.delimiter);
            let piece = self.buffer.split_to(self.buffer.len() - keep);
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
            self.fetch().await?;
        }
    }

    /// The part's content as a parameter's value.
    pub(super) async fn read_text(&mut self) -> Result<Vec<u8>, BodyError> {
        let mut value = Vec::new();
        while let Some(piece) = self.next_piece().await? {
            if value.len() + piece.len() > MAX_PARAM_BYTES {
                return Err(malformed("a parameter is longer than 2 MiB"));
            }
            value.extend_from_slice(&piece);
        }
        Ok(value)
    }

    /// Reads over the rest of the part.
    pub(super) async fn skip_part(&mut self) -> Result<(), BodyError> {
        while self.next_piece().await?.is_some() {}
        Ok(())
    }

    async fn find_first_boundary(&mut self) -> Result<(), BodyError> {
        if self.delimiter.len() == 4 || self.delimiter.len() > 4 + BOUNDARY_BYTES_MAX {
            return Err(malformed("the multipart body has no boundary of 1 to 70 bytes"));
        }
        self.fetch().await?;
        // The first boundary needs no line before it.
        self.buffer = [b"\r\n", &self.buffer[..]].concat().into();
        self.state = State::Content;
        let mut preamble = 0;
        while let Some(piece) = self.next_piece().await? {
            preamble += piece.len();
            if preamble > HEAD_BYTES_MAX {
                return Err(malformed("the multipart body does not begin with its boundary"));
            }
        }
        Ok(())
    }

    /// Whether the boundary just read has two more dashes.
    async fn is_last_boundary(&mut self) -> Result<bool, BodyError> {
        while self.buffer.len() < 2 {
            self.fetch().await?;
        }
        if self.buffer.starts_with(b"--") {
            self.state = State::End;
            return Ok(true);
        }
        let padding = self.read_until(b"\r\n").await?;
        if !padding.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            return Err(malformed("a boundary of the multipart body is not alone on its line"));
        }
        while self.buffer.len() < 2 {
            self.fetch().await?;
        }
        if self.buffer.starts_with(b"\r\n") {
            return Err(malformed("a part has no headers"));
        }
        Ok(false)
    }

    /// What follows the last boundary says nothing, but it must come: a body
    /// that is cut is not a body.
    async fn end(&mut self) -> Result<(), BodyError> {
        self.buffer.clear();
        while self.body.next().await?.is_some() {}
        Ok(())
    }

    async fn read_until(&mut self, end: &[u8]) -> Result<Bytes, BodyError> {
        loop {
            if let Some(at) = memmem::find(&self.buffer, end)
                && at <= HEAD_BYTES_MAX
            {
                let head = self.buffer.split_to(at);
                let _ = self.buffer.split_to(end.len());
                return Ok(head);
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(malformed("the headers of a part are longer than 8 KiB"));
            }
            self.fetch().await?;
        }
    }

    /// Adds the next piece of the body to the buffer.
    async fn fetch(&mut self) -> Result<(), BodyError> {
        let piece = self.body.next().await?;
        let piece = piece.ok_or_else(|| malformed("the multipart body ends before its end"))?;
        if self.buffer.is_empty() {
            self.buffer = piece;
            return Ok(());
        }
        let mut joined = BytesMut::with_capacity(self.buffer.len() + piece.len());
        joined.extend_from_slice(&self.buffer);
        joined.extend_from_slice(&piece);
        self.buffer = joined.freeze();
        Ok(())
    }
}

fn malformed(what: &str) -> BodyError {
    BodyError::Malformed(what.into())
}

/// The length of the longest end of `buffer` that begins `delimiter`.
fn partial_suffix(buffer: &[u8], delimiter: &[u8]) -> usize {
    let longest = buffer.len().min(delimiter.len() - 1);
    let tail = &buffer[buffer.len() - longest..];
    memchr::memchr_iter(delimiter[0], tail)
        .find(|&at| delimiter.starts_with(&tail[at..]))
        .map_or(0, |at| tail.len() - at)
}

fn boundary(content_type: &str) -> Option<String> {
    parameter(content_type, "boundary")
}

/// Reads the name and whether there is a filename; headers besides
/// Content-Disposition say nothing that PCS knows.
fn parse_head(head: &[u8]) -> Result<Part, BodyError> {
    let head = String::from_utf8_lossy(head);
    let disposition = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    let disposition =
        disposition.ok_or_else(|| malformed("a part has no Content-Disposition header"))?;
    let name = parameter(disposition, "name")
        .ok_or_else(|| malformed("a part has no name in its Content-Disposition header"))?;
    let has_filename = parameter(disposition, "filename").is_some()
        || parameter(disposition, "filename*").is_some();
    Ok(Part { name, has_filename })
}

/// A parameter of a header value, unquoted.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    let mut rest = value.split_once(';')?.1;
    loop {
        let (name, after) = rest.split_once('=')?;
        let (text, after) = unquote(after.trim_start());
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(text);
        }
        rest = after.split_once(';')?.1;
    }
}

/// Reads a token or a quoted string; returns what follows it.
fn unquote(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim_end().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            // Browsers write a path's backslash as it is: only a quote or a
            // backslash is escaped by one.
            '\\' if quoted[at + 1..].starts_with(['"', '\\']) => {
                value.extend(characters.next().map(|(_, escaped)| escaped));
            }
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests;
