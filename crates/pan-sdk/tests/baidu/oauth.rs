//! New tokens: the dialect of the token service.

use std::time::Duration;

use pan_sdk::{App, Error};

use crate::fake::{Act, Fake, TOKEN, answer, json};

const REPLY: &str = r#"{"access_token":"1.new","expires_in":2592000,"refresh_token":"2.next",
    "scope":"basic netdisk","session_key":"","session_secret":"x"}"#;

#[tokio::test]
async fn a_token_is_renewed_and_used() {
    let fake = Fake::start(|number, _| match number {
        0 => json(200, REPLY),
        1 => json(200, r#"{"quota":1,"used":0}"#),
        _ => json(200, r#"{"access_token":"t","expires_in":"86400","scope":"a,b"}"#),
    })
    .await;
    let client = fake.client();
    let app = App::new("an id", "a+s3cr3t");
    let new = client.refresh_token(&app, "1.old/refresh", Some("basic netdisk")).await.unwrap();
    assert_eq!((&*new.access_token, new.refresh_token.as_deref()), ("1.new", Some("2.next")));
    assert_eq!(new.lifetime, Some(Duration::from_secs(2_592_000)));
    assert_eq!(new.scope, ["basic", "netdisk"]);
    let shown = format!("{new:?} {app:?}");
    assert!(!shown.contains("1.new") && !shown.contains("2.next") && !shown.contains("s3cr3t"));

    client.with_token(new.access_token).quota().await.unwrap();
    let other = client.exchange_code(&app, "code", "oob").await.unwrap();
    assert_eq!((other.refresh_token, other.scope.len()), (None, 2));

    let requests = fake.requests();
    assert_eq!(requests[0].line, "POST /oauth/2.0/token");
    let body = |number: usize| String::from_utf8(requests[number].body.clone()).unwrap();
    assert_eq!(
        body(0),
        "grant_type=refresh_token&client_id=an%20id&client_secret=a%2Bs3cr3t\
         &refresh_token=1.old/refresh&scope=basic%20netdisk"
    );
    assert!(requests[1].line.ends_with("access_token=1.new"));
    assert!(body(2).ends_with(
        "grant_type=authorization_code&client_id=an%20id\
         &client_secret=a%2Bs3cr3t&code=code&redirect_uri=oob"
    ));
    assert!(!format!("{requests:?}").contains(TOKEN));
}

#[tokio::test]
async fn a_refusal_is_told_in_its_own_words() {
    let fake = Fake::start(|number, _| match number {
        0 => json(400, r#"{"error":"expired_token","error_description":"it has been used"}"#),
        1 => json(200, r#"{"error":"invalid_client"}"#),
        2 => json(400, r#"{"error_code":3,"error_msg":"Unsupported open api","request_id":1}"#),
        3 => json(200, "{}"),
        _ => answer(404, "", b"<html>"),
    })
    .await;
    let (client, app) = (fake.client(), App::new("id", "secret"));
    let refused = client.refresh_token(&app, "x", None).await.unwrap_err();
    assert_eq!(refused.to_string(), "it has been used (expired_token)");
    assert_eq!((refused.status(), refused.is_retryable()), (Some(400), false));
    let bare = client.refresh_token(&app, "x", None).await.unwrap_err();
    assert_eq!(bare.to_string(), "the token service refused (invalid_client)");
    assert_eq!(client.refresh_token(&app, "x", None).await.unwrap_err().code(), Some(3));
    for _ in 0..2 {
        let error = client.refresh_token(&app, "x", None).await.unwrap_err();
        assert!(matches!(error, Error::Reply { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn what_may_be_spent_is_not_sent_twice() {
    let fake = Fake::start(|number, _| match number {
        0 => answer(429, "", b""),
        _ => Act::Break(Vec::new()),
    })
    .await;
    let error = fake.client().refresh_token(&App::new("i", "s"), "x", None).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error:?}");
    assert_eq!(fake.requests().len(), 2);
}
