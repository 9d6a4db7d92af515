//! One PCS call: its parameters, and where in the request they travel.
//!
//! A call knows how to write itself; sending is the client's.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::{Client, Reply};

/// The boundary of every multipart body.
pub const BOUNDARY: &str = "openpan-conformance-7d4f";

/// What urlencoding leaves alone (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where the parameters of a call travel (pcs-rest 1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// GET, everything in the query.
    Get,
    /// POST with an empty body, everything in the query.
    PostQuery,
    /// POST, `method` and `access_token` in the query, the rest urlencoded in the body.
    PostForm,
    /// POST, `method` and `access_token` in the query, the rest in multipart text parts.
    PostMultipart,
    /// POST, everything in an urlencoded body, even `method` and `access_token`.
    PostAllInForm,
}

/// How the caller shows who it is (pcs-rest 1.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// `access_token` in the query.
    Query,
    /// `access_token` in the body.
    Body,
    /// `Authorization: Bearer`.
    Bearer,
    /// Nothing at all.
    Absent,
}

/// A part of a multipart body that has a filename, or wants to look odd.
#[derive(Debug, Clone)]
pub struct Part {
    /// The part's name.
    pub name: String,
    /// The part's filename; a part without one looks like a parameter.
    pub filename: Option<String>,
    /// The part's own type.
    pub content_type: Option<&'static str>,
    /// The content.
    pub content: Vec<u8>,
}

impl Part {
    /// A file part as bypy sends it.
    pub fn file(content: &[u8]) -> Self {
        Self {
            name: "file".into(),
            filename: Some("file".into()),
            content_type: Some("application/octet-stream"),
            content: content.to_vec(),
        }
    }

    /// The same part under another name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The same part with another filename, or none.
    #[must_use]
    pub fn with_filename(self, filename: Option<&str>) -> Self {
        Self { filename: filename.map(Into::into), ..self }
    }
}

/// A call on its way.
#[derive(Debug, Clone)]
#[must_use = "a call does nothing until it is sent"]
pub struct Call<'a> {
    client: &'a Client,
    path: String,
    method: Option<String>,
    carrier: Carrier,
    verb: Option<&'static str>,
    credential: Credential,
    params: Vec<(String, Vec<u8>)>,
    raw_query: Option<String>,
    part: Option<Part>,
    part_first: bool,
    fields: Vec<(String, String)>,
}

impl<'a> Call<'a> {
    /// `object?method=method`, by POST with everything in the query.
    pub fn new(client: &'a Client, object: &str, method: &str) -> Self {
        Self {
            client,
            path: format!("/rest/2.0/pcs/{object}"),
            method: Some(method.into()),
            carrier: Carrier::PostQuery,
            verb: None,
            credential: Credential::Query,
            params: Vec::new(),
            raw_query: None,
            part: None,
            part_first: false,
            fields: Vec::new(),
        }
    }

    /// Adds a parameter.
    pub fn param(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.params.push((name.into(), value.as_ref().to_vec()));
        self
    }

    /// Adds text to the query as it is, encoded or not.
    pub fn raw_query(mut self, text: &str) -> Self {
        self.raw_query = Some(text.into());
        self
    }

    /// Sends the parameters another way.
    pub fn by(mut self, carrier: Carrier) -> Self {
        self.carrier = carrier;
        self
    }

    /// Uses GET.
    pub fn get(self) -> Self {
        self.by(Carrier::Get)
    }

    /// Uses another verb than the carrier's.
    pub fn verb(mut self, verb: &'static str) -> Self {
        self.verb = Some(verb);
        self
    }

    /// Uses another request path than `/rest/2.0/pcs/{object}`.
    pub fn at(mut self, path: &str) -> Self {
        self.path = path.into();
        self
    }

    /// Leaves out the `method` parameter.
    pub fn without_method(mut self) -> Self {
        self.method = None;
        self
    }

    /// Shows the token another way.
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credential = credential;
        self
    }

    /// Adds content as a file part.
    pub fn content(self, content: &[u8]) -> Self {
        self.part(Part::file(content))
    }

    /// Adds a file part.
    pub fn part(mut self, part: Part) -> Self {
        self.part = Some(part);
        self
    }

    /// Sends the file part before the text parts.
    pub fn part_first(mut self) -> Self {
        self.part_first = true;
        self
    }

    /// Adds a header field.
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// Sends the call and reads the whole reply.
    #[track_caller]
    pub fn send(self) -> Reply {
        self.client.send(&self)
    }

    /// The verb that goes out.
    pub(super) fn actual_verb(&self) -> &'static str {
        match (self.verb, self.carrier) {
            (Some(verb), _) => verb,
            (None, Carrier::Get) => "GET",
            (None, _) => "POST",
        }
    }

    /// The request as bytes: [`Call::head`] and [`Call::body`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let (body, body_type) = self.body();
        let mut bytes = self.head(body.len() as u64, body_type.as_deref());
        bytes.extend_from_slice(&body);
        bytes
    }

    /// Request line and header fields, for a body of this length and type.
    pub fn head(&self, length: u64, body_type: Option<&str>) -> Vec<u8> {
        let verb = self.actual_verb();
        let target = self.target();
        let mut head = format!("{verb} {target} HTTP/1.1\r\nHost: pcs.baidu.com\r\n");
        if self.credential == Credential::Bearer {
            head.push_str(&format!("Authorization: Bearer {}\r\n", self.client.token()));
        }
        for (name, value) in &self.fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body_type) = body_type {
            head.push_str(&format!("Content-Type: {body_type}\r\n"));
        }
        if !matches!(verb, "GET" | "HEAD") || length > 0 {
            head.push_str(&format!("Content-Length: {length}\r\n"));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    fn target(&self) -> String {
        let mut query = Vec::new();
        let mut pairs = self.always();
        if self.carrier == Carrier::PostAllInForm {
            pairs.clear();
        }
        if matches!(self.carrier, Carrier::Get | Carrier::PostQuery) {
            pairs.extend(self.params.clone());
        }
        query.extend(pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))));
        query.extend(self.raw_query.clone());
        format!("{}?{}", self.path, query.join("&"))
    }

    /// `method`, and the token when it belongs in the query.
    fn always(&self) -> Vec<(String, Vec<u8>)> {
        let mut pairs = Vec::new();
        if let Some(method) = &self.method {
            pairs.push(("method".to_owned(), method.clone().into_bytes()));
        }
        if self.credential == Credential::Query {
            pairs.push(("access_token".to_owned(), self.client.token().into()));
        }
        pairs
    }

    fn body(&self) -> (Vec<u8>, Option<String>) {
        let mut pairs = match self.carrier {
            Carrier::Get | Carrier::PostQuery => Vec::new(),
            Carrier::PostForm | Carrier::PostMultipart => self.params.clone(),
            Carrier::PostAllInForm => [self.always(), self.params.clone()].concat(),
        };
        if self.credential == Credential::Body {
            pairs.push(("access_token".into(), self.client.token().into()));
        }
        if self.part.is_some() || self.carrier == Carrier::PostMultipart {
            let body = multipart(&pairs, self.part.as_ref(), self.part_first);
            (body, Some(format!("multipart/form-data; boundary={BOUNDARY}")))
        } else if pairs.is_empty() {
            (Vec::new(), None)
        } else {
            (urlencoded(&pairs), Some("application/x-www-form-urlencoded".into()))
        }
    }
}

/// `name=value&…` with blanks as `+`, as Python writes it.
fn urlencoded(pairs: &[(String, Vec<u8>)]) -> Vec<u8> {
    let pairs = pairs.iter().map(|(name, value)| {
        format!("{}={}", encode(name.as_bytes()), encode(value).replace("%20", "+"))
    });
    pairs.collect::<Vec<_>>().join("&").into_bytes()
}

/// A multipart body: text parts, and the file part before or after them.
pub(super) fn multipart(
    pairs: &[(String, Vec<u8>)],
    part: Option<&Part>,
    part_first: bool,
) -> Vec<u8> {
    let texts = pairs.iter().map(|(name, value)| Part {
        name: name.clone(),
        filename: None,
        content_type: None,
        content: value.clone(),
    });
    let mut parts: Vec<Part> = texts.collect();
    if let Some(part) = part {
        parts.insert(if part_first { 0 } else { parts.len() }, part.clone());
    }
    let mut body = Vec::new();
    for part in parts {
        let mut head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; ");
        head.push_str(&format!("name=\"{}\"", part.name));
        if let Some(filename) = &part.filename {
            head.push_str(&format!("; filename=\"{filename}\""));
        }
        if let Some(content_type) = part.content_type {
            head.push_str(&format!("\r\nContent-Type: {content_type}"));
        }
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(&part.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// Percent-encodes everything but unreserved characters.
pub fn encode(value: &[u8]) -> String {
    percent_encode(value, ENCODED).to_string()
}
