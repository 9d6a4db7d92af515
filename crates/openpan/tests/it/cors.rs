//! Which web page may fetch what from another origin (S23).

use pan_conformance::pcs::{Accounts, Client, Reply, TokenSpec};

use crate::server::{CommandLine, Server, empty_directory};

crate::tests![the_one_origin_may_fetch_pictures_and_video];

const ORIGIN: &str = "https://photos.example.org";

fn allowed(reply: &Reply) -> Option<&str> {
    reply.field("access-control-allow-origin")
}

fn the_one_origin_may_fetch_pictures_and_video() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    // As an operator may write it.
    let options = ["--listen", "127.0.0.1:0", "--web-origin", "https://Photos.example.org:443/"];
    let server = Server::start_with(&data, &options, &[]);
    let accounts = CommandLine(&data);
    accounts.add_user("ann", None);
    let token = accounts.issue_token("ann", &TokenSpec::rooted("/"));
    let ann = Client::new(&server.address, &token);
    ann.put("/film", include_bytes!("../../../pan-conformance/golden/video.mp4")).ok();
    ann.put("/picture", include_bytes!("../../../pan-conformance/golden/picture.jpg")).ok();
    let playlist = |origin: &str| {
        let call = ann.file("streaming").get().param("path", "/film").field("Origin", origin);
        call.param("type", "M3U8_320_240").send()
    };
    let thumbnail = |path: &str, origin: &str| {
        let call = ann.call("thumbnail", "generate").get().param("path", path);
        call.param("width", "9").param("height", "9").field("Origin", origin).send()
    };
    let list = playlist(ORIGIN);
    let text = String::from_utf8_lossy(list.bytes()).into_owned();
    let url = text.lines().find(|line| line.contains("/hls/")).unwrap();
    let path = &url[url.find("/hls/").unwrap()..];
    let piece = |verb, path: &str, origin: &str| {
        let call = ann.call("", "").at(path).without_method().verb(verb);
        call.field("Origin", origin).send()
    };
    // Errors, too, or the page could not tell them apart.
    for reply in [
        &list,
        &thumbnail("/picture", ORIGIN),
        &thumbnail("/none", ORIGIN),
        &piece("GET", path, ORIGIN),
        &piece("GET", "/hls/none/0.ts", ORIGIN),
    ] {
        assert_eq!(allowed(reply), Some(ORIGIN), "{reply}");
        assert_eq!(reply.field("vary"), Some("origin"), "{reply}");
        assert_eq!(reply.field("access-control-allow-credentials"), None, "{reply}");
    }
    for other in [
        "https://photos.example.org.evil.org",
        "http://photos.example.org",
        "https://photos.example.org:8443",
        "https://a.photos.example.org",
        "null",
        "*",
        "",
    ] {
        for reply in [playlist(other), thumbnail("/picture", other), piece("GET", path, other)] {
            assert_eq!((reply.status(), allowed(&reply)), (200, None), "{other}: {reply}");
            assert_eq!(reply.field("vary"), Some("origin"), "{reply}");
        }
    }
    for (origin, expected) in [(ORIGIN, Some(ORIGIN)), ("https://evil.org", None)] {
        let call = ann.call("", "").at(path).without_method().verb("OPTIONS");
        let call = call.field("Access-Control-Request-Method", "GET").field("Origin", origin);
        let reply = call.send();
        assert_eq!((reply.status(), allowed(&reply)), (204, expected), "{reply}");
    }
    // Nothing else is anybody's.
    for reply in [
        ann.file("list").get().param("path", "/").field("Origin", ORIGIN).send(),
        ann.file("download").get().param("path", "/picture").field("Origin", ORIGIN).send(),
        ann.call("quota", "info").get().field("Origin", ORIGIN).send(),
        ann.file("delete").param("path", "/film").field("Origin", ORIGIN).send(),
        piece("GET", "/livez", ORIGIN),
    ] {
        assert_eq!(allowed(&reply), None, "{reply}");
    }
    server.check();
}
