//! What a client is made of: tokens and the HTTP client.

use pan_sdk::{Client, Ondup, SmallFile, TransferOptions};

use crate::fake::{Fake, TOKEN, answer, json};
use crate::path;

#[tokio::test]
async fn a_token_is_replaced_and_shown_nowhere() {
    let fake = Fake::start(|_, _| json(200, r#"{"quota":1,"used":0}"#)).await;
    let old = fake.client();
    let new = old.with_token("an0ther/one");
    new.quota().await.unwrap();
    old.quota().await.unwrap();
    let requests = fake.requests();
    assert!(requests[0].line.ends_with("access_token=an0ther/one"));
    assert!(requests[1].line.ends_with(&format!("access_token={TOKEN}")));
    assert!(!format!("{new:?}").contains("an0ther"));
}

#[tokio::test]
async fn the_http_client_may_be_ones_own() {
    let elsewhere = Fake::start(|_, _| answer(200, "", b"abc")).await;
    let to = elsewhere.client().endpoint().as_str().to_owned();
    let fake = Fake::start(move |_, _| answer(302, &format!("Location: {to}/d\r\n"), b"")).await;
    let http = Client::http_builder().user_agent("mine/1").build().unwrap();
    let client = fake.builder().user_agent("not/this").http_client(http).build().unwrap();
    let download = client.download(&path("/a"), ..).await.unwrap();
    assert_eq!(download.bytes().await.unwrap(), "abc");
    client.mkdir(&path("/b")).await.unwrap_err();
    let requests = fake.requests();
    assert_eq!(requests[0].header("user-agent").as_deref(), Some("mine/1"));
    assert_eq!((requests.len(), elsewhere.requests().len()), (2, 1));
    let followed = &elsewhere.requests()[0];
    assert_eq!(followed.header("referer"), None);
    assert!(!format!("{followed:?}").contains(TOKEN));
}

/// Whatever takes its time can be given to a task.
#[tokio::test]
async fn transfers_can_be_spawned() {
    let fake = Fake::start(|_, _| json(404, r#"{"error_code":31066}"#)).await;
    let client = fake.client();
    let options = TransferOptions::default();
    let (one, two, three, four) = (client.clone(), client.clone(), client.clone(), client.clone());
    let (up, down, read) = (options.clone(), options.clone(), options.clone());
    let many = options;
    let tasks = [
        tokio::spawn(async move {
            one.upload_file("/none", &path("/a"), Ondup::Fail, &up).await.is_err()
        }),
        tokio::spawn(
            async move { two.download_file(&path("/a"), "/none/there", &down).await.is_err() },
        ),
        tokio::spawn(async move {
            three.upload_reader(&b"abc"[..], &path("/a"), Ondup::Fail, &read).await.is_err()
        }),
        tokio::spawn(async move {
            let file = SmallFile { path: path("/a"), bytes: "abc".into(), ondup: Ondup::Fail };
            four.upload_many(vec![file], &many).await.iter().all(Result::is_err)
        }),
    ];
    for task in tasks {
        assert!(task.await.unwrap());
    }
}
