//! Transfers over a network that fails at every stage: the file is there, byte
//! by byte, or the error is clear; what went over the network once does not
//! go again, but for a part for each fault.

use std::time::Duration;

use pan_sdk::{Error, Ondup, PanPath, TransferOptions};

use crate::bad_network::{Fault, Kind, Stage};
use crate::world::{LONG, PART, PATH, SHORT, SIZE, WRAPPING, World, with_world};

crate::tests![
    a_put_in_one_request_survives,
    a_put_in_parts_survives,
    a_rapid_put_survives,
    a_whole_get_survives,
    a_get_in_ranges_survives,
    damage_never_takes_the_place_of_what_was_good,
];

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
    // They take their time, so not with every part.
    let stalls = [RequestBody(length / 2), BetweenBoth].map(|stage| (stage, Stall));
    let stalls = stalls.into_iter().filter(|_| skip != 5);
    let damage = [RequestBody(0), RequestBody(length - 1), ReplyBody(15)];
    let all = cuts.chain(stalls).chain(damage.map(|stage| (stage, Corrupt)));
    all.map(|(stage, kind)| Fault { call, skip, stage, kind }).collect()
}

fn stall_of(fault: &Fault) -> Duration {
    if fault.kind == Kind::Stall { SHORT } else { LONG }
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
        match world.put(&world.patient_for(stall_of(fault)), options) {
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
        if let Err(error) = world.put(&world.hasty_for(stall_of(fault)), options) {
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
                if let Err(error) = world.put(&world.hasty_for(stall_of(fault)), &options) {
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
    let stalls = [BetweenBoth, ReplyBody(length / 2)].map(|stage| (stage, Stall));
    let stalls = stalls.into_iter().filter(|_| skip != 5);
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
        world.get(&world.patient_for(stall_of(fault)), options).unwrap();
        world.is_got(&story);
        let received = world.network.received();
        assert!(received <= size + twice, "{story}: {received} bytes for {size}");

        world.network.plan([fault.clone()]);
        if let Err(error) = world.get(&world.hasty_for(stall_of(fault)), options) {
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
