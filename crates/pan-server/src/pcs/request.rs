//! The one extractor: every call's parameters, wherever they travel
//! (pcs-rest 1.4, 1.5, 1.8).

use http::header::{AUTHORIZATION, CONTENT_TYPE, EXPECT};
use http::request::Parts;
use http::{HeaderMap, Method as Verb, Uri};
use pan_core::{BodyError, MAX_UPLOAD};
use pan_model::Caller;
use pan_pcs::{ErrorCode, FilePart, MethodSpec, Object, Params, Verbs};

use super::error::Failure;
use super::multipart::Multipart;
use super::reply::Style;
use crate::ServerState;
use crate::body::RequestBody;

/// An urlencoded body, encoded: 999 pairs of 1,000-byte paths, three bytes
/// for each, and what JSON adds.
const FORM_BYTES_MAX: usize = 8 << 20;
/// Units of 64 KiB that parameter bodies may hold in memory together: 32 MiB.
pub(crate) const PARAMETER_ROOM: usize = 512;
const ROOM_UNIT: usize = 64 << 10;

/// A request below `/rest/2.0/`.
pub(crate) struct Request {
    pub(crate) head: Parts,
    /// The decoded path.
    pub(crate) path: String,
    /// What the URLs of its connection begin with.
    pub(crate) scheme: &'static str,
    pub(crate) body: RequestBody,
    pub(crate) request_id: u64,
}

/// A call whose caller and parameters are known.
pub(super) struct Call {
    pub(super) spec: &'static MethodSpec,
    pub(super) caller: Caller,
    pub(super) params: Params,
    pub(super) headers: HeaderMap,
    pub(super) uri: Uri,
    pub(super) scheme: &'static str,
    pub(super) verb: Verb,
    pub(super) request_id: u64,
    body: Body,
    query: Params,
}

/// The body of a request, as far as it was read.
enum Body {
    Plain(RequestBody),
    Multipart(Multipart),
}

impl Body {
    /// Lets a client that is still sending finish, so that it hears the reply.
    fn discard(self) {
        match self {
            Self::Plain(body) => body.discard(),
            Self::Multipart(multipart) => multipart.into_body().discard(),
        }
    }
}

impl Call {
    /// How this caller's replies are written.
    pub(super) fn style(&self) -> Style {
        Style { md5: self.caller.md5_style, request_id: Some(self.request_id) }
    }

    /// The multipart body of an upload; [`Call::put_back`] what is left of it.
    pub(super) fn take_multipart(&mut self) -> Result<Multipart, Failure> {
        match std::mem::replace(&mut self.body, Body::Plain(RequestBody::none())) {
            Body::Multipart(multipart) => Ok(multipart),
            plain @ Body::Plain(_) => {
                self.body = plain;
                Err(no_content())
            }
        }
    }

    pub(super) fn put_back(&mut self, multipart: Multipart) {
        self.body = Body::Multipart(multipart);
    }

    /// A body that holds no parameters, of this type and of at most so many
    /// bytes; [`Call::put_back_plain`] what is left of it.
    pub(super) fn take_plain(&mut self, kind: &str, limit: u64) -> Result<RequestBody, Failure> {
        if essence(&content_type(&self.headers)) != kind {
            let detail = format!("the body is not of the type `{kind}`");
            return Err(Failure::new(ErrorCode::Param, detail));
        }
        // Said before it is sent, a refusal costs nobody anything.
        match std::mem::replace(&mut self.body, Body::Plain(RequestBody::none())) {
            Body::Plain(body) if body.announced().is_none_or(|bytes| bytes <= limit) => Ok(body),
            other => {
                self.body = other;
                let detail = format!("the body is longer than {limit} bytes");
                Err(Failure::new(ErrorCode::Param, detail))
            }
        }
    }

    pub(super) fn put_back_plain(&mut self, body: RequestBody) {
        self.body = Body::Plain(body);
    }

    /// Sets a parameter that came after the content. The query still wins.
    pub(super) fn set_late(&mut self, name: &str, value: Vec<u8>) {
        self.params.set(name, value);
        self.params.merge(self.query.clone());
    }

    /// Ends the call: what the client still sends is read and forgotten.
    pub(super) fn finish(self) {
        self.body.discard();
    }
}

pub(super) fn no_content() -> Failure {
    Failure::new(ErrorCode::Param, "the request has no file part: send the content as `file`")
}

/// Finds out what is called, by whom, with which parameters.
pub(super) async fn extract(state: &ServerState, request: Request) -> Result<Call, Failure> {
    let Request { head, path, scheme, body, request_id } = request;
    let expects = head.headers.contains_key(EXPECT);
    let mut reading = Reading { head, body: Body::Plain(body), params: Params::new() };
    match reading.identify(state, &path).await {
        Ok((spec, caller, query)) => Ok(Call {
            spec,
            caller,
            params: reading.params,
            headers: reading.head.headers,
            uri: reading.head.uri,
            scheme,
            verb: reading.head.method,
            request_id,
            body: reading.body,
            query,
        }),
        Err(failure) => {
            // A client that asked first sends nothing once it was refused.
            if !expects {
                reading.body.discard();
            }
            Err(failure)
        }
    }
}

struct Reading {
    head: Parts,
    body: Body,
    params: Params,
}

impl Reading {
    async fn identify(
        &mut self,
        state: &ServerState,
        path: &str,
    ) -> Result<(&'static MethodSpec, Caller, Params), Failure> {
        let verb = self.head.method.clone();
        let object = Object::of_path(path).ok_or_else(|| unsupported("there is no such object"))?;
        if !matches!(verb, Verb::GET | Verb::HEAD | Verb::POST) {
            return Err(unsupported("this verb is not used").with_status(405));
        }
        let mut query = Params::new();
        query.merge_urlencoded(self.head.uri.query().unwrap_or_default().as_bytes());
        // What can be refused by the head alone is refused before the body is
        // asked for: it may be gigabytes.
        if query.bytes("method").is_some() {
            check_verb(find_spec(object, &query)?, &verb)?;
        }
        let caller = match self.token(&query) {
            Some(token) => Some(state.pan.authenticate(token).await?),
            None => None,
        };
        self.read_body(state, object, &query).await?;
        self.params.merge(query.clone());
        let spec = find_spec(object, &self.params)?;
        check_verb(spec, &verb)?;
        let caller = match (caller, self.token(&self.params)) {
            (Some(caller), _) => caller,
            (None, Some(token)) => state.pan.authenticate(token).await?,
            (None, None) => {
                let detail = "the request has no access_token";
                return Err(Failure::new(ErrorCode::TokenInvalid, detail));
            }
        };
        Ok((spec, caller, query))
    }

    /// The token among these parameters, or in the head as a Bearer.
    fn token<'a>(&'a self, params: &'a Params) -> Option<&'a str> {
        let bearer = || {
            let value = self.head.headers.get(AUTHORIZATION)?.to_str().ok()?;
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        };
        params.text("access_token").ok().flatten().or_else(bearer)
    }

    /// Reads the parameters in the body; stops at the content of an upload.
    async fn read_body(
        &mut self,
        state: &ServerState,
        object: Object,
        query: &Params,
    ) -> Result<(), Failure> {
        let kind = content_type(&self.head.headers);
        match essence(&kind).as_str() {
            "application/x-www-form-urlencoded" => self.read_form(state).await,
            "multipart/form-data" => self.read_parts(&kind, object, query).await,
            // Whatever else a body is, it holds no parameters.
            _ => Ok(()),
        }
    }

    async fn read_form(&mut self, state: &ServerState) -> Result<(), Failure> {
        let Body::Plain(body) = &mut self.body else { return Ok(()) };
        let announced = body.announced().unwrap_or(FORM_BYTES_MAX as u64);
        if announced > FORM_BYTES_MAX as u64 {
            return Err(too_long());
        }
        let units = (announced as usize).div_ceil(ROOM_UNIT).max(1) as u32;
        let _room = state.parameter_room.acquire_many(units).await;
        let mut form = Vec::new();
        while let Some(piece) = body.next().await.map_err(broken)? {
            if form.len() + piece.len() > FORM_BYTES_MAX {
                return Err(too_long());
            }
            form.extend_from_slice(&piece);
        }
        self.params.merge_urlencoded(&form);
        check_lengths(&self.params)
    }

    async fn read_parts(
        &mut self,
        kind: &str,
        object: Object,
        query: &Params,
    ) -> Result<(), Failure> {
        let placeholder = RequestBody::none();
        let Body::Plain(body) = std::mem::replace(&mut self.body, Body::Plain(placeholder)) else {
            return Ok(());
        };
        // Said before the content is sent, a refusal costs nobody anything.
        let limit = MAX_UPLOAD.0 + super::content::WRAPPING_BYTES;
        if body.announced().is_some_and(|bytes| bytes > limit) {
            self.body = Body::Plain(body);
            return Err(pan_core::Error::TooLarge { limit: MAX_UPLOAD }.into());
        }
        let mut multipart = Multipart::new(kind, body);
        let read = read_text_parts(&mut multipart, object, query, &mut self.params).await;
        self.body = Body::Multipart(multipart);
        read
    }
}

/// What the head says of the body; empty when it says nothing.
fn content_type(headers: &HeaderMap) -> String {
    let kind = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    String::from_utf8_lossy(kind.unwrap_or_default()).into_owned()
}

/// The type itself, without its parameters.
fn essence(kind: &str) -> String {
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Reads parts until the content of an upload begins or there are no more.
async fn read_text_parts(
    multipart: &mut Multipart,
    object: Object,
    query: &Params,
    params: &mut Params,
) -> Result<(), Failure> {
    while let Some(part) = multipart.next_part().await.map_err(broken)? {
        if part.is_text() {
            let value = multipart.read_text().await.map_err(broken)?;
            params.set(&part.name, value);
            continue;
        }
        let mut known = params.clone();
        known.merge(query.clone());
        let takes_content =
            find_spec(object, &known).is_ok_and(|spec| spec.file_part == FilePart::Content);
        if takes_content {
            multipart.hold(part);
            return Ok(());
        }
        multipart.skip_part().await.map_err(broken)?;
    }
    Ok(())
}

fn find_spec(object: Object, params: &Params) -> Result<&'static MethodSpec, Failure> {
    let text = |name| params.text(name).ok().flatten();
    let name = text("method").ok_or_else(|| unsupported("the request has no `method`"))?;
    MethodSpec::find(object, name, text("type"))
        .ok_or_else(|| unsupported("the object has no such method"))
}

fn check_verb(spec: &MethodSpec, verb: &Verb) -> Result<(), Failure> {
    let taken = match spec.verbs {
        Verbs::GetPost => verb == Verb::GET || verb == Verb::POST,
        Verbs::GetPostHead => true,
        Verbs::Post => verb == Verb::POST,
    };
    if taken {
        return Ok(());
    }
    Err(unsupported("the method does not take this verb").with_status(405))
}

fn check_lengths(params: &Params) -> Result<(), Failure> {
    if params.longest() > pan_pcs::MAX_PARAM_BYTES { Err(too_long()) } else { Ok(()) }
}

fn unsupported(detail: &str) -> Failure {
    Failure::new(ErrorCode::UnsupportedApi, detail)
}

fn too_long() -> Failure {
    Failure::new(ErrorCode::Param, "the parameters are longer than 2 MiB")
}

pub(super) fn broken(error: BodyError) -> Failure {
    pan_core::Error::from(error).into()
}
