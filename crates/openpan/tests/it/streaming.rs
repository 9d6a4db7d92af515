//! Video as its viewers meet it: real files in many forms, cut by the real
//! transcoder, looked at with ffprobe and decoded to the end.

pub(crate) mod descendants;
pub(crate) mod playlist;
pub(crate) mod probe;
pub(crate) mod videos;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pan_conformance::pcs::{Accounts, Client, TokenSpec};
use tempfile::TempDir;

use crate::server::{CommandLine, Server, empty_directory, openpan, succeed};
use playlist::{FORMAT, Playlist};
use probe::Probed;
use videos::{MP4, OTHERS, TURNED, VARIABLE, Video, WEBM};

crate::tests![
    every_kind_of_video_plays,
    an_index_at_the_end_of_an_upload_in_parts_plays,
    a_video_of_a_phone_held_upright_is_upright,
    pieces_of_different_transcoders_join,
    a_seek_makes_nothing_before_it,
    copies_share_their_pieces,
    a_link_dies_with_its_file,
    no_transcoder_outlives_a_killed_server,
    a_server_that_transcodes_ends_in_time,
    sec_transcode_flood,
    without_ffmpeg_everything_else_works,
];

/// A server, a user of it, and a place where the pieces are kept.
pub(crate) struct Setup {
    directory: TempDir,
    pub(crate) server: Server,
    token: String,
}

impl Setup {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// With options of `openpan serve`.
    pub(crate) fn with(options: &[&str]) -> Self {
        let directory = empty_directory();
        let data = directory.path().join("data");
        let options = [&["--listen", "127.0.0.1:0"], options].concat();
        let server = Server::start_with(&data, &options, &[]);
        let accounts = CommandLine(&data);
        accounts.add_user("ann", None);
        let token = accounts.issue_token("ann", &TokenSpec::rooted("/"));
        Self { directory, server, token }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.server.address, &self.token)
    }

    /// Somebody else.
    fn another_client(&self, name: &str) -> Client {
        let data = self.data();
        let accounts = CommandLine(&data);
        accounts.add_user(name, None);
        let token = accounts.issue_token(name, &TokenSpec::rooted("/"));
        Client::new(&self.server.address, &token)
    }

    /// What `method=streaming` is asked for, as a link.
    pub(crate) fn link(&self, path: &str) -> String {
        let (address, token) = (&self.server.address, &self.token);
        format!(
            "http://{address}/rest/2.0/pcs/file?method=streaming&path={path}&type={FORMAT}&access_token={token}"
        )
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// The files of the cache. Their names say nothing.
    fn cached(&self) -> BTreeSet<PathBuf> {
        let mut files = BTreeSet::new();
        let mut directories = vec![self.data().join("cache")];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).into_iter().flatten().map_while(Result::ok) {
                match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    true => directories.push(entry.path()),
                    false => _ = files.insert(entry.path()),
                }
            }
        }
        files
    }

    /// ffmpeg's own player finds nothing to complain about, from begin to end.
    #[track_caller]
    fn decodes(&self, path: &str) {
        let link = self.link(path);
        let words = ["-xerror", "-i", &link, "-f", "null", "-"];
        videos::ffmpeg(words.map(Into::into));
    }
}

fn every_kind_of_video_plays() {
    let setup = Setup::new();
    let client = setup.client();
    for video in OTHERS {
        let path = format!("/{}", video.name);
        client.put(&path, &video.bytes()).ok();
        let playlist = Playlist::of(&client, &path);
        let order = (0..playlist.segments.len()).collect::<Vec<_>>();
        plays(video, &playlist, &order);
        setup.decodes(&path);
    }
    setup.server.check();
}

fn an_index_at_the_end_of_an_upload_in_parts_plays() {
    let setup = Setup::new();
    let client = setup.client();
    let bytes = MP4.bytes();
    let at = bytes.windows(4).position(|four| four == b"moov").unwrap();
    assert!(at > bytes.len() - bytes.len() / 10, "the index is at the end");
    let blocks = bytes.chunks(1 << 20).map(|block| client.put_block(block)).collect::<Vec<_>>();
    client.merge("/film.mp4", &blocks).ok();
    let playlist = Playlist::of(&client, "/film.mp4");
    let order = (0..playlist.segments.len()).collect::<Vec<_>>();
    let all = plays(&MP4, &playlist, &order);
    assert_eq!((all.leading().width, all.leading().height), (320, 240));
    assert_eq!(all.audio.unwrap().codec, "aac");
    setup.decodes("/film.mp4");
    setup.server.check();
}

fn a_video_of_a_phone_held_upright_is_upright() {
    let setup = Setup::new();
    let client = setup.client();
    client.put("/phone.mov", &TURNED.bytes()).ok();
    let playlist = Playlist::of(&client, "/phone.mov");
    let first = probe::segment(&playlist.segments[0].bytes()).video.unwrap();
    assert!(first.width < first.height, "{} x {}", first.width, first.height);
}

fn pieces_of_different_transcoders_join() {
    let setup = Setup::new();
    let client = setup.client();
    for video in [&MP4, &VARIABLE, &WEBM] {
        let path = format!("/{}", video.name);
        client.put(&path, &video.bytes()).ok();
        let playlist = Playlist::of(&client, &path);
        plays(video, &playlist, &playlist.jumping());
        setup.decodes(&path);
    }
}

/// Asks for all segments in an order, and expects one video without a seam, as
/// long as its source; what all of them have in it.
#[track_caller]
fn plays(video: &Video, playlist: &Playlist, order: &[usize]) -> Probed {
    let name = video.name;
    let mut probed = order
        .iter()
        .map(|&place| (place, probe::segment(&playlist.segments[place].bytes())))
        .collect::<Vec<_>>();
    assert_eq!(probed.len(), playlist.segments.len(), "{name}");
    probed.sort_by_key(|(place, _)| *place);
    let origin = probed[0].1.leading().shown[0];
    let (mut begin, mut all) = (0.0, None::<Probed>);
    for ((place, found), segment) in probed.into_iter().zip(&playlist.segments) {
        let told = format!("segment {place} of {name}");
        let leading = found.leading();
        if found.video.is_some() {
            assert_eq!(leading.codec, "h264", "{told}");
            assert_eq!(leading.keys.first(), Some(&0), "{told}: it can be decoded alone");
        }
        let at = probe::seconds_since(origin, leading.shown[0]);
        assert!((at - begin).abs() < 0.025, "{told}: at {at} instead of {begin}");
        begin += segment.seconds;
        match &mut all {
            None => all = Some(found),
            Some(all) => join(all, found, &told),
        }
    }
    let all = all.unwrap();
    let frame = all.video.iter().chain(&all.audio).map(|track| track.is_even()).collect::<Vec<_>>();
    let source = probe::duration(&video.file());
    let longest = frame[0].max(1.0 / 30.0);
    let seconds = playlist.seconds();
    assert!((seconds - source).abs() <= longest, "{name}: {seconds} s of {source} s");
    for (track, frame) in all.video.iter().chain(&all.audio).zip(&frame) {
        let length = track.shown.len() as f64 * frame;
        assert!((length - seconds).abs() <= longest, "{name}: {} lasts {length} s", track.codec);
    }
    all
}

#[track_caller]
fn join(all: &mut Probed, next: Probed, told: &str) {
    for (all, next) in [(&mut all.video, next.video), (&mut all.audio, next.audio)] {
        match (all, next) {
            (Some(all), Some(next)) => all.append(next),
            (None, None) => {}
            _ => panic!("{told} has other streams"),
        }
    }
}

fn a_seek_makes_nothing_before_it() {
    let setup = Setup::new();
    let client = setup.client();
    client.put("/film.mp4", &MP4.bytes()).ok();
    let playlist = Playlist::of(&client, "/film.mp4");
    let before = setup.cached();
    let count = playlist.segments.len();
    let place = count * 8 / 10;
    let found = probe::segment(&playlist.segments[place].bytes());
    assert_eq!(found.leading().keys.first(), Some(&0));
    let made = setup.cached().difference(&before).count();
    assert!((1..=count - place).contains(&made), "{made} pieces for one at {place} of {count}");
    // And the beginning is there for who goes back.
    probe::segment(&playlist.segments[0].bytes());
}

fn copies_share_their_pieces() {
    let setup = Setup::new();
    let client = setup.client();
    client.put("/film.mp4", &MP4.bytes()).ok();
    let all = |path: &str| -> Vec<Vec<u8>> {
        let playlist = Playlist::of(&client, path);
        playlist.segments.iter().map(|segment| segment.bytes()).collect()
    };
    let first = all("/film.mp4");
    client.cp("/film.mp4", "/copy.mp4").ok();
    client.put("/again.mp4", &MP4.bytes()).ok();
    let cached = setup.cached();
    for path in ["/copy.mp4", "/again.mp4"] {
        assert!(all(path) == first, "{path} has the same pieces");
    }
    assert_eq!(setup.cached(), cached, "nothing was made for them");
    setup.server.check();
}

fn a_link_dies_with_its_file() {
    let setup = Setup::new();
    let client = setup.client();
    let mp4 = MP4.bytes();
    client.put("/deleted.mp4", &mp4).ok();
    client.put("/changed.mp4", &mp4).ok();
    client.put("/kept.mp4", &mp4).ok();
    let [deleted, changed, kept] =
        ["/deleted.mp4", "/changed.mp4", "/kept.mp4"].map(|path| Playlist::of(&client, path));
    let lists = [&deleted, &changed, &kept];
    assert_eq!(lists.map(|list| list.segments[0].status()), [200; 3]);
    client.rm("/deleted.mp4").ok();
    client.put_ondup("/changed.mp4", b"no film", "overwrite").ok();
    assert_eq!(lists.map(|list| list.segments[0].status() / 100), [4, 4, 2]);
    succeed(openpan(&setup.data(), &["user", "disable", "ann"]));
    assert_eq!(kept.segments[0].status() / 100, 4);
}

fn no_transcoder_outlives_a_killed_server() {
    let setup = Setup::new();
    let client = setup.client();
    client.put("/film.mp4", &MP4.bytes()).ok();
    let playlist = Playlist::of(&client, "/film.mp4");
    playlist.segments[0].bytes();
    let processes = descendants::wait_for_some(setup.server.number());
    setup.server.kill();
    descendants::wait_until_gone(&processes);
}

fn a_server_that_transcodes_ends_in_time() {
    let setup = Setup::new();
    let client = setup.client();
    client.put("/film.mp4", &MP4.bytes()).ok();
    let playlist = Playlist::of(&client, "/film.mp4");
    playlist.segments[0].bytes();
    let processes = descendants::wait_for_some(setup.server.number());
    let asked = Instant::now();
    setup.server.stop();
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    descendants::wait_until_gone(&processes);
}

/// S14: who asks for much at once has no more processes than there are cores,
/// and others are served meanwhile.
fn sec_transcode_flood() {
    const VIDEOS: u64 = 8;
    let setup = Setup::new();
    let (ann, ben) = (setup.client(), setup.another_client("ben"));
    ben.put("/ben.mp4", &MP4.bytes()).ok();
    for number in 0..VIDEOS {
        ann.put(&format!("/{number}.mp4"), &another(number)).ok();
    }
    let lists = (0..VIDEOS).map(|number| Playlist::of(&ann, &format!("/{number}.mp4")));
    let lists = lists.collect::<Vec<_>>();
    let (is_over, server) = (AtomicBool::new(false), setup.server.number());
    let most = std::thread::scope(|scope| {
        let counter = scope.spawn(|| {
            let mut most = 0;
            while !is_over.load(Ordering::Relaxed) {
                most = most.max(descendants::of(server).len());
                std::thread::sleep(Duration::from_millis(5));
            }
            most
        });
        let asked = lists.iter().map(|list| scope.spawn(|| list.segments[9].status()));
        let asked = asked.collect::<Vec<_>>();
        let playlist = Playlist::of(&ben, "/ben.mp4");
        probe::segment(&playlist.segments[3].bytes());
        for answer in asked {
            let status = answer.join().unwrap();
            assert!(matches!(status, 200 | 429 | 503), "served, or told to wait: {status}");
        }
        is_over.store(true, Ordering::Relaxed);
        counter.join().unwrap()
    });
    let cores = std::thread::available_parallelism().unwrap().get();
    assert!((1..=cores).contains(&most), "{most} processes on {cores} cores");
}

/// The same video as another content: an MP4 may end in a box of anything.
fn another(number: u64) -> Vec<u8> {
    [&MP4.bytes()[..], b"\0\0\0\x10free", &number.to_be_bytes()].concat()
}

fn without_ffmpeg_everything_else_works() {
    let directory = empty_directory();
    let file = directory.path().join("openpan.toml");
    fs::write(&file, "[media]\nffmpeg = \"/nowhere/ffmpeg\"\n").unwrap();
    let setup = Setup::with(&["--config", file.to_str().unwrap()]);
    let client = setup.client();
    client.put("/film.mp4", &MP4.bytes()).ok();
    let refused = playlist::ask(&client, "/film.mp4").refused(501, 31210);
    assert!(refused["error_msg"].as_str().unwrap().contains("ffmpeg"), "{refused}");
    // A picture of one red pixel.
    let pixel = [
        &b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0"[..],
        &[0; 24],
        b"\0\0\xff\0",
    ]
    .concat();
    client.put("/pixel.bmp", &pixel).ok();
    let call = client.call("thumbnail", "generate").get().param("path", "/pixel.bmp");
    let thumbnail = call.param("width", "10").param("height", "10").send();
    assert_eq!(thumbnail.field("content-type"), Some("image/bmp"), "{thumbnail}");
    assert!(client.get("/film.mp4").file() == MP4.bytes());
    setup.server.check();
}
