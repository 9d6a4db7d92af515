//! What a confined program cannot do.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use futures_util::FutureExt;
use libtest_mimic::Trial;
use pan_media::sandbox::self_test::check;
use pan_media::sandbox::{INPUT_PORT, Limits, Program};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use crate::canary::Canary;
use crate::input::Input;
use crate::trial;

pub(crate) const LIMITS: Limits = Limits { memory_bytes: 2 << 30, cpu: Duration::from_secs(20) };

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_program_reads_its_input", a_program_reads_its_input),
        trial("sec_a_program_reaches_nothing", a_program_reaches_nothing),
        trial("sec_a_program_has_a_network_of_its_own", a_program_has_a_network_of_its_own),
        trial("sec_a_program_is_limited", a_program_is_limited),
        trial("a_program_that_is_dropped_ends", a_program_that_is_dropped_ends),
        trial("a_program_dies_with_its_parent", a_program_dies_with_its_parent),
        trial("the_sandbox_passes_its_own_test", the_sandbox_passes_its_own_test),
    ]
}

/// Runs a program to its end: what it wrote, whether it succeeded, what it said.
pub(crate) async fn run(
    program: &str,
    arguments: &[&str],
    input: Vec<u8>,
) -> (Vec<u8>, bool, String) {
    let arguments = arguments.iter().map(OsString::from).collect();
    let program = Program::start(program.into(), arguments, LIMITS).await.unwrap();
    let Program { input: listener, mut stdout, process } = program;
    let _input = Input::serve(listener, input);
    let mut output = Vec::new();
    stdout.read_to_end(&mut output).await.unwrap();
    let ending = process.wait().await;
    (output, ending.is_success, ending.said)
}

async fn a_program_reads_its_input() {
    let made = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:d=1"])
        .args(["-preset", "ultrafast", "-f", "matroska", "pipe:1"])
        .output()
        .unwrap();
    assert!(made.status.success());
    let arguments = [
        "-v",
        "error",
        "-i",
        "http://127.0.0.1:8000/x",
        "-preset",
        "ultrafast",
        "-f",
        "mpegts",
        "pipe:1",
    ];
    let (output, is_success, said) = run("/usr/bin/ffmpeg", &arguments, made.stdout).await;
    assert!(is_success, "{said}");
    assert_eq!(said, "");
    assert!(output.len() > 10_000 && output.len() % 188 == 0, "{}", output.len());
}

/// Of what `probe.py` tries, what ends in another way than "no such call".
const OTHER_ENDS: &[(&str, &str)] = &[
    ("read_file", "EACCES"),
    ("read_users", "EACCES"),
    ("read_environment", "EACCES"),
    ("read_memory_of_parent", "EACCES"),
    ("read_processes", "EACCES"),
    ("read_devices", "EACCES"),
    ("list_root", "EACCES"),
    ("list_data", "EACCES"),
    ("create_file", "EACCES"),
    ("create_file_in_libraries", "EACCES"),
    ("connect", "EACCES or ECONNREFUSED or ENETUNREACH"),
    ("run_other_program", "EACCES"),
    ("read_from_other_files", "EBADF"),
    ("allocate", "ENOMEM"),
];

async fn a_program_reaches_nothing() {
    let canary = Canary::put();
    let words: Vec<_> = canary.words();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let arguments = [&["-I", "-S", "-c", include_str!("probe.py")], &words[..]].concat();
    let (said, is_success, error) = run("/usr/bin/python3", &arguments, Vec::new()).await;
    assert!(is_success, "{error}");
    let said = String::from_utf8(said).unwrap();
    let (attempts, facts): (Vec<_>, Vec<_>) = said
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .partition(|(name, _)| !["user", "environment"].contains(name));
    assert!(attempts.len() > 40, "{said}");
    for (name, outcome) in attempts {
        let other = OTHER_ENDS.iter().find(|(other, _)| *other == name);
        let expected = other.map_or("ENOSYS", |(_, outcome)| outcome);
        assert!(expected.split(" or ").any(|end| end == outcome), "{name}: {outcome}");
    }
    let user = rustix::process::getuid().as_raw();
    let user = if user == 0 { 65534 } else { user };
    assert!(facts[0].1.starts_with(&user.to_string()), "{facts:?}");
    assert_eq!(facts[1], ("environment", "[]"));
    canary.assert_unseen();
    assert_eq!(canary.bytes_in(said.as_bytes()), 0);
}

/// Landlock alone would let a program connect to its own port, whoever listens
/// there. In one network there is one listener of an address.
async fn a_program_has_a_network_of_its_own() {
    let programs = [start_endless().await, start_endless().await];
    let address = SocketAddr::from(([127, 0, 0, 1], INPUT_PORT));
    for program in &programs {
        assert_eq!(program.input.local_addr().unwrap(), address);
        let outside = TcpStream::connect(address).await.and_then(|stream| stream.local_addr());
        let inside = program.input.accept().now_or_never();
        assert!(inside.is_none(), "{outside:?} came in");
    }
}

/// A program that works until it is killed.
const SPIN: [&str; 4] = ["-I", "-S", "-c", "while True: pass"];

async fn a_program_is_limited() {
    let limits = Limits { cpu: Duration::from_secs(1), ..LIMITS };
    let words = SPIN.map(OsString::from).to_vec();
    let program = Program::start("/usr/bin/python3".into(), words, limits).await.unwrap();
    let is_success = timeout(PATIENCE, program.wait()).await.unwrap().is_success;
    assert!(!is_success);
}

/// Long enough for everything on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a program that says its number and works until it is killed.
async fn start_endless() -> Program {
    let script = "import os\nprint(os.getpid(), flush=True)\nwhile True: os.read(0, 1)";
    let words = ["-I", "-S", "-c", script].map(OsString::from).to_vec();
    Program::start("/usr/bin/python3".into(), words, LIMITS).await.unwrap()
}

async fn a_program_that_is_dropped_ends() {
    let Program { input: _, mut stdout, process } = start_endless().await;
    assert!(stdout.read_u8().await.is_ok());
    drop(process);
    let mut rest = Vec::new();
    timeout(PATIENCE, stdout.read_to_end(&mut rest)).await.unwrap().unwrap();
}

/// The first argument of a parent that is killed.
pub(crate) const PARENT: &str = "--parent";

/// Starts a program, passes on its number and waits.
pub(crate) async fn parent() {
    let program = start_endless().await;
    let mut lines = BufReader::new(program.stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        println!("{line}");
    }
}

async fn a_program_dies_with_its_parent() {
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .arg(PARENT)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut number = String::new();
    BufReader::new(parent.stdout.take().unwrap()).read_line(&mut number).await.unwrap();
    let number = rustix::process::Pid::from_raw(number.trim().parse().unwrap()).unwrap();
    let program = pidfd_open(number, PidfdFlags::empty()).unwrap();
    parent.kill().await.unwrap();
    let patience = Timespec { tv_sec: PATIENCE.as_secs().cast_signed(), tv_nsec: 0 };
    let ended = poll(&mut [PollFd::new(&program, PollFlags::IN)], Some(&patience));
    assert_eq!(ended, Ok(1));
}

async fn the_sandbox_passes_its_own_test() {
    assert_eq!(check(Path::new("/usr/bin/ffmpeg")).await, Ok(()));
    let missing = check(Path::new("/usr/bin/no-ffmpeg")).await.unwrap_err();
    assert!(missing.contains("No such file"), "{missing}");
    let other = check(Path::new("/bin/true")).await.unwrap_err();
    assert_eq!(other, "/bin/true cannot transcode: ");
}
