//! `kill -9` at random moments under load (T2): what was acknowledged is
//! there, what was refused is not, what was in flight is whole or absent.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use pan_conformance::pcs::{Client, digest};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::server::{Server, empty_directory};
use crate::workload::{
    Node, Op, Outcome, Tree, Worker, bulk_states, outcome, prefixes, send, with,
};

crate::tests![nothing_acknowledged_is_lost_to_kill];

const WORKERS: u64 = 8;
const ROUNDS: u64 = 25;

/// A number from the environment.
pub(crate) fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a number, not `{value}`")))
}

/// The seed of this run: from the environment, or another one each time.
pub(crate) fn seed() -> u64 {
    variable("OPENPAN_TEST_SEED").unwrap_or_else(|| rand::rng().random_range(0..1_000_000))
}

/// What a worker leaves behind when the server dies under it.
struct Interrupted {
    acknowledged: u64,
    in_flight: Op,
}

fn nothing_acknowledged_is_lost_to_kill() {
    let seed = seed();
    let rounds = variable("OPENPAN_TEST_CRASH_ROUNDS").unwrap_or(ROUNDS);
    println!("crash: OPENPAN_TEST_SEED={seed} OPENPAN_TEST_CRASH_ROUNDS={rounds}");
    let directory = empty_directory();
    let data = directory.path().join("data");
    let mut server = Server::start(&data);
    let token = server.admin().token().to_owned();
    let mut random = StdRng::seed_from_u64(seed);
    let mut workers: Vec<Worker> = (0..WORKERS).map(|i| Worker::new(seed, i)).collect();
    let mut acknowledged = 0;
    for round in 0..rounds {
        let pause = Duration::from_millis(random.random_range(0..400));
        let interrupted = run_and_kill(server, &token, &mut workers, pause);
        server = Server::start(&data);
        let client = Client::new(&server.address, &token);
        let mut sum = 0;
        for (worker, interrupted) in workers.iter_mut().zip(&interrupted) {
            acknowledged += interrupted.acknowledged;
            let found = read_tree(&client, &worker.directory);
            let possible = possible_trees(&worker.tree, &interrupted.in_flight, &found);
            if !possible.contains(&found) {
                explain(seed, round, worker, &interrupted.in_flight, &found);
            }
            sum += read_all(&client, &found);
            worker.tree = found;
        }
        assert_eq!(client.quota().1, sum, "seed {seed}, round {round}: used is the sum of sizes");
        server.check();
    }
    println!("crash: {acknowledged} acknowledged requests survived {rounds} kills");
    assert!(acknowledged > 2 * rounds, "the server was hardly under load: {acknowledged}");
    finish(server, &data);
}

fn finish(server: Server, data: &Path) {
    server.run(&["gc"]);
    server.check();
    server.stop();
    Server::start(data).check();
}

/// Lets all workers work, and kills the server after a while.
fn run_and_kill(
    server: Server,
    token: &str,
    workers: &mut [Worker],
    pause: Duration,
) -> Vec<Interrupted> {
    let is_killed = AtomicBool::new(false);
    let address = server.address.clone();
    std::thread::scope(|scope| {
        let threads: Vec<_> = workers
            .iter_mut()
            .map(|worker| scope.spawn(|| work(worker, &address, token, &is_killed)))
            .collect();
        sleep(pause);
        is_killed.store(true, Ordering::SeqCst);
        server.kill();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn work(worker: &mut Worker, address: &str, token: &str, is_killed: &AtomicBool) -> Interrupted {
    let client = Client::new(address, token);
    let mut acknowledged = 0;
    loop {
        let op = worker.next();
        let reply = match send(&client, &op) {
            Ok(reply) => reply,
            Err(error) => {
                let killed = is_killed.load(Ordering::SeqCst);
                assert!(killed, "the connection broke while the server lived: {error}");
                return Interrupted { acknowledged, in_flight: op };
            }
        };
        match outcome(&worker.tree, &op) {
            Outcome::Done(after) => {
                let reply = reply.ok();
                if let Op::PutMany { items } = &op {
                    let told = reply["list"].as_array().unwrap().iter();
                    let told: Vec<_> = told.map(|item| item["error_code"].as_u64()).collect();
                    let due = bulk_states(&worker.tree, items).into_iter().skip(1);
                    assert_eq!(told, due.map(|(_, code)| code).collect::<Vec<_>>());
                }
                worker.tree = after;
                acknowledged += 1;
            }
            Outcome::NewName { node, .. } => {
                let path = reply.ok()["path"].as_str().unwrap().to_owned();
                assert!(!worker.tree.contains_key(&path), "newcopy took a taken name: {reply}");
                worker.tree = with(&worker.tree, &path, node);
                acknowledged += 1;
            }
            Outcome::Refused(codes) => {
                let code = reply.code().unwrap_or_default();
                assert!(codes.contains(&code), "one of {codes:?} was due: {reply}");
                if let Op::DeleteMany { paths } = &op {
                    // What came before the failure is done, and named.
                    let states = prefixes(&worker.tree, paths);
                    let done = reply.json()["extra"]["list"].as_array().unwrap().len();
                    assert_eq!(done, states.len() - 1, "{reply}");
                    worker.tree = states.into_iter().next_back().unwrap();
                }
            }
        }
    }
}

/// What may be there after a kill: the tree before the last request, and
/// every state that it may have left.
fn possible_trees(before: &Tree, in_flight: &Op, found: &Tree) -> Vec<Tree> {
    if let Op::DeleteMany { paths } = in_flight {
        return prefixes(before, paths);
    }
    if let Op::PutMany { items } = in_flight {
        return bulk_states(before, items).into_iter().map(|(tree, _)| tree).collect();
    }
    let mut possible = vec![before.clone()];
    match outcome(before, in_flight) {
        Outcome::Done(after) => possible.push(after),
        Outcome::NewName { path, node } => {
            // Under whatever new name there is, beside the taken one.
            let stem = path.split('.').next().unwrap();
            let new =
                found.keys().filter(|key| !before.contains_key(*key) && key.starts_with(stem));
            possible.extend(new.map(|name| with(before, name, node.clone())));
        }
        Outcome::Refused(_) => {}
    }
    possible
}

/// Everything below a directory, as the server tells it.
pub(crate) fn read_tree(client: &Client, directory: &str) -> Tree {
    let mut tree = Tree::new();
    let mut open = vec![directory.to_owned()];
    while let Some(path) = open.pop() {
        let reply = client.list(&path);
        if reply.code() == Some(31066) && path == directory {
            return tree;
        }
        for entry in reply.ok()["list"].as_array().unwrap() {
            let path = entry["path"].as_str().unwrap().to_owned();
            let node = if entry["isdir"] == 1 {
                open.push(path.clone());
                Node::Directory
            } else {
                let md5 = entry["md5"].as_str().unwrap().to_owned();
                Node::File { size: entry["size"].as_u64().unwrap(), md5 }
            };
            tree.insert(path, node);
        }
    }
    tree
}

/// Downloads every file and compares; the sum of the sizes.
fn read_all(client: &Client, tree: &Tree) -> u64 {
    let mut sum = 0;
    for (path, node) in tree {
        if let Node::File { size, md5 } = node {
            let reply = client.get(path);
            assert_eq!(&digest::md5_hex(reply.file()), md5, "{path}");
            assert_eq!(reply.bytes().len() as u64, *size, "{path}");
            sum += size;
        }
    }
    sum
}

fn explain(seed: u64, round: u64, worker: &Worker, in_flight: &Op, found: &Tree) -> ! {
    let lost: Vec<_> =
        worker.tree.iter().filter(|(path, node)| found.get(*path) != Some(node)).collect();
    let new: Vec<_> =
        found.iter().filter(|(path, node)| worker.tree.get(*path) != Some(node)).collect();
    let in_flight: String = format!("{in_flight:?}").chars().take(300).collect();
    panic!(
        "seed {seed}, round {round}, {}: neither before nor after {in_flight}\n\
         acknowledged but not there: {lost:#?}\nthere but not acknowledged: {new:#?}",
        worker.directory
    );
}
