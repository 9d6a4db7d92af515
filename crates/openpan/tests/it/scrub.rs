//! Two hundred damaged contents: each is found, none is served, all are healed
//! by uploading again (T9). Nothing that was wrong is thrown away.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use pan_conformance::pcs::{Client, digest};

use crate::damage::blob_files;
use crate::server::{Server, empty_directory, openpan};

crate::tests![
    two_hundred_damaged_blobs_are_found_and_healed,
    uploading_again_heals_what_nobody_has_noticed,
    a_damaged_block_is_healed_by_uploading_it_again,
    a_small_content_is_healed_where_it_is,
    right_bytes_that_come_back_are_recognised,
    a_blob_that_no_row_names_any_more_is_missed,
];

const DAMAGED: usize = 200;
const WHOLE: usize = 10;

/// From one blob without a twin to several.
fn size_of(number: usize) -> usize {
    match number % 18 {
        0 => 5 << 20,
        1..8 => 20_000 + number,
        _ => 270_000 + number,
    }
}

fn content_of(number: usize) -> &'static [u8] {
    static CONTENTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let all = 0..DAMAGED + WHOLE;
        all.map(|number| digest::content(1000 + number as u64, size_of(number))).collect()
    });
    &CONTENTS[number]
}

/// Which blobs each upload made.
fn upload_all(admin: &Client, data: &Path) -> BTreeMap<usize, Vec<PathBuf>> {
    let mut known: BTreeSet<PathBuf> = BTreeSet::new();
    let mut blobs = BTreeMap::new();
    for number in 0..DAMAGED + WHOLE {
        admin.put(&format!("/{number}"), content_of(number)).ok();
        let new: Vec<_> =
            blob_files(data).into_iter().filter(|file| known.insert(file.clone())).collect();
        blobs.insert(number, new);
    }
    blobs
}

/// Damages a blob of each of the first two hundred, in five ways.
fn damage_all(blobs: &BTreeMap<usize, Vec<PathBuf>>) {
    let mut swapped: Option<PathBuf> = None;
    for (number, files) in blobs.iter().take(DAMAGED) {
        let file = &files[number % files.len()];
        let length = fs::metadata(file).unwrap().len();
        let set_length = |length| {
            fs::File::options().write(true).open(file).unwrap().set_len(length).unwrap();
        };
        match number / 2 % 5 {
            0 => {
                // Anywhere, the check list included.
                let bit = digest::content(*number as u64, 8);
                let bit = u64::from_le_bytes(bit.try_into().unwrap()) % (length * 8);
                let mut bytes = fs::read(file).unwrap();
                bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
                fs::write(file, bytes).unwrap();
            }
            1 => set_length(length - 1 - *number as u64),
            2 => set_length(0),
            3 => fs::remove_file(file).unwrap(),
            _ => match swapped.take() {
                None => swapped = Some(file.clone()),
                Some(other) => {
                    let aside = file.with_extension("aside");
                    fs::rename(file, &aside).unwrap();
                    fs::rename(&other, file).unwrap();
                    fs::rename(&aside, &other).unwrap();
                }
            },
        }
    }
    assert!(swapped.is_none(), "they are swapped in pairs");
}

/// The numbers of the files that a scrub names.
fn scrub(data: &Path) -> (bool, BTreeSet<usize>, String) {
    let output = openpan(data, &["scrub"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let named = said.lines().filter_map(|line| {
        let files = line.strip_prefix("content ")?.split("admin:/").skip(1);
        Some(files.filter_map(|file| file.trim_end_matches([')', ',', ' ']).parse().ok()))
    });
    let named = named.flatten().collect();
    (output.status.success(), named, said)
}

/// Whatever arrives is a prefix of the true bytes, and not the whole.
fn is_never_served(admin: &Client, number: usize) {
    let mut connection = admin.connect();
    let call = admin.file("download").get().param("path", format!("/{number}"));
    connection.send(&call.to_bytes()).unwrap();
    let Ok(head) = connection.read_head() else { return };
    let body = connection.read_body("GET", &head);
    assert!(head.status >= 400 || body.is_err(), "{number}: a clean {}", head.status);
}

fn two_hundred_damaged_blobs_are_found_and_healed() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let admin = server.admin();
    let blobs = upload_all(&admin, &data);
    let (clean, named, said) = scrub(&data);
    assert!(clean && named.is_empty(), "no false alarm: {said}");
    // Under the running server, which may have any of them open.
    damage_all(&blobs);
    let (clean, named, said) = scrub(&data);
    assert!(!clean, "{said}");
    let expected: BTreeSet<usize> = (0..DAMAGED).collect();
    assert_eq!(named, expected, "all of them and no other: {said}");
    assert_eq!(server.log().matches("uploading the same bytes again heals it").count(), DAMAGED);

    server.stop();
    let server = Server::start(&data);
    let admin = Client::new(&server.address, admin.token());
    for number in 0..DAMAGED {
        is_never_served(&admin, number);
    }
    for number in DAMAGED..DAMAGED + WHOLE {
        assert!(admin.get(&format!("/{number}")).file() == content_of(number), "{number}");
    }
    let logged = server.log().matches("uploading the same bytes again heals it").count();
    assert_eq!(logged, DAMAGED, "each is told once");

    let suspects = blob_files(&data).len();
    for number in 0..DAMAGED {
        admin.put(&format!("/again/{number}"), content_of(number)).ok();
    }
    for number in 0..DAMAGED {
        assert!(admin.get(&format!("/{number}")).file() == content_of(number), "{number}");
    }
    let (clean, _, said) = scrub(&data);
    assert!(clean, "{said}");
    server.check();
    assert!(blob_files(&data).len() >= suspects, "nothing that was suspect is deleted");
    assert!(fs::read_dir(data.join("blobs/quarantine")).unwrap().count() >= DAMAGED * 4 / 5);
    server.stop();
}

/// Good bytes are not given up for a copy that is worse.
fn uploading_again_heals_what_nobody_has_noticed() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let admin = server.admin();
    let mut blobs = upload_all(&admin, &data);
    blobs.retain(|number, _| size_of(*number) > 262_144);
    // So many that swapped ones come in pairs.
    let damaged: Vec<usize> = blobs.keys().copied().take(28).collect();
    blobs.retain(|number, _| damaged.contains(number));
    damage_all(&blobs);
    for number in &damaged {
        admin.put(&format!("/again/{number}"), content_of(*number)).ok();
    }
    // It happens behind the replies.
    let begun = Instant::now();
    while server.log().matches("healed a damaged content").count() < damaged.len() {
        assert!(begun.elapsed() < Duration::from_secs(20), "not all are healed");
        std::thread::sleep(Duration::from_millis(20));
    }
    for number in damaged {
        assert!(admin.get(&format!("/{number}")).file() == content_of(number), "{number}");
    }
    assert!(scrub(&data).0);
    server.check();
}

fn a_damaged_block_is_healed_by_uploading_it_again() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let admin = server.admin();
    let blocks = [digest::content(1, 300_000), digest::content(2, 50_000)];
    let md5s: Vec<String> = blocks.iter().map(|block| admin.put_block(block)).collect();
    admin.merge("/movie", &md5s).ok();
    for file in blob_files(&data) {
        fs::remove_file(file).unwrap();
    }
    let (clean, _, said) = scrub(&data);
    assert!(!clean && said.matches("(admin:/movie)").count() == 2, "{said}");
    for block in &blocks {
        admin.put_block(block);
    }
    assert!(admin.get("/movie").file() == blocks.concat());
    assert!(scrub(&data).0);
    server.check();
}

fn a_small_content_is_healed_where_it_is() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let token = server.admin().token().to_owned();
    let content = digest::content(3, 10_000);
    server.admin().put("/0", &content).ok();
    server.stop();
    let database = data.join("meta.db");
    let mut bytes = fs::read(&database).unwrap();
    let found = bytes.windows(64).position(|window| window == &content[..64]);
    bytes[found.expect("a small content lies in the database") + 10] ^= 4;
    fs::write(&database, bytes).unwrap();
    let (clean, named, said) = scrub(&data);
    assert!(!clean && named == BTreeSet::from([0]), "{said}");
    let server = Server::start(&data);
    let admin = Client::new(&server.address, &token);
    is_never_served(&admin, 0);
    admin.put("/again", &content).ok();
    assert!(admin.get("/0").file() == content);
    assert!(scrub(&data).0);
    server.check();
}

fn right_bytes_that_come_back_are_recognised() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    server.admin().put("/0", &digest::content(4, 300_000)).ok();
    let [file] = &blob_files(&data)[..] else { panic!("one blob") };
    let aside = directory.path().join("aside");
    fs::rename(file, &aside).unwrap();
    assert!(!scrub(&data).0);
    fs::rename(&aside, file).unwrap();
    let (clean, _, said) = scrub(&data);
    assert!(clean && said.contains("1 contents have their bytes back"), "{said}");
    server.check();
}

fn a_blob_that_no_row_names_any_more_is_missed() {
    let directory = empty_directory();
    let data = directory.path().join("data");
    let server = Server::start(&data);
    let admin = server.admin();
    let content = digest::content(50, 5_000_000);
    admin.put("/lost", &content).ok();
    server.stop();
    let rows = rusqlite::Connection::open(data.join("meta.db")).unwrap();
    assert_eq!(rows.execute("DELETE FROM blob WHERE seq = 1", []).unwrap(), 1);
    drop(rows);
    for _ in 0..2 {
        let output = openpan(&data, &["scrub"]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("blobs of content 1 are missing (admin:/lost)"), "{said}");
    }
    let server = Server::start(&data);
    let admin = Client::new(&server.address, admin.token());
    admin.put("/again", &content).ok();
    assert!(admin.get("/lost").file() == content);
    server.check();
}
