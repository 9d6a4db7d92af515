//! A link to a server that can be slow, and that is listened in on.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::Duration;

/// How often a slow link lets something through.
const BEATS_PER_SECOND: u64 = 50;

/// It lives as long as the test run.
pub(crate) struct Link {
    address: String,
    /// What was sent to the server, unless the link is slow.
    pub(crate) sent: Arc<Mutex<Vec<u8>>>,
}

impl Link {
    /// Leads to a server, as fast as it goes or with so many bytes a second to
    /// it over each connection.
    pub(crate) fn start(target: &str, bytes_per_second: Option<u64>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let sent = Arc::<Mutex<Vec<u8>>>::default();
        let (target, heard) = (target.to_owned(), Arc::clone(&sent));
        spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&target) else { continue };
                let (Ok(answered), Ok(answering)) = (server.try_clone(), client.try_clone()) else {
                    continue;
                };
                let heard = Arc::clone(&heard);
                spawn(move || carry(client, server, bytes_per_second, &heard));
                spawn(move || carry(answered, answering, None, &Mutex::default()));
            }
        });
        Self { address, sent }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, limit: Option<u64>, heard: &Mutex<Vec<u8>>) {
    let size = limit.map_or(64 * 1024, |limit| (limit / BEATS_PER_SECOND).max(1) as usize);
    let mut buffer = vec![0; size];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        match limit {
            Some(_) => sleep(Duration::from_millis(1000 / BEATS_PER_SECOND)),
            None => heard.lock().unwrap().extend_from_slice(&buffer[..read]),
        }
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
