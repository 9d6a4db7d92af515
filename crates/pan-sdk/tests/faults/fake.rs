//! A service on a socket that does exactly what a test says, at the level of
//! bytes: a real server cannot be made to misbehave so precisely.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pan_sdk::{Client, ClientBuilder, Endpoint, RetryPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The token of every test; it must never be seen again.
pub(crate) const TOKEN: &str = "s3cr3t-t0ken";

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The method, a blank, and the target with its query.
    pub(crate) line: String,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn is(&self, method: &str) -> bool {
        self.line.contains(&format!("method={method}"))
    }

    /// The value of a header; the name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let prefix = format!("{name}: ");
        let mut lines = self.headers.lines();
        lines.find_map(|line| {
            let is_it = line.to_ascii_lowercase().starts_with(&prefix);
            is_it.then(|| line[prefix.len()..].to_owned())
        })
    }
}

/// What the service does with a request.
pub(crate) enum Act {
    /// Sends these bytes and waits for the next request.
    Send(Vec<u8>),
    /// Sends these bytes and breaks the connection.
    Break(Vec<u8>),
    /// Does nothing more.
    Hang,
}

/// A JSON answer.
pub(crate) fn json(status: u16, body: &str) -> Act {
    answer(status, "", body.as_bytes())
}

/// An answer with more headers, each ended by CRLF.
pub(crate) fn answer(status: u16, headers: &str, body: &[u8]) -> Act {
    Act::Send(whole(status, headers, body))
}

pub(crate) fn whole(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// A running service; it ends with the test.
pub(crate) struct Fake {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    /// The question for extensions is left out.
    plain: bool,
}

impl Fake {
    /// Starts a service that answers each request by `act`, which also gets
    /// its number, from 0.
    pub(crate) async fn start(
        act: impl Fn(usize, &Request) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (act, seen) = (Arc::new(act), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (act, seen) = (Arc::clone(&act), Arc::clone(&seen));
                tokio::spawn(async move { serve(stream, &*act, &seen).await });
            }
        });
        Self { url, requests, plain: false }
    }

    /// Starts a service that can do nothing beyond the API of Baidu; when it is
    /// asked whether it can, that is no request that counts.
    pub(crate) async fn start_plain(
        act: impl Fn(usize, &Request) -> Act + Send + Sync + 'static,
    ) -> Self {
        let asked = AtomicUsize::new(0);
        let mut this = Self::start(move |number, request| {
            if request.is("extensions") {
                asked.fetch_add(1, Ordering::SeqCst);
                return json(400, r#"{"error_code":3,"error_msg":"no","request_id":5}"#);
            }
            act(number - asked.load(Ordering::SeqCst), request)
        })
        .await;
        this.plain = true;
        this
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        let pause = std::time::Duration::from_millis(5);
        Client::builder(Endpoint::single(&self.url).unwrap(), TOKEN).retry(RetryPolicy {
            first_pause: pause,
            longest_pause: pause,
            patience: std::time::Duration::from_secs(3),
        })
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    /// What came in so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let mut requests = self.requests.lock().unwrap().clone();
        requests.retain(|request| !self.plain || !request.is("extensions"));
        requests
    }
}

async fn serve(
    mut stream: TcpStream,
    act: &(impl Fn(usize, &Request) -> Act + Sync),
    seen: &Mutex<Vec<Request>>,
) {
    while let Some(request) = receive(&mut stream).await {
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        match act(number, &request) {
            Act::Send(bytes) => stream.write_all(&bytes).await.unwrap_or_default(),
            Act::Break(bytes) => {
                stream.write_all(&bytes).await.unwrap_or_default();
                return;
            }
            Act::Hang => std::future::pending().await,
        }
    }
}

async fn receive(stream: &mut TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let text = String::from_utf8(head).unwrap();
    let (line, headers) = text.split_once("\r\n").unwrap();
    let line = line.trim_end_matches(" HTTP/1.1").to_owned();
    let mut request = Request { line, headers: headers.to_owned(), body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body.resize(length, 0);
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}
