//! `pan put` of what the storage has already, with every byte counted.

use std::fs;
use std::io::{Read, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::spawn;

use pan_conformance::pcs::{Client, TokenSpec, digest};

use crate::person::Person;
use crate::shared::with_target;

crate::tests![a_second_put_sends_no_bytes, what_is_new_is_sent_once];

/// Stands between a client and a server and counts what is sent.
struct Counter {
    address: String,
    sent: Arc<AtomicU64>,
}

impl Counter {
    fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let sent = Arc::new(AtomicU64::new(0));
        let (target, count) = (target.to_owned(), sent.clone());
        spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(&target).unwrap();
                let (mut back, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                spawn(move || copy(&mut back, &mut to));
                let count = count.clone();
                spawn(move || forward(client, server, &count));
            }
        });
        Self { address, sent }
    }

    /// What was sent since it was last asked.
    fn sent(&self) -> u64 {
        self.sent.swap(0, Ordering::SeqCst)
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let mut buffer = [0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        count.fetch_add(read as u64, Ordering::SeqCst);
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn with_counter(story: impl Fn(&Person, &Client, &Counter)) {
    with_target(|t| {
        let client = t.caller(&TokenSpec::rooted("/").relaxed());
        let counter = Counter::start(client.address());
        let person = Person::new(&Client::new(&counter.address, client.token()));
        story(&person, &client, &counter);
    });
}

/// A call without content has less.
const A_FEW_CALLS: u64 = 10_000;

fn a_second_put_sends_no_bytes() {
    with_counter(|person, client, counter| {
        for (i, size) in [300_000, 3_000_000].into_iter().enumerate() {
            let content = digest::content(i as u64 + 1, size);
            fs::write(person.path("file"), &content).unwrap();
            person.ok(&["put", "file", "/first"]);
            assert!(counter.sent() > size as u64);
            person.ok(&["put", "file", "/second"]);
            assert!(counter.sent() < A_FEW_CALLS, "the content was sent again");
            assert!(client.get("/second").file() == content);
            // In parts as well, and in the place of another file.
            let said = person.ok(&["put", "file", "/first", "--threshold", "100k", "--json"]);
            assert!(said.contains(&digest::md5_hex(&content)), "{said}");
            assert!(counter.sent() < A_FEW_CALLS);
            assert!(client.get("/first").file() == content);
            person.ends(1, &["put", "file", "/first", "--on-dup", "fail"]);
            counter.sent();
            person.ok(&["put", "file", "/third", "--no-rapid"]);
            assert!(counter.sent() > size as u64);
            person.ok(&["rm", "/third"]);
        }
        assert_eq!(client.names("/"), ["first", "second"]);
    });
}

fn what_is_new_is_sent_once() {
    with_counter(|person, client, counter| {
        for (size, options) in [(300_000, &[][..]), (3_000_000, &["--threshold", "1M"])] {
            let content = digest::content(9, size);
            fs::write(person.path("file"), &content).unwrap();
            person.ok(&[&["put", "file", "/new"], options].concat());
            let sent = counter.sent();
            assert!(sent < size as u64 + 2 * A_FEW_CALLS, "{sent} bytes for {size}");
            assert!(client.get("/new").file() == content);
        }
    });
}
