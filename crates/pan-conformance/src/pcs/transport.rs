//! Routes, verbs, where parameters travel and what wins (pcs-rest 1, 12.2).

use super::call::{Carrier, Credential};
use super::{DEMO, Part, Target};

super::keep![
    every_spelling_of_a_route_leads_there,
    a_route_is_decoded_before_it_is_read,
    what_is_no_route_is_error_3,
    a_missing_method_is_error_3,
    upload_takes_post_only,
    other_verbs_are_error_3,
    head_of_a_download_has_the_fields_and_no_body,
    the_host_does_not_matter,
    query_beats_form_body,
    query_beats_multipart_text,
    the_last_of_a_repeated_key_wins,
    an_empty_value_lets_nothing_win,
    unknown_parameters_are_ignored,
    plus_is_a_blank_in_query_and_form,
    multipart_text_is_not_decoded,
    a_file_part_nobody_asked_for_is_discarded,
    checks_come_in_their_order,
    many_calls_go_over_one_connection,
];

// 1.2: the spellings of the book and of real clients.
fn every_spelling_of_a_route_leads_there(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    for path in [
        "/rest/2.0/pcs/file",
        "/rest/2.0/pcs/file/",
        "/rest/2.0/file",
        "/rest/2.0/file/",
        "/rest/2.0/pcs/stream",
        "/rest/2.0/pcs/stream/",
    ] {
        let reply = demo.file("download").at(path).param("path", "/apps/demo/a").get().send();
        assert_eq!(reply.file(), b"abc", "{path}");
    }
    for path in ["/rest/2.0/pcs/quota", "/rest/2.0/pcs/quota/", "/rest/2.0/quota"] {
        demo.call("quota", "info").at(path).get().send().ok();
    }
}

fn a_route_is_decoded_before_it_is_read(t: &Target<'_>) {
    t.demo().call("quota", "info").at("/rest/2.0/pcs/%71uot%61").get().send().ok();
}

fn what_is_no_route_is_error_3(t: &Target<'_>) {
    let demo = t.demo();
    for path in
        ["/rest/2.0/pcs/nothing", "/rest/2.0/pcs/", "/rest/2.0/pcs/file/x", "/rest/2.0/xpan/file"]
    {
        demo.file("list").at(path).param("path", DEMO).get().send().refused(400, 3);
    }
    // Before the token is looked at (12.2).
    t.caller_with("unknown").call("nothing", "info").get().send().refused(400, 3);
    t.caller_with("unknown").file("nothing").get().send().refused(400, 3);
}

// 12.7
fn a_missing_method_is_error_3(t: &Target<'_>) {
    let demo = t.demo();
    demo.file("").without_method().param("path", DEMO).get().send().refused(400, 3);
    demo.file("").param("path", DEMO).send().refused(400, 3);
}

// 10.29
fn upload_takes_post_only(t: &Target<'_>) {
    let demo = t.demo();
    for verb in ["GET", "HEAD", "PUT"] {
        let call = demo.file("upload").param("path", "/apps/demo/a").verb(verb);
        let reply = call.send();
        assert_eq!(reply.status(), 405, "{reply}");
        if verb != "HEAD" {
            reply.refused(405, 3);
        }
    }
    let call = demo.file("upload").param("type", "tmpfile").get();
    call.send().refused(405, 3);
    demo.is_missing("/apps/demo/a");
}

// 12.7, 12.2: the verb is looked at before the token.
fn other_verbs_are_error_3(t: &Target<'_>) {
    let nobody = t.caller_with("unknown");
    for verb in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        nobody.file("list").param("path", DEMO).verb(verb).send().refused(405, 3);
        nobody.call("quota", "info").verb(verb).send().refused(405, 3);
    }
}

fn head_of_a_download_has_the_fields_and_no_body(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"hello world").ok();
    let got = demo.get("/apps/demo/a");
    let head = demo.file("download").param("path", "/apps/demo/a").get().verb("HEAD").send();
    assert_eq!(head.status(), 200);
    assert_eq!(head.bytes(), b"");
    for name in [
        "content-length",
        "content-type",
        "content-md5",
        "accept-ranges",
        "etag",
        "last-modified",
        "x-bs-file-size",
        "x-bs-meta-crc32",
        "content-disposition",
    ] {
        assert!(got.field(name).is_some(), "`{name}` is missing from a download");
        assert_eq!(head.field(name), got.field(name), "{name}");
    }
    let missing = demo.file("download").param("path", "/apps/demo/b").get().verb("HEAD").send();
    assert_eq!(missing.status(), 404);
    // The connection is still in step.
    assert_eq!(demo.get("/apps/demo/a").file(), b"hello world");
}

// 1.3
fn the_host_does_not_matter(t: &Target<'_>) {
    let demo = t.demo();
    for host in ["c.pcs.baidu.com", "d.pcs.baidu.com:443", "[::1]:1", "x"] {
        let request = format!(
            "GET /rest/2.0/pcs/quota?method=info&access_token={} HTTP/1.1\r\nHost: {host}\r\n\r\n",
            demo.token()
        );
        let mut connection = demo.connect();
        connection.send(request.as_bytes()).unwrap();
        assert_eq!(connection.read_head().unwrap().status, 200, "{host}");
    }
}

fn query_beats_form_body(t: &Target<'_>) {
    let demo = t.demo();
    let call = demo.file("mkdir").by(Carrier::PostForm).param("path", "/apps/demo/body");
    let made = call.raw_query("path=%2Fapps%2Fdemo%2Fquery").send().ok();
    assert_eq!(made["path"], "/apps/demo/query");
    assert_eq!(demo.names(DEMO), ["query"]);
    // The same for the method and the token: those of the query count.
    let call = demo.file("list").by(Carrier::PostForm).param("path", DEMO);
    call.param("method", "delete").param("access_token", "wrong").send().ok();
}

fn query_beats_multipart_text(t: &Target<'_>) {
    let demo = t.demo();
    let call = demo.file("upload").by(Carrier::PostMultipart).param("path", "/apps/demo/body");
    let call = call.raw_query("path=%2Fapps%2Fdemo%2Fquery").content(b"abc");
    assert_eq!(call.send().ok()["path"], "/apps/demo/query");
    assert_eq!(demo.names(DEMO), ["query"]);
}

fn the_last_of_a_repeated_key_wins(t: &Target<'_>) {
    let demo = t.demo();
    let call = demo.file("mkdir").param("path", "/apps/demo/1").param("path", "/apps/demo/2");
    assert_eq!(call.send().ok()["path"], "/apps/demo/2");
    assert_eq!(demo.names(DEMO), ["2"]);
}

// 1.5: baidupcs sends `callback=`; baidupan may send `param=`.
fn an_empty_value_lets_nothing_win(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    let call = demo.file("meta").param("path", "/apps/demo/a").param("param", "");
    assert_eq!(call.send().ok()["list"][0]["size"], 3);
    let call = demo.file("list").param("path", DEMO).param("by", "").param("order", "");
    call.param("limit", "").send().ok();
    let call = demo.file("upload").param("path", "/apps/demo/a").param("ondup", "");
    call.content(b"x").send().refused(400, 31061);
}

fn unknown_parameters_are_ignored(t: &Target<'_>) {
    let demo = t.demo();
    let mut call = demo.file("list").param("path", DEMO);
    for name in ["app_id", "BDUSS", "channel", "web", "clienttype", "bdstoken", "logid", "t", "wd"]
    {
        call = call.param(name, "250528");
    }
    call.param("fs_id", "x").param("task_id", "-").raw_query("&&=&=x&novalue&%ff=%ff").send().ok();
}

// 1.5
fn plus_is_a_blank_in_query_and_form(t: &Target<'_>) {
    let demo = t.demo();
    let made = demo.file("mkdir").raw_query("path=/apps/demo/a+b%2Bc%2525").send().ok();
    assert_eq!(made["path"], "/apps/demo/a b+c%25");
    let made = demo.file("mkdir").by(Carrier::PostForm).param("path", "/apps/demo/x y+z");
    assert_eq!(made.send().ok()["path"], "/apps/demo/x y+z");
}

fn multipart_text_is_not_decoded(t: &Target<'_>) {
    let demo = t.demo();
    let call = demo.file("mkdir").by(Carrier::PostMultipart).param("path", "/apps/demo/a+b%41");
    assert_eq!(call.send().ok()["path"], "/apps/demo/a+b%41");
}

// 1.5: baidupan re-posts its last uploaded file on every later POST.
fn a_file_part_nobody_asked_for_is_discarded(t: &Target<'_>) {
    let demo = t.demo();
    let stale = Part::file(&[b'x'; 100_000]).named("files").with_filename(Some("/home/me/x"));
    let call = demo.file("mkdir").param("path", "/apps/demo/a").part(stale.clone());
    call.send().ok();
    let call = demo.file("move").by(Carrier::PostMultipart).param("from", "/apps/demo/a");
    let call = call.param("to", "/apps/demo/b").part(stale.clone()).part_first();
    call.send().ok();
    demo.file("list").param("path", DEMO).part(stale.clone()).send().ok();
    demo.file("delete").param("path", "/apps/demo/b").part(stale).send().ok();
    assert_eq!(demo.names(DEMO), [""; 0]);
}

// 12.2: route → verb → token → parameters → path → the rest.
fn checks_come_in_their_order(t: &Target<'_>) {
    let nobody = t.caller_with("unknown");
    nobody.call("nothing", "x").verb("PUT").send().refused(400, 3);
    nobody.file("upload").get().send().refused(405, 3);
    nobody.file("mkdir").send().refused(401, 110);
    nobody.file("list").param("by", "wrong").get().send().refused(401, 110);
    let demo = t.demo();
    demo.file("list").param("by", "wrong").param("path", "/x").get().send().refused(400, 31023);
    demo.put_ondup("/apps/other/x", b"", "wrong").refused(400, 31023);
    // Structure, then the root, then what exists.
    demo.mkdir("/apps/demo/../x").refused(400, 31062);
    demo.mkdir("/elsewhere").refused(403, 31064);
    demo.meta("/elsewhere").refused(403, 31064);
    let call = demo.file("list").param("path", "/apps/demo/x").credential(Credential::Absent);
    call.get().send().refused(401, 110);
}

// 1.7: keep-alive, also after refusals.
fn many_calls_go_over_one_connection(t: &Target<'_>) {
    let demo = t.demo();
    let mut connection = demo.connect();
    for (call, status) in [
        (demo.file("mkdir").param("path", "/apps/demo/a"), 200),
        (demo.file("mkdir").param("path", "/apps/demo/a"), 400),
        (demo.file("upload").param("path", "/apps/demo/b").content(b"abc"), 200),
        (demo.file("upload").param("path", "/apps/demo/b").content(b"abc"), 400),
        (demo.file("download").param("path", "/apps/demo/b").get(), 200),
        (demo.file("nothing").get(), 400),
        (demo.call("quota", "info").get(), 200),
    ] {
        connection.send(&call.to_bytes()).unwrap();
        let head = connection.read_head().unwrap();
        assert_eq!(head.status, status, "{call:?}");
        assert!(!head.closes(), "{call:?}");
        connection.read_body("GET", &head).unwrap();
    }
}
