//! Transfers that are given up, or whose server is killed, go on where they
//! were; what is no longer true is not gone on with.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pan_conformance::pcs::{self, digest};
use pan_sdk::{ByteSize, Error, Ondup, PanPath, Progress, Throttle, TransferOptions};
use tokio::time::timeout;

use crate::bad_network::{Fault, Kind, Stage};
use crate::server::{Server, empty_directory};
use crate::world::{PART, PATH, SHORT, SIZE, WRAPPING, World, names, with_world};

crate::tests![
    what_is_given_up_goes_on_where_it_was,
    a_killed_server_costs_no_finished_part,
    what_changed_meanwhile_begins_anew,
    a_file_that_was_given_its_time_back_begins_anew,
    blocks_that_are_gone_are_sent_again,
    what_was_put_together_wrongly_is_sent_again,
    a_large_file_that_is_there_is_not_sent_to_its_end,
    transfers_share_a_limit_and_do_not_stall,
];

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
        // It may be given up while the parts are put together, which is done then.
        let put = async || {
            client.upload_file(world.local(), &to, Ondup::Overwrite, &options).await.map(|_| ())
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

fn a_file_that_was_given_its_time_back_begins_anew() {
    with_world(|mut world| {
        let options = world.in_parts();
        let stage = Stage::BetweenBoth;
        world.network.plan([Fault { call: "type=tmpfile", skip: 4, stage, kind: Kind::Cut }]);
        world.put(&world.hasty(), &options).unwrap_err();
        // As containers of encrypted disks do: the same size, inode and time.
        let modified = fs::metadata(world.local()).unwrap().modified().unwrap();
        world.fill(4, SIZE);
        let file = fs::File::options().write(true).open(world.local()).unwrap();
        file.set_modified(modified).unwrap();
        world.put(&world.hasty(), &options).unwrap();
        world.is_put("a file with its old time");
    });
}

/// Changes the lines of the only journal, and keeps their checksums right.
fn rewrite_journal(world: &World<'_>, rewrite: impl Fn(&str) -> String) {
    let journal = world.home.path().join("journal");
    let journal = journal.join(&names(&journal)[0]);
    let text = fs::read_to_string(&journal).unwrap();
    let rewritten = text.lines().map(|line| {
        let json = rewrite(&line[9..]);
        format!("{:08x} {json}\n", digest::crc32(json.as_bytes()))
    });
    fs::write(&journal, rewritten.collect::<String>()).unwrap();
}

fn what_was_put_together_wrongly_is_sent_again() {
    with_world(|world| {
        let options = world.in_parts();
        let (call, stage) = ("createsuperfile", Stage::RequestHead(0));
        world.network.plan([Fault { call, skip: 0, stage, kind: Kind::Cut }]);
        world.put(&world.hasty(), &options).unwrap_err();
        // The service has both blocks, but one of them stands in two places.
        let md5 = |part: usize| {
            let (start, end) = (part * PART as usize, (part + 1) * PART as usize);
            digest::md5_hex(&world.content[start..end])
        };
        rewrite_journal(&world, |line| line.replace(&md5(1), &md5(2)));
        world.put(&world.hasty(), &options).unwrap();
        world.is_put("a wrong block");
        world.nothing_is_remembered("a wrong block");
    });
}

fn blocks_that_are_gone_are_sent_again() {
    with_world(|world| {
        let mut options = world.in_parts();
        let (call, stage) = ("createsuperfile", Stage::RequestHead(0));
        world.network.plan([Fault { call, skip: 0, stage, kind: Kind::Cut }]);
        world.put(&world.hasty(), &options).unwrap_err();
        // A block that the service does not have, as after too long a time.
        let md5 = digest::md5_hex(&world.content[..PART as usize]);
        rewrite_journal(&world, |line| line.replace(&md5, &digest::md5_hex(b"gone")));

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

fn a_large_file_that_is_there_is_not_sent_to_its_end() {
    with_world(|world| {
        const LARGE: u64 = (256 << 20) + 1;
        fs::File::create(world.local()).unwrap().set_len(LARGE).unwrap();
        let told = Arc::new(AtomicU64::new(0));
        let sum = told.clone();
        let mut options = TransferOptions::default();
        options.progress = Progress::new(move |bytes| _ = sum.fetch_add(bytes, Ordering::SeqCst));
        let client = world.patient();
        let put = |name: &str, options: &TransferOptions| {
            let to = PanPath::parse(name).unwrap();
            let put = client.upload_file(world.local(), &to, Ondup::Fail, options);
            assert_eq!(world.runtime.block_on(put).unwrap().size.0, LARGE);
            assert_eq!(told.swap(0, Ordering::SeqCst), LARGE, "what was told");
            world.network.sent()
        };
        // Nobody has it: it is sent once, while it is read.
        assert!((LARGE..LARGE + 20 * WRAPPING).contains(&put("/new", &options)));
        // Somebody has it: what was sent until that was known was for nothing.
        options.throttle = Throttle::bytes_per_second(ByteSize(8 << 20));
        let sent = put("/same", &options);
        assert!((1..LARGE / 2).contains(&sent), "{sent} bytes of a file that was there");
    });
}

fn transfers_share_a_limit_and_do_not_stall() {
    with_world(|world| {
        let mut options = world.whole();
        options.throttle = Throttle::bytes_per_second(ByteSize(256 << 10));
        let content = digest::content(6, 16 << 10);
        fs::write(world.local(), &content).unwrap();
        // A twentieth of a second each: a round is longer than nothing may move.
        let paths: Vec<_> =
            (0..60).map(|i| PanPath::parse(&format!("/many/{i}")).unwrap()).collect();
        let client = world.hasty_for(SHORT);
        let took = |began: Instant| {
            let took = began.elapsed();
            let expected = Duration::from_millis(3500)..Duration::from_secs(15);
            assert!(expected.contains(&took), "{took:?} for 960 KiB at 256 KiB a second");
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
