//! `thumbnail?method=generate` (pcs-rest 4.14).

use super::{Carrier, Client, DEMO, Reply, Target};

super::keep![
    the_kind_is_that_of_the_content,
    a_thumbnail_fits_and_keeps_its_shape,
    every_carrier_asks_for_the_same,
    parameters_have_their_ranges,
    only_images_have_thumbnails,
    ten_mebibytes_are_the_most,
    copies_have_the_same_thumbnail,
    a_client_with_the_thumbnail_gets_304,
    sec_a_thumbnail_is_guarded,
];

/// 300 × 200 pixels each.
const JPEG: &[u8] = include_bytes!("../../golden/picture.jpg");
const PNG: &[u8] = include_bytes!("../../golden/picture.png");
const GIF: &[u8] = include_bytes!("../../golden/picture.gif");

const AT: &str = "/apps/demo/picture";

fn ask(client: &Client, path: &str, width: u32, height: u32) -> Reply {
    call(client, path, width, height).get().send()
}

fn call<'a>(client: &'a Client, path: &str, width: u32, height: u32) -> super::Call<'a> {
    let call = client.call("thumbnail", "generate").param("path", path);
    call.param("width", width.to_string()).param("height", height.to_string())
}

/// A BMP of one colour.
fn bmp(width: u32, height: u32) -> Vec<u8> {
    let row = (width * 3).next_multiple_of(4);
    let pixels = row * height;
    let mut bytes = b"BM".to_vec();
    for number in [54 + pixels, 0, 54, 40, width, height, 24 << 16 | 1, 0, pixels, 0, 0, 0, 0] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.resize((54 + pixels) as usize, 0x55);
    bytes
}

/// The type and the size of an image, as its own bytes have it.
#[track_caller]
fn shape(reply: &Reply) -> (&'static str, u32, u32) {
    assert_eq!(reply.status(), 200, "{reply}");
    let image = reply.bytes();
    let (kind, width, height) = shape_of(image).unwrap_or_else(|| panic!("no image: {reply}"));
    assert_eq!(reply.field("content-type"), Some(kind));
    assert_eq!(reply.field("content-length"), Some(image.len().to_string().as_str()));
    (kind, width, height)
}

fn shape_of(image: &[u8]) -> Option<(&'static str, u32, u32)> {
    let small = |at: usize| image.get(at..at + 2).map(|two| u16::from_le_bytes([two[0], two[1]]));
    let large = |at: usize| image.get(at..at + 2).map(|two| u16::from_be_bytes([two[0], two[1]]));
    let (kind, width, height) = match image.get(..3)? {
        [0x89, b'P', b'N'] => ("image/png", large(18)?, large(22)?),
        b"GIF" => ("image/gif", small(6)?, small(8)?),
        [b'B', b'M', _] => ("image/bmp", small(18)?, small(22)?),
        [0xff, 0xd8, 0xff] => {
            // Segment after segment, until one begins a frame.
            let mut at = 2;
            while !matches!(image.get(at + 1)?, 0xc0..=0xc3) {
                at += 2 + usize::from(large(at + 2)?);
            }
            ("image/jpeg", large(at + 7)?, large(at + 5)?)
        }
        _ => return None,
    };
    Some((kind, width.into(), height.into()))
}

fn the_kind_is_that_of_the_content(t: &Target<'_>) {
    let demo = t.demo();
    let bmp = bmp(300, 200);
    for (kind, content) in
        [("image/jpeg", JPEG), ("image/png", PNG), ("image/gif", GIF), ("image/bmp", &bmp)]
    {
        for name in ["a", "a.jpg", "a.png", "a.gif", "a.bmp", "a.txt", "a.mp4", "a.html"] {
            let path = format!("{DEMO}/{name}");
            demo.put_ondup(&path, content, "overwrite").ok();
            assert_eq!(shape(&ask(&demo, &path, 30, 30)), (kind, 30, 20), "{name}");
        }
    }
}

fn a_thumbnail_fits_and_keeps_its_shape(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(AT, PNG).ok();
    for (box_size, size) in [
        ((150, 150), (150, 100)),
        ((150, 50), (75, 50)),
        ((30, 1600), (30, 20)),
        ((1600, 100), (150, 100)),
        ((300, 200), (300, 200)),
        // Never enlarged.
        ((301, 201), (300, 200)),
        ((1600, 1600), (300, 200)),
        // Never without a pixel.
        ((1, 1), (1, 1)),
        ((1600, 1), (2, 1)),
    ] {
        let (_, width, height) = shape(&ask(&demo, AT, box_size.0, box_size.1));
        assert_eq!((width, height), size, "{box_size:?}");
    }
    let quality = |quality: &str| {
        call(&demo, AT, 300, 200).param("quality", quality).get().send().bytes().len()
    };
    demo.put_ondup(AT, JPEG, "overwrite").ok();
    assert!(quality("10") < quality("90"), "less quality, fewer bytes");
    assert_eq!(quality("100"), ask(&demo, AT, 300, 200).bytes().len(), "100 is the default");
}

fn every_carrier_asks_for_the_same(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(AT, JPEG).ok();
    let expected = ask(&demo, AT, 60, 60);
    shape(&expected);
    for carrier in
        [Carrier::PostQuery, Carrier::PostForm, Carrier::PostMultipart, Carrier::PostAllInForm]
    {
        let reply = call(&demo, AT, 60, 60).by(carrier).send();
        assert_eq!((reply.status(), reply.bytes()), (200, expected.bytes()), "{carrier:?}");
    }
    let head = call(&demo, AT, 60, 60).get().verb("HEAD").send();
    assert_eq!((head.status(), head.bytes()), (200, &b""[..]));
    for name in ["content-type", "content-length", "etag"] {
        assert_eq!(head.field(name), expected.field(name), "{name}");
    }
    call(&demo, AT, 60, 60).verb("PUT").send().refused(405, 3);
}

fn parameters_have_their_ranges(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(AT, JPEG).ok();
    for (width, height, quality) in [
        ("", "10", "1"),
        ("10", "", "1"),
        ("0", "10", "1"),
        ("10", "0", "1"),
        ("1601", "10", "1"),
        ("10", "1601", "1"),
        ("-1", "10", "1"),
        ("1.5", "10", "1"),
        ("ten", "10", "1"),
        ("65546", "10", "1"),
        ("99999999999999999999", "10", "1"),
        ("10", "10", "0"),
        ("10", "10", "101"),
        ("10", "10", "-1"),
        ("10", "10", "best"),
        ("10", "10", "257"),
    ] {
        let call = demo.call("thumbnail", "generate").param("path", AT).param("width", width);
        call.param("height", height).param("quality", quality).send().refused(400, 31023);
    }
    for absent in ["path", "width", "height"] {
        let given = [("path", AT), ("width", "9"), ("height", "9")];
        let given = given.into_iter().filter(|(name, _)| *name != absent);
        let call = demo.call("thumbnail", "generate");
        given.fold(call, |call, (name, value)| call.param(name, value)).send().refused(400, 31023);
    }
    for (width, height, quality) in [("1", "1", "1"), ("1600", "1600", "100")] {
        let call = demo.call("thumbnail", "generate").param("path", AT).param("width", width);
        shape(&call.param("height", height).param("quality", quality).send());
    }
}

fn only_images_have_thumbnails(t: &Target<'_>) {
    let demo = t.demo();
    ask(&demo, AT, 10, 10).refused(404, 31066);
    demo.mkdir("/apps/demo/album.jpg").ok();
    ask(&demo, "/apps/demo/album.jpg", 10, 10).refused(404, 31066);
    ask(&demo, "/apps/other/a.jpg", 10, 10).refused(403, 31064);
    ask(&demo, "/apps/demo/../a.jpg", 10, 10).refused(400, 31062);
    let contents: &[&[u8]] = &[
        b"",
        b"a text",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        b"%PDF-1.4",
        b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0",
        include_bytes!("../../golden/video.mp4"),
        // The beginning of an image, and then none.
        &JPEG[..JPEG.len() / 8],
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"BM",
    ];
    for content in contents {
        demo.put_ondup("/apps/demo/a.jpg", content, "overwrite").ok();
        let reply = ask(&demo, "/apps/demo/a.jpg", 10, 10);
        reply.refused(400, 31141);
        let again = ask(&demo, "/apps/demo/a.jpg", 10, 10);
        again.refused(400, 31141);
    }
    // The name does not come into it, and a bad one does no harm to a good one.
    demo.put_ondup("/apps/demo/a.jpg", JPEG, "overwrite").ok();
    shape(&ask(&demo, "/apps/demo/a.jpg", 10, 10));
}

fn ten_mebibytes_are_the_most(t: &Target<'_>) {
    let demo = t.demo();
    // What follows the end of a JPEG is not looked at.
    let mut content = JPEG.to_vec();
    content.resize(10 << 20, 0);
    demo.put(AT, &content).ok();
    assert_eq!(shape(&ask(&demo, AT, 30, 30)), ("image/jpeg", 30, 20));
    content.push(0);
    demo.put_ondup(AT, &content, "overwrite").ok();
    ask(&demo, AT, 30, 30).refused(400, 31141);
}

fn copies_have_the_same_thumbnail(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    demo.put(AT, JPEG).ok();
    demo.cp(AT, "/apps/demo/copy").ok();
    owner.put("/elsewhere.png", JPEG).ok();
    let first = ask(&demo, AT, 77, 77);
    shape(&first);
    for other in [ask(&demo, "/apps/demo/copy", 77, 77), ask(&owner, "/elsewhere.png", 77, 77)] {
        assert_eq!(other.bytes(), first.bytes());
        assert_eq!(other.field("etag"), first.field("etag"));
    }
    // And what is there now counts, not what was.
    demo.put_ondup(AT, PNG, "overwrite").ok();
    assert_eq!(shape(&ask(&demo, AT, 77, 77)).0, "image/png");
}

fn a_client_with_the_thumbnail_gets_304(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(AT, JPEG).ok();
    let etag = ask(&demo, AT, 50, 50).field("etag").unwrap().to_owned();
    let tagged = |tags: &str, width, height| {
        call(&demo, AT, width, height).get().field("If-None-Match", tags).send()
    };
    for tags in [etag.clone(), "*".into(), format!("\"x\", {etag}"), format!("W/{etag}")] {
        let reply = tagged(&tags, 50, 50);
        assert_eq!((reply.status(), reply.bytes()), (304, &b""[..]), "{tags}");
        assert_eq!(reply.field("etag"), Some(etag.as_str()), "{tags}");
    }
    // Another size, quality or content is another image.
    shape(&tagged(&etag, 50, 51));
    shape(&call(&demo, AT, 50, 50).param("quality", "50").field("If-None-Match", &etag).send());
    demo.put_ondup(AT, PNG, "overwrite").ok();
    shape(&tagged(&etag, 50, 50));
}

/// S20: an image is shown, and nothing else is ever made of it.
fn sec_a_thumbnail_is_guarded(t: &Target<'_>) {
    let demo = t.demo();
    demo.put(AT, GIF).ok();
    let etag = ask(&demo, AT, 9, 9).field("etag").unwrap().to_owned();
    for reply in [
        ask(&demo, AT, 9, 9),
        call(&demo, AT, 9, 9).send(),
        call(&demo, AT, 9, 9).get().verb("HEAD").send(),
        call(&demo, AT, 9, 9).get().field("If-None-Match", &etag).send(),
    ] {
        super::headers::is_guarded(&reply);
        super::headers::is_sealed_off(&reply);
        assert_eq!(reply.field("content-disposition"), Some("inline"), "{reply}");
    }
    super::headers::is_guarded(&ask(&demo, "/apps/demo/none", 9, 9));
}
