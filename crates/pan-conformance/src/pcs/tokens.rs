//! Who may call: 110, 111, and the three places of a token (pcs-rest 1.8, 6.1).

use std::thread::sleep;
use std::time::Duration;

use super::call::Credential;
use super::{Carrier, DEMO, Target, TokenSpec};

super::keep![
    a_missing_token_is_110,
    an_unknown_token_is_110,
    an_expired_token_is_111,
    the_token_in_the_query_wins,
    a_bearer_header_is_read_as_it_is_written,
    cookies_are_ignored,
    an_application_root_need_not_be_made,
    a_token_sees_its_root_and_nothing_else,
    two_tokens_of_one_user_see_one_tree,
    users_have_trees_of_their_own,
];

fn a_missing_token_is_110(t: &Target<'_>) {
    let demo = t.demo();
    for method in ["list", "meta", "mkdir", "download", "delete", "move", "copy"] {
        let call = demo.file(method).credential(Credential::Absent);
        call.param("path", DEMO).send().refused(401, 110);
    }
    demo.call("quota", "info").credential(Credential::Absent).get().send().refused(401, 110);
    let call = demo.file("upload").credential(Credential::Absent).param("path", "/apps/demo/a");
    call.content(b"abc").send().refused(401, 110);
    let call = demo.file("list").credential(Credential::Absent).raw_query("access_token=");
    call.param("path", DEMO).get().send().refused(401, 110);
}

// 11.3.4: baidupcs' suite calls with the token `abc`.
fn an_unknown_token_is_110(t: &Target<'_>) {
    for token in ["abc", "a token", "0", "\0", "ü", &"x".repeat(4000)] {
        let nobody = t.caller_with(token);
        nobody.call("quota", "info").get().send().refused(401, 110);
    }
    let nobody = t.caller_with("abc");
    nobody.call("quota", "info").get().credential(Credential::Bearer).send().refused(401, 110);
    nobody.put("/apps/demo/a", &[7; 300_000]).refused(401, 110);
    t.demo().is_missing("/apps/demo/a");
}

fn an_expired_token_is_111(t: &Target<'_>) {
    let brief = t.caller(&TokenSpec::rooted(DEMO).expires("3s"));
    brief.mkdir("/apps/demo/a").ok();
    sleep(Duration::from_millis(4200));
    brief.list(DEMO).refused(401, 111);
    brief.put("/apps/demo/b", b"abc").refused(401, 111);
    brief.call("quota", "info").get().credential(Credential::Bearer).send().refused(401, 111);
    assert_eq!(t.demo().names(DEMO), ["a"]);
}

// 1.5: if a key is in both, the query wins.
fn the_token_in_the_query_wins(t: &Target<'_>) {
    let demo = t.demo();
    let call = demo.file("list").by(Carrier::PostForm).credential(Credential::Body);
    call.param("path", DEMO).raw_query("access_token=wrong").send().refused(401, 110);
}

fn a_bearer_header_is_read_as_it_is_written(t: &Target<'_>) {
    let demo = t.demo();
    let with = |value: &str| {
        let call = demo.call("quota", "info").get().credential(Credential::Absent);
        call.field("Authorization", value).send()
    };
    let token = demo.token();
    with(&format!("Bearer {token}")).ok();
    with(&format!("bearer {token}")).ok();
    for wrong in
        [format!("Basic {token}"), token.to_owned(), format!("Bearer{token}"), "Bearer".to_owned()]
    {
        with(&wrong).refused(401, 110);
    }
}

// S23: /rest/2.0 ignores browser cookies.
fn cookies_are_ignored(t: &Target<'_>) {
    let demo = t.demo();
    let call = demo.call("quota", "info").get().credential(Credential::Absent);
    let cookie = format!("access_token={0}; BDUSS={0}; token={0}", demo.token());
    call.field("Cookie", &cookie).send().refused(401, 110);
}

// 3.2: bypy lists /apps/bypy before anything was ever put there.
fn an_application_root_need_not_be_made(t: &Target<'_>) {
    let fresh = t.caller(&TokenSpec::rooted("/apps/never/made"));
    assert_eq!(fresh.list("/apps/never/made").ok()["list"], serde_json::json!([]));
    let root = fresh.entry("/apps/never/made");
    assert_eq!((root["isdir"].as_u64(), &root["path"]), (Some(1), &"/apps/never/made".into()));
    fresh.put("/apps/never/made/a", b"abc").ok();
    assert_eq!(fresh.names("/apps/never/made"), ["a"]);
    assert_eq!(t.owner().names("/apps/never"), ["made"]);
}

// 3.4, G18: 31064 whether or not the target exists.
fn a_token_sees_its_root_and_nothing_else(t: &Target<'_>) {
    let demo = t.demo();
    t.owner().put("/apps/other/there", b"abc").ok();
    for path in ["/apps/other/there", "/apps/other/not", "/apps/demo2", "/apps", "/", "/apps/dem"] {
        demo.meta(path).refused(403, 31064);
        demo.list(path).refused(403, 31064);
        demo.get(path).refused(403, 31064);
        demo.put(path, b"x").refused(403, 31064);
        demo.mkdir(path).refused(403, 31064);
        demo.rm(path).refused(403, 31064);
    }
}

fn two_tokens_of_one_user_see_one_tree(t: &Target<'_>) {
    let (demo, owner) = (t.demo(), t.owner());
    let put = demo.put("/apps/demo/a", b"abc").ok();
    let seen = owner.entry("/apps/demo/a");
    assert_eq!(seen["fs_id"], put["fs_id"]);
    owner.put_ondup("/apps/demo/a", b"other", "overwrite").ok();
    assert_eq!(demo.get("/apps/demo/a").file(), b"other");
}

fn users_have_trees_of_their_own(t: &Target<'_>) {
    let other = t.another("other", None);
    t.owner().put("/apps/demo/a", b"abc").ok();
    other.owner().is_missing("/apps/demo/a");
    other.demo().put("/apps/demo/a", b"theirs").ok();
    assert_eq!(t.demo().get("/apps/demo/a").file(), b"abc");
    assert_eq!(other.owner().quota().1, 6);
    assert_eq!(t.owner().quota().1, 3);
}
