//! Batches beyond the golden file: how many, and what is left after a failure
//! (pcs-rest 5, G9).

use serde_json::{Value, json};

use super::call::Carrier;
use super::{DEMO, Target};

super::keep![
    a_batch_of_999_is_done_in_order,
    a_batch_of_1000_is_refused_whole,
    a_late_failure_leaves_the_prefix,
    a_batch_names_paths_as_the_server_writes_them,
    clients_send_batches_in_every_way,
];

fn copies(count: usize) -> Vec<Value> {
    (0..count)
        .map(|i| json!({ "from": "/apps/demo/a", "to": format!("/apps/demo/dir/{i:03}") }))
        .collect()
}

fn a_batch_of_999_is_done_in_order(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    let items = copies(999);
    let done = demo.batch("copy", &json!(items)).ok();
    assert_eq!(done["extra"]["list"], json!(items));
    assert_eq!(demo.names("/apps/demo/dir").len(), 999);
    let items: Vec<_> =
        (0..999).map(|i| json!({ "path": format!("/apps/demo/dir/{i:03}") })).collect();
    demo.batch("delete", &json!(items)).ok();
    assert_eq!(demo.names("/apps/demo/dir"), [""; 0]);
}

fn a_batch_of_1000_is_refused_whole(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    for method in ["copy", "move"] {
        demo.batch(method, &json!(copies(1000))).refused(400, 31075);
    }
    let items = vec![json!({ "path": "/apps/demo/a" }); 1000];
    demo.batch("delete", &json!(items)).refused(400, 31075);
    assert_eq!(demo.names(DEMO), ["a"]);
}

fn a_late_failure_leaves_the_prefix(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    let mut items = copies(300);
    items.insert(200, json!({ "from": "/apps/demo/none", "to": "/apps/demo/x" }));
    let refused = demo.batch("copy", &json!(items)).refused(404, 31066);
    assert_eq!(refused["extra"]["list"], json!(items[..200]));
    assert_eq!(demo.names("/apps/demo/dir").len(), 200);
    assert_eq!(demo.quota().1, 3 * 201);
}

fn a_batch_names_paths_as_the_server_writes_them(t: &Target<'_>) {
    let demo = t.demo();
    demo.put("/apps/demo/a", b"abc").ok();
    let items = json!([{ "from": "/apps//demo/a", "to": "/apps/demo/b/" }]);
    let done = demo.batch("move", &items).ok();
    assert_eq!(done["extra"]["list"], json!([{ "from": "/apps/demo/a", "to": "/apps/demo/b" }]));
}

// BaiduPCS-Py urlencoded, BaiduPCS-Go in a multipart text part, baidupan in
// the query; Python writes blanks in the JSON as `+`.
fn clients_send_batches_in_every_way(t: &Target<'_>) {
    let demo = t.demo();
    let param = r#"{"list": [{"path": "/apps/demo/a b+c"}, {"path": "/apps/demo/\u6587"}]}"#;
    for carrier in [
        Carrier::Get,
        Carrier::PostQuery,
        Carrier::PostForm,
        Carrier::PostMultipart,
        Carrier::PostAllInForm,
    ] {
        demo.put("/apps/demo/a b+c", b"abc").ok();
        demo.put("/apps/demo/文", b"abc").ok();
        let meta = demo.file("meta").by(carrier).param("param", param).send().ok();
        assert_eq!(meta["list"][1]["path"], "/apps/demo/文", "{carrier:?}");
        demo.file("delete").by(carrier).param("param", param).send().ok();
        assert_eq!(demo.names(DEMO), [""; 0], "{carrier:?}");
    }
}
