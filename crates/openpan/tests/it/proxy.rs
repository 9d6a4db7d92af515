//! A CONNECT proxy that leads the hosts of PCS to a server of ours, and
//! nobody anywhere else: a test can never reach the real service.

use std::io::{BufRead, BufReader, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::spawn;

/// The hosts that old clients ask for (pcs-clients 1).
const HOSTS: &[&str] = &["pcs.baidu.com", "c.pcs.baidu.com", "d.pcs.baidu.com"];

/// A proxy on a port of its own; it lives as long as the test run.
pub(crate) struct Proxy {
    /// For `HTTPS_PROXY`.
    pub(crate) url: String,
    /// Every host that was asked for.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Leads to the TLS listener at `target`.
    pub(crate) fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (target, log) = (target.to_owned(), asked.clone());
        spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (target, log) = (target.clone(), log.clone());
                // A connection that breaks ends its own thread only.
                spawn(move || _ = lead(client, &target, &log));
            }
        });
        Self { url, asked }
    }
}

fn lead(mut client: TcpStream, target: &str, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    // Unbuffered, so that not a byte of TLS is taken with the head.
    let mut head = BufReader::with_capacity(1, client.try_clone()?);
    let mut request = String::new();
    head.read_line(&mut request)?;
    let mut line = request.clone();
    while line.trim_end() != "" {
        line.clear();
        head.read_line(&mut line)?;
    }
    let host = request.strip_prefix("CONNECT ").and_then(|rest| rest.split(':').next());
    let host = host.unwrap_or_default().to_owned();
    let is_known = HOSTS.contains(&host.as_str());
    log.lock().unwrap().push(host);
    if !is_known {
        return client.write_all(b"HTTP/1.1 403 not in this test\r\n\r\n");
    }
    let server = TcpStream::connect(target)?;
    client.write_all(b"HTTP/1.1 200 ok\r\n\r\n")?;
    let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
    let upward = spawn(move || pipe(from_client, to_server));
    pipe(server, client);
    let _ = upward.join();
    Ok(())
}

fn pipe(mut from: TcpStream, mut to: TcpStream) {
    let _ = copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
