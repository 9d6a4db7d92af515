//! One PCS call: its parameters, and where in the request they travel.
//!
//! A call knows how to write itself; sending is the client's.

use super::encoding::{BOUNDARY, Part, encode, multipart, urlencoded};
use super::{Client, Reply};

/// What every call says it was sent to: a client that was led here (1.3).
pub(super) const HOST: &str = "pcs.baidu.com";

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
    body: Option<(String, Vec<u8>)>,
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
            body: None,
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

    /// Sends this as the body, of this type, and nothing else in it.
    pub fn body_of(mut self, body_type: &str, body: Vec<u8>) -> Self {
        self.body = Some((body_type.into(), body));
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

    /// The request as bytes, head and body.
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
        let mut head = format!("{verb} {target} HTTP/1.1\r\nHost: {HOST}\r\n");
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
        if let Some((body_type, body)) = &self.body {
            return (body.clone(), Some(body_type.clone()));
        }
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
