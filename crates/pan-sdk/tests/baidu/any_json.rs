//! Whatever a service sends, the client reads it or refuses it: it never panics.

use std::sync::{Arc, Mutex};

use pan_sdk::RetryPolicy;
use proptest::collection::{hash_map, vec};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value};

use crate::fake::{Fake, json};
use crate::replies::CALLS;

/// The names that mean something in a reply.
const NAMES: &[&str] = &[
    "list",
    "path",
    "fs_id",
    "size",
    "md5",
    "isdir",
    "isdelete",
    "mtime",
    "block_list",
    "entries",
    "cursor",
    "has_more",
    "reset",
    "total",
    "quota",
    "used",
    "task_info",
    "task_id",
    "status",
    "26",
    "extra",
    "error_code",
    "error_msg",
    "errno",
    "request_id",
    "delete_time",
    "access_token",
    "expires_in",
    "error",
    "ifhassubdir",
    "create_time",
];
/// Texts that are nearly something else.
const TEXTS: &[&str] = &[
    "",
    "0",
    "1",
    "-1",
    "/",
    "/a/b",
    "/a/../b",
    "//",
    "18446744073709551616",
    "1e9",
    "true",
    "null",
    "[]",
    "[\"x\"]",
    "{\"list\":[]}",
    "%",
    "%ff",
    "%2F",
    "\u{0}",
    "ü\u{301}😀",
    "900150983cd24fb0d6963f7d28e17f72",
    "3df10ad71paa9d7729c23a155f3df292",
    "#EXTM3U",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![select(TEXTS).prop_map(str::to_owned), any::<String>()]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![vec(inner.clone(), 0..4).prop_map(Value::from), object(inner)]
    })
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let name = select(NAMES).prop_map(str::to_owned);
    hash_map(name, inner, 0..8).prop_map(|pairs| Value::Object(Map::from_iter(pairs)))
}

#[test]
fn any_json_is_read_or_refused() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let reply = Arc::new(Mutex::new(String::new()));
    let said = Arc::clone(&reply);
    let fake = runtime.block_on(Fake::start(move |_, _| json(200, &said.lock().unwrap())));
    let client = fake.client().with_retry(RetryPolicy::never());
    let mut runner =
        TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
    runner
        .run(&object(any_value()), |value| {
            *reply.lock().unwrap() = value.to_string();
            for call in CALLS.iter().filter(|call| call.name != "facts") {
                drop(runtime.block_on((call.make)(client.clone())));
            }
            Ok(())
        })
        .unwrap();
}
