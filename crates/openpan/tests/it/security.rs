//! Rows of the threat table that need a whole server: races, patience, leaks.
//! The others are promises of `pan-conformance` (`pcs::…::sec_*`).

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::Barrier;
use std::thread::sleep;
use std::time::{Duration, Instant};

use pan_conformance::pcs::wire::Connection;
use pan_conformance::pcs::{Accounts, Carrier, Client, Credential, DEMO, TokenSpec, digest};

use crate::server::{CommandLine, Server, empty_directory};
use crate::shared::{with_quota, with_target};

crate::tests![sec_slow_clients_are_let_go, sec_quota_race, sec_token_canary];

const MEBIBYTE: u64 = 1 << 20;

/// S28: whatever comes at once, `used` never exceeds the quota by a byte, and
/// is the sum of what is there.
fn sec_quota_race() {
    const QUOTA: u64 = 10 * MEBIBYTE;
    for round in 0..5u64 {
        with_quota(Some(QUOTA), |t| {
            let demo = t.demo();
            demo.put("/apps/demo/seed", &digest::content(1, MEBIBYTE as usize)).ok();
            let block = demo.put_block(&digest::content(2, MEBIBYTE as usize));
            let requests: Vec<Vec<u8>> = (0..64)
                .map(|i| {
                    let content = digest::content(round << 8 | (i + 3), MEBIBYTE as usize);
                    request_for_a_mebibyte(&demo, i, &content, &block)
                })
                .collect();
            let codes = finish_together(&demo, &requests);
            let won = codes.iter().filter(|code| code.is_none()).count() as u64;
            assert!(codes.iter().all(|code| matches!(code, None | Some(31112))), "{codes:?}");
            let (quota, used) = demo.quota();
            assert_eq!((quota, used), (QUOTA, (won + 1) * MEBIBYTE), "{won} won: {codes:?}");
            assert!((1..10).contains(&won), "some fit, and not all: {codes:?}");
            let list = demo.list(DEMO).ok();
            let sizes =
                list["list"].as_array().unwrap().iter().map(|e| e["size"].as_u64().unwrap());
            assert_eq!(sizes.sum::<u64>(), used);
            // What is left is left to the last byte.
            demo.rm("/apps/demo/seed").ok();
            let left = (QUOTA + MEBIBYTE - used) as usize;
            let rest = digest::content(99, left + 1);
            demo.put("/apps/demo/rest", &rest).refused(400, 31112);
            demo.put("/apps/demo/rest", &rest[1..]).ok();
            assert_eq!(demo.quota().1, QUOTA);
        });
    }
}

/// A request that spends a mebibyte, in one of the ways there are.
fn request_for_a_mebibyte(demo: &Client, i: u64, content: &[u8], block: &str) -> Vec<u8> {
    let path = format!("/apps/demo/{i}");
    let upload = || demo.file("upload").param("path", &path).content(content);
    match i % 5 {
        0 => upload().to_bytes(),
        1 => upload().param("path", "/apps/demo/same").param("ondup", "newcopy").to_bytes(),
        2 => {
            let param = format!(r#"{{"block_list": ["{block}"]}}"#);
            let call = demo.file("createsuperfile").by(Carrier::PostForm).param("path", path);
            call.param("param", param).to_bytes()
        }
        3 => demo.file("copy").param("from", "/apps/demo/seed").param("to", path).to_bytes(),
        // Without a length: nothing can be refused before it has been counted.
        _ => chunked(&upload().to_bytes()),
    }
}

/// The request with its body in one chunk.
fn chunked(request: &[u8]) -> Vec<u8> {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let (head, body) = request.split_at(end);
    let head = String::from_utf8(head.to_vec()).unwrap();
    let length = head.lines().find(|line| line.starts_with("Content-Length")).unwrap();
    let head = head.replace(length, "Transfer-Encoding: chunked");
    let size = format!("{:x}\r\n", body.len());
    [head.as_bytes(), size.as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
}

/// Sends everything but the last bytes of every request, then those of all
/// at once; the error codes of the replies.
fn finish_together(demo: &Client, requests: &[Vec<u8>]) -> Vec<Option<u64>> {
    const HELD_BACK: usize = 2;
    let barrier = Barrier::new(requests.len());
    std::thread::scope(|scope| {
        let race = |request: &[u8]| {
            let (most, last) = request.split_at(request.len() - HELD_BACK);
            let mut connection = demo.connect();
            let _ = connection.send(most);
            barrier.wait();
            let _ = connection.send(last);
            let head = connection.read_head().unwrap();
            let body = connection.read_body("POST", &head).unwrap();
            let reply: serde_json::Value = serde_json::from_slice(&body).unwrap();
            reply["error_code"].as_u64()
        };
        let racers: Vec<_> =
            requests.iter().map(|request| scope.spawn(move || race(request))).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    })
}

/// Whether the server has closed this connection; what it said is read away.
fn is_closed(connection: &mut Connection) -> bool {
    connection.socket().set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let mut buffer = [0; 4096];
    loop {
        match connection.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => {
                return !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
            }
        }
    }
}

/// S29: silent and dripping clients are let go after a while, and meanwhile
/// cost nobody anything.
fn sec_slow_clients_are_let_go() {
    with_target(|t| {
        let demo = t.demo();
        demo.put("/apps/demo/large", &digest::content(1, 24 << 20)).ok();
        let upload = demo.file("upload").param("path", "/apps/demo/never").content(&[7; 500_000]);
        let upload = upload.to_bytes();
        let download = demo.file("download").get().param("path", "/apps/demo/large").to_bytes();
        let open = |sent: &[u8]| {
            let mut connection = demo.connect();
            connection.send(sent).unwrap();
            connection
        };
        let head = b"GET /rest/2.0/pcs/file?method=list HTTP/1.1\r\nHost: x\r\nX-Slow: ";
        let mut silent: Vec<_> = (0..5).map(|_| open(b"")).collect();
        silent.extend((0..5).map(|_| open(head)));
        let mut dripping_heads: Vec<_> = (0..5).map(|_| open(head)).collect();
        let mut stalled_bodies: Vec<_> = (0..5).map(|_| open(&upload[..2_000])).collect();
        let mut dripping_bodies: Vec<_> = (0..5).map(|_| open(&upload[..2_000])).collect();
        let mut readers: Vec<_> = (0..5).map(|_| open(&download)).collect();
        let begun = Instant::now();
        // The headers within 10 s, a body of 1 KiB/s after 30 s: then all are gone.
        while begun.elapsed() < Duration::from_secs(75) {
            for connection in dripping_heads.iter_mut().chain(&mut dripping_bodies) {
                let _ = connection.send(b"x");
            }
            let asked = Instant::now();
            demo.quota();
            assert!(asked.elapsed() < Duration::from_secs(5), "others wait: {:?}", asked.elapsed());
            silent.retain_mut(|connection| !is_closed(connection));
            dripping_heads.retain_mut(|connection| !is_closed(connection));
            if begun.elapsed() > Duration::from_secs(20) {
                assert_eq!((silent.len(), dripping_heads.len()), (0, 0), "heads take 10 s at most");
            }
            stalled_bodies.retain_mut(|connection| !is_closed(connection));
            dripping_bodies.retain_mut(|connection| !is_closed(connection));
            sleep(Duration::from_millis(500));
        }
        assert_eq!((stalled_bodies.len(), dripping_bodies.len()), (0, 0), "bodies that crawl");
        for reader in &mut readers {
            // What was in the kernel comes out; then the connection has ended.
            reader.socket().set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let mut got = Vec::new();
            let ended = reader.read_to_end(&mut got);
            assert!(got.len() < 24 << 20, "it had stopped sending");
            assert!(!matches!(&ended, Err(error) if error.kind() == ErrorKind::WouldBlock));
        }
        demo.is_missing("/apps/demo/never");
    });
}

/// S22: a token is in no log, no output and no database, however it came.
fn sec_token_canary() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start_with(
        &data,
        &["--listen", "127.0.0.1:0"],
        &[("OPENPAN_LOG", "trace"), ("RUST_LOG", "trace"), ("RUST_BACKTRACE", "1")],
    );
    let accounts = CommandLine(&data);
    let setup = server.admin();
    accounts.add_user("ann", Some(1_000_000));
    let demo = Client::new(&server.address, &accounts.issue_token("ann", &TokenSpec::rooted(DEMO)));
    let unknown = Client::new(&server.address, "canary-unknown-3f9a7c51d2");
    for client in [&setup, &demo, &unknown] {
        use_everywhere(client);
    }
    let link = watch(&demo);
    server.check();
    server.terminate();
    let mut server = server;
    assert!(server.wait().success());
    let log = server.log();
    let printed = server.printed_since().join("\n");
    assert!(log.len() > 1000, "with everything logged, something is: {} bytes", log.len());
    for client in [&setup, &demo, &unknown] {
        let token = client.token();
        // A part of it is a leak as well.
        for needle in [token, &token[..token.len() / 2], &token[token.len() / 2..]] {
            assert!(!log.contains(needle), "in the log: {}", line_with(&log, needle));
            assert!(!printed.contains(needle), "on stdout: {printed}");
        }
        is_in_no_file(&data, token);
    }
    for needle in [&link[..], &link[..link.len() / 2], &link[link.len() / 2..]] {
        assert!(!log.contains(needle), "in the log: {}", line_with(&log, needle));
        assert!(!printed.contains(needle), "on stdout: {printed}");
    }
    is_in_no_file(&data, &link);
    assert!(!log.contains("canary-content"), "{}", line_with(&log, "canary-content"));
}

/// Calls that succeed, fail and break, with the token in every place.
fn use_everywhere(client: &Client) {
    for credential in [Credential::Query, Credential::Body, Credential::Bearer] {
        let carrier =
            if credential == Credential::Body { Carrier::PostForm } else { Carrier::PostQuery };
        for method in ["mkdir", "list", "meta", "delete", "move", "nonsense", "download"] {
            let call = client.file(method).by(carrier).credential(credential);
            call.param("path", "/apps/demo/x").send();
        }
        let call = client.file("upload").credential(credential).param("path", "/apps/demo/y");
        call.param("ondup", "overwrite").content(b"canary-content").send();
        let _ = client.try_send(&client.file("list").verb("PUT").credential(credential));
    }
    let token = client.token();
    for request in [
        format!("GET /rest/2.0/pcs/quota?method=info&access_token={token} HTTP/1.1\r\n\r\n"),
        format!(
            "GET /nothing/{token}?{token} HTTP/1.1\r\nHost: x\r\nReferer: http://x/{token}\r\n\r\n"
        ),
        format!(
            "POST /rest/2.0/pcs/file?method=upload&access_token={token} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\ncut"
        ),
        format!(
            "GET /rest/2.0/pcs/file?method=list&path=/{token}&access_token={token}%ff HTTP/1.1\r\nHost: x\r\nCookie: {token}\r\n\r\n"
        ),
        format!("{token} HTTP/1.1\r\n\r\n"),
    ] {
        let mut connection = client.connect();
        connection.send(request.as_bytes()).unwrap();
        let _ = connection.finish_sending();
        let _ = connection.read_head();
    }
}

/// A link is as good as a token for a while: it is used well, and badly.
fn watch(client: &Client) -> String {
    let video = include_bytes!("../../../pan-conformance/golden/video.mp4");
    client.put("/apps/demo/film", video).ok();
    let call = client.file("streaming").get().param("path", "/apps/demo/film");
    let reply = call.param("type", "M3U8_320_240").send();
    let playlist = String::from_utf8_lossy(reply.bytes()).into_owned();
    let url = playlist.lines().find(|line| line.contains("/hls/")).expect("a piece").to_owned();
    let link = url.split('/').nth(4).unwrap().to_owned();
    let of = |name: &str| client.call("", "x").at(&format!("/hls/{link}{name}"));
    assert_eq!(of("/0.ts").get().without_method().send().status(), 200);
    for name in ["/99.ts", "/x.ts", "x/0.ts", "", "/0.ts?", "/%ff.ts"] {
        of(name).get().send();
    }
    of("/0.ts").send();
    client.rm("/apps/demo/film").ok();
    of("/0.ts").get().send().refused(403, 31064);
    link
}

fn is_in_no_file(directory: &Path, token: &str) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            is_in_no_file(&path, token);
        } else if let Ok(bytes) = std::fs::read(&path) {
            let found = bytes.windows(token.len()).any(|window| window == token.as_bytes());
            assert!(!found, "in {}", path.display());
        }
    }
}

fn line_with<'a>(text: &'a str, needle: &str) -> &'a str {
    text.lines().find(|line| line.contains(needle)).unwrap_or_default()
}
