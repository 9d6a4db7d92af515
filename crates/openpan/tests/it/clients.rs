//! Old clients, unmodified, from PyPI (pcs-clients 1 to 3): bypy 1.8.9 and
//! baidupcs 0.3.2, led here by a proxy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pan_conformance::pcs::{Accounts, Client, TokenSpec, digest};
use tempfile::TempDir;

use crate::proxy::Proxy;
use crate::server::{CommandLine, Server, empty_directory};

crate::tests![
    bypy_keeps_files,
    bypy_verifies_what_it_sends,
    bypy_finds_and_restores,
    bypy_syncs_both_ways,
    bypy_uploads_known_content_without_its_bytes,
    baidupcs_runs_its_own_scenario,
];

/// The Python with bypy in it; `cargo xtask test` makes it and says where.
pub(crate) fn python() -> PathBuf {
    let given = std::env::var_os("OPENPAN_TEST_PYTHON").map(PathBuf::from);
    let python = given.unwrap_or_else(|| target().join("pyenv/bin/python"));
    assert!(python.exists(), "{} is missing: `cargo xtask test` makes it", python.display());
    python
}

fn baidupcs() -> PathBuf {
    let given = std::env::var_os("OPENPAN_TEST_BAIDUPCS").map(PathBuf::from);
    given.unwrap_or_else(|| target().join("pyenv/baidupcs"))
}

/// The directory that Cargo builds in.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned()
}

/// A server with TLS, the way to it, and a user of it.
struct Setup {
    directory: TempDir,
    server: Server,
    proxy: Proxy,
    token: String,
}

impl Setup {
    fn new(spec: &TokenSpec) -> Self {
        let directory = empty_directory();
        let data = directory.path().join("data");
        let options =
            ["--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--tls-self-signed"];
        let server = Server::start_with(&data, &options, &[]);
        let proxy = Proxy::start(server.tls_address.as_ref().unwrap());
        let accounts = CommandLine(&data);
        accounts.add_user("ann", None);
        let token = accounts.issue_token("ann", spec);
        Self { directory, server, proxy, token }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The same token, by our own means: what is really there.
    fn client(&self) -> Client {
        Client::new(&self.server.address, &self.token)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(python());
        command
            .env("HTTPS_PROXY", &self.proxy.url)
            .env("NO_PROXY", "")
            .env("HOME", self.directory.path());
        command.env("PYTHONIOENCODING", "utf-8").env("PYTHONWARNINGS", "ignore");
        command.current_dir(self.directory.path());
        command
    }

    fn finish(self) {
        let asked = self.proxy.asked.lock().unwrap().clone();
        assert!(asked.iter().any(|host| host == "c.pcs.baidu.com"), "uploads go there: {asked:?}");
        self.server.check();
    }
}

/// bypy with a configuration of its own.
struct Bypy<'a>(&'a Setup);

impl<'a> Bypy<'a> {
    fn new(setup: &'a Setup) -> Self {
        let config = setup.path("bypy");
        fs::create_dir_all(&config).unwrap();
        let token = &setup.token;
        let json = format!(
            r#"{{"access_token": "{token}", "refresh_token": "x", "expires_in": 2592000, "scope": "basic netdisk"}}"#
        );
        fs::write(config.join("bypy.json"), json).unwrap();
        // No look for updates.
        fs::write(config.join("bypy.setting.json"), r#"{"lastUpdateCheck": 4000000000}"#).unwrap();
        Self(setup)
    }

    /// Runs a command; bypy always exits with 0, its stderr tells.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let mut command = self.0.command();
        command.args(["-m", "bypy", "-r", "1", "--config-dir"]).arg(self.0.path("bypy"));
        let output = command.args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (said, complained) = (text(&output.stdout), text(&output.stderr));
        // `mv` says "Error None" though it worked: a bug of the client.
        let is_error = |line: &&str| line.starts_with("Error ") && !line.starts_with("Error None");
        let error = complained.lines().chain(said.lines()).find(is_error);
        assert_eq!(error, None, "bypy {arguments:?}: {said}\n{complained}");
        assert!(!complained.contains("Traceback"), "bypy {arguments:?}: {complained}");
        said
    }
}

fn write(path: &Path, seed: u64, size: usize) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, digest::content(seed, size)).unwrap();
}

/// Small, below the limit of rapid upload, above it, in another script, empty.
const FILES: &[(&str, usize)] = &[
    ("small.txt", 700),
    ("sub/near.bin", 262_144),
    ("sub/large.bin", 700_000),
    ("sub/deep/文件 名+1%.txt", 3_000),
    ("empty", 0),
];

fn bypy_keeps_files() {
    // The scrambled md5 is what bypy's `compare` expects (9.1).
    let setup = Setup::new(&TokenSpec::rooted("/apps/bypy").baidu_md5());
    let (bypy, client) = (Bypy::new(&setup), setup.client());
    let tree = setup.path("tree");
    for (i, (name, size)) in FILES.iter().enumerate() {
        write(&tree.join(name), i as u64 + 10, *size);
    }
    let tree = tree.to_str().unwrap();

    assert!(bypy.run(&["quota"]).contains("Quota"));
    assert!(bypy.run(&["list"]).contains("/apps/bypy"), "an empty root is listed");
    bypy.run(&["mkdir", "made"]);
    bypy.run(&["mkdir", "made"]);
    bypy.run(&["upload", tree, "tree"]);
    for (i, (name, size)) in FILES.iter().enumerate() {
        let content = digest::content(i as u64 + 10, *size);
        assert!(client.get(&format!("/apps/bypy/tree/{name}")).file() == content, "{name}");
    }
    let compared = bypy.run(&["-e", "compare", "tree", tree]);
    // Five files and the two directories that they are in.
    for count in ["Same: 7", "Different: 0", "Local only: 0", "Remote only: 0"] {
        assert!(compared.lines().any(|line| line == count), "{count}: {compared}");
    }
    client.put_ondup("/apps/bypy/tree/small.txt", &digest::content(9, 700), "overwrite").ok();
    let compared = bypy.run(&["-e", "compare", "tree", tree]);
    assert!(compared.lines().any(|line| line == "Different: 1"), "{compared}");
    // Without `-e` it takes a file of the same size for the same file.
    bypy.run(&["-e", "upload", tree, "tree"]);

    // In slices: a superfile.
    write(&setup.path("sliced.bin"), 30, 450_000);
    bypy.run(&["-s", "100k", "upload", "sliced.bin", "sliced.bin"]);
    assert!(client.get("/apps/bypy/sliced.bin").file() == digest::content(30, 450_000));

    // Again with other bytes: bypy overwrites.
    write(&setup.path("sliced.bin"), 31, 330_000);
    bypy.run(&["-s", "100k", "upload", "sliced.bin", "sliced.bin"]);
    assert!(client.get("/apps/bypy/sliced.bin").file() == digest::content(31, 330_000));

    bypy.run(&["mv", "sliced.bin", "made/moved.bin"]);
    bypy.run(&["cp", "made/moved.bin", "made/copied.bin"]);
    let listed = bypy.run(&["list", "made"]);
    assert!(listed.contains("moved.bin") && listed.contains("copied.bin"), "{listed}");
    let found = bypy.run(&["search", "MOVED", "", "True"]);
    assert!(found.contains("moved.bin") && !found.contains("copied.bin"), "{found}");
    bypy.run(&["rm", "made/moved.bin"]);
    assert_eq!(client.names("/apps/bypy/made"), ["copied.bin"]);

    bypy.run(&["--chunk", "100k", "downfile", "made/copied.bin", "back.bin"]);
    assert!(fs::read(setup.path("back.bin")).unwrap() == digest::content(31, 330_000));
    bypy.run(&["downdir", "tree", "back"]);
    for (i, (name, size)) in FILES.iter().enumerate() {
        let back = fs::read(setup.path("back").join(name)).unwrap();
        assert!(back == digest::content(i as u64 + 10, *size), "{name}");
    }
    bypy.run(&["rm", "tree"]);
    assert_eq!(client.names("/apps/bypy"), ["made"]);

    let recycled = bypy.run(&["listrecycle"]);
    assert!(recycled.lines().any(|line| line.contains("/apps/bypy/tree ")), "{recycled}");
    bypy.run(&["restore", "tree"]);
    let compared = bypy.run(&["-e", "compare", "tree", tree]);
    assert!(compared.lines().any(|line| line == "Same: 7"), "{compared}");

    // What is there already is not sent again.
    let large = setup.path("tree/sub/large.bin");
    let said = bypy.run(&["-v", "upload", large.to_str().unwrap(), "again.bin"]);
    assert!(said.contains("=R=>"), "{said}");
    assert!(client.get("/apps/bypy/again.bin").file() == digest::content(12, 700_000));
    setup.finish();
}

// `-e` compares md5s, and stops at a wrong one.
fn bypy_verifies_what_it_sends() {
    let setup = Setup::new(&TokenSpec::rooted("/apps/bypy").baidu_md5());
    let (bypy, client) = (Bypy::new(&setup), setup.client());
    write(&setup.path("a.bin"), 40, 50_000);
    write(&setup.path("b.bin"), 41, 900_000);
    bypy.run(&["-e", "upload", "a.bin", "a.bin"]);
    bypy.run(&["-e", "upload", "b.bin", "b.bin"]);
    bypy.run(&["-e", "-s", "200k", "upload", "b.bin", "sliced.bin"]);
    for (name, seed, size) in
        [("a.bin", 40, 50_000), ("b.bin", 41, 900_000), ("sliced.bin", 41, 900_000)]
    {
        assert!(client.get(&format!("/apps/bypy/{name}")).file() == digest::content(seed, size));
    }
    setup.finish();
}

fn bypy_finds_and_restores() {
    let setup = Setup::new(&TokenSpec::rooted("/apps/bypy").baidu_md5());
    let (bypy, client) = (Bypy::new(&setup), setup.client());
    let names = ["notes/report.txt", "notes/sub/Report-2.bin", "notes/会议纪要.txt"];
    for (i, name) in names.iter().enumerate() {
        client.put(&format!("/apps/bypy/{name}"), &digest::content(i as u64 + 50, 9_000)).ok();
    }
    let found = bypy.run(&["search", "REPORT"]);
    assert!(found.contains("/notes/report.txt") && found.contains("Report-2.bin"), "{found}");
    let found = bypy.run(&["search", "report", "notes", "0"]);
    assert!(found.contains("report.txt") && !found.contains("Report-2.bin"), "{found}");
    assert!(bypy.run(&["search", "纪要", "notes"]).contains("会议纪要.txt"));

    assert!(!bypy.run(&["listrecycle"]).contains("/apps/bypy/notes"));
    bypy.run(&["rm", "notes/sub"]);
    bypy.run(&["rm", "notes/会议纪要.txt"]);
    let deleted = bypy.run(&["listrecycle"]);
    for name in ["/apps/bypy/notes/sub", "/apps/bypy/notes/会议纪要.txt"] {
        assert!(deleted.contains(name), "{name}: {deleted}");
    }
    assert!(!bypy.run(&["search", "Report-2"]).contains("/sub/Report-2.bin"), "it is deleted");
    bypy.run(&["restore", "notes/sub"]);
    bypy.run(&["restore", "notes/会议纪要.txt"]);
    for (i, name) in names.iter().enumerate() {
        let content = digest::content(i as u64 + 50, 9_000);
        assert!(client.get(&format!("/apps/bypy/{name}")).file() == content, "{name}");
    }
    assert!(bypy.run(&["search", "Report-2"]).contains("/sub/Report-2.bin"), "it is back");
    setup.server.check();
}

fn bypy_syncs_both_ways() {
    let setup = Setup::new(&TokenSpec::rooted("/apps/bypy").baidu_md5());
    let (bypy, client) = (Bypy::new(&setup), setup.client());
    let here = setup.path("here");
    for (i, (name, size)) in FILES.iter().enumerate() {
        write(&here.join(name), i as u64 + 60, *size);
    }
    let here_text = here.to_str().unwrap();
    bypy.run(&["-e", "syncup", here_text, "there"]);
    assert!(bypy.run(&["-e", "compare", "there", here_text]).contains("Different: 0"));
    // What is gone here goes there, what changed here changes there.
    fs::remove_file(here.join("sub/large.bin")).unwrap();
    write(&here.join("small.txt"), 70, 800);
    bypy.run(&["-e", "syncup", here_text, "there", "True"]);
    assert_eq!(client.get("/apps/bypy/there/sub/large.bin").code(), Some(31066));
    assert!(client.get("/apps/bypy/there/small.txt").file() == digest::content(70, 800));

    // The other way round, into a directory that has something else.
    let back = setup.path("back");
    write(&back.join("stranger.txt"), 71, 100);
    bypy.run(&["-e", "syncdown", "there", back.to_str().unwrap(), "True"]);
    assert!(!back.join("stranger.txt").exists());
    assert!(fs::read(back.join("small.txt")).unwrap() == digest::content(70, 800));
    for (i, (name, size)) in FILES.iter().enumerate().skip(1).filter(|(i, _)| *i != 2) {
        let content = digest::content(i as u64 + 60, *size);
        assert!(fs::read(back.join(name)).unwrap() == content, "{name}");
    }
    let compared = bypy.run(&["-e", "compare", "there", back.to_str().unwrap()]);
    for count in ["Different: 0", "Local only: 0", "Remote only: 0"] {
        assert!(compared.lines().any(|line| line == count), "{count}: {compared}");
    }
    setup.finish();
}

fn bypy_uploads_known_content_without_its_bytes() {
    let setup = Setup::new(&TokenSpec::rooted("/apps/bypy").baidu_md5());
    let (bypy, client) = (Bypy::new(&setup), setup.client());
    let content = digest::content(80, 600_000);
    write(&setup.path("known.bin"), 80, 600_000);
    bypy.run(&["upload", "known.bin", "first.bin"]);
    bypy.run(&["--rapid-upload-only", "upload", "known.bin", "second.bin"]);
    bypy.run(&["rm", "first.bin"]);
    bypy.run(&["rm", "second.bin"]);
    // Also from the bin.
    bypy.run(&["--rapid-upload-only", "upload", "known.bin", "third.bin"]);
    assert!(client.get("/apps/bypy/third.bin").file() == content);
    assert_eq!(client.names("/apps/bypy"), ["third.bin"]);
    setup.finish();
}

fn baidupcs_runs_its_own_scenario() {
    let setup = Setup::new(&TokenSpec::rooted("/apps/test_sdk"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/baidupcs_scenario.py");
    let mut command = setup.command();
    let output =
        command.env("PYTHONPATH", baidupcs()).arg(script).arg(&setup.token).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(text(&output.stdout).trim_end(), "all done");
    assert_eq!(setup.client().names("/apps/test_sdk"), ["testmkdir"]);
    setup.finish();
}
