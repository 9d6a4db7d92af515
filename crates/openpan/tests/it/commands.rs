//! `openpan user` and `openpan token`, with the server running and without.

use pan_conformance::pcs::{Accounts, Client, TokenSpec};

use crate::server::{CommandLine, Server, empty_directory, fail, openpan, succeed};

crate::tests![
    commands_work_while_the_server_runs,
    commands_work_without_a_server,
    a_user_is_added_once,
    a_quota_is_written_as_people_do,
    a_token_needs_a_user_and_a_root,
    a_disabled_user_is_shut_out_at_once,
    a_new_quota_counts_at_once,
    wrong_words_are_explained,
    check_speaks_for_a_clean_directory,
];

fn commands_work_while_the_server_runs() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let accounts = CommandLine(&data);
    accounts.add_user("ann", Some(1000));
    let token = accounts.issue_token("ann", &TokenSpec::rooted("/apps/x"));
    let ann = Client::new(&server.address, &token);
    assert_eq!(ann.quota(), (1000, 0));
    ann.put("/apps/x/a", b"abc").ok();
    ann.put("/a", b"abc").refused(403, 31064);
    let users = server.run(&["user", "list"]);
    for name in ["admin", "ann"] {
        assert!(
            users.lines().any(|line| line.split_whitespace().any(|word| word == name)),
            "{users}"
        );
    }
    server.check();
}

fn commands_work_without_a_server() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    server.stop();
    let accounts = CommandLine(&data);
    accounts.add_user("bob", None);
    let token = accounts.issue_token("bob", &TokenSpec::rooted("/").relaxed());
    let users = succeed(openpan(&data, &["user", "list"]));
    assert!(users.contains("bob"), "{users}");
    succeed(openpan(&data, &["check", "--read-data"]));
    let server = Server::start(&data);
    Client::new(&server.address, &token).put("/.hidden", b"abc").ok();
    // And after a kill, when the socket of the old server is still there.
    server.kill();
    accounts.add_user("eve", None);
    let users = succeed(openpan(&data, &["user", "list"]));
    assert!(users.contains("bob") && users.contains("eve"), "{users}");
    succeed(openpan(&data, &["check", "--read-data"]));
}

fn a_user_is_added_once() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    server.run(&["user", "add", "ann"]);
    for name in ["ann", "admin"] {
        let said = fail(openpan(&data, &["user", "add", name]));
        assert!(said.starts_with("error: ") && said.contains(name), "{said}");
    }
    for name in ["", "a/b", "a b", "a\nb", &"n".repeat(1000)] {
        fail(openpan(&data, &["user", "add", name]));
    }
    server.check();
}

fn a_quota_is_written_as_people_do() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    for (user, written, bytes) in
        [("a", "0", 0), ("b", "1500", 1500), ("c", "10M", 10 << 20), ("d", "2.5G", 5 << 29)]
    {
        server.run(&["user", "add", user, "--quota", written]);
        let token = CommandLine(&data).issue_token(user, &TokenSpec::rooted("/"));
        assert_eq!(Client::new(&server.address, &token).quota(), (bytes, 0), "{written}");
    }
    for wrong in ["", "x", "-1", "1X"] {
        fail(openpan(&data, &["user", "add", "z", "--quota", wrong]));
    }
}

fn a_token_needs_a_user_and_a_root() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    for wrong in [
        &["token", "issue"][..],
        &["token", "issue", "--user", "nobody"],
        &["token", "issue", "--user", "admin", "--root", "relative"],
        &["token", "issue", "--user", "admin", "--root", "/a/../b"],
        &["token", "issue", "--user", "admin", "--path-rules", "loose"],
        &["token", "issue", "--user", "admin", "--md5-style", "sha"],
        &["token", "issue", "--user", "admin", "--expires", "soon"],
        &["token", "issue", "--user", "admin", "--expires", "-1d"],
    ] {
        let said = fail(openpan(&data, wrong));
        assert!(said.starts_with("error: "), "{wrong:?}: {said}");
    }
    // Without a root it is the user's own token; pcs rules are the default.
    let token = server.run(&["token", "issue", "--user", "admin"]);
    let plain = Client::new(&server.address, token.trim_end());
    plain.put("/a", b"abc").ok();
    plain.put("/.hidden", b"abc").refused(400, 31062);
    let tokens: Vec<String> =
        (0..3).map(|_| server.run(&["token", "issue", "--user", "admin"])).collect();
    assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2], "each is another one");
}

fn a_disabled_user_is_shut_out_at_once() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let accounts = CommandLine(&data);
    accounts.add_user("ann", None);
    let token = accounts.issue_token("ann", &TokenSpec::rooted("/"));
    let ann = Client::new(&server.address, &token);
    ann.put("/a", b"abc").ok();
    server.run(&["user", "disable", "ann"]);
    ann.get("/a").refused(403, 31043);
    ann.put("/b", b"abc").refused(403, 31043);
    server.admin().put("/a", b"others are not").ok();
    server.run(&["user", "enable", "ann"]);
    assert_eq!(ann.get("/a").file(), b"abc");
    assert_eq!(ann.names("/"), ["a"]);
    server.check();
}

fn a_new_quota_counts_at_once() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let accounts = CommandLine(&data);
    accounts.add_user("ann", Some(100));
    let token = accounts.issue_token("ann", &TokenSpec::rooted("/"));
    let ann = Client::new(&server.address, &token);
    ann.put("/a", &[1; 100]).ok();
    ann.put("/b", &[1; 50]).refused(400, 31112);
    server.run(&["user", "set-quota", "ann", "150"]);
    ann.put("/b", &[1; 50]).ok();
    // Below what is used: nothing goes, nothing more comes.
    server.run(&["user", "set-quota", "ann", "10"]);
    assert_eq!(ann.quota(), (10, 150));
    ann.put("/c", &[1; 1]).refused(400, 31112);
    ann.put_ondup("/a", &[1; 20], "overwrite").ok();
    assert_eq!(ann.quota(), (10, 70));
    server.check();
}

fn wrong_words_are_explained() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    for wrong in [&["frobnicate"][..], &["serve", "--frobnicate"], &["user"], &["token", "issue"]] {
        let said = fail(openpan(&data, wrong));
        assert!(said.contains("error"), "{wrong:?}: {said}");
    }
    assert!(!data.exists(), "a wrong command line makes nothing");
    let said = fail(openpan(&data, &["serve", "--listen", "nowhere"]));
    assert!(said.contains("nowhere"), "{said}");
}

fn check_speaks_for_a_clean_directory() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let admin = server.admin();
    admin.put("/a/b", &[1; 100_000]).ok();
    admin.rm("/a").ok();
    server.run(&["check"]);
    server.run(&["check", "--read-data"]);
    server.stop();
    succeed(openpan(&data, &["check"]));
    // What was never set up is not clean: there is nothing to speak for.
    fail(openpan(&directory.path().join("nothing"), &["check"]));
}
