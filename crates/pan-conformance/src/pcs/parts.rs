//! The file part, as each client writes it (pcs-rest 1.6, 11.3.2).

use super::call::{Call, Carrier};
use super::encoding::{BOUNDARY, Part};
use super::{Client, DEMO, Target};

super::keep![
    every_clients_part_is_understood,
    the_parts_filename_is_used_for_nothing,
    parameters_may_come_after_the_content,
    of_several_parts_one_is_the_content,
    any_bytes_survive_the_framing,
    a_boundary_may_be_quoted_and_have_odd_characters,
    preamble_and_epilogue_are_no_matter,
    part_headers_come_in_any_case_and_order,
    a_missing_file_part_is_31023,
    no_broken_body_leaves_anything,
];

fn every_clients_part_is_understood(t: &Target<'_>) {
    let demo = t.demo();
    let octets = Some("application/octet-stream");
    for (i, (client, name, filename, content_type)) in [
        ("the book, bypy", "file", Some("file"), octets),
        ("baidupcs, BaiduPCS-Py", "file", Some("file"), None),
        ("baidupan", "files", Some("/home/me/hello"), None),
        ("BaiduPCS-Go", "uploadedfile", Some(""), octets),
        ("the Android SDK", "uploadedfile", Some("x.jpg"), Some("image/jpeg")),
        ("GangZhuo", "file", None, None),
        ("no filename, a name of its own", "blob", None, None),
        ("a filename named like a parameter", "path", Some("x"), None),
    ]
    .into_iter()
    .enumerate()
    {
        let content = format!("content of {client}").into_bytes();
        let filename = filename.map(Into::into);
        let part = Part { name: name.into(), filename, content_type, content: content.clone() };
        let path = format!("/apps/demo/{i}");
        let reply = demo.file("upload").param("path", &path).part(part.clone()).send().ok();
        assert_eq!(reply["path"], path.as_str(), "{client}");
        assert_eq!(demo.get(&path).file(), content, "{client}");
        let call = demo.file("upload").param("type", "tmpfile").part(part);
        assert_eq!(call.send().ok()["md5"], super::digest::md5_hex(&content), "{client}");
    }
}

fn the_parts_filename_is_used_for_nothing(t: &Target<'_>) {
    let demo = t.demo();
    for (i, filename) in
        ["../../etc/passwd", "/", "..", "C:\\x", "a%00b", "名.txt", "a\\\"b", "x\tb"]
            .into_iter()
            .enumerate()
    {
        let path = format!("/apps/demo/{i}");
        let part = Part::file(b"abc").with_filename(Some(filename));
        let reply = demo.file("upload").param("path", &path).part(part).send().ok();
        assert_eq!(reply["path"], path.as_str(), "{filename}");
    }
    assert_eq!(demo.names(DEMO).len(), 8);
}

fn parameters_may_come_after_the_content(t: &Target<'_>) {
    let demo = t.demo();
    for (path, length) in [("/apps/demo/small", 10), ("/apps/demo/large", 300_000)] {
        let content = super::digest::content(7, length);
        let call = demo.file("upload").by(Carrier::PostMultipart).param("path", path);
        call.content(&content).part_first().send().ok();
        assert_eq!(demo.get(path).file(), content);
        // A parameter after the content is as good as one before it.
        let call = demo.file("upload").by(Carrier::PostMultipart).param("path", path);
        call.content(b"x").part_first().send().refused(400, 31061);
        let call = demo.file("upload").by(Carrier::PostMultipart).param("path", path);
        call.param("ondup", "overwrite").content(b"new").part_first().send().ok();
        assert_eq!(demo.get(path).file(), b"new");
    }
}

// 1.6: the part named `file`; else the first with a filename.
fn of_several_parts_one_is_the_content(t: &Target<'_>) {
    let demo = t.demo();
    let part = |name: &str, filename: &str, content: &str| {
        format!(
            "--B\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n{content}\r\n"
        )
    };
    let odd = part("odd", "", "odd");
    let files = part("files", "; filename=\"f\"", "files");
    let more = part("more", "; filename=\"g\"", "more");
    let file = part("file", "", "file");
    for (i, (parts, content)) in [
        ([&odd, &files, &more], "files"),
        ([&files, &odd, &file], "file"),
        ([&file, &files, &odd], "file"),
        ([&more, &files, &odd], "more"),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("/apps/demo/{i}");
        let body = format!("{}{}{}--B--\r\n", parts[0], parts[1], parts[2]);
        assert_eq!(upload_body(&demo, &path, "multipart/form-data; boundary=B", &body), 200);
        assert_eq!(demo.get(&path).file(), content.as_bytes(), "case {i}");
    }
    // Two that nothing tells apart: neither is taken for the content.
    let body = format!("{odd}{}--B--\r\n", part("even", "", "even"));
    let status = upload_body(&demo, "/apps/demo/x", "multipart/form-data; boundary=B", &body);
    assert_eq!(status, 400);
    demo.is_missing("/apps/demo/x");
}

fn any_bytes_survive_the_framing(t: &Target<'_>) {
    let demo = t.demo();
    let almost = format!("\r\n--{}", &BOUNDARY[..BOUNDARY.len() - 1]);
    let inner = format!("x--{BOUNDARY}--\nx\r\n-{BOUNDARY}\r\n\n--{BOUNDARY}x");
    let every_byte: Vec<u8> = (0..=255).collect();
    for (i, content) in [
        b"".to_vec(),
        b"\r\n".to_vec(),
        b"\r\n--".to_vec(),
        b"\r\n\r\n\r\n".to_vec(),
        b"\r".to_vec(),
        b"--".to_vec(),
        almost.repeat(3).into_bytes(),
        [almost.as_bytes(), b"\r"].concat(),
        inner.into_bytes(),
        every_byte.repeat(1000),
        [b"\r\n".repeat(40_000), almost.into_bytes()].concat(),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("/apps/demo/{i}");
        let size = demo.put(&path, &content).ok()["size"].as_u64();
        assert_eq!(size, Some(content.len() as u64), "case {i}");
        assert_eq!(demo.get(&path).file(), content, "case {i}");
    }
}

fn a_boundary_may_be_quoted_and_have_odd_characters(t: &Target<'_>) {
    let demo = t.demo();
    for (i, (written, boundary)) in [
        ("\"simple\"", "simple"),
        ("\"with blank\"", "with blank"),
        ("\"a'()+_,-./:=?\"", "a'()+_,-./:=?"),
        ("----WebKitFormBoundary7MA4YWxkTrZu0gW", "----WebKitFormBoundary7MA4YWxkTrZu0gW"),
        ("x; charset=utf-8", "x"),
        (&"b".repeat(70), &"b".repeat(70)),
    ]
    .into_iter()
    .enumerate()
    {
        let body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n\
             abc\r\n--{boundary}--\r\n"
        );
        let path = format!("/apps/demo/{i}");
        let kind = format!("multipart/form-data; boundary={written}");
        assert_eq!(upload_body(&demo, &path, &kind, &body), 200, "{written}");
        assert_eq!(demo.get(&path).file(), b"abc", "{written}");
    }
}

fn preamble_and_epilogue_are_no_matter(t: &Target<'_>) {
    let demo = t.demo();
    let body = "This is MIME.\r\n--B\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nabc\
                \r\n--B--\r\nand so on\r\n--B\r\n";
    let kind = "multipart/form-data; boundary=B";
    assert_eq!(upload_body(&demo, "/apps/demo/a", kind, body), 200);
    assert_eq!(demo.get("/apps/demo/a").file(), b"abc");
}

fn part_headers_come_in_any_case_and_order(t: &Target<'_>) {
    let demo = t.demo();
    let body = "--B \t\r\nX-Extra: a: b; c\r\ncontent-type: text/plain\r\n\
                CONTENT-DISPOSITION:form-data;filename=f;name=file\r\n\r\nabc\r\n--B--";
    let kind = "Multipart/Form-Data; Boundary=B";
    assert_eq!(upload_body(&demo, "/apps/demo/a", kind, body), 200);
    assert_eq!(demo.get("/apps/demo/a").file(), b"abc");
}

fn a_missing_file_part_is_31023(t: &Target<'_>) {
    let demo = t.demo();
    let upload = || demo.file("upload").param("path", "/apps/demo/a");
    upload().send().refused(400, 31023);
    upload().by(Carrier::PostForm).send().refused(400, 31023);
    upload().by(Carrier::PostMultipart).send().refused(400, 31023);
    let tmpfile = demo.file("upload").param("type", "tmpfile");
    tmpfile.send().refused(400, 31023);
    assert_eq!(demo.names(DEMO), [""; 0]);
}

/// The ways in which a multipart body can be broken; each is refused with
/// 31023 and leaves nothing (1.6, 4.2: a broken upload changes nothing).
fn no_broken_body_leaves_anything(t: &Target<'_>) {
    let demo = t.demo();
    let part = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
    let kind = "multipart/form-data; boundary=B";
    demo.put("/apps/demo/old", b"old").ok();
    let long_field =
        format!("--B\r\nContent-Disposition: {}\r\n\r\nabc\r\n--B--", "x".repeat(9000));
    let many_parts = "--B\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n".repeat(2000);
    for (what, kind, body) in [
        ("no boundary", "multipart/form-data", format!("{part}abc\r\n--B--\r\n")),
        ("empty boundary", "multipart/form-data; boundary=", format!("{part}abc\r\n--B--\r\n")),
        ("long boundary", &format!("{kind}{}", "B".repeat(70)), format!("{part}abc\r\n--B--\r\n")),
        ("another boundary", "multipart/form-data; boundary=C", format!("{part}abc\r\n--B--\r\n")),
        ("nothing", kind, String::new()),
        ("only a delimiter", kind, "--B".into()),
        ("no headers", kind, "--B\r\n".into()),
        ("cut in the headers", kind, part[..30].into()),
        ("cut after the headers", kind, part.into()),
        ("no end", kind, format!("{part}abc")),
        ("no end, a line", kind, format!("{part}abc\r\n")),
        ("half an end", kind, format!("{part}abc\r\n--")),
        ("an end that goes on", kind, format!("{part}abc\r\n--B")),
        ("one dash", kind, format!("{part}abc\r\n--B-")),
        ("a second part, cut", kind, format!("{part}abc\r\n--B\r\nContent-Disp")),
        ("a second part without end", kind, format!("{part}abc\r\n{part}def")),
        ("no disposition", kind, "--B\r\nX: y\r\n\r\nabc\r\n--B--\r\n".into()),
        ("no name", kind, "--B\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--B--\r\n".into()),
        ("not a header", kind, "--B\r\nnonsense\r\n\r\nabc\r\n--B--\r\n".into()),
        ("long header", kind, long_field),
        ("many parts", kind, format!("{many_parts}--B--\r\n")),
        ("bare line feeds", kind, format!("{part}abc\r\n--B--\r\n").replace('\r', "")),
        ("not multipart", "text/plain", "abc".into()),
        ("json", "application/json", r#"{"path": "/apps/demo/a"}"#.into()),
    ] {
        for path in ["/apps/demo/new", "/apps/demo/old"] {
            let body = body.as_bytes();
            let call = demo.file("upload").param("path", path).param("ondup", "overwrite");
            let (status, code) = exchange(&demo, &call, kind, body);
            assert_eq!((status, code), (400, Some(31023)), "{what}, {path}");
        }
        demo.is_missing("/apps/demo/new");
        assert_eq!(demo.get("/apps/demo/old").file(), b"old", "{what}");
    }
    assert_eq!(demo.quota().1, 3);
}

fn upload_body(client: &Client, path: &str, kind: &str, body: &str) -> u16 {
    exchange(client, &client.file("upload").param("path", path), kind, body.as_bytes()).0
}

/// Sends a call with a body of one's own; the status and the error code.
fn exchange(client: &Client, call: &Call<'_>, kind: &str, body: &[u8]) -> (u16, Option<u64>) {
    let mut connection = client.connect();
    connection.send(&call.head(body.len() as u64, Some(kind))).unwrap();
    // A server may refuse, and stop reading, before the body has gone out.
    let _ = connection.send(body);
    let head = connection.read_head().unwrap();
    let answer = connection.read_body("POST", &head).unwrap();
    let json: Option<serde_json::Value> = serde_json::from_slice(&answer).ok();
    (head.status, json.and_then(|json| json["error_code"].as_u64()))
}
