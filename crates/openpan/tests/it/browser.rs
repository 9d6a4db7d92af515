//! Video in a real browser: Chromium with hls.js, on a page of another origin.
//!
//! Nothing drives the browser. The page plays by itself and posts what it saw
//! to the test, which is the page's own server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tempfile::TempDir;

use crate::clients::target;
use crate::server::empty_directory;
use crate::streaming::Setup;
use crate::streaming::videos::MP4;

crate::tests![a_browser_plays_and_seeks, a_page_of_another_origin_is_refused];

/// How long a browser may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn a_browser_plays_and_seeks() {
    let page = Page::listen();
    let setup = Setup::with(&["--web-origin", &page.origin]);
    let (seen, log) = watch(page, &setup);
    assert_eq!(seen["failed"], Value::Null, "{seen}: {log}");
    // It may wait on a busy machine, but never jump.
    assert!(!log.contains("bufferSeekOverHole"), "{log}");
    assert_eq!((&seen["width"], &seen["height"]), (&320.into(), &240.into()), "{seen}");
    let number = |name: &str| seen[name].as_f64().unwrap();
    assert!((number("duration") - 61.4).abs() < 0.1, "{seen}");
    assert!(number("time") > 0.8 * 61.4 + 4.0 && number("frames") > 30.0, "{seen}");
    assert_eq!(number("corrupted"), 0.0, "{seen}");
}

fn a_page_of_another_origin_is_refused() {
    let page = Page::listen();
    let setup = Setup::new();
    let (seen, log) = watch(page, &setup);
    assert_eq!(seen["failed"], "manifestLoadError", "{seen}: {log}");
}

/// Opens the page in a browser; its result, and what happened on the way.
fn watch(page: Page, setup: &Setup) -> (Value, String) {
    setup.client().put("/film.mp4", &MP4.bytes()).ok();
    let script = format!("const LINK = {};", Value::from(setup.link("/film.mp4")));
    let (url, posts) = page.serve(&script);
    let browser = Browser::open(&url);
    let mut log = String::new();
    loop {
        match posts.recv_timeout(PATIENCE) {
            Ok((path, text)) if path == "/result" => {
                return (serde_json::from_str(&text).unwrap(), log);
            }
            Ok((_, text)) => log = log + &text + "\n",
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                panic!("the page does not end: {log}\n{}", browser.said())
            }
        }
    }
}

/// The page's server, and so its origin.
struct Page {
    listener: TcpListener,
    origin: String,
}

/// What a page has posted: where to, and what.
type Post = (String, String);

impl Page {
    fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, origin }
    }

    /// Serves the page with a script in front, and hls.js, for as long as the
    /// test runs.
    fn serve(self, script: &str) -> (String, Receiver<Post>) {
        let script = format!("<script>{script}</script>\n<video");
        let page = include_str!("browser/page.html").replacen("<video", &script, 1);
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            for stream in self.listener.incoming().map_while(Result::ok) {
                let (page, sender) = (page.clone(), sender.clone());
                // A browser opens connections that it does not use.
                std::thread::spawn(move || answer(stream, &page, &sender));
            }
        });
        (format!("{}/", self.origin), receiver)
    }
}

fn answer(stream: TcpStream, page: &str, posts: &Sender<Post>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (verb, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    loop {
        let mut field = String::new();
        reader.read_line(&mut field).ok()?;
        let field = field.trim_end().to_ascii_lowercase();
        if field.is_empty() {
            break;
        }
        if let Some(value) = field.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (kind, answer) = match (verb.as_str(), path.as_str()) {
        ("GET", "/") => ("text/html", page.as_bytes().to_vec()),
        ("GET", "/hls.js") => ("text/javascript", std::fs::read(hls_js()).unwrap()),
        ("POST", _) => {
            posts.send((path, String::from_utf8_lossy(&body).into_owned())).ok()?;
            ("text/plain", Vec::new())
        }
        _ => ("text/plain", Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.len()
    );
    let stream = reader.get_mut();
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&answer).ok()
}

/// hls.js; `cargo xtask test` fetches it and says where it is.
fn hls_js() -> PathBuf {
    let given = std::env::var_os("OPENPAN_TEST_HLS_JS").map(PathBuf::from);
    given.unwrap_or_else(|| target().join("hlsjs/node_modules/hls.js/dist/hls.min.js"))
}

/// A browser with a profile of its own that reaches nothing but this machine.
struct Browser {
    child: Child,
    profile: TempDir,
}

impl Browser {
    fn open(url: &str) -> Self {
        assert!(hls_js().exists(), "hls.js is missing: `cargo xtask test` fetches it");
        let profile = empty_directory();
        let log = std::fs::File::create(profile.path().join("log")).unwrap();
        let mut command = Command::new("chromium");
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--autoplay-policy=no-user-gesture-required",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-extensions",
            "--no-first-run",
            "--no-default-browser-check",
            "--no-proxy-server",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ]);
        command.arg(format!("--user-data-dir={}", profile.path().join("profile").display()));
        command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command.env("HOME", profile.path()).process_group(0);
        let child = command.spawn().expect("`cargo xtask test` installs chromium");
        Self { child, profile }
    }

    /// What it wrote to stderr.
    fn said(&self) -> String {
        std::fs::read_to_string(self.profile.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}
