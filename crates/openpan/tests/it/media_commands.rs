//! `pan thumb` and `pan play` on the real server, with real pictures and a
//! real video. What a service seldom does is in `thumb_play`.

use std::fs;
use std::path::Path;
use std::process::Command;

use pan_conformance::pcs::{Accounts, Client, TokenSpec};

use crate::cli::{objects, relaxed, with_person};
use crate::person::{Person, said};
use crate::server::{CommandLine, Server, empty_directory};
use crate::streaming::videos::ffmpeg;
use crate::thumb_play::{Watched, names, seconds};

crate::tests![
    thumbnails_are_small_pictures_of_the_same_kind,
    a_download_is_the_whole_video,
    a_player_watches_from_begin_to_end,
    a_video_that_was_deleted_is_said_to_be_gone,
    what_is_no_picture_and_no_video_says_so,
    without_ffmpeg_on_the_server_the_file_is_there_all_the_same,
];

const SECONDS: f64 = 9.0;

/// Makes pictures of 400 × 300 dots, and short videos.
pub(crate) fn make(directory: &Path, names: &[&str]) {
    for name in names {
        let arguments = match Path::new(name).extension().unwrap().to_str().unwrap() {
            "mov" => {
                "-f lavfi -i testsrc=s=160x120:r=25:d=9 -f lavfi -i sine=d=9 \
                 -c:v libx264 -preset ultrafast -c:a aac"
            }
            "gif" => "-f lavfi -i testsrc=s=400x300 -frames:v 1",
            // What it says of the colours of a jpg changes nothing.
            _ => "-v error -f lavfi -i testsrc=s=400x300 -frames:v 1 -update 1",
        };
        let words = arguments.split_whitespace().map(Into::into);
        ffmpeg(words.chain([directory.join(name).into_os_string()]));
    }
}

/// Makes them in a directory, and has them in the storage and not there.
pub(crate) fn put(client: &Client, directory: &Path, names: &[&str]) {
    make(directory, names);
    for name in names {
        let made = directory.join(name);
        client.put(&format!("/{name}"), &fs::read(&made).unwrap()).ok();
        fs::remove_file(made).unwrap();
    }
}

/// What ffprobe finds: a codec for each stream, and the size of a picture.
#[track_caller]
fn streams(file: &Path) -> String {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-show_entries", "stream=codec_name,width,height"]);
    let output = ffprobe.args(["-of", "csv=p=0"]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}: {}", file.display(), said(&output));
    said(&output).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
pub(crate) fn lasts(what: impl AsRef<std::ffi::OsStr>) {
    let found = seconds(&what);
    assert!((found - SECONDS).abs() < 0.2, "{:?}: {found} s", what.as_ref());
}

fn thumbnails_are_small_pictures_of_the_same_kind() {
    with_person(&relaxed(), |person, client| {
        put(client, &person.path("."), &["sea.jpg", "sea.png", "sea.gif", "sea.bmp"]);
        let kinds = [
            ("sea.jpg", "mjpeg", "image/jpeg"),
            ("sea.png", "png", "image/png"),
            ("sea.gif", "gif", "image/gif"),
            ("sea.bmp", "bmp", "image/bmp"),
        ];
        let told = objects(&person.ok(&["--json", "thumb", "/sea.*", "-o", "thumbs/"]));
        assert_eq!(told.len(), kinds.len());
        for (name, codec, media_type) in kinds {
            let from = format!("/{name}");
            let told = told.iter().find(|object| object["from"] == *from).unwrap();
            assert_eq!(told["media_type"], media_type);
            let file = person.path("thumbs").join(name);
            assert_eq!(told["size"], fs::metadata(&file).unwrap().len());
            assert_eq!(streams(&file), format!("{codec},320,240"));
        }
        // It keeps its shape, and never grows.
        for (size, expected) in [("64x1000", "mjpeg,64,48"), ("1600x1600", "mjpeg,400,300")] {
            person.ok(&["thumb", "/sea.jpg", "--size", size]);
            assert_eq!(streams(&person.path("sea.thumb.jpg")), expected);
        }
    });
}

fn a_download_is_the_whole_video() {
    with_person(&relaxed(), |person, client| {
        put(client, &person.path("."), &["sea.mov"]);
        let play = |out: &str| person.ok(&["play", "/sea.mov", "--download", out]);
        for name in ["sea.mp4", "sea.ts"] {
            play(name);
            lasts(person.path(name));
            let found = streams(&person.path(name));
            assert!(found.contains("h264,") && found.contains("aac"), "{name}: {found}");
        }
        let piped = person.run(&["play", "/sea.mov", "--download", "-"]);
        assert!(piped.stdout == fs::read(person.path("sea.ts")).unwrap(), "{}", said(&piped));
        // The playlist is enough for a player, without a token.
        play("sea.m3u8");
        let list = fs::read_to_string(person.path("sea.m3u8")).unwrap();
        assert!(!list.contains(&person.token), "{list}");
        assert!(list.matches("\nhttp://").count() > 1 && list.ends_with("#EXT-X-ENDLIST\n"));
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-protocol_whitelist", "file,http,tcp", "-i", "sea.m3u8"]);
        ffmpeg.args(["-f", "mpegts", "-c", "copy", "again.ts"]).current_dir(person.path("."));
        let output = ffmpeg.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        lasts(person.path("again.ts"));
    });
}

fn a_player_watches_from_begin_to_end() {
    with_person(&relaxed(), |person, client| {
        put(client, &person.path("."), &["sea.mov"]);
        // It decodes all of it and stops at whatever is damaged.
        let player = "ffmpeg -v error -xerror -f null /dev/null -i";
        let output = person.run(&["play", "/sea.mov", "--player", player]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(said(&output), "note: playing with `ffmpeg`\n");
    });
}

fn a_video_that_was_deleted_is_said_to_be_gone() {
    with_person(&relaxed(), |person, client| {
        put(client, &person.path("."), &["sea.mov"]);
        let watched = Watched::start(person, &["play", "/sea.mov", "--url"]);
        assert_eq!(watched.get("0.ts").0, "200");
        client.rm("/sea.mov").ok();
        assert_eq!(watched.get("1.ts").0, "502");
        let said = watched.end();
        assert!(said.contains("`/sea.mov` does not exist (error 31066"), "{said}");
    });
}

fn what_is_no_picture_and_no_video_says_so() {
    with_person(&relaxed(), |person, client| {
        client.put("/text.jpg", b"no picture").ok();
        client.put("/text.mov", b"no video, only some text").ok();
        client.put("/empty.mov", b"").ok();
        client.mkdir("/d").ok();
        for (command, exit, expected) in [
            (&["thumb", "/text.jpg"][..], 1, "hint: thumbnails are made of jpg, png, gif"),
            (&["thumb", "/d"], 4, "it is a directory"),
            (&["thumb", "/none.jpg"], 4, "(error 31066"),
            (&["play", "/text.mov", "--url"], 1, "(error 31304"),
            (&["play", "/text.mov", "--download", "text.mp4"], 1, "(error 31304"),
            (&["play", "/empty.mov", "--url"], 1, "the file is empty (error 31304"),
            (&["play", "/d", "--url"], 4, "it is a directory"),
            (&["play", "/none.mov", "--url"], 4, "(error 31066"),
        ] {
            let complaint = person.ends(exit, command);
            let names_it = complaint.starts_with("error: ") && complaint.contains(command[1]);
            assert!(names_it && complaint.contains(expected), "{complaint}");
        }
        assert_eq!(names(&person.path(".")), [""; 0]);
    });
}

fn without_ffmpeg_on_the_server_the_file_is_there_all_the_same() {
    let directory = empty_directory();
    let (data, file) = (directory.path().join("data"), directory.path().join("openpan.toml"));
    fs::write(&file, "[media]\nffmpeg = \"/nonexistent\"\n").unwrap();
    let options = ["--listen", "127.0.0.1:0", "--config", file.to_str().unwrap()];
    let server = Server::start_with(&data, &options, &[]);
    let accounts = CommandLine(&data);
    accounts.add_user("ann", None);
    let token = accounts.issue_token("ann", &TokenSpec::rooted("/"));
    let client = Client::new(&server.address, &token);
    let person = Person::new(&client);
    put(&client, &person.path("."), &["sea.mov", "sea.png"]);
    let complaint = person.ends(1, &["play", "/sea.mov", "--url"]);
    let said = "error: /sea.mov: no stream: this server has no transcoder: `/nonexistent`";
    assert!(complaint.starts_with(said) && complaint.contains("(error 31210"), "{complaint}");
    assert!(complaint.ends_with("hint: `pan get` downloads the file as it is\n"), "{complaint}");
    person.ok(&["thumb", "/sea.png"]);
    person.ok(&["get", "/sea.mov", "."]);
    lasts(person.path("sea.mov"));
    server.check();
}
