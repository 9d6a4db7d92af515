//! The authorisation matrix (S7, S18, G17, G18): every field that carries a
//! path, every way out of the root, and no difference between what is there
//! and what is not.

use serde_json::json;

use super::call::Call;
use super::{Client, DEMO, Target};

super::keep![
    sec_authorization_matrix,
    sec_no_oracle_outside_the_root,
    sec_users_do_not_meet,
    sec_batches_are_bound_item_by_item,
];

/// A field that carries a path, and a call with it.
type Field = (&'static str, fn(&Client, &str) -> super::Reply);

fn param<'a>(call: Call<'a>, list: &serde_json::Value) -> Call<'a> {
    call.param("param", json!({ "list": list }).to_string())
}

/// Every path-bearing field of every call of this part of the API.
const FIELDS: &[Field] = &[
    ("upload.path", |c, p| c.put(p, b"evil")),
    ("upload.path overwrite", |c, p| c.put_ondup(p, b"evil", "overwrite")),
    ("upload.path newcopy", |c, p| c.put_ondup(p, b"evil", "newcopy")),
    ("upload.dir", |c, p| {
        let (dir, name) = p.rsplit_once('/').unwrap();
        let dir = if dir.is_empty() { "/" } else { dir };
        c.file("upload").param("dir", dir).param("filename", name).content(b"evil").send()
    }),
    ("upload.filename", |c, p| {
        let name = format!("../..{p}");
        c.file("upload").param("dir", DEMO).param("filename", name).content(b"evil").send()
    }),
    ("createsuperfile.path", |c, p| c.merge(p, &[c.put_block(b"evil")])),
    ("createsuperfile.path overwrite", |c, p| {
        c.merge_ondup(p, &[c.put_block(b"evil")], "overwrite")
    }),
    ("download.path", Client::get),
    ("stream.path", |c, p| c.call("stream", "download").param("path", p).get().send()),
    ("thumbnail.path", |c, p| {
        let call = c.call("thumbnail", "generate").param("path", p);
        call.param("width", "9").param("height", "9").send()
    }),
    ("streaming.path", |c, p| {
        c.file("streaming").param("path", p).param("type", "M3U8_320_240").send()
    }),
    ("mkdir.path", Client::mkdir),
    ("meta.path", Client::meta),
    ("meta.param", |c, p| c.batch("meta", &json!([{ "path": p }]))),
    ("list.path", Client::list),
    ("move.from", |c, p| c.mv(p, "/apps/demo/stolen")),
    ("move.to", |c, p| c.mv("/apps/demo/own", p)),
    ("move.param.from", |c, p| c.batch("move", &json!([{ "from": p, "to": "/apps/demo/stolen" }]))),
    ("move.param.to", |c, p| c.batch("move", &json!([{ "from": "/apps/demo/own", "to": p }]))),
    ("copy.from", |c, p| c.cp(p, "/apps/demo/stolen")),
    ("copy.to", |c, p| c.cp("/apps/demo/own", p)),
    ("copy.param.from", |c, p| c.batch("copy", &json!([{ "from": p, "to": "/apps/demo/stolen" }]))),
    ("copy.param.to", |c, p| c.batch("copy", &json!([{ "from": "/apps/demo/own", "to": p }]))),
    ("delete.path", Client::rm),
    ("delete.param", |c, p| c.batch("delete", &json!([{ "path": p }]))),
    ("delete.path as JSON", |c, p| {
        let list = json!({ "list": [{ "path": p }] }).to_string();
        c.file("delete").param("path", list).send()
    }),
    ("delete.param over a good path", |c, p| {
        param(c.file("delete").param("path", "/apps/demo/none"), &json!([{ "path": p }])).send()
    }),
];

/// Ways out of `/apps/demo`: the code that each must be refused with.
const WAYS_OUT: &[(&str, u64)] = &[
    ("/apps/other/secret", 31064),
    ("/apps/demo2/secret", 31064),
    ("/apps/demo.x/secret", 31064),
    ("/apps/dem/secret", 31064),
    ("/secret", 31064),
    ("//secret", 31064),
    ("/Apps/Demo/secret", 31064),
    ("/APPS/demo/secret", 31064),
    ("/apps/de\u{301}mo/secret", 31064),
    ("/apps/demo\u{200b}/secret", 31064),
    ("/apps/demo/../other/secret", 31062),
    ("/apps/demo/../../secret", 31062),
    ("/apps/./other/secret", 31062),
    ("/apps/demo/x/../../other/secret", 31062),
    ("/apps/demo\0/secret", 31062),
];

fn sec_authorization_matrix(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    demo.put("/apps/demo/own", b"own").ok();
    for path in ["/apps/other/secret", "/apps/demo2/secret", "/apps/demo.x/secret", "/secret"] {
        owner.put(path, b"secret").ok();
    }
    let before = owner.quota().1;
    for (field, call) in FIELDS {
        for (path, code) in WAYS_OUT {
            let reply = call(&demo, path);
            let code = if *field == "upload.filename" { 31062 } else { *code };
            let got = (reply.status(), reply.code());
            let status = if code == 31064 { 403 } else { 400 };
            assert_eq!(got, (status, Some(code)), "{field}, {path:?}: {reply}");
            assert!(!String::from_utf8_lossy(reply.bytes()).contains("fs_id"), "{field}: {reply}");
        }
    }
    assert_eq!(demo.names(DEMO), ["own"]);
    assert_eq!(owner.names("/"), ["apps", "secret"]);
    assert_eq!(owner.names("/apps"), ["demo", "demo.x", "demo2", "other"]);
    assert_eq!(owner.get("/apps/other/secret").file(), b"secret");
    assert_eq!(owner.quota().1, before);
}

/// G18: 31064 whether or not the target exists, in the same words.
fn sec_no_oracle_outside_the_root(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    demo.put("/apps/demo/own", b"own").ok();
    let ask = |call: &fn(&Client, &str) -> super::Reply| {
        let reply = call(&demo, "/apps/other/dir/secret");
        let mut body = reply.refused(403, 31064);
        body.as_object_mut().unwrap().remove("request_id");
        let fields = reply.answer.head.fields.iter();
        let fields: Vec<_> = fields
            .filter(|(name, _)| {
                !matches!(name.as_str(), "date" | "content-length" | "x-request-id")
            })
            .cloned()
            .collect();
        (body, fields)
    };
    let fields = || FIELDS.iter().filter(|(field, _)| *field != "upload.filename");
    let absent: Vec<_> = fields().map(|(_, call)| ask(call)).collect();
    owner.put("/apps/other/dir/secret", b"secret").ok();
    let as_file: Vec<_> = fields().map(|(_, call)| ask(call)).collect();
    owner.rm("/apps/other/dir").ok();
    owner.mkdir("/apps/other/dir/secret/deep").ok();
    let as_directory: Vec<_> = fields().map(|(_, call)| ask(call)).collect();
    for (i, (field, _)) in fields().enumerate() {
        assert_eq!(absent[i], as_file[i], "{field}");
        assert_eq!(absent[i], as_directory[i], "{field}");
    }
}

/// G17: the same paths of two users are different places.
fn sec_users_do_not_meet(t: &Target<'_>) {
    let victim = t.another("victim", None);
    victim.owner().put("/secret", b"secret").ok();
    victim.demo().put("/apps/demo/secret", b"secret").ok();
    let owner = t.owner();
    owner.put("/apps/demo/own", b"own").ok();
    for (field, call) in FIELDS.iter().filter(|(field, _)| !field.starts_with("upload")) {
        for path in ["/secret", "/apps/demo/secret"] {
            let reply = call(&owner, path);
            let text = String::from_utf8_lossy(reply.bytes()).into_owned();
            assert_ne!(text, "secret", "{field}");
            // Whatever was made for us is ours: start again.
            for path in ["/secret", "/apps/demo/secret", "/apps/demo/stolen"] {
                owner.file("delete").param("path", path).send();
            }
            owner.put_ondup("/apps/demo/own", b"own", "overwrite").ok();
        }
    }
    assert_eq!(victim.owner().get("/secret").file(), b"secret");
    assert_eq!(victim.owner().names("/"), ["apps", "secret"]);
    assert_eq!(victim.owner().quota().1, 12);
    assert_eq!(owner.quota().1, 3);
}

fn sec_batches_are_bound_item_by_item(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    owner.put("/apps/other/secret", b"secret").ok();
    for method in ["move", "copy"] {
        demo.put_ondup("/apps/demo/own", b"own", "overwrite").ok();
        let items = json!([
            { "from": "/apps/demo/own", "to": "/apps/demo/done" },
            { "from": "/apps/other/secret", "to": "/apps/demo/stolen" },
            { "from": "/apps/demo/done", "to": "/apps/demo/never" },
        ]);
        let refused = demo.batch(method, &items).refused(403, 31064);
        assert_eq!(refused["extra"]["list"].as_array().unwrap().len(), 1);
        demo.rm("/apps/demo/done").ok();
        for path in ["/apps/demo/stolen", "/apps/demo/never"] {
            demo.is_missing(path);
        }
    }
    let items = json!([{ "path": "/apps/demo/own" }, { "path": "/apps/other/secret" }]);
    demo.batch("meta", &items).refused(403, 31064);
    assert_eq!(owner.get("/apps/other/secret").file(), b"secret");
}
