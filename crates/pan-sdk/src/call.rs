//! One call: its address, its parameters, its tries.

use pan_model::{Ondup, PanPath};
use pan_pcs::Object;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use reqwest::{RequestBuilder, Response};
use serde::de::DeserializeOwned;
use tracing::trace;

use crate::digest::ReplyDigests;
use crate::endpoint::{Host, host_of_url};
use crate::multipart::Sending;
use crate::reply::{Answer, Reply};
use crate::retry::Repeat;
use crate::stall::{Activity, while_active};
use crate::{Client, Error};

/// What RFC 3986 leaves unreserved stays readable.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A call of the API: object + `method` + parameters (pcs-rest 1.1, 1.5).
pub(crate) struct Call {
    object: Object,
    method: &'static str,
    host: Host,
    verb: Verb,
    query: Vec<(&'static str, String)>,
    /// `param`, which belongs in the body.
    param: Option<String>,
    /// What doing it again does.
    pub(crate) repeat: Repeat,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Get,
    Head,
    Post,
}

impl Call {
    fn new(object: Object, method: &'static str, verb: Verb, repeat: Repeat) -> Self {
        Self { object, method, host: Host::Api, verb, query: Vec::new(), param: None, repeat }
    }

    /// A question.
    pub(crate) fn get(object: Object, method: &'static str) -> Self {
        Self::new(object, method, Verb::Get, Repeat::Harmless)
    }

    /// A question whose answer is in the headers.
    pub(crate) fn head(object: Object, method: &'static str) -> Self {
        Self::new(object, method, Verb::Head, Repeat::Harmless)
    }

    /// A change of the tree, with harm in repeating it.
    pub(crate) fn post(method: &'static str) -> Self {
        Self::new(Object::File, method, Verb::Post, Repeat::Harmful)
    }

    /// A question or a change of another object than the files.
    pub(crate) fn post_to(object: Object, method: &'static str) -> Self {
        Self::new(object, method, Verb::Post, Repeat::Harmful)
    }

    pub(crate) fn on_host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    pub(crate) fn harmless_if(mut self, harmless: bool) -> Self {
        self.repeat = if harmless { Repeat::Harmless } else { Repeat::Harmful };
        self
    }

    pub(crate) fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }

    pub(crate) fn with_path(self, path: &PanPath) -> Self {
        self.with("path", path.as_str())
    }

    /// Sets `ondup`. A file that replaces itself does no harm.
    pub(crate) fn with_ondup(mut self, ondup: Ondup) -> Self {
        self.query.extend(ondup.as_str().map(|word| ("ondup", word.to_owned())));
        self.harmless_if(ondup == Ondup::Overwrite)
    }

    pub(crate) fn with_param(mut self, json: String) -> Self {
        self.verb = Verb::Post;
        self.param = Some(json);
        self
    }

    /// The request of a call that carries no content.
    fn bare_request(&self, client: &Client) -> RequestBuilder {
        let request = self.request(client);
        if self.verb == Verb::Post && self.param.is_none() {
            // Some servers insist on the length of a body, also of none.
            return request.header(CONTENT_LENGTH, HeaderValue::from(0));
        }
        request
    }

    /// The address of the call, with the token in its query.
    pub(crate) fn url(&self, client: &Client) -> String {
        let mut url = client.endpoint().object_url(self.host, self.object);
        url.push_str("?method=");
        url.push_str(self.method);
        for (key, value) in &self.query {
            push_pair(&mut url, key, value);
        }
        push_pair(&mut url, "access_token", client.token().reveal());
        url
    }

    fn request(&self, client: &Client) -> RequestBuilder {
        let url = self.url(client);
        let http = client.http();
        match (self.verb, &self.param) {
            (Verb::Get, _) => http.get(url),
            (Verb::Head, _) => http.head(url),
            (Verb::Post, None) => http.post(url),
            (Verb::Post, Some(json)) => {
                let mut form = String::with_capacity(json.len() * 2);
                push_pair(&mut form, "param", json);
                http.post(url)
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(form.split_off(1))
            }
        }
    }
}

pub(crate) fn push_pair(text: &mut String, key: &str, value: &str) {
    text.push('&');
    text.push_str(key);
    text.push('=');
    text.extend(utf8_percent_encode(value, ENCODED));
}

fn digested<T: DeserializeOwned>(answer: Answer) -> Result<(T, ReplyDigests), Error> {
    let digests = answer.digests();
    Ok((answer.judge()?, digests))
}

impl Client {
    /// Makes a call, as often as it takes, and reads its reply.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        self.ask_digested(call).await.map(|(value, _)| value)
    }

    /// As [`ask`](Self::ask), with what the headers say of the content.
    pub(crate) async fn ask_digested<T: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> Result<(T, ReplyDigests), Error> {
        let mut pauses = self.retry().pauses();
        loop {
            let activity = Activity::start();
            let reply = self.exchange(call, call.bare_request(self), &activity).await;
            match reply.and_then(digested) {
                Ok(value) => return Ok(value),
                Err(error) => pauses.wait(error, call.repeat).await?,
            }
        }
    }

    /// Makes a call whose reply is a small content, as often as it takes.
    pub(crate) async fn ask_content(&self, call: &Call) -> Result<Reply, Error> {
        let mut pauses = self.retry().pauses();
        loop {
            let activity = Activity::start();
            let reply = self.exchange(call, call.bare_request(self), &activity).await;
            match reply.and_then(Answer::into_content) {
                Ok(content) => return Ok(content),
                Err(error) => pauses.wait(error, call.repeat).await?,
            }
        }
    }

    /// Makes a call that carries content, once.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        call: &Call,
        sending: Sending,
        activity: &Activity,
    ) -> Result<(T, ReplyDigests), Error> {
        let (kind, length) = (sending.content_type(), sending.content_length());
        let body = reqwest::Body::wrap_stream(sending);
        self.send_whole(call, &kind, length, body, activity).await.and_then(digested)
    }

    /// Makes a call with a body of this type and length, once.
    pub(crate) async fn send_body<T: DeserializeOwned>(
        &self,
        call: &Call,
        kind: &str,
        length: u64,
        body: reqwest::Body,
        activity: &Activity,
    ) -> Result<T, Error> {
        self.send_whole(call, kind, length, body, activity).await.and_then(Answer::judge)
    }

    async fn send_whole(
        &self,
        call: &Call,
        kind: &str,
        length: u64,
        body: reqwest::Body,
        activity: &Activity,
    ) -> Result<Answer, Error> {
        let request = call
            .request(self)
            .header(CONTENT_TYPE, kind)
            .header(CONTENT_LENGTH, HeaderValue::from(length))
            .body(body);
        self.exchange(call, request, activity).await
    }

    /// Makes a call whose answer is a stream, once. `dress` adds headers.
    pub(crate) async fn open(
        &self,
        call: &Call,
        dress: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, Error> {
        self.begin(call, dress(call.request(self)), &Activity::start()).await
    }

    /// What an answer that was hoped to be a stream says instead.
    pub(crate) async fn read_refusal(&self, call: &Call, response: Response) -> Error {
        match self.finish(call, response, &Activity::start()).await {
            Ok(answer) => answer.into_error(),
            Err(error) => error,
        }
    }

    async fn exchange(
        &self,
        call: &Call,
        request: RequestBuilder,
        activity: &Activity,
    ) -> Result<Answer, Error> {
        let response = self.begin(call, request, activity).await?;
        self.finish(call, response, activity).await
    }

    /// Sends a request and waits for the headers of the answer.
    async fn begin(
        &self,
        call: &Call,
        request: RequestBuilder,
        activity: &Activity,
    ) -> Result<Response, Error> {
        let response = self.unless_stalled(call, activity, request.send()).await?;
        activity.mark();
        response
            .inspect(
                |response| trace!(method = call.method, status = %response.status(), "answered"),
            )
            .map_err(|error| Error::transport(&self.host_of(call), error))
    }

    /// Reads an answer to its end.
    async fn finish(
        &self,
        call: &Call,
        response: Response,
        activity: &Activity,
    ) -> Result<Answer, Error> {
        let read = Answer::read(self.host_of(call), response, activity);
        self.unless_stalled(call, activity, read).await?
    }

    /// Runs one step of a call for as long as bytes move.
    pub(crate) async fn unless_stalled<F: Future>(
        &self,
        call: &Call,
        activity: &Activity,
        step: F,
    ) -> Result<F::Output, Error> {
        let after = self.stall_timeout();
        while_active(activity, after, step)
            .await
            .ok_or_else(|| Error::Stalled { host: self.host_of(call), after })
    }

    /// The error of a reply that is JSON but makes no sense.
    pub(crate) fn malformed(&self, call: &Call, reason: String) -> Error {
        Error::Reply { host: self.host_of(call), status: 200, reason }
    }

    /// The host that a call goes to, for messages.
    pub(crate) fn host_of(&self, call: &Call) -> String {
        host_of_url(&self.endpoint().object_url(call.host, call.object)).to_owned()
    }
}
