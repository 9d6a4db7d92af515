//! `file?method=streaming` and the pieces that its playlists name (pcs-rest
//! 4.16). What the pieces look like is a matter of the transcoder's own tests.

use super::call::HOST;
use super::wire::{Answer, Connection};
use super::{Call, Carrier, Client, DEMO, Reply, Target};

super::keep![
    every_type_has_a_playlist,
    every_carrier_asks_for_a_playlist,
    a_playlist_is_whole_and_well_formed,
    pieces_need_no_token,
    only_video_is_streamed,
    sec_a_changed_link_leads_nowhere,
    what_is_no_piece_is_not_there,
    a_piece_is_only_read,
    a_link_follows_its_file_and_its_content,
    sec_a_link_stays_in_its_root,
    sec_playlist_and_pieces_are_guarded,
];

/// Nine seconds of blue, 96 × 64 pixels, and a tone.
const MP4: &[u8] = include_bytes!("../../golden/video.mp4");

const AT: &str = "/apps/demo/film";
const FORMAT: &str = "M3U8_320_240";

fn call<'a>(client: &'a Client, path: &str, format: &str) -> Call<'a> {
    client.file("streaming").param("path", path).param("type", format)
}

/// The URLs of a playlist, with the address in place of the name that led here.
#[track_caller]
fn urls(client: &Client, reply: &Reply) -> Vec<String> {
    let pieces = read(reply).into_iter();
    pieces.map(|(_, url)| url.replacen(HOST, client.address(), 1)).collect()
}

/// A playlist as RFC 8216 has it, and no line that it does not know: the
/// seconds and the URL of every piece.
#[track_caller]
fn read(reply: &Reply) -> Vec<(f64, String)> {
    assert_eq!(reply.status(), 200, "{reply}");
    assert_eq!(reply.field("content-type"), Some("application/vnd.apple.mpegurl"), "{reply}");
    let text = std::str::from_utf8(reply.bytes()).expect("a playlist is UTF-8");
    assert!(text.ends_with('\n') && !text.contains('\r') && !text.contains("\n\n"), "{reply}");
    let mut lines = text.lines().peekable();
    assert_eq!(lines.next(), Some("#EXTM3U"), "{reply}");
    assert_eq!(lines.next(), Some("#EXT-X-VERSION:6"), "{reply}");
    let target = lines.next().and_then(|line| line.strip_prefix("#EXT-X-TARGETDURATION:"));
    let target: u32 = target.and_then(|digits| digits.parse().ok()).expect("whole seconds");
    for tag in
        ["#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-INDEPENDENT-SEGMENTS"]
    {
        assert_eq!(lines.next(), Some(tag), "{reply}");
    }
    let mut pieces = Vec::new();
    while let Some(length) = lines.peek().and_then(|line| line.strip_prefix("#EXTINF:")) {
        let seconds = length.strip_suffix(',').and_then(|text| text.parse::<f64>().ok());
        let seconds = seconds.expect("a length and a comma");
        assert!(seconds > 0.0 && seconds.round() as u32 <= target, "4.3.3.1: {reply}");
        lines.next();
        let url = lines.next().filter(|line| !line.starts_with('#')).expect("a URL");
        pieces.push((seconds, url.to_owned()));
    }
    assert_eq!((lines.next(), lines.next()), (Some("#EXT-X-ENDLIST"), None), "{reply}");
    assert!(!pieces.is_empty(), "{reply}");
    pieces
}

/// Asks as a player does: no token, no cookie, no referrer.
#[track_caller]
fn fetch(verb: &str, url: &str) -> Reply {
    let rest = url.strip_prefix("http://").expect("an absolute URL");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut connection = Connection::open(host).unwrap();
    let request = format!("{verb} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    connection.send(request.as_bytes()).unwrap();
    let head = connection.read_head().unwrap();
    let body = connection.read_body(verb, &head).unwrap();
    Reply { asked: format!("{verb} a piece"), answer: Answer { head, body } }
}

/// A playlist of the film, and the URLs of its pieces.
#[track_caller]
fn watch(client: &Client, path: &str) -> Vec<String> {
    urls(client, &call(client, path, FORMAT).get().send())
}

#[track_caller]
fn is_piece(reply: &Reply) {
    assert_eq!(reply.status(), 200, "{reply}");
    assert_eq!(reply.field("content-type"), Some("video/mp2t"), "{reply}");
    let packets = reply.bytes().chunks(188);
    assert!(packets.len() > 2 && reply.bytes().len().is_multiple_of(188), "whole packets");
    assert!(packets.into_iter().all(|packet| packet[0] == 0x47), "packets begin with G");
}

fn every_type_has_a_playlist(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(AT, MP4).ok();
    for format in [
        "M3U8_320_240",
        "M3U8_480_224",
        "M3U8_480_360",
        "M3U8_640_480",
        "M3U8_854_480",
        "M3U8_AUTO_480",
        "M3U8_AUTO_720",
        "MP4_480P",
        "MP4_360P",
    ] {
        read(&call(&demo, AT, format).get().send());
        read(&call(&demo, AT, format).param("display", "1").get().send());
    }
    for format in ["M3U8", "m3u8_320_240", "M3U8_1_1", "MP4_720P", "mp4", "*", "中"] {
        call(&demo, AT, format).send().refused(400, 31302);
    }
    demo.file("streaming").param("path", AT).send().refused(400, 31023);
    demo.file("streaming").param("type", FORMAT).send().refused(400, 31023);
}

fn every_carrier_asks_for_a_playlist(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(AT, MP4).ok();
    for carrier in [
        Carrier::Get,
        Carrier::PostQuery,
        Carrier::PostForm,
        Carrier::PostMultipart,
        Carrier::PostAllInForm,
    ] {
        read(&call(&demo, AT, FORMAT).by(carrier).send());
    }
    let head = call(&demo, AT, FORMAT).get().verb("HEAD").send();
    assert_eq!((head.status(), head.bytes()), (200, &b""[..]));
    assert_eq!(head.field("content-type"), Some("application/vnd.apple.mpegurl"));
    call(&demo, AT, FORMAT).verb("PUT").send().refused(405, 3);
}

fn a_playlist_is_whole_and_well_formed(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/no ending", MP4).ok();
    let reply = call(&demo, "/apps/demo/no ending", FORMAT).get().send();
    let pieces = read(&reply);
    let length: f64 = pieces.iter().map(|(seconds, _)| seconds).sum();
    assert!((length - 9.0).abs() < 0.15, "{length} s");
    assert!(pieces.len() > 1, "{reply}");
    let server = format!("http://{HOST}/hls/");
    for (index, (seconds, url)) in pieces.iter().enumerate() {
        let last = index + 1 == pieces.len();
        assert!(last || *seconds == pieces[0].0, "all of one length: {reply}");
        let rest = url.strip_prefix(&server).expect("a whole URL, of where the request went");
        assert!(rest.ends_with(&format!("/{index}.ts")), "{url}");
        assert!(url.bytes().all(|byte| byte.is_ascii_graphic()), "{url}");
    }
    let text = String::from_utf8_lossy(reply.bytes());
    assert!(!text.contains(demo.token()) && !text.contains("ending"), "neither token nor name");
    // Two who watch the same are two.
    assert_ne!(pieces[0].1, watch(&demo, "/apps/demo/no ending")[0]);
}

fn pieces_need_no_token(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(AT, MP4).ok();
    let urls = watch(&demo, AT);
    // In any order, each by itself.
    for url in urls.iter().rev() {
        is_piece(&fetch("GET", url));
    }
    let head = fetch("HEAD", &urls[0]);
    assert_eq!((head.status(), head.bytes()), (200, &b""[..]));
    let piece = fetch("GET", &urls[0]);
    assert_eq!(piece.field("content-length"), head.field("content-length"));
    assert_eq!(piece.bytes(), fetch("GET", &watch(&demo, AT)[0]).bytes(), "kept, and the same");
}

fn only_video_is_streamed(t: &Target<'_>) {
    let demo = t.demo();
    call(&demo, AT, FORMAT).send().refused(404, 31066);
    demo.mkdir("/apps/demo/film.mp4").ok();
    call(&demo, "/apps/demo/film.mp4", FORMAT).send().refused(404, 31066);
    call(&demo, "/apps/other/film.mp4", FORMAT).send().refused(403, 31064);
    call(&demo, "/apps/demo/../film.mp4", FORMAT).send().refused(400, 31062);
    let contents: &[&[u8]] = &[
        b"",
        b"a text",
        // PCS takes playlists; here nothing that names other files is read.
        b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\n",
        b"<?xml version=\"1.0\"?><MPD></MPD>",
        include_bytes!("../../golden/picture.png"),
        include_bytes!("../../golden/picture.jpg"),
        // The beginning of a film, and then none.
        &MP4[..64],
        b"\x1a\x45\xdf\xa3",
        b"FLV\x01",
    ];
    for content in contents {
        demo.put_ondup("/apps/demo/a.mp4", content, "overwrite").ok();
        let reply = call(&demo, "/apps/demo/a.mp4", FORMAT).get().send();
        reply.refused(400, 31304);
    }
    // The name does not come into it.
    demo.put("/apps/demo/a.txt", MP4).ok();
    watch(&demo, "/apps/demo/a.txt");
}

/// A link as it is, every character of it in turn another.
fn sec_a_changed_link_leads_nowhere(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(AT, MP4).ok();
    let url = watch(&demo, AT)[0].clone();
    let link = url.split('/').nth(4).expect("a link").to_owned();
    for at in 0..link.len() {
        let other = if &link[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{other}{}", &link[..at], &link[at + 1..]);
        fetch("GET", &url.replace(&link, &changed)).refused(403, 31064);
    }
    let half = &link[..link.len() / 2];
    for wrong in [half, "A", "null", "%00", &format!("{link}A"), &link.repeat(2), demo.token()] {
        fetch("GET", &url.replace(&link, wrong)).refused(403, 31064);
    }
    is_piece(&fetch("GET", &url));
}

fn what_is_no_piece_is_not_there(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(AT, MP4).ok();
    let urls = watch(&demo, AT);
    let (base, _) = urls[0].rsplit_once('/').unwrap();
    for index in [urls.len() as u64, 1_000_000, u64::from(u32::MAX)] {
        fetch("GET", &format!("{base}/{index}.ts")).refused(404, 31066);
    }
    for wrong in ["4294967296.ts", "-1.ts", "+0.ts", "0", "0.mp4", ".ts", "0.ts/", "x/0.ts", ""] {
        let reply = fetch("GET", &format!("{base}/{wrong}"));
        assert_eq!(reply.status(), 404, "{wrong}: {reply}");
    }
}

fn a_piece_is_only_read(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(AT, MP4).ok();
    let url = &watch(&demo, AT)[0];
    for verb in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let reply = fetch(verb, url);
        assert_eq!((reply.status(), reply.field("allow")), (405, Some("GET, HEAD")), "{verb}");
    }
}

fn a_link_follows_its_file_and_its_content(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(AT, MP4).ok();
    let url = &watch(&demo, AT)[0];
    demo.mkdir("/apps/demo/films").ok();
    demo.mv(AT, "/apps/demo/films/b").ok();
    is_piece(&fetch("GET", url));
    demo.mv("/apps/demo/films", "/apps/demo/old").ok();
    is_piece(&fetch("GET", url));
    // Another file takes the old place: it is not the one that was shared.
    demo.put(AT, MP4).ok();
    demo.rm("/apps/demo/old/b").ok();
    fetch("GET", url).refused(403, 31064);

    let url = &watch(&demo, AT)[0];
    demo.put_ondup(AT, b"a text", "overwrite").ok();
    fetch("GET", url).refused(403, 31064);
    demo.rm(AT).ok();
    fetch("GET", url).refused(403, 31064);
}

/// S7: who may see the file no more has no link to it.
fn sec_a_link_stays_in_its_root(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    demo.put(AT, MP4).ok();
    let (of_demo, of_owner) = (watch(&demo, AT), watch(&owner, AT));
    owner.mv(AT, "/film").ok();
    fetch("GET", &of_demo[0]).refused(403, 31064);
    is_piece(&fetch("GET", &of_owner[0]));
    owner.mv("/film", "/apps/demo2").ok();
    fetch("GET", &of_demo[0]).refused(403, 31064);
    owner.mv("/apps/demo2", &format!("{DEMO}/back")).ok();
    is_piece(&fetch("GET", &of_demo[0]));
}

/// S20.
fn sec_playlist_and_pieces_are_guarded(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(AT, MP4).ok();
    let playlist = call(&demo, AT, FORMAT).get().send();
    let url = &urls(&demo, &playlist)[0];
    let (piece, head) = (fetch("GET", url), fetch("HEAD", url));
    for reply in [&playlist, &call(&demo, AT, FORMAT).get().verb("HEAD").send(), &piece, &head] {
        super::headers::is_guarded(reply);
        super::headers::is_sealed_off(reply);
    }
    // A playlist has links in it, and they end.
    assert!(playlist.field("cache-control").is_some_and(|text| text.contains("no-store")));
    let wrong = url.replace("/hls/", "/hls/A");
    for reply in [
        fetch("GET", &wrong),
        fetch("POST", url),
        fetch("GET", &url.replace("/0.ts", "/99999.ts")),
        fetch("GET", &url.replace("/0.ts", "/x")),
        call(&demo, "/apps/demo/none", FORMAT).send(),
    ] {
        super::headers::is_guarded(&reply);
    }
}
