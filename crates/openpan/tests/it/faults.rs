//! Transfers over a network that fails at every stage: the file is there, byte
//! by byte, or the error is clear; what went over the network once does not
//! go again, but for a part for each fault.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pan_conformance::pcs::{self, digest};
use pan_sdk::{
    ByteSize, Client, Endpoint, Error, Ondup, PanPath, Progress, RetryPolicy, Throttle,
    TransferOptions,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::bad_network::{Fault, Kind, Network, Stage};
use crate::server::{Server, empty_directory};
use crate::shared::with_target;

crate::tests![
    a_put_in_one_request_survives,
    a_put_in_parts_survives,
    a_rapid_put_survives,
    a_whole_get_survives,
    a_get_in_ranges_survives,
    damage_never_takes_the_place_of_what_was_good,
    what_is_given_up_goes_on_where_it_was,
    a_killed_server_costs_no_finished_part,
    what_changed_meanwhile_begins_anew,
    blocks_that_are_gone_are_sent_again,
    transfers_share_a_limit_and_do_not_stall,
];

const PART: u64 = 64 << 10;
/// Five parts and a bit; enough for a rapid upload.
const SIZE: usize = 5 * PART as usize + 1000;
const PATH: &str = "/photos/sea.jpg";
/// What surrounds the content of an upload.
const WRAPPING: u64 = 1000;
const STALL: Duration = Duration::from_millis(250);

/// Somebody behind a bad network, a file, and a server that others reach well.
struct World<'a> {
    runtime: Runtime,
    network: Network,
    direct: &'a pcs::Client,
    home: TempDir,
    content: Vec<u8>,
}

fn with_world(story: impl FnOnce(World<'_>)) {
    with_target(|t| {
        let direct = t.owner();
        story(World::new(direct.address(), &direct));
    });
}

impl<'a> World<'a> {
    fn new(address: &str, direct: &'a pcs::Client) -> Self {
        let (network, home) = (Network::start(address), empty_directory());
        let runtime = Runtime::new().unwrap();
        let mut this = Self { runtime, network, direct, home, content: Vec::new() };
        this.fill(1, SIZE);
        this
    }

    /// The local file gets other bytes.
    fn fill(&mut self, seed: u64, size: usize) {
        self.content = digest::content(seed, size);
        fs::write(self.local(), &self.content).unwrap();
    }

    fn local(&self) -> PathBuf {
        self.home.path().join("file")
    }

    fn copy(&self) -> PathBuf {
        self.home.path().join("copies/copy")
    }

    /// Somebody who waits for the network to get better.
    fn patient(&self) -> Client {
        let pause = Duration::from_millis(5);
        let patience = Duration::from_secs(5);
        self.client(RetryPolicy { first_pause: pause, longest_pause: 20 * pause, patience })
    }

    /// Somebody who gives up at once, and may come back.
    fn hasty(&self) -> Client {
        self.client(RetryPolicy::never())
    }

    fn client(&self, retry: RetryPolicy) -> Client {
        let endpoint = Endpoint::single(&format!("http://{}", self.network.address())).unwrap();
        let builder = Client::builder(endpoint, self.direct.token()).retry(retry);
        builder.stall_timeout(STALL).build().unwrap()
    }

    /// Everything above a part goes in parts, two at once, and is remembered.
    fn in_parts(&self) -> TransferOptions {
        let mut options = self.whole();
        (options.threshold, options.part_size) = (ByteSize(PART), ByteSize(PART));
        options
    }

    fn whole(&self) -> TransferOptions {
        let mut options = TransferOptions::default();
        options.rapid = false;
        options.parallel = 2;
        options.journal = Some(self.home.path().join("journal"));
        options
    }

    fn put(&self, client: &Client, options: &TransferOptions) -> Result<(), Error> {
        let (to, ondup) = (PanPath::parse(PATH).unwrap(), Ondup::Overwrite);
        let put = client.upload_file(self.local(), &to, ondup, options);
        self.runtime.block_on(put).map(|entry| assert_eq!(entry.path, to))
    }

    fn get(&self, client: &Client, options: &TransferOptions) -> Result<(), Error> {
        fs::create_dir_all(self.copy().parent().unwrap()).unwrap();
        let from = PanPath::parse(PATH).unwrap();
        let get = client.download_file(&from, self.copy(), options);
        self.runtime.block_on(get).map(|facts| assert_eq!(facts.size.0, SIZE as u64))
    }

    #[track_caller]
    fn is_put(&self, story: &str) {
        assert!(self.direct.get(PATH).file() == self.content, "{story}: another content");
    }

    /// The copy is the file, and nothing else is left over.
    #[track_caller]
    fn is_got(&self, story: &str) {
        assert!(fs::read(self.copy()).unwrap() == self.content, "{story}: another content");
        assert_eq!(names(&self.home.path().join("copies")), ["copy"], "{story}");
        self.nothing_is_remembered(story);
        fs::remove_file(self.copy()).unwrap();
    }

    #[track_caller]
    fn nothing_is_remembered(&self, story: &str) {
        let journals = names(&self.home.path().join("journal"));
        assert!(journals.is_empty(), "{story}: {journals:?}");
    }

    fn forget_remote(&self) {
        self.direct.rm("/photos");
    }
}

fn names(directory: &std::path::Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// An error is one that a person can do something with, and tells no secret.
#[track_caller]
fn is_clear(story: &str, error: &Error, token: &str) {
    let clear = matches!(
        error,
        Error::Broken { .. }
            | Error::Connect { .. }
            | Error::Stalled { .. }
            | Error::Damaged { .. }
            | Error::Reply { .. }
            | Error::Refused(_)
    );
    assert!(clear, "{story}: {error:?}");
    assert!(!format!("{error} {error:?}").contains(token), "{story}: {error:?}");
}

/// Cuts everywhere, stalls and damage where they differ.
fn faults_of_put(call: &'static str, skip: usize, length: usize) -> Vec<Fault> {
    use Kind::{Corrupt, Cut, Stall};
    use Stage::{BetweenBoth, ReplyBody, ReplyHead, RequestBody, RequestHead};
    let cuts = [RequestHead(0), RequestHead(60), RequestBody(0), RequestBody(length - 1)]
        .into_iter()
        .chain([1, length / 3, length / 2].map(RequestBody))
        .chain([BetweenBoth, ReplyHead(0), ReplyHead(30), ReplyBody(0), ReplyBody(20)]);
    let cuts = cuts.map(|stage| (stage, Cut));
    let stalls = [RequestBody(length / 2), BetweenBoth, ReplyBody(1)].map(|stage| (stage, Stall));
    let damage = [RequestBody(0), RequestBody(length - 1), ReplyBody(15)];
    let all = cuts.chain(stalls).chain(damage.map(|stage| (stage, Corrupt)));
    all.map(|(stage, kind)| Fault { call, skip, stage, kind }).collect()
}

/// Puts over each fault: by somebody patient, who sees nothing of it, and by
/// somebody hasty, who may have to call again.
fn puts(world: &World<'_>, faults: &[Fault], options: &TransferOptions, part: u64) {
    let size = SIZE as u64;
    for fault in faults {
        let story = format!("{fault:?}");
        let counted = |sent: u64, faults: u64| {
            let most = size + faults * part + 20 * WRAPPING;
            assert!(sent <= most, "{story}: {sent} bytes for {size}");
        };
        world.forget_remote();
        world.network.plan([fault.clone()]);
        world.network.sent();
        match world.put(&world.patient(), options) {
            Ok(()) => world.is_put(&story),
            Err(error) => {
                assert_eq!(fault.kind, Kind::Corrupt, "{story}: {error:?}");
                is_clear(&story, &error, world.direct.token());
                world.put(&world.patient(), options).unwrap();
                world.is_put(&story);
            }
        }
        assert_eq!(world.network.happened(), 1, "{story}: it did not happen");
        counted(world.network.sent(), 1);
        world.nothing_is_remembered(&story);

        world.forget_remote();
        world.network.plan([fault.clone()]);
        if let Err(error) = world.put(&world.hasty(), options) {
            is_clear(&story, &error, world.direct.token());
            if fault.kind != Kind::Corrupt {
                let there = world.direct.get(PATH);
                assert!(there.status() == 404 || there.bytes() == world.content, "{story}: half");
            }
            world.put(&world.hasty(), options).unwrap();
        }
        assert_eq!(world.network.happened(), 1, "{story}: it did not happen");
        world.is_put(&story);
        counted(world.network.sent(), 1);
        world.nothing_is_remembered(&story);
    }
}

fn a_put_in_one_request_survives() {
    with_world(|world| {
        let faults = faults_of_put("method=upload&path", 0, SIZE);
        puts(&world, &faults, &world.whole(), SIZE as u64);
    });
}

fn a_put_in_parts_survives() {
    with_world(|world| {
        let mut faults = faults_of_put("type=tmpfile", 0, PART as usize);
        faults.extend(faults_of_put("type=tmpfile", 3, PART as usize));
        faults.extend(faults_of_put("type=tmpfile", 5, 1000));
        let merge = faults_of_put("method=createsuperfile", 0, 100).into_iter();
        // Damage in there makes it another request.
        faults.extend(merge.filter(|fault| {
            fault.kind != Kind::Corrupt || matches!(fault.stage, Stage::ReplyBody(_))
        }));
        puts(&world, &faults, &world.in_parts(), PART);
    });
}

fn a_rapid_put_survives() {
    with_world(|world| {
        world.direct.put("/same", &world.content).ok();
        for options in [world.whole(), world.in_parts()] {
            let mut options = options;
            options.rapid = true;
            let faults = faults_of_put("method=rapidupload", 0, 1);
            let faults: Vec<_> = faults
                .into_iter()
                .filter(|fault| !matches!(fault.stage, Stage::RequestBody(_)))
                .collect();
            for fault in &faults {
                let story = format!("{fault:?}");
                world.forget_remote();
                world.network.plan([fault.clone()]);
                if let Err(error) = world.put(&world.hasty(), &options) {
                    is_clear(&story, &error, world.direct.token());
                    world.put(&world.hasty(), &options).unwrap();
                }
                assert_eq!(world.network.happened(), 1, "{story}: it did not happen");
                world.is_put(&story);
                // A hit that cannot be read is none.
                let sent = world.network.sent();
                assert!(sent < PART || fault.kind == Kind::Corrupt, "{story}: it is there");
            }
        }
    });
}

fn faults_of_get(skip: usize, length: usize) -> Vec<Fault> {
    use Kind::{Corrupt, Cut, Stall};
    use Stage::{BetweenBoth, ReplyBody, ReplyHead, RequestHead};
    let cuts = [RequestHead(0), RequestHead(60), BetweenBoth, ReplyHead(0), ReplyHead(100)]
        .into_iter()
        .chain([0, 1, length / 3, length / 2, length - 1].map(ReplyBody));
    let cuts = cuts.map(|stage| (stage, Cut));
    let stalls = [BetweenBoth, ReplyBody(0), ReplyBody(length / 2)].map(|stage| (stage, Stall));
    let damage = [0, length / 2, length - 1].map(|at| (ReplyBody(at), Corrupt));
    let all = cuts.chain(stalls).chain(damage);
    all.map(|(stage, kind)| Fault { call: "method=download", skip, stage, kind }).collect()
}

/// Gets over each fault, by the patient and the hasty.
fn gets(world: &World<'_>, faults: &[Fault], options: &TransferOptions, part: u64) {
    let size = SIZE as u64;
    world.direct.put_ondup(PATH, &world.content, "overwrite").ok();
    for fault in faults {
        let story = format!("{fault:?}");
        // Which part was damaged nobody knows.
        let twice = if fault.kind == Kind::Corrupt { size } else { part };
        world.network.plan([fault.clone()]);
        world.network.received();
        world.get(&world.patient(), options).unwrap();
        world.is_got(&story);
        let received = world.network.received();
        assert!(received <= size + twice, "{story}: {received} bytes for {size}");

        world.network.plan([fault.clone()]);
        if let Err(error) = world.get(&world.hasty(), options) {
            is_clear(&story, &error, world.direct.token());
            assert!(!world.copy().exists(), "{story}: there before it was whole");
            world.get(&world.hasty(), options).unwrap();
        }
        assert_eq!(world.network.happened(), 1, "{story}: it did not happen");
        world.is_got(&story);
        let received = world.network.received();
        assert!(received <= size + twice, "{story}: {received} bytes for {size}");
    }
}

fn a_whole_get_survives() {
    with_world(|world| {
        gets(&world, &faults_of_get(0, SIZE), &world.whole(), SIZE as u64);
    });
}

fn a_get_in_ranges_survives() {
    with_world(|world| {
        let mut faults = faults_of_get(0, PART as usize);
        faults.extend(faults_of_get(3, PART as usize));
        faults.extend(faults_of_get(5, 1000));
        gets(&world, &faults, &world.in_parts(), PART);
    });
}

fn damage_never_takes_the_place_of_what_was_good() {
    with_world(|mut world| {
        let good = world.content.clone();
        world.direct.put("/photos/sea.jpg", &good).ok();
        for size in [1, 1000, SIZE] {
            world.fill(2, size);
            for ondup in [Ondup::Overwrite, Ondup::NewCopy] {
                let fault = Fault {
                    call: "method=upload&path",
                    skip: 0,
                    stage: Stage::RequestBody(size / 2),
                    kind: Kind::Corrupt,
                };
                world.network.plan([fault]);
                let to = PanPath::parse(PATH).unwrap();
                let (client, options) = (world.hasty(), world.whole());
                let put = client.upload_file(world.local(), &to, ondup, &options);
                let error = world.runtime.block_on(put).unwrap_err();
                is_clear("damage", &error, world.direct.token());
                assert_eq!(world.network.happened(), 1);
                assert!(world.direct.get(PATH).file() == good, "{size} {ondup:?}: {error}");
                assert_eq!(world.direct.names("/photos"), ["sea.jpg"]);
            }
        }
        // Nor does it where it is not sent again: the patient only pauses.
        world.network.plan([Fault {
            call: "method=upload&path",
            skip: 0,
            stage: Stage::RequestBody(9),
            kind: Kind::Corrupt,
        }]);
        world.put(&world.patient(), &world.whole()).unwrap();
        world.is_put("after damage");
    });
}

/// Gives up after moments of different lengths, and counts how often.
fn given_up(
    world: &World<'_>,
    mut moment: impl FnMut(u64) -> Duration,
    run: impl AsyncFn() -> Result<(), Error>,
) -> u64 {
    for tries in 0..200 {
        let tried = world.runtime.block_on(async { timeout(moment(tries), run()).await });
        match tried {
            Ok(Ok(())) => return tries,
            Ok(Err(error)) => panic!("after {tries}: {error:?}"),
            Err(_) => {}
        }
    }
    panic!("it never gets to its end");
}

fn what_is_given_up_goes_on_where_it_was() {
    with_world(|mut world| {
        let size = 24 * PART as usize + 77;
        world.fill(3, size);
        let mut options = world.in_parts();
        options.throttle = Throttle::bytes_per_second(ByteSize(3 << 20));
        let moment = |tries: u64| Duration::from_millis(50 + (tries * 37) % 90);
        let (client, to) = (world.patient(), PanPath::parse(PATH).unwrap());
        let moved = |moved: u64, tries: u64| {
            assert!(tries > 2, "it was not given up");
            let most = size as u64 + (tries + 1) * (2 * PART + WRAPPING);
            assert!(moved <= most, "{moved} bytes in {tries} tries");
        };
        let put = async || {
            client.upload_file(world.local(), &to, Ondup::Fail, &options).await.map(|_| ())
        };
        let tries = given_up(&world, moment, put);
        world.is_put("put, given up");
        moved(world.network.sent(), tries);
        world.nothing_is_remembered("put, given up");

        fs::create_dir_all(world.copy().parent().unwrap()).unwrap();
        let get = async || client.download_file(&to, world.copy(), &options).await.map(|_| ());
        let tries = given_up(&world, moment, get);
        world.is_got("get, given up");
        moved(world.network.received(), tries);
    });
}

fn a_killed_server_costs_no_finished_part() {
    let data = empty_directory();
    let data = data.path().join("data");
    let server = Server::start(&data);
    let admin = server.admin();
    let world = World::new(&server.address, &admin);
    let mut options = world.in_parts();
    options.throttle = Throttle::bytes_per_second(ByteSize(1 << 20));
    let later = || std::thread::sleep(Duration::from_millis(200));
    // The hasty come back after the restart, the patient see nothing of it.
    std::thread::scope(|scope| {
        let put = scope.spawn(|| world.put(&world.hasty(), &options));
        later();
        server.kill();
        put.join().unwrap().unwrap_err();
    });
    let server = Server::start(&data);
    world.network.lead_to(&server.address);
    world.put(&world.hasty(), &options).unwrap();
    let sent = world.network.sent();
    assert!(sent <= SIZE as u64 + 2 * PART + 10 * WRAPPING, "{sent} bytes");
    let admin = pcs::Client::new(&server.address, admin.token());
    let world = World { direct: &admin, ..world };
    world.is_put("over a restart");

    let server = std::thread::scope(|scope| {
        let get = scope.spawn(|| world.get(&world.patient(), &options));
        later();
        server.kill();
        let server = Server::start(&data);
        world.network.lead_to(&server.address);
        get.join().unwrap().unwrap();
        server
    });
    world.is_got("over a restart");
    let received = world.network.received();
    assert!(received <= SIZE as u64 + 2 * PART, "{received} bytes");
    server.check();
    server.stop();
}

fn what_changed_meanwhile_begins_anew() {
    with_world(|mut world| {
        let cut = |call, skip| [Fault { call, skip, stage: Stage::BetweenBoth, kind: Kind::Cut }];
        let options = world.in_parts();
        world.network.plan(cut("type=tmpfile", 4));
        world.put(&world.hasty(), &options).unwrap_err();
        world.fill(4, SIZE);
        world.put(&world.hasty(), &options).unwrap();
        world.is_put("another file of that name");

        world.network.plan(cut("method=download", 4));
        world.get(&world.hasty(), &options).unwrap_err();
        assert_eq!(names(&world.home.path().join("copies")).len(), 1, "the part file stays");
        world.content = digest::content(5, SIZE);
        world.direct.put_ondup(PATH, &world.content, "overwrite").ok();
        world.get(&world.hasty(), &options).unwrap();
        world.is_got("another file on the server");

        // A part file with other bytes than the journal says.
        world.network.plan(cut("method=download", 4));
        world.get(&world.hasty(), &options).unwrap_err();
        let copies = world.home.path().join("copies");
        let part_file = copies.join(&names(&copies)[0]);
        fs::write(&part_file, vec![7; SIZE]).unwrap();
        world.get(&world.patient(), &options).unwrap();
        world.is_got("a spoiled part file");
    });
}

fn blocks_that_are_gone_are_sent_again() {
    with_world(|world| {
        let mut options = world.in_parts();
        let (call, stage) = ("createsuperfile", Stage::RequestHead(0));
        world.network.plan([Fault { call, skip: 0, stage, kind: Kind::Cut }]);
        world.put(&world.hasty(), &options).unwrap_err();
        // A block that the service does not have, as after too long a time.
        let journal = world.home.path().join("journal");
        let journal = journal.join(&names(&journal)[0]);
        let text = fs::read_to_string(&journal).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let md5 = digest::md5_hex(&world.content[..PART as usize]);
        let line = lines.iter_mut().find(|line| line.contains(&md5)).unwrap();
        let json = line[9..].replace(&md5, &digest::md5_hex(b"gone"));
        *line = format!("{:08x} {json}", digest::crc32(json.as_bytes()));
        fs::write(&journal, lines.join("\n") + "\n").unwrap();

        let told = Arc::new(AtomicU64::new(0));
        let sum = told.clone();
        options.progress = Progress::new(move |bytes| _ = sum.fetch_add(bytes, Ordering::SeqCst));
        world.network.sent();
        world.put(&world.hasty(), &options).unwrap();
        world.is_put("gone blocks");
        assert_eq!(told.load(Ordering::SeqCst), SIZE as u64, "counted twice");
        assert!((SIZE as u64..SIZE as u64 + 10 * WRAPPING).contains(&world.network.sent()));
        world.nothing_is_remembered("gone blocks");
    });
}

fn transfers_share_a_limit_and_do_not_stall() {
    with_world(|world| {
        let mut options = world.whole();
        // Eight of them wait longer for their turn than nothing may move.
        options.throttle = Throttle::bytes_per_second(ByteSize(256 << 10));
        let content = digest::content(6, 64 << 10);
        fs::write(world.local(), &content).unwrap();
        let paths: Vec<_> =
            (0..8).map(|i| PanPath::parse(&format!("/many/{i}")).unwrap()).collect();
        let client = world.hasty();
        let took = |began: Instant| {
            let took = began.elapsed();
            let expected = Duration::from_millis(1500)..Duration::from_secs(5);
            assert!(expected.contains(&took), "{took:?} for 512 KiB at 256 KiB a second");
        };
        let began = Instant::now();
        world.runtime.block_on(async {
            let put = async |path: &PanPath| {
                client.upload_file(world.local(), path, Ondup::Fail, &options).await.unwrap();
            };
            futures_util::future::join_all(paths.iter().map(put)).await;
        });
        took(began);
        let began = Instant::now();
        world.runtime.block_on(async {
            let get = async |path: &PanPath| {
                let to = world.home.path().join(path.name().unwrap());
                client.download_file(path, &to, &options).await.unwrap();
                assert!(fs::read(to).unwrap() == content);
            };
            futures_util::future::join_all(paths.iter().map(get)).await;
        });
        took(began);
    });
}
