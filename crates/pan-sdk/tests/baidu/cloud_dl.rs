//! Offline downloads: numbers, their text, objects and arrays.

use std::time::Duration;

use futures_util::TryStreamExt;
use pan_sdk::{ByteSize, TaskDetail, TaskFilter, TaskId, TaskOptions, TaskStatus, Timestamp};

use crate::fake::{Fake, json};
use crate::{parameter, path};

#[tokio::test]
async fn a_task_is_added_with_what_was_set() {
    let fake = Fake::start(|number, _| match number {
        0 => json(200, r#"{"task_id":432432432432432,"request_id":3372220525}"#),
        1 => json(200, r#"{"task_id":"26","request_id":1}"#),
        _ => json(200, r#"{"error_code":36013,"error_msg":"too many tasks","request_id":2}"#),
    })
    .await;
    let client = fake.client();
    let add = |options: TaskOptions| {
        let client = client.clone();
        async move { client.add_task("http://h/a?b=1&c", &path("/apps/x/a"), &options).await }
    };
    assert_eq!(add(TaskOptions::default()).await.unwrap(), TaskId(432_432_432_432_432));
    let mut options = TaskOptions::default();
    options.rate_limit = Some(100);
    options.timeout = Some(Duration::from_secs(10_000));
    options.callback = Some(String::from("http://h/"));
    assert_eq!(add(options.clone()).await.unwrap(), TaskId(26));
    assert_eq!(add(options).await.unwrap_err().code(), Some(36013));
    let requests = fake.requests();
    let line = &requests[0].line;
    assert!(line.starts_with("POST /rest/2.0/pcs/services/cloud_dl?method=add_task&"), "{line}");
    assert!(line.contains("source_url=http%3A//h/a%3Fb%3D1%26c&save_path=/apps/x/a&"), "{line}");
    assert!(!line.contains("timeout") && !line.contains("expires"), "{line}");
    let line = &requests[1].line;
    assert!(line.contains("&rate_limit=100&timeout=10000&callback=http%3A//h/&"), "{line}");
}

#[tokio::test]
async fn tasks_are_found_by_their_ids_in_every_spelling() {
    // The samples of the manual for both types, and the real service.
    let replies = [
        r#"{"request_id":1,"task_info":{"123456":{"result":0,
            "source_url":"http://www.example.com/xxx.zip","save_path":"http://xxxx/",
            "rate_limit":10,"timeout":3600,"callback":"http://XXX","status":1,
            "create_time":"UNIX_TIMESTAMP"},"43829483":{"result":1}}}"#,
        r#"{"request_id":1,"task_info":{"123456":{"result":0,"status":0,"file_size":1024,
            "finished_size":512,"create_time":123232132,"start_time":43728943,
            "finish_time":43728948},"43829483":{"result":1}}}"#,
        r#"{"request_id":"1","task_info":{"123456":{"result":0,"status":"8","file_size":"1024",
            "finished_size":"512","create_time":"123232132","start_time":"43728943",
            "finish_time":"","od_type":"0","task_name":"xxx.zip","source_url":null,
            "file_list":[{"file_name":"xxx.zip","file_size":"1024"}]}}}"#,
    ];
    let fake = Fake::start(move |number, _| json(200, replies[number])).await;
    let client = fake.client();
    let ids = [TaskId(43_829_483), TaskId(123_456)];
    let mut found = Vec::new();
    for detail in [TaskDetail::Request, TaskDetail::Progress, TaskDetail::Progress] {
        let [unknown, known] = client.query_task(&ids, detail).await.unwrap().try_into().unwrap();
        assert_eq!(unknown, None);
        found.push(known.unwrap());
    }
    assert_eq!(found[0].status, Some(TaskStatus::Running));
    assert_eq!(found[0].source_url.as_deref(), Some("http://www.example.com/xxx.zip"));
    assert_eq!(found[0].timeout, Some(Duration::from_secs(3600)));
    assert_eq!((found[0].created, found[0].size), (None, None));
    assert_eq!(found[1].status, Some(TaskStatus::Finished));
    assert_eq!(found[1].finished, Some(Timestamp(43_728_948)));
    assert_eq!(found[2].status, Some(TaskStatus::Cancelled));
    assert_eq!((found[2].size, found[2].fetched), (Some(ByteSize(1024)), Some(ByteSize(512))));
    assert_eq!((found[2].finished, found[2].name.as_deref()), (None, Some("xxx.zip")));
    let types: Vec<_> = fake.requests().iter().map(|it| parameter(it, "op_type")).collect();
    assert_eq!(types, ["0", "1", "1"].map(|it| Some(it.to_owned())));
    assert_eq!(parameter(&fake.requests()[0], "task_ids").unwrap(), "43829483%2C123456");
}

#[tokio::test]
async fn tasks_are_listed_and_paged() {
    let fake = Fake::start(|number, request| {
        let start = ["0", "100", "200"][number];
        assert_eq!(parameter(request, "start").as_deref(), Some(start));
        let count = if number == 2 { 3 } else { 100 };
        let task = r#"{"task_id":"26","status":"1","rate_limit":"100","create_time":"1347449048"}"#;
        let tasks = vec![task; count].join(",");
        json(200, &format!(r#"{{"task_info":[{tasks}],"total":"203","request_id":1}}"#))
    })
    .await;
    let mut filter = TaskFilter::default();
    filter.status = Some(TaskStatus::TargetExists);
    filter.ascending = true;
    filter.save_path = Some(path("/apps/x"));
    let tasks: Vec<_> = fake.client().list_task_all(&filter).try_collect().await.unwrap();
    assert_eq!(tasks.len(), 203);
    assert_eq!((tasks[0].id, tasks[0].rate_limit), (TaskId(26), Some(100)));
    let line = &fake.requests()[0].line;
    assert!(line.contains("&asc=1&need_task_info=1&save_path=/apps/x&status=7&"), "{line}");
}

#[tokio::test]
async fn no_tasks_are_no_failure() {
    let replies = [
        r#"{"task_info":[],"total":0,"request_id":1}"#,
        r#"{"task_info":null,"total":"0","request_id":1}"#,
        r#"{"total":"0","request_id":1}"#,
    ];
    let fake = Fake::start(move |number, _| json(200, replies[number])).await;
    for _ in replies {
        let page = fake.client().list_task(&TaskFilter::default(), 0, 10).await.unwrap();
        assert_eq!((page.total, page.tasks.len()), (0, 0));
    }
}

#[tokio::test]
async fn a_task_is_cancelled_in_time_or_not_at_all() {
    let fake = Fake::start(|number, _| match number {
        0 => json(200, r#"{"request_id":12394838223}"#),
        _ => json(404, r#"{"error_code":36016,"error_msg":"task was not found"}"#),
    })
    .await;
    let client = fake.client().with_task_expiry(Some(Timestamp(1_400_000_000)));
    client.cancel_task(TaskId(26)).await.unwrap();
    assert_eq!(client.cancel_task(TaskId(26)).await.unwrap_err().code(), Some(36016));
    let line = &fake.requests()[0].line;
    assert!(line.contains("method=cancel_task&expires=1400000000&task_id=26&"), "{line}");
}

#[test]
fn a_status_is_a_number() {
    for code in 0..20 {
        assert_eq!(TaskStatus::from_code(code).code(), code);
    }
}
