//! Every call: the reply of the manual, the same as it was seen on the wire,
//! and everything that is no reply.

use std::fmt::Debug;
use std::pin::Pin;

use pan_sdk::{
    App, Client, Content, ContentClaim, Error, FsId, ListOrder, MediaType, Ondup, StreamFormat,
    TaskDetail, TaskFilter, TaskId, TaskOptions, ThumbnailSize, Window,
};

use crate::fake::{Act, Fake, answer, json};
use crate::path;

pub(crate) type Outcome = Pin<Box<dyn Future<Output = Result<String, Error>> + Send>>;

/// A call, to be made by any client; what comes of it as text.
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) make: fn(Client) -> Outcome,
}

/// What came, as it was read.
fn told(value: &impl Debug) -> String {
    format!("{value:?}")
}

macro_rules! calls {
    ($($name:literal => |$client:ident| $call:expr;)*) => {
        pub(crate) const CALLS: &[Call] = &[$(Call {
            name: $name,
            make: |$client| Box::pin(async move { $call.await.map(|value| told(&value)) }),
        }),*];
    };
}

calls! {
    "quota" => |it| it.quota();
    "upload" => |it| it.upload(&path("/a"), Content::bytes("abc"), Ondup::Overwrite);
    "upload_tmpfile" => |it| it.upload_tmpfile(Content::bytes("abc"));
    "create_superfile" => |it| it.create_superfile(&path("/a"), &[abc()], Ondup::Overwrite);
    "rapid_upload" => |it| it.rapid_upload(&path("/a"), &claim(), Ondup::Overwrite);
    "mkdir" => |it| it.mkdir(&path("/a"));
    "meta" => |it| it.meta(&path("/a"));
    "meta_batch" => |it| it.meta_batch(&[path("/a")]);
    "list" => |it| it.list(&path("/a"), ListOrder::default(), Window::ALL);
    "search" => |it| it.search(&path("/a"), "b", true, Window::ALL);
    "list_media" => |it| it.list_media(MediaType::Image, None, 0, 10);
    "move_entry" => |it| it.move_entry(&path("/a"), &path("/b"));
    "copy_batch" => |it| async move {
        it.copy_batch(&[(path("/a"), path("/b"))]).await.map_err(|partly| partly.error)
    };
    "delete_entry" => |it| it.delete_entry(&path("/a"));
    "delete_batch" => |it| async move {
        it.delete_batch(&[path("/a")]).await.map_err(|partly| partly.error)
    };
    "diff" => |it| it.diff(None);
    "list_recycle" => |it| it.list_recycle(Window::ALL);
    "restore" => |it| it.restore(id());
    "restore_batch" => |it| async move {
        it.restore_batch(&[id()]).await.map_err(|partly| partly.error)
    };
    "empty_recycle" => |it| it.empty_recycle();
    "thumbnail" => |it| it.thumbnail(&path("/a"), ThumbnailSize::within(9, 9));
    "streaming" => |it| it.streaming(&path("/a"), StreamFormat::M3u8_480x224);
    "add_task" => |it| it.add_task("http://h/", &path("/a"), &TaskOptions::default());
    "query_task" => |it| it.query_task(&[TaskId(26)], TaskDetail::Progress);
    "list_task" => |it| it.list_task(&TaskFilter::default(), 0, 10);
    "cancel_task" => |it| it.cancel_task(TaskId(26));
    "refresh_token" => |it| it.refresh_token(&App::new("i", "s"), "x", None);
    "facts" => |it| it.facts(&path("/a"));
    "download" => |it| async move { it.download(&path("/a"), ..).await?.bytes().await };
}

fn abc() -> pan_sdk::Md5 {
    "900150983cd24fb0d6963f7d28e17f72".parse().unwrap()
}

fn claim() -> ContentClaim {
    let size = pan_sdk::ByteSize(372_121);
    ContentClaim { size, md5: abc(), slice_md5: abc(), crc32: vec![pan_sdk::Crc32(7)] }
}

fn id() -> FsId {
    FsId::from_u64(7).unwrap()
}

/// For a call: replies that mean the same, and a part of what they are read as.
const REPLIES: &[(&str, &[&str], &str)] = &[
    (
        "quota",
        &[
            r#"{"quota":15000000000,"used":5221166,"request_id":4043312634}"#,
            r#"{"quota":"15000000000","used":5221166.0,"request_id":"8999554055650542809"}"#,
        ],
        "total: ByteSize(15000000000), used: ByteSize(5221166)",
    ),
    (
        // The md5 of the manual is too short, and Baidu's is scrambled.
        "upload",
        &[
            r#"{"path":"/apps/album/1.jpg","size":372121,"ctime":1234567890,"mtime":1234567890,
                "md5":"cb123afcc12453543ef","fs_id":12345,"request_id":4043312669}"#,
            r#"{"path":"\/apps\/album\/1.jpg","size":"372121","ctime":"1234567890",
                "mtime":1234567890,"md5":"3df10ad71paa9d7729c23a155f3df292","fs_id":"12345",
                "isdir":0,"app_id":250528,"block_list":null,"request_id":4043312669}"#,
        ],
        "fs_id: Some(FsId(12345)), path: \"/apps/album/1.jpg\"",
    ),
    (
        "upload_tmpfile",
        &[r#"{"md5":"900150983cd24fb0d6963f7d28e17f72","request_id":3238563823}"#],
        "900150983cd24fb0d6963f7d28e17f72",
    ),
    (
        "create_superfile",
        &[
            r#"{"path":"/apps/yunform/6ddddd.JPG","size":6844,"ctime":1331197101,
                "mtime":1331197101,"md5":"baa7c379639b74e9bf98c807498e1b64",
                "fs_id":1548308694,"request_id":4043313276}"#,
            r#"{"path":"/apps/yunform/6ddddd.JPG","size":"6844","ctime":1331197101,"isdir":0,
                "mtime":1331197101,"md5":"baa7c379639b74e9bf98c807498e1b64","s3_handle":"x",
                "block_list":["900150983cd24fb0d6963f7d28e17f72"],"fs_id":1548308694}"#,
        ],
        "size: ByteSize(6844), is_dir: false",
    ),
    (
        "rapid_upload",
        &[r#"{"path":"/apps/album/1.jpg","size":372121,"ctime":1234567890,"mtime":1234567890,
            "md5":"cb123afcc12453543ef","fs_id":12345,"isdir":0,"request_id":12314124}"#],
        "size: ByteSize(372121)",
    ),
    (
        "mkdir",
        &[r#"{"fs_id":1636599174,"path":"/apps/yunfom/music","ctime":1331183814,
            "mtime":1331183814,"request_id":4043312656}"#],
        "is_dir: true",
    ),
    ("meta", HELLO, "size: ByteSize(13)"),
    ("meta_batch", HELLO, "size: ByteSize(13)"),
    ("list", HELLO, "blocks: [59ca0efa9f5633cb0371bbc0355478d8]"),
    ("list", &[r#"{"list":[],"request_id":1}"#, r#"{"list":null}"#], "[]"),
    ("search", HELLO, "path: \"/apps/yunform/music/hello\""),
    (
        "list_media",
        &[
            r#"{"total":13,"start":0,"limit":1,"list":[{"path":"/apps/album/1.jpg",
                "size":372121,"ctime":1234567890,"mtime":1234567890,
                "md5":"cb123afcc12453543ef","fs_id":12345,"isdir":0}]}"#,
            r#"{"total":"13","list":[{"path":"/apps/album/1.jpg","size":372121}]}"#,
        ],
        "total: 13, files: [Entry",
    ),
    ("move_entry", MOVED, "()"),
    ("copy_batch", MOVED, "(\"/a\", \"/b\")"),
    ("delete_entry", &[r#"{"request_id":4043312866}"#, r#"{"request_id":"x","extra":[]}"#], "()"),
    ("delete_batch", &[r#"{"request_id":4043312865}"#], "\"/a\""),
    (
        "diff",
        &[
            r#"{"entries":{"/baiduapp/browser":{"fs_id":2427025269,"path":"/baiduapp/browser",
                "size":0,"isdir":1,"md5":"","mtime":1336631762,"ctime":1336631762}},
                "has_more":true,"reset":true,"cursor":"MxKx6UPie%2F9W%3D%3D","request_id":3355443548}"#,
            r#"{"entries":[{"fs_id":"2427025269","path":"/baiduapp/browser","isdelete":"0",
                "isdir":"1","md5":null}],"has_more":1,"reset":"true","cursor":"x"}"#,
        ],
        "Present(Entry { fs_id: Some(FsId(2427025269))",
    ),
    (
        "diff",
        &[
            r#"{"entries":{"/a":{"path":"/a","isdelete":-1,"isdir":1}},"has_more":false,"cursor":"x"}"#,
        ],
        "is_recycled: true",
    ),
    (
        "list_recycle",
        &[r#"{"list":[{"isdir":0,"ctime":1361934614,"fs_id":1579174,"mtime":1361934625,
            "path":"/apps/CloudDriveDemo/testfile-10.rar",
            "md5":"1131170ac11cfbec411a5e8d4e111769","size":10730431}],"request_id":3779302504}"#],
        "size: ByteSize(10730431)",
    ),
    ("restore", RESTORED, "()"),
    ("restore_batch", RESTORED, "FsId(7)"),
    ("empty_recycle", &[r#"{"request_id":2307473052}"#], "()"),
    ("add_task", &[r#"{"task_id":432432432432432,"request_id":3372220525}"#], "432432432432432"),
    (
        "query_task",
        &[
            r#"{"request_id":1,"task_info":{"26":{"result":0,"status":0,"file_size":1024}}}"#,
            r#"{"request_id":1,"task_info":{"26":{"status":"0","file_size":"1024"}}}"#,
            r#"{"task_info":[{"task_id":"26","result":"0","status":"0","file_size":1024}]}"#,
        ],
        "status: Some(Finished)",
    ),
    (
        "list_task",
        &[r#"{"task_info":[{"task_id":"26","status":"1"}],"total":"1","request_id":1285732167}"#],
        "total: 1, tasks: [Task { id: TaskId(26), status: Some(Running)",
    ),
    ("cancel_task", &[r#"{"request_id":12394838223}"#], "()"),
    ("refresh_token", &[r#"{"access_token":"x","expires_in":1}"#], "lifetime: Some(1s)"),
];

const HELLO: &[&str] = &[
    r#"{"list":[{"fs_id":3528850315,"path":"/apps/yunform/music/hello","ctime":1331184269,
        "mtime":1331184269,"block_list":["59ca0efa9f5633cb0371bbc0355478d8"],"size":13,
        "isdir":1}],"request_id":4043312678}"#,
    r#"{"list":[{"fs_id":"3528850315","path":"\/apps\/yunform\/music\/hello","ctime":"1331184269",
        "mtime":1331184269,"block_list":"[\"59ca0efa9f5633cb0371bbc0355478d8\"]","size":"13",
        "isdir":"0","ifhassubdir":false,"server_filename":"hello","new_field":{"x":[1]}}]}"#,
];
const MOVED: &[&str] = &[
    r#"{"extra":{"list":[{"to":"/b","from":"/a"}]},"request_id":2298812844}"#,
    r#"{"extra":{"list":[]},"request_id":2298812844}"#,
    r#"{"extra":[],"request_id":2298812844}"#,
    r#"{"request_id":2298812844}"#,
];
const RESTORED: &[&str] = &[
    r#"{"extra":{"list":[{"fs_id":"7"}]},"request_id":3775323016}"#,
    r#"{"extra":{"list":[{"fs_id":7}]},"request_id":3775323016}"#,
];

fn call(name: &str) -> &'static Call {
    CALLS.iter().find(|call| call.name == name).unwrap()
}

#[tokio::test]
async fn every_reply_is_read_in_every_spelling() {
    for (name, replies, expected) in REPLIES {
        for reply in *replies {
            let fake = Fake::start(|_, _| json(200, reply)).await;
            let outcome = (call(name).make)(once(&fake)).await;
            let value = outcome.unwrap_or_else(|error| panic!("{name}: {error}: {reply}"));
            assert!(value.contains(expected), "{name}: {value}, and not {expected}");
            assert_eq!(fake.requests().len(), 1, "{name}");
        }
    }
}

/// Nothing is tried again: each answer is judged by itself.
fn once(fake: &Fake) -> Client {
    fake.client().with_retry(pan_sdk::RetryPolicy::never())
}

#[tokio::test]
async fn every_refusal_is_recognised_whatever_the_status() {
    let refusals = [
        (400, r#"{"error_code":31066,"error_msg":"file does not exist","request_id":1}"#),
        (200, r#"{"error_code":31066,"error_msg":"file does not exist"}"#),
        (200, r#"{"request_id":"abc","error_code":"31066","error_msg":null}"#),
        (404, r#"{"error_code":31066.0,"error_msg":["x"],"request_id":{}}"#),
        (200, r#"{"errno":31066,"errmsg":"gone"}"#),
    ];
    for it in CALLS {
        for (status, reply) in refusals {
            // Under 200 what comes from a download is its content.
            if matches!(it.name, "download" | "facts") && status == 200 {
                continue;
            }
            let fake = Fake::start(move |_, _| without_body_of_head(status, reply)).await;
            let error = (it.make)(once(&fake)).await.unwrap_err();
            assert_eq!(error.code(), Some(31066), "{}: {reply}: {error}", it.name);
        }
    }
}

/// The fake does not know that an answer to HEAD has no body.
fn without_body_of_head(status: u16, reply: &str) -> Act {
    let Act::Send(bytes) = json(status, reply) else { unreachable!("it is sent") };
    Act::Break(bytes)
}

#[tokio::test]
async fn what_is_no_reply_is_an_error_and_never_an_empty_success() {
    let answers: [(u16, &str); 8] = [
        (200, "<html><body>please log in to this network</body></html>"),
        (200, ""),
        (200, "null"),
        (200, "[]"),
        (200, r#"{"list":[{"fs_id":1}],"task_info":7,"total":{}}"#),
        (403, "<html>forbidden"),
        (404, "{}"),
        (302, ""),
    ];
    // Their replies have nothing in them that could be missing.
    let bare = ["move_entry", "copy_batch", "delete_entry", "delete_batch", "restore"];
    let bare = [&bare[..], &["restore_batch", "empty_recycle", "cancel_task"]].concat();
    for it in CALLS.iter().filter(|it| !matches!(it.name, "download" | "facts" | "thumbnail")) {
        for (status, text) in answers {
            if status == 200 && bare.contains(&it.name) && text.starts_with(['{', '[', 'n']) {
                continue;
            }
            let fake = Fake::start(move |_, _| answer(status, "", text.as_bytes())).await;
            let error = (it.make)(once(&fake)).await.unwrap_err();
            assert!(matches!(error, Error::Reply { .. }), "{}: {text}: {error:?}", it.name);
        }
    }
}
