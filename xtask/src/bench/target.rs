//! A server under load, and how it is asked for things.
//!
//! Paths are made of lower-case letters, digits, `/`, `.` and `-`, so they stand in a URL as
//! they are.

use std::net::SocketAddr;
use std::ops::Range;

use anyhow::{Result, bail, ensure};

use super::http::Connection;
use crate::payload::Payload;

const BOUNDARY: &str = "openpan-bench-7MA4YWxkTrZu0gW";

/// A server and its dialect.
pub(crate) struct Target {
    /// What it is called in the report.
    pub(crate) name: &'static str,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What it understands.
    pub(crate) dialect: Dialect,
}

/// The ways of asking.
pub(crate) enum Dialect {
    /// The PCS API, as the owner of a token.
    Pcs {
        /// The access token.
        token: String,
    },
    /// `PUT` and `GET` of plain paths.
    Plain {
        /// What turns the URL of a directory into its listing.
        list_query: &'static str,
    },
}

/// A connection to a target, with a buffer for requests.
pub(crate) struct Client<'a> {
    target: &'a Target,
    connection: Connection,
    request: Vec<u8>,
}

impl Target {
    /// Opens a connection.
    pub(crate) fn connect(&self) -> Result<Client<'_>> {
        let connection = Connection::open(self.address)?;
        Ok(Client { target: self, connection, request: Vec::new() })
    }

    /// The request line and the head of an upload, and what stands around its content.
    fn upload_head(&self, path: &str, size_bytes: u64) -> (String, String) {
        match &self.dialect {
            Dialect::Plain { .. } => (
                format!(
                    "PUT {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {size_bytes}\r\n\r\n"
                ),
                String::new(),
            ),
            Dialect::Pcs { token } => {
                let before = format!(
                    "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n"
                );
                let after = format!("\r\n--{BOUNDARY}--\r\n");
                let length = (before.len() + after.len()) as u64 + size_bytes;
                let head = format!(
                    "POST /rest/2.0/pcs/file?method=upload&path={path}&access_token={token} HTTP/1.1\r\n\
                     Host: bench\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n\
                     Content-Length: {length}\r\n\r\n{before}"
                );
                (head, after)
            }
        }
    }

    fn get(&self, method_query: &str, path: &str, header: &str) -> String {
        let url = match &self.dialect {
            Dialect::Plain { .. } => path.to_owned(),
            Dialect::Pcs { token } => {
                format!("/rest/2.0/pcs/file?method={method_query}&path={path}&access_token={token}")
            }
        };
        format!("GET {url} HTTP/1.1\r\nHost: bench\r\n{header}\r\n")
    }
}

impl Client<'_> {
    /// Uploads a content; nothing may be there before.
    pub(crate) fn upload(
        &mut self,
        path: &str,
        payload: &Payload,
        stamp: u64,
        size_bytes: u64,
    ) -> Result<()> {
        let (head, after) = self.target.upload_head(path, size_bytes);
        self.request.clear();
        self.request.extend_from_slice(head.as_bytes());
        payload.begin(stamp, size_bytes, &mut self.request);
        let whole = self.request.len() as u64 >= head.len() as u64 + size_bytes;
        if whole {
            self.request.extend_from_slice(after.as_bytes());
        }
        self.connection.send(&self.request)?;
        if !whole {
            payload.write_rest(size_bytes, self.connection.stream())?;
            self.connection.send(after.as_bytes())?;
        }
        self.expect_success(path, &mut |_| ()).map(drop)
    }

    /// Uploads bytes; nothing may be there before.
    pub(crate) fn upload_bytes(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        let (head, after) = self.target.upload_head(path, bytes.len() as u64);
        self.connection.send(&[head.as_bytes(), bytes, after.as_bytes()].concat())?;
        self.expect_success(path, &mut |_| ()).map(drop)
    }

    /// Follows an absolute link of this server, as somebody without a token does.
    pub(crate) fn follow(&mut self, link: &str, sink: &mut dyn FnMut(&[u8])) -> Result<u64> {
        let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
        let path = rest.find('/').map_or("/", |at| &rest[at..]);
        let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
        self.connection.send(request.as_bytes())?;
        self.expect_success(path, sink)
    }

    /// Downloads a file or a range of it, and returns how many bytes came.
    pub(crate) fn download(
        &mut self,
        path: &str,
        range: Option<Range<u64>>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<u64> {
        let header = range.as_ref().map_or_else(String::new, |range| {
            format!("Range: bytes={}-{}\r\n", range.start, range.end - 1)
        });
        let request = self.target.get("download", path, &header);
        self.connection.send(request.as_bytes())?;
        let bytes = self.expect_success(path, sink)?;
        if let Some(range) = range {
            ensure!(
                bytes == range.end - range.start,
                "{bytes} bytes instead of {range:?} of {path}"
            );
        }
        Ok(bytes)
    }

    /// Lists a directory by name: whole, or a window of it where the dialect has windows.
    pub(crate) fn list(
        &mut self,
        path: &str,
        window: Option<Range<usize>>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<u64> {
        let request = match &self.target.dialect {
            Dialect::Plain { list_query } => {
                self.target.get("", &format!("{path}/{list_query}"), "")
            }
            Dialect::Pcs { .. } => {
                let limit = window.map_or_else(String::new, |window| {
                    format!("&limit={}-{}", window.start, window.end)
                });
                self.target.get(&format!("list&by=name&order=asc{limit}"), path, "")
            }
        };
        self.connection.send(request.as_bytes())?;
        self.expect_success(path, sink)
    }

    /// Calls a PCS method of the file object with a form as its body.
    pub(crate) fn call(&mut self, method: &str, form: &str) -> Result<()> {
        let Dialect::Pcs { token } = &self.target.dialect else {
            bail!("{} does not speak PCS", self.target.name);
        };
        let request = format!(
            "POST /rest/2.0/pcs/file?method={method}&access_token={token} HTTP/1.1\r\nHost: bench\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        self.connection.send(request.as_bytes())?;
        self.expect_success(method, &mut |_| ()).map(drop)
    }

    /// Asks for something by GET: an object and its query, without the token.
    pub(crate) fn ask(&mut self, query: &str, sink: &mut dyn FnMut(&[u8])) -> Result<u64> {
        let Dialect::Pcs { token } = &self.target.dialect else {
            bail!("{} does not speak PCS", self.target.name);
        };
        let request = format!(
            "GET /rest/2.0/pcs/{query}&access_token={token} HTTP/1.1\r\nHost: bench\r\n\r\n"
        );
        self.connection.send(request.as_bytes())?;
        self.expect_success(query, sink)
    }

    /// Asks for the quota: the smallest question that needs a token and the database.
    pub(crate) fn quota(&mut self) -> Result<()> {
        self.ask("quota?method=info", &mut |_| ()).map(drop)
    }

    fn expect_success(&mut self, what: &str, sink: &mut dyn FnMut(&[u8])) -> Result<u64> {
        let mut beginning = Vec::new();
        let reply = self.connection.receive(&mut |bytes| {
            if beginning.len() < 300 {
                beginning.extend_from_slice(&bytes[..bytes.len().min(300)]);
            }
            sink(bytes);
        })?;
        if !(200..300).contains(&reply.status) {
            let name = self.target.name;
            bail!(
                "{name} answered {} to {what}: {}",
                reply.status,
                String::from_utf8_lossy(&beginning)
            );
        }
        Ok(reply.body_bytes)
    }
}

/// A value in the form that `application/x-www-form-urlencoded` bodies and queries need.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Target, percent_encoded};

    #[test]
    fn an_upload_announces_the_length_that_it_has() {
        let address = "127.0.0.1:1".parse().unwrap();
        let target = Target { name: "t", address, dialect: Dialect::Pcs { token: "T".to_owned() } };
        let (head, after) = target.upload_head("/a/b", 10);
        let (head, before) = head.split_once("\r\n\r\n").unwrap();
        let length = format!("Content-Length: {}", before.len() + 10 + after.len());
        assert!(
            head.starts_with("POST /rest/2.0/pcs/file?method=upload&path=/a/b&access_token=T ")
        );
        assert!(head.lines().any(|line| line == length), "{head}");
    }

    #[test]
    fn a_form_value_survives() {
        assert_eq!(percent_encoded(r#"{"p":"/a b"}"#), "%7B%22p%22%3A%22/a%20b%22%7D");
    }
}
