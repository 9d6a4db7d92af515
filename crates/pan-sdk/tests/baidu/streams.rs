//! Lists of many pages, from services that mind their windows and from those
//! that do not.

use futures_util::{StreamExt, TryStreamExt};
use pan_sdk::{Error, ListOrder, MediaType};

use crate::fake::{Fake, json};
use crate::path;

const ENTRY: &str = r#"{"path":"/a","size":1,"fs_id":7}"#;

fn list_of(count: usize, more: &str) -> String {
    format!(r#"{{"list":[{}]{more},"request_id":1}}"#, vec![ENTRY; count].join(","))
}

#[tokio::test]
async fn a_service_without_windows_tells_everything_once() {
    let fake = Fake::start(|_, _| json(200, &list_of(6000, ""))).await;
    let client = fake.client();
    let order = ListOrder::default();
    assert_eq!(client.list_all(&path("/"), order).count().await, 6000);
    assert_eq!(client.list_recycle_all().count().await, 6000);
    assert_eq!(client.search_all(&path("/"), "a", true).count().await, 6000);
    assert_eq!(client.walk(&path("/"), order).count().await, 6000);
    assert_eq!(fake.requests().len(), 4);
}

#[tokio::test]
async fn media_are_paged_by_their_total_or_without_one() {
    for total in ["2500", "\"2500\"", "0", "null"] {
        let fake = Fake::start(move |number, _| {
            let count = if number % 3 == 2 { 500 } else { 1000 };
            json(200, &list_of(count, &format!(r#","total":{total}"#)))
        })
        .await;
        let files = fake.client().list_media_all(MediaType::Image, None);
        assert_eq!(files.count().await, 2500, "{total}");
        assert_eq!(fake.requests().len(), 3, "{total}");
    }
}

#[tokio::test]
async fn changes_that_do_not_go_on_are_an_error() {
    for (first, second) in [("c1", "c1"), ("", "c2")] {
        let fake = Fake::start(move |number, _| {
            let cursor = [first, second][number.min(1)];
            json(200, &format!(r#"{{"entries":[],"has_more":true,"cursor":"{cursor}"}}"#))
        })
        .await;
        let pages: Result<Vec<_>, _> = fake.client().diff_all(None).try_collect().await;
        assert!(matches!(pages, Err(Error::Reply { .. })), "{first} {second}");
    }
}

#[tokio::test]
async fn a_cursor_goes_back_as_it_was_meant() {
    let fake = Fake::start(|number, _| {
        json(200, &format!(r#"{{"entries":{{}},"has_more":{},"cursor":"a%2Fb%3D"}}"#, number == 0))
    })
    .await;
    let pages: Vec<_> = fake.client().diff_all(None).try_collect().await.unwrap();
    assert_eq!(pages.len(), 2);
    assert!(fake.requests()[0].line.contains("cursor=null"));
    assert!(fake.requests()[1].line.contains("cursor=a/b%3D&"), "{}", fake.requests()[1].line);
}
