//! A server's life: set-up, readiness, one owner of the data, a kind end.

use std::io::Read;
use std::net::TcpListener;
use std::thread::sleep;
use std::time::{Duration, Instant};

use pan_conformance::pcs::wire::Connection;
use pan_conformance::pcs::{Carrier, digest};

use crate::server::{Server, empty_directory, fail, openpan};

crate::tests![
    the_first_start_sets_everything_up,
    a_second_start_prints_no_token,
    liveness_and_readiness_need_no_token,
    what_is_no_route_is_no_page,
    two_servers_never_share_a_directory,
    a_taken_port_is_an_error,
    tls_with_a_certificate_of_its_own,
    sigterm_lets_a_download_end,
    sigterm_lets_an_upload_end,
    sigterm_does_not_wait_for_idle_connections,
    a_killed_server_comes_back_with_everything,
    data_may_only_be_read_by_its_owner,
];

fn the_first_start_sets_everything_up() {
    let directory = empty_directory();
    let data = directory.path().join("not-there-yet");
    let server = Server::start(&data);
    assert_eq!(server.setup_value("url"), Some(format!("http://{}", server.address)));
    assert_eq!(server.setup_value("user").as_deref(), Some("admin"));
    let admin = server.admin();
    assert!(admin.token().len() >= 22, "at least 128 bits: {}", admin.token());
    // Root `/`, relaxed rules.
    admin.put("/12:30.log", b"abc").ok();
    assert_eq!(admin.names("/"), ["12:30.log"]);
    server.check();
    server.stop();
}

fn a_second_start_prints_no_token() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let first = Server::start(&data);
    let admin = first.admin();
    let etag = {
        admin.put("/a", &digest::content(1, 300_000)).ok();
        admin.get("/a").field("etag").unwrap().to_owned()
    };
    first.stop();
    let second = Server::start(&data);
    assert_eq!((second.setup_token(), second.setup_value("user")), (None, None));
    let output = second.printed.join("\n");
    assert!(!output.contains(admin.token()), "{output}");
    let admin = pan_conformance::pcs::Client::new(&second.address, admin.token());
    let reply = admin.get("/a");
    assert_eq!(reply.file(), digest::content(1, 300_000));
    assert_eq!(reply.field("etag"), Some(etag.as_str()), "an ETag outlives a restart");
    second.check();
}

fn liveness_and_readiness_need_no_token() {
    let directory = empty_directory();
    let server = Server::start(&directory.path().join("data"));
    for path in ["/livez", "/readyz"] {
        for verb in ["GET", "HEAD"] {
            let mut connection = Connection::open(&server.address).unwrap();
            let request = format!("{verb} {path} HTTP/1.1\r\nHost: x\r\n\r\n");
            connection.send(request.as_bytes()).unwrap();
            assert_eq!(connection.read_head().unwrap().status, 200, "{verb} {path}");
        }
    }
}

fn what_is_no_route_is_no_page() {
    let directory = empty_directory();
    let server = Server::start(&directory.path().join("data"));
    for path in ["/nothing", "/rest", "/rest/", "/rest/3.0/pcs/file", "/../x", "/livez/x"] {
        let mut connection = Connection::open(&server.address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        connection.send(request.as_bytes()).unwrap();
        let head = connection.read_head().unwrap();
        assert!((400..500).contains(&head.status), "{path}: {}", head.status);
    }
}

fn two_servers_never_share_a_directory() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let first = Server::start(&data);
    let started = Instant::now();
    let said = fail(openpan(&data, &["serve", "--listen", "127.0.0.1:0"]));
    assert!(started.elapsed() < Duration::from_secs(10), "it says so at once");
    assert!(said.starts_with("error: "), "{said}");
    first.admin().put("/a", b"abc").ok();
    first.check();
}

fn a_taken_port_is_an_error() {
    let directory = empty_directory();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = directory.path().join("data");
    let said = fail(openpan(&data, &["serve", "--listen", &address]));
    assert!(said.starts_with("error: ") && said.contains(&address), "{said}");
    // The token is shown once: not by a start that came to nothing.
    Server::start(&data).admin().put("/a", b"abc").ok();
}

fn tls_with_a_certificate_of_its_own() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let options = ["--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--tls-self-signed"];
    let server = Server::start_with(&data, &options, &[]);
    let mut stream = std::net::TcpStream::connect(server.tls_address.as_ref().unwrap()).unwrap();
    // Plain HTTP on the TLS port gets no HTTP answer.
    std::io::Write::write_all(&mut stream, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
    server.stop();
    // A restart keeps the certificate: clients that pinned it still trust it.
    let server = Server::start_with(&data, &options, &[]);
    assert!(server.tls_address.is_some());
}

/// Larger than what the kernel buffers between two sockets.
const LARGE: usize = 24 << 20;

fn sigterm_lets_a_download_end() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let mut server = Server::start(&data);
    let admin = server.admin();
    let content = digest::content(1, LARGE);
    admin.put("/large", &content).ok();
    let mut connection = admin.connect();
    let call = admin.file("download").get().param("path", "/large");
    connection.send(&call.to_bytes()).unwrap();
    let head = connection.read_head().unwrap();
    server.terminate();
    let asked = Instant::now();
    while Connection::open(&server.address).is_ok() {
        assert!(asked.elapsed() < Duration::from_secs(5), "it still takes people in");
        sleep(Duration::from_millis(20));
    }
    let body = connection.read_body("GET", &head).unwrap();
    assert!(body == content, "the download came whole");
    assert!(server.wait().success());
    let server = Server::start(&data);
    server.check();
}

fn sigterm_lets_an_upload_end() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let mut server = Server::start(&data);
    let admin = server.admin();
    let content = digest::content(2, 3_000_000);
    let call = admin.file("upload").param("path", "/a").content(&content);
    let bytes = call.to_bytes();
    let mut connection = admin.connect();
    connection.send(&bytes[..1_000_000]).unwrap();
    sleep(Duration::from_millis(100));
    server.terminate();
    sleep(Duration::from_millis(300));
    connection.send(&bytes[1_000_000..]).unwrap();
    assert_eq!(connection.read_head().unwrap().status, 200);
    assert!(server.wait().success());
    let server = Server::start(&data);
    let admin = pan_conformance::pcs::Client::new(&server.address, admin.token());
    assert!(admin.get("/a").file() == content, "what was acknowledged is there");
    server.check();
}

fn sigterm_does_not_wait_for_idle_connections() {
    let directory = empty_directory();
    let mut server = Server::start(&directory.path().join("data"));
    let admin = server.admin();
    admin.quota();
    let _silent = Connection::open(&server.address).unwrap();
    let started = Instant::now();
    server.terminate();
    assert!(server.wait().success());
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

fn a_killed_server_comes_back_with_everything() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let admin = server.admin();
    for (name, size) in [("/small", 10), ("/inline", 16_000), ("/large", 5_000_000)] {
        admin.put(name, &digest::content(size as u64, size)).ok();
    }
    let block = admin.put_block(b"block");
    server.kill();
    let server = Server::start(&data);
    let admin = pan_conformance::pcs::Client::new(&server.address, admin.token());
    for (name, size) in [("/small", 10), ("/inline", 16_000), ("/large", 5_000_000)] {
        assert!(admin.get(name).file() == digest::content(size as u64, size), "{name}");
    }
    // Blocks are kept, too: bypy resumes an upload much later (4.3).
    let param = format!(r#"{{"block_list":["{block}"]}}"#);
    let call = admin.file("createsuperfile").by(Carrier::PostForm).param("path", "/merged");
    call.param("param", param).send().ok();
    server.check();
}

// S10: what lies in the data directory is nobody else's business.
fn data_may_only_be_read_by_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    server.admin().put("/a", &digest::content(1, 300_000)).ok();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&data) & 0o077, 0, "the directory");
    assert_eq!(mode(&data.join("control.sock")) & 0o077, 0, "the control socket");
}
