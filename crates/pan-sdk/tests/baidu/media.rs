//! Thumbnails and playlists: contents that may be errors instead.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use bytes::Bytes;
use futures_util::stream::{StreamExt, TryStreamExt};
use pan_sdk::{Error, StreamFormat, ThumbnailSize};

use crate::fake::{Act, Fake, TOKEN, answer, json};
use crate::path;

#[tokio::test]
async fn a_thumbnail_is_what_the_service_made() {
    let elsewhere = Fake::start(|_, _| answer(200, "Content-Type: image/png\r\n", b"PNG")).await;
    let to = elsewhere.client().endpoint().as_str().to_owned();
    let fake = Fake::start(move |number, _| match number {
        0 => answer(200, "Content-Type: image/jpeg\r\n", b"\xff\xd8image"),
        1 => json(404, r#"{"error_code":31142,"error_msg":"thumbnail processing,please wait"}"#),
        2 => answer(302, &format!("Location: {to}/t\r\n"), b""),
        3 => json(200, r#"{"error_code":31141,"error_msg":"thumbnail failed, internal error"}"#),
        _ => answer(200, "", b""),
    })
    .await;
    let client = fake.client();
    let mut size = ThumbnailSize::within(1600, 1);
    size.quality = 80;
    let made = client.thumbnail(&path("/a b.jpg"), size).await.unwrap();
    assert_eq!(made.image, &b"\xff\xd8image"[..]);
    assert_eq!(made.media_type.as_deref(), Some("image/jpeg"));
    let line = fake.requests()[0].line.clone();
    assert!(line.starts_with("GET /rest/2.0/pcs/thumbnail?method=generate&path=/a%20b.jpg"));
    assert!(line.contains("&width=1600&height=1&quality=80&"), "{line}");

    // The next answer is waited for, and comes from another host.
    let made = client.thumbnail(&path("/a"), size).await.unwrap();
    assert_eq!(made.image, "PNG");
    assert!(!format!("{:?}", elsewhere.requests()).contains(TOKEN));
    assert_eq!(client.thumbnail(&path("/a"), size).await.unwrap_err().code(), Some(31141));
    assert!(matches!(client.thumbnail(&path("/a"), size).await, Err(Error::Reply { .. })));
}

#[tokio::test]
async fn a_size_out_of_range_is_not_sent() {
    let fake = Fake::start(|_, _| answer(200, "", b"x")).await;
    let sizes = [(0, 1, 1), (1, 0, 1), (1, 1, 0), (1601, 1, 1), (1, 1601, 1), (1, 1, 101)];
    for (width, height, quality) in sizes {
        let size = ThumbnailSize { width, height, quality };
        let error = fake.client().thumbnail(&path("/a"), size).await.unwrap_err();
        assert!(matches!(error, Error::Input(_)), "{error:?}");
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn a_playlist_is_text_and_nothing_else_is_one() {
    let list = "\u{feff}#EXTM3U\n#EXTINF:10,\nhttp://h/1.ts\n";
    let fake = Fake::start(move |number, _| match number {
        0 => answer(200, "Content-Type: application/x-mpegURL\r\n", list.as_bytes()),
        1 => json(200, r#"{"error_code":31304,"error_msg":"file type is not supported"}"#),
        2 => json(403, r#"{"error_code":31341,"error_msg":"be transcoding"}"#),
        3 => answer(200, "", b"#EXTM3U"),
        4 => answer(200, "", b"<html>"),
        _ => answer(200, "", b"\x00\xff\xfe"),
    })
    .await;
    let client = fake.client();
    let ask = |format| {
        let client = client.clone();
        async move { client.streaming(&path("/v.mov"), format).await }
    };
    let text = ask(StreamFormat::M3u8_480x360).await.unwrap();
    assert!(text.starts_with("#EXTM3U\n") && text.ends_with("1.ts\n"), "{text}");
    let line = fake.requests()[0].line.clone();
    assert!(line.contains("file?method=streaming&path=/v.mov&type=M3U8_480_360&"), "{line}");
    assert_eq!(ask(StreamFormat::M3u8Auto720).await.unwrap_err().code(), Some(31304));
    assert_eq!(ask(StreamFormat::M3u8_320x240).await.unwrap(), "#EXTM3U");
    for _ in 0..2 {
        assert!(matches!(ask(StreamFormat::M3u8_320x240).await, Err(Error::Reply { .. })));
    }
}

/// What `meta` says of a video with this mtime.
fn meta_of(mtime: u32) -> Act {
    let entry =
        format!(r#"{{"fs_id":1,"path":"/v","ctime":1,"mtime":{mtime},"size":9,"isdir":0}}"#);
    json(200, &format!(r#"{{"list":[{entry}]}}"#))
}

/// A playlist of pieces with these addresses.
fn playlist_of(addresses: &[&str]) -> String {
    let pieces = addresses.iter().map(|address| format!("#EXTINF:4.0,\n{address}\n"));
    format!("#EXTM3U\n{}#EXT-X-ENDLIST\n", pieces.collect::<String>())
}

#[tokio::test]
async fn pieces_come_in_order_however_long_each_is_waited_for() {
    let elsewhere = Fake::start(|_, _| answer(200, "", b"Gthird")).await;
    let third = format!("{}/3.ts?sign=s", elsewhere.client().endpoint().as_str());
    let fake = Fake::start(move |number, request| {
        if request.is("meta") {
            return meta_of(1);
        }
        if request.is("streaming") {
            return answer(200, "", playlist_of(&["/hls/1.ts", "2.ts", &third]).as_bytes());
        }
        match (request.line.as_str(), number) {
            ("GET /hls/1.ts", 0..=3) => json(503, r#"{"error_code":31341,"error_msg":"wait"}"#),
            ("GET /hls/1.ts", _) => answer(200, "Content-Type: video/mp2t\r\n", b"Gfirst"),
            ("GET /rest/2.0/pcs/2.ts", _) => answer(200, "", b"Gsecond"),
            (line, _) => panic!("{line}"),
        }
    })
    .await;
    let client = fake.client();
    let playlist = client.playlist(&path("/v.mov"), StreamFormat::M3u8Auto480).await.unwrap();
    assert!(playlist.is_complete);
    let pieces: Vec<_> = client.stream_pieces(&playlist).try_collect().await.unwrap();
    assert_eq!(pieces, ["Gfirst", "Gsecond", "Gthird"]);
    // The addresses are enough, there and elsewhere.
    let asked = fake.requests().into_iter().skip(2).chain(elsewhere.requests());
    let asked: Vec<_> =
        asked.map(|request| format!("{} {}", request.line, request.headers)).collect();
    assert!(asked.len() >= 4 && asked.iter().all(|request| !request.contains(TOKEN)), "{asked:?}");
}

#[tokio::test]
async fn the_first_piece_that_cannot_be_had_ends_the_stream() {
    let fake = Fake::start(|_, request| match request.line.as_str() {
        "GET /1" => answer(200, "", b"Gone"),
        "GET /2" => json(404, r#"{"error_code":31066,"error_msg":"file does not exist"}"#),
        "GET /4" => answer(200, "", b"<html>"),
        "GET /5" => answer(200, "", b""),
        line if line.contains("method=meta") => meta_of(1),
        line if line.contains("/v") => answer(200, "", playlist_of(&["/1", "/2", "/3"]).as_bytes()),
        line if line.contains("/w") => answer(200, "", playlist_of(&["/4", "/5"]).as_bytes()),
        _ => answer(200, "", b"Gthree"),
    })
    .await;
    let client = fake.client();
    let format = StreamFormat::M3u8_320x240;
    let playlist = client.playlist(&path("/v"), format).await.unwrap();
    let all: Vec<_> = client.stream_pieces(&playlist).collect().await;
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(all[1].as_ref().unwrap_err().code(), Some(31066));
    for piece in &client.playlist(&path("/w"), format).await.unwrap().pieces {
        let error = client.stream_piece(piece).await.unwrap_err();
        assert!(matches!(error, Error::Reply { .. }), "{error:?}");
    }
}

/// All pieces of a video, at addresses that expire when two were fetched. When
/// it is asked for the `n`th time its mtime and its pieces are those of `becomes`.
async fn expiring(becomes: fn(usize) -> (u32, usize)) -> (Fake, Vec<Result<Bytes, Error>>) {
    let (lists, used) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let fake = Fake::start(move |_, request| {
        let list = lists.load(SeqCst);
        if request.is("meta") {
            return meta_of(becomes(list).0);
        }
        if request.is("streaming") {
            lists.store(list + 1, SeqCst);
            used.store(0, SeqCst);
            let addresses = (0..becomes(list).1).map(|piece| format!("/{list}/{piece}"));
            let addresses: Vec<_> = addresses.collect();
            let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
            return answer(200, "", playlist_of(&addresses).as_bytes());
        }
        let (of, piece) = request.line.trim_start_matches("GET /").split_once('/').unwrap();
        if of != (list - 1).to_string() || used.fetch_add(1, SeqCst) == 2 {
            used.store(2, SeqCst);
            return json(403, r#"{"error_code":31064,"error_msg":"file is not authorized"}"#);
        }
        answer(200, "", format!("G{piece}").as_bytes())
    })
    .await;
    let client = fake.client();
    let playlist = client.playlist(&path("/v"), StreamFormat::M3u8_320x240).await.unwrap();
    let all = client.stream_pieces(&playlist).collect().await;
    (fake, all)
}

#[tokio::test]
async fn addresses_that_expire_are_renewed() {
    let (fake, all) = expiring(|_| (1, 7)).await;
    let all: Vec<_> = all.into_iter().map(Result::unwrap).collect();
    assert_eq!(all, ["G0", "G1", "G2", "G3", "G4", "G5", "G6"]);
    let lists = fake.requests().iter().filter(|request| request.is("streaming")).count();
    assert!(lists <= 4, "two that are refused together ask once: {lists}");
}

#[tokio::test]
async fn pieces_of_two_videos_are_never_put_together() {
    for becomes in [|n| (1 + (n > 0) as u32, 7), |n| (1, 7 + n)] {
        let (_, all) = expiring(becomes).await;
        let failed = all.last().unwrap();
        assert!(matches!(failed, Err(Error::RemoteChanged { .. })), "{failed:?}");
        assert_eq!(all.len(), 3);
    }
}

#[tokio::test]
async fn an_address_that_is_refused_at_once_is_no_loop() {
    let fake = Fake::start(|_, request| match request.is("meta") {
        true => meta_of(1),
        false if request.is("streaming") => answer(200, "", playlist_of(&["/1"]).as_bytes()),
        false => json(403, r#"{"error_code":31064,"error_msg":"file is not authorized"}"#),
    })
    .await;
    let client = fake.client();
    let playlist = client.playlist(&path("/v"), StreamFormat::M3u8_320x240).await.unwrap();
    let all: Vec<_> = client.stream_pieces(&playlist).collect().await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].as_ref().unwrap_err().code(), Some(31064));
    assert!(fake.requests().len() <= 6);
}

#[tokio::test]
async fn a_playlist_that_cannot_be_followed_is_no_reply() {
    let fake = Fake::start(|_, request| match request.is("meta") {
        true => meta_of(1),
        false => answer(200, "", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd"),
    })
    .await;
    let asked = fake.client().playlist(&path("/v"), StreamFormat::M3u8_320x240).await;
    assert!(matches!(asked, Err(Error::Reply { .. })), "{asked:?}");
    // Only this contains the token, and says so.
    let url = fake.client().streaming_url(&path("/a b"), StreamFormat::M3u8_320x240);
    assert!(url.ends_with(&format!(
        "file?method=streaming&path=/a%20b&type=M3U8_320_240&access_token={TOKEN}"
    )));
}
