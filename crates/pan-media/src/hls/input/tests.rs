use std::net::{Ipv4Addr, SocketAddr};

use pan_engine::{BoxFuture, ErrorKind, SourceKey};
use pan_model::{Blake3, ByteSize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Ten million bytes; what is read beyond `damaged` fails.
struct Numbers {
    damaged: u64,
    read: Mutex<u64>,
}

const SIZE: u64 = 10_000_000;

fn number(place: u64) -> u8 {
    (place % 251) as u8
}

impl MediaSource for Numbers {
    fn key(&self) -> SourceKey {
        SourceKey { blake3: Blake3([1; 32]), size: ByteSize(SIZE) }
    }

    fn read(&self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, EngineError>> {
        Box::pin(async move {
            if range.end > self.damaged {
                return Err(EngineError::new(ErrorKind::Corrupt, "damaged"));
            }
            // Fewer than asked for, now and then.
            let end = range.end.min(range.start + 100_000);
            *self.read.lock().unwrap() += end - range.start;
            Ok((range.start..end).map(number).collect())
        })
    }
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn numbers(damaged: u64) -> Arc<Numbers> {
    Arc::new(Numbers { damaged, read: Mutex::default() })
}

/// Sends a request and reads to the end of the connection.
async fn ask(address: SocketAddr, request: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply).await;
    let head_end = reply.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let body = reply.split_off(head_end);
    (String::from_utf8(reply).unwrap().to_lowercase(), body)
}

fn get(headers: &str) -> String {
    format!("GET /source HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n")
}

/// Serves while something else is done.
async fn with_input<T>(source: Arc<Numbers>, story: impl AsyncFnOnce(SocketAddr) -> T) -> T {
    let (listener, address) = listener().await;
    let source: Arc<dyn MediaSource> = source;
    tokio::select! {
        error = serve(&listener, &source) => panic!("{error}"),
        done = story(address) => done,
    }
}

#[tokio::test]
async fn ranges_are_served_as_they_are_asked_for() {
    with_input(numbers(SIZE), async |address| {
        let (head, body) = ask(address, &get("")).await;
        assert!(head.starts_with("http/1.1 200 ok"), "{head}");
        assert!(head.contains("accept-ranges: bytes"), "{head}");
        assert!(body.iter().copied().eq((0..SIZE).map(number)));
        let (head, body) = ask(address, &get("Range: bytes=9999000-\r\n")).await;
        assert!(head.starts_with("http/1.1 206"), "{head}");
        assert!(head.contains("content-range: bytes 9999000-9999999/10000000"), "{head}");
        assert!(body.iter().copied().eq((9_999_000..SIZE).map(number)));
        let (_, body) = ask(address, &get("Range: bytes=5-6\r\n")).await;
        assert_eq!(body, [5, 6]);
        let (head, body) = ask(address, &get("Range: bytes=10000000-\r\n")).await;
        assert!(head.starts_with("http/1.1 416"), "{head}");
        assert!(head.contains("content-range: bytes */10000000"), "{head}");
        assert!(body.is_empty());
    })
    .await;
}

#[tokio::test]
async fn nothing_else_is_served() {
    with_input(numbers(SIZE), async |address| {
        let head = get("").replace("GET", "HEAD");
        let (reply, body) = ask(address, &head).await;
        assert!(reply.contains("content-length: 10000000") && body.is_empty(), "{reply}");
        let other = get("").replace("/source", "/other");
        assert!(ask(address, &other).await.0.starts_with("http/1.1 404"));
        let post = get("").replace("GET", "POST");
        assert!(ask(address, &post).await.0.starts_with("http/1.1 405"));
    })
    .await;
}

#[tokio::test]
async fn what_nobody_takes_is_not_read() {
    let source = numbers(SIZE);
    with_input(source.clone(), async |address| {
        let mut streams = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(get("").as_bytes()).await.unwrap();
            stream.read_exact(&mut [0; 1000]).await.unwrap();
            streams.push(stream);
        }
        // One more connection is not answered before another ends.
        let mut waiting = TcpStream::connect(address).await.unwrap();
        waiting.write_all(get("Range: bytes=5-6\r\n").as_bytes()).await.unwrap();
        tokio::task::yield_now().await;
        streams.pop();
        let mut reply = Vec::new();
        waiting.read_to_end(&mut reply).await.unwrap();
        assert!(reply.ends_with(&[5, 6]));
    })
    .await;
    // The kernel holds a few hundred kilobytes for each, and some more arrived.
    let read = *source.read.lock().unwrap();
    assert!(read < SIZE * CONNECTIONS_MAX as u64 / 2, "{read} bytes were read");
}

#[tokio::test]
async fn damage_ends_the_service_with_its_error() {
    let (listener, address) = listener().await;
    let source: Arc<dyn MediaSource> = numbers(1_000_000);
    let request = get("");
    let asking = ask(address, &request);
    let (error, (head, body)) = tokio::join!(serve(&listener, &source), asking);
    assert!(matches!(&error, MediaError::Source(error) if error.kind() == ErrorKind::Corrupt));
    // Fewer bytes than were promised: nobody takes them for the whole.
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(body.len() <= 1_000_000);
}
