//! What stands between `pan` and a server: counts what passes, holds back
//! what it is told to, and leads to another server when there is one.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::Duration;

/// A relay on a port of its own; it lives as long as the test run.
pub(crate) struct Relay {
    pub(crate) address: String,
    inner: Arc<Inner>,
}

struct Inner {
    target: Mutex<String>,
    sent: AtomicU64,
    received: AtomicU64,
    holds: AtomicBool,
}

impl Relay {
    pub(crate) fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let inner = Arc::new(Inner {
            target: Mutex::new(target.to_owned()),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            holds: AtomicBool::new(false),
        });
        let shared = Arc::clone(&inner);
        spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let target = shared.target.lock().unwrap().clone();
                // A server that is gone is a connection that ends.
                let Ok(server) = TcpStream::connect(target) else { continue };
                shared.clone().lead(client, server);
            }
        });
        Self { address, inner }
    }

    /// Leads new connections elsewhere.
    pub(crate) fn lead_to(&self, target: &str) {
        *self.inner.target.lock().unwrap() = target.to_owned();
    }

    /// What went to the server since this was last asked.
    pub(crate) fn take_sent(&self) -> u64 {
        self.inner.sent.swap(0, Ordering::SeqCst)
    }

    /// What went to the server until now.
    pub(crate) fn sent(&self) -> u64 {
        self.inner.sent.load(Ordering::SeqCst)
    }

    /// What came from the server since this was last asked.
    pub(crate) fn take_received(&self) -> u64 {
        self.inner.received.swap(0, Ordering::SeqCst)
    }

    /// Holds back whatever is an upload, or lets it go again.
    pub(crate) fn hold(&self, holds: bool) {
        self.inner.holds.store(holds, Ordering::SeqCst);
    }
}

impl Inner {
    fn lead(self: Arc<Self>, client: TcpStream, server: TcpStream) {
        let (back, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let this = Arc::clone(&self);
        spawn(move || this.pass(back, to, |inner| &inner.received));
        spawn(move || self.pass(client, server, |inner| &inner.sent));
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream, count: fn(&Self) -> &AtomicU64) {
        let mut buffer = [0; 1 << 16];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..read];
            let is_upload = |bytes: &[u8]| {
                bytes.windows(7).any(|word| word == b"=upload" || word == b"=bulkup")
            };
            while self.holds.load(Ordering::SeqCst) && is_upload(&bytes[..read.min(300)]) {
                sleep(Duration::from_millis(20));
            }
            count(self).fetch_add(read as u64, Ordering::SeqCst);
            if to.write_all(bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
        let _ = from.shutdown(Shutdown::Read);
    }
}
