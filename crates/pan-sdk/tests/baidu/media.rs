//! Thumbnails and playlists: contents that may be errors instead.

use pan_sdk::{Error, StreamFormat, ThumbnailSize};

use crate::fake::{Fake, TOKEN, answer, json};
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
