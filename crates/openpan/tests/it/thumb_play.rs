//! `pan thumb` and `pan play`, against a service that has one picture and one
//! video and does what a test says: also what a real one seldom does.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use pan_conformance::pcs::Client;
use rustix::process::{Pid, Signal, kill_process};

use crate::cli::objects;
use crate::person::{Person, said};

crate::tests![
    a_video_becomes_what_the_ending_says,
    a_download_that_fails_changes_nothing,
    a_player_gets_an_address_and_no_token,
    an_address_is_served_until_it_is_ended,
    what_cannot_be_played_says_why,
    thumbnails_land_where_they_are_wanted,
    what_is_no_picture_says_so,
];

const TOKEN: &str = "s3cr3t-t0ken";
const PICTURE: &[u8] = b"\xff\xd8picture";
const META: &[u8] = br#"{"list":[{"fs_id":1,"path":"/a","ctime":1,"mtime":1,"size":9,"isdir":0}]}"#;
const SECONDS: f64 = 3.0;

/// Status, and what is said.
type Answer = (u16, Vec<u8>);

/// The service, and what it was asked for.
struct Service {
    person: Person,
    asked: Arc<Mutex<Vec<String>>>,
    /// The pieces of the video, one after the other.
    whole: Vec<u8>,
}

impl Service {
    /// Starts one whose video is in three pieces. Where `other` has an answer
    /// to a target, that is given.
    fn start(other: impl Fn(&str) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let person = Person::new(&Client::new(&address, TOKEN));
        let mut files = video(&person.path("."));
        let whole = (0..3).flat_map(|n| files[&format!("/hls/{n}.ts")].clone()).collect();
        files.insert(String::from("/rest/2.0/pcs/thumbnail"), PICTURE.to_vec());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (heard, files, other) = (Arc::clone(&asked), Arc::new(files), Arc::new(other));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (heard, files, other) =
                    (Arc::clone(&heard), Arc::clone(&files), Arc::clone(&other));
                thread::spawn(move || {
                    serve(&stream, |target| {
                        heard.lock().unwrap().push(target.to_owned());
                        let path = target.split('?').next().unwrap_or_default();
                        let usual = || match files.get(path) {
                            Some(_) if target.contains("method=meta") => (200, META.into()),
                            Some(body) => (200, body.clone()),
                            None => refused(404, 31066, "file does not exist"),
                        };
                        other(target).unwrap_or_else(usual)
                    })
                });
            }
        });
        Self { person, asked, whole }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Answers the requests of a connection until it ends.
fn serve(stream: &TcpStream, answer: impl Fn(&str) -> Answer) -> Option<()> {
    let (mut lines, mut out) = (BufReader::new(stream), stream);
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let mut header = String::new();
        while lines.read_line(&mut header).ok()? > 2 {
            header.clear();
        }
        let (status, body) = answer(line.split_whitespace().nth(1)?);
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
        out.write_all(&[head.as_bytes(), &body].concat()).ok()?;
    }
}

fn refused(status: u16, code: u32, message: &str) -> Answer {
    (status, format!(r#"{{"error_code":{code},"error_msg":"{message}"}}"#).into_bytes())
}

/// The playlist and its pieces, by their paths.
fn video(directory: &Path) -> HashMap<String, Vec<u8>> {
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc=s=160x120:r=25:d=3"])
        .args(["-f", "lavfi", "-i", "sine=d=3", "-c:v", "libx264", "-preset", "ultrafast"])
        .args(["-g", "25", "-c:a", "aac", "-hls_time", "1", "-hls_playlist_type", "vod"])
        .args(["-hls_segment_filename", "%d.ts", "list.m3u8"])
        .current_dir(directory)
        .output();
    let made = made.expect("`cargo xtask test` installs ffmpeg");
    assert!(made.status.success(), "{}", said(&made));
    let mut files = HashMap::new();
    for name in ["0.ts", "1.ts", "2.ts", "list.m3u8"] {
        files.insert(format!("/hls/{name}"), fs::read(directory.join(name)).unwrap());
        fs::remove_file(directory.join(name)).unwrap();
    }
    let list = String::from_utf8(files.remove("/hls/list.m3u8").unwrap()).unwrap();
    let list = list.lines().map(|line| match line.strip_suffix(".ts") {
        Some(number) => format!("/hls/{number}.ts\n"),
        None => format!("{line}\n"),
    });
    files.insert(String::from("/rest/2.0/pcs/file"), list.collect::<String>().into_bytes());
    files
}

/// How long something plays, as ffprobe finds.
#[track_caller]
pub(crate) fn seconds(what: impl AsRef<std::ffi::OsStr>) -> f64 {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"]).arg(what);
    let output = ffprobe.output().unwrap();
    said(&output).trim().parse().unwrap_or_else(|_| panic!("{}", said(&output)))
}

#[track_caller]
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

fn a_video_becomes_what_the_ending_says() {
    // The first try of a piece finds it in the making.
    let first = Mutex::new(true);
    let service = Service::start(move |target| {
        let is_first = target == "/hls/1.ts" && std::mem::take(&mut *first.lock().unwrap());
        is_first.then(|| refused(503, 31341, "be transcoding, please wait and retry"))
    });
    let person = &service.person;
    let play = |out: &str| person.ok(&["play", "/a/sea.mov", "--download", out]);
    play("sea.ts");
    assert_eq!(fs::read(person.path("sea.ts")).unwrap(), service.whole);
    play("sea.mp4");
    assert!((seconds(person.path("sea.mp4")) - SECONDS).abs() < 0.1);
    fs::create_dir(person.path("films")).unwrap();
    let told = objects(&person.ok(&["--json", "play", "/a/sea.mov", "--download", "films"]));
    let size = fs::metadata(person.path("films/sea.mp4")).unwrap().len();
    let expected = serde_json::json!({
        "action": "play", "from": "/a/sea.mov", "to": "films/sea.mp4", "type": "file", "size": size,
    });
    assert_eq!(told, [expected]);
    play("sea.m3u8");
    let list = fs::read_to_string(person.path("sea.m3u8")).unwrap();
    assert!(list.contains(&format!("\n{}/hls/2.ts\n", person.endpoint)), "{list}");
    assert!(!list.contains(TOKEN), "{list}");
    let piped = person.run(&["play", "/a/sea.mov", "--format", "640x480", "--download", "-"]);
    assert_eq!(piped.stdout, service.whole);
    assert!(service.asked().iter().any(|target| target.contains("type=M3U8_640_480")));
    let complaint =
        person.ends(1, &["play", "/a/sea.mov", "--download", "sea.ts", "--on-dup", "fail"]);
    assert!(complaint.contains("exists already"), "{complaint}");
    assert_eq!(names(&person.path(".")), ["films", "sea.m3u8", "sea.mp4", "sea.ts"]);
    // The token goes to the calls and never to a piece.
    let (pieces, calls): (Vec<_>, Vec<_>) =
        service.asked().into_iter().partition(|target| target.starts_with("/hls/"));
    assert!(pieces.iter().all(|target| !target.contains(TOKEN)), "{pieces:?}");
    assert!(calls.iter().all(|target| target.contains(TOKEN)), "{calls:?}");
}

fn a_download_that_fails_changes_nothing() {
    let service = Service::start(|target| match target {
        "/hls/1.ts" => Some(refused(404, 31066, "file does not exist")),
        _ => None,
    });
    let person = &service.person;
    for out in ["sea.ts", "sea.mp4"] {
        fs::write(person.path(out), "before").unwrap();
        person.ends(4, &["play", "/sea.mov", "--download", out]);
        assert_eq!(fs::read_to_string(person.path(out)).unwrap(), "before");
    }
    assert_eq!(names(&person.path(".")), ["sea.mp4", "sea.ts"]);
    // Nothing is asked for in vain.
    let before = service.asked().len();
    let mut command = person.command(&["play", "/sea.mov", "--download", "other.mp4"]);
    let output = command.env("PATH", "").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("needs `ffmpeg`") && said(&output).contains(".ts"));
    assert_eq!(service.asked().len(), before);
}

/// A program of a person that does what the script says.
fn script(person: &Person, name: &str, text: &str) -> String {
    let path = person.path(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn a_player_gets_an_address_and_no_token() {
    let service = Service::start(|_| None);
    let person = &service.person;
    let player = script(
        person,
        "player",
        "echo \"$@\" > arguments; tr '\\0' '\\n' < /proc/$PPID/cmdline >> arguments
         ffprobe -v error -show_entries format=duration -of csv=p=0 \"$2\"",
    );
    let mut command = person.command(&["play", "/a/b c.mov"]);
    let output = command.env("OPENPAN_PLAYER", format!("{player} --full")).output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("note: playing with `") && text.contains("3.0"), "{text}");
    let seen = fs::read_to_string(person.path("arguments")).unwrap();
    assert!(seen.starts_with("--full http://127.0.0.1:"), "{seen}");
    assert!(seen.contains("/b%20c.mov.m3u8\n"), "{seen}");
    let service_address = person.endpoint.trim_start_matches("http://");
    assert!(!seen.contains(TOKEN) && !seen.contains(service_address), "{seen}");
    // The address ends with the player.
    let address = seen.split("//").nth(1).unwrap().split('/').next().unwrap();
    assert!(TcpStream::connect(address).is_err());

    let player = script(person, "broken", "exit 3");
    let complaint = person.ends(1, &["play", "/a.mov", "--player", &player]);
    assert!(complaint.contains("ended with exit status: 3"), "{complaint}");
    let complaint = person.ends(1, &["play", "/a.mov", "--player", "none-of-that-name"]);
    assert!(complaint.contains("OPENPAN_PLAYER"), "{complaint}");
}

/// `pan play` while it answers players.
pub(crate) struct Watched {
    pan: Child,
    address: String,
    /// What its paths begin with.
    secret: String,
    /// The name of the playlist.
    name: String,
}

impl Watched {
    /// Runs it with these arguments, on a machine without a display.
    pub(crate) fn start(person: &Person, arguments: &[&str]) -> Self {
        let mut command = person.command(arguments);
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        let mut pan = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(pan.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("http://").unwrap();
        let [address, secret, name] = url.splitn(3, '/').collect::<Vec<_>>().try_into().unwrap();
        Self { pan, address: address.into(), secret: secret.into(), name: name.into() }
    }

    /// Asks for a name below the secret; the status, and the body.
    pub(crate) fn get(&self, name: &str) -> (String, Vec<u8>) {
        get(&self.address, &format!("/{}/{name}", self.secret))
    }

    /// Ends it as Ctrl-C does; what it complained about.
    #[track_caller]
    pub(crate) fn end(self) -> String {
        kill_process(Pid::from_child(&self.pan), Signal::INT).unwrap();
        let output = self.pan.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", said(&output));
        said(&output)
    }
}

/// Asks for a path; the status, and the body.
fn get(address: &str, path: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let status = String::from_utf8_lossy(&answer[9..12]).into_owned();
    (status, answer.split_off(end + 4))
}

fn an_address_is_served_until_it_is_ended() {
    let service = Service::start(|target| match target {
        "/hls/2.ts" => Some(refused(404, 31066, "file does not exist")),
        _ => None,
    });
    // Where nobody can see a player, there is none.
    for arguments in [&["play", "/sea.mov", "--url"][..], &["play", "/sea.mov"]] {
        let watched = Watched::start(&service.person, arguments);
        assert_eq!((watched.secret.len(), watched.name.as_str()), (32, "sea.mov.m3u8"));
        let (status, list) = watched.get(&watched.name);
        let list = String::from_utf8(list).unwrap();
        assert!(status == "200" && list.contains("\n1.ts\n") && !list.contains("/hls"), "{list}");
        let pieces = ["0.ts", "1.ts"].map(|name| watched.get(name).1);
        assert!(service.whole.starts_with(&pieces.concat()));
        for (name, status) in [("2.ts", "502"), ("3.ts", "404"), ("-1.ts", "404"), ("", "404")] {
            assert_eq!(watched.get(name).0, status, "{name}");
        }
        let other = format!("/{}/0.ts", "0".repeat(32));
        for path in [&format!("/{}", watched.secret), &other, "/0.ts"] {
            assert_eq!(get(&watched.address, path).0, "404", "{path}");
        }
        let said = watched.end();
        assert!(said.contains("cannot be had"), "{said}");
    }
}

fn what_cannot_be_played_says_why() {
    let service = Service::start(|target| {
        let (status, code, message) = match target {
            target if target.contains("text") => (400, 31304, "file type is not supported"),
            target if target.contains("none") => (404, 31066, "file does not exist"),
            target if target.contains("bare") => (501, 31210, "not implement"),
            _ => return None,
        };
        Some(refused(status, code, message))
    });
    for (path, exit, said) in [
        ("/text.mov", 1, "file type is not supported (error 31304)"),
        ("/none.mov", 4, "file does not exist (error 31066)"),
        ("/bare.mov", 1, "31210"),
    ] {
        let complaint = service.person.ends(exit, &["play", path, "--url"]);
        assert!(complaint.starts_with("error: ") && complaint.contains(said), "{complaint}");
        assert!(!complaint.contains(TOKEN), "{complaint}");
    }
}

fn thumbnails_land_where_they_are_wanted() {
    let service = Service::start(|target| {
        target.contains("broken").then(|| refused(400, 31141, "thumbnail failed, internal error"))
    });
    let person = &service.person;
    let thumb = |arguments: &[&str]| person.ok(&[&["thumb"], arguments].concat());
    thumb(&["/a/sea.jpg"]);
    thumb(&["/a/sea.jpg", "-o", "small.jpg", "--size", "64x1600", "--quality", "7"]);
    thumb(&["/a/sea.jpg", "/b/boat.png", "-o", "thumbs/"]);
    assert_eq!(names(&person.path(".")), ["sea.thumb.jpg", "small.jpg", "thumbs"]);
    assert_eq!(names(&person.path("thumbs")), ["boat.png", "sea.jpg"]);
    assert_eq!(fs::read(person.path("small.jpg")).unwrap(), PICTURE);
    let targets = service.asked();
    assert!(targets[0].contains("path=/a/sea.jpg&width=320&height=320&quality=85&"));
    assert!(targets[1].contains("width=64&height=1600&quality=7&"), "{targets:?}");

    assert_eq!(person.run(&["thumb", "/a/sea.jpg", "-o", "-"]).stdout, PICTURE);
    let told = objects(&thumb(&["/a/sea.jpg", "--json"]));
    assert_eq!((&told[0]["to"], &told[0]["size"]), (&"sea.thumb.jpg".into(), &9.into()));
    let complaint = person.ends(1, &["thumb", "/a/sea.jpg", "--on-dup", "fail"]);
    assert!(complaint.contains("exists already"), "{complaint}");
    person.ends(2, &["thumb", "/a/sea.jpg", "/b/sea.jpg", "-o", "thumbs"]);
    person.ends(6, &["thumb", "/broken.jpg", "/fine.jpg", "-o", "thumbs"]);
    assert_eq!(names(&person.path("thumbs")), ["boat.png", "fine.jpg", "sea.jpg"]);
}

fn what_is_no_picture_says_so() {
    let service = Service::start(|target| {
        let body = br#"{"list":[{"fs_id":1,"path":"/d","ctime":1,"mtime":1,"size":0,"isdir":1}]}"#;
        match target {
            target if target.contains("method=meta") => Some((200, body.to_vec())),
            target if target.contains("path=/d") => {
                Some(refused(404, 31066, "file does not exist"))
            }
            _ => Some(refused(400, 31141, "thumbnail failed, internal error")),
        }
    });
    let complaint = service.person.ends(1, &["thumb", "/text"]);
    assert!(complaint.contains("31141") && complaint.contains("hint: thumbnails are made of jpg"));
    let complaint = service.person.ends(4, &["thumb", "/d"]);
    assert!(complaint.contains("it is a directory"), "{complaint}");
    assert_eq!(names(&service.person.path(".")), [""; 0]);
}
