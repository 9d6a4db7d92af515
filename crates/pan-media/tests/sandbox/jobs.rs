//! What a confined job cannot do.

use std::time::{Duration, Instant};

use bytes::Bytes;
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, raise};
use pan_media::sandbox::{Answer, Job, Limits, run_job};

use crate::trial;

/// The jobs of this test: each tries something and answers with how it went.
pub(crate) const JOBS: &[(&str, Job)] = &[
    ("echo", |words, input| Ok([words.concat().into_bytes(), input].concat())),
    ("fail", |_, _| Err(String::from("no"))),
    ("panic", |_, _| panic!("a bug in a decoder")),
    ("open", |words, _| tried(std::fs::read(&words[0]))),
    ("create", |words, _| tried(std::fs::write(&words[0], "x"))),
    ("connect", |words, _| tried(std::net::TcpStream::connect(&words[0]))),
    ("socket", |_, _| tried(std::os::unix::net::UnixDatagram::unbound())),
    ("thread", |_, _| tried(std::thread::Builder::new().spawn(|| ()))),
    ("run", |words, _| tried(std::process::Command::new(&words[0]).status())),
    ("kill", |words, _| tried(kill(&words[0]))),
    ("allocate", |_, _| Ok(vec![1_u8; 400 << 20].len().to_string().into_bytes())),
    ("flood", |_, _| Ok(vec![1; 40 << 20])),
    ("die", |_, _| tried(raise(Signal::SIGKILL))),
    ("spin", |_, _| {
        loop {
            std::hint::spin_loop();
        }
    }),
];

const LIMITS: Limits = Limits { memory_bytes: 512 << 20, cpu: Duration::from_secs(10) };
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_job_answers", a_job_answers),
        trial("sec_a_job_reaches_nothing", a_job_reaches_nothing),
        trial("sec_a_job_is_limited", a_job_is_limited),
        trial("an_interrupted_job_has_refused_nothing", an_interrupted_job_has_refused_nothing),
    ]
}

fn tried<T, E: std::fmt::Display>(outcome: Result<T, E>) -> Result<Vec<u8>, String> {
    Ok(outcome.map_or_else(|error| error.to_string(), |_| String::from("done")).into_bytes())
}

fn kill(process: &str) -> rustix::io::Result<()> {
    let process = rustix::process::Pid::from_raw(process.parse().unwrap()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::CONT)
}

async fn run(job: &[&str], input: &'static [u8], limits: Limits) -> Answer {
    let answer = run_job(job, Bytes::from_static(input), limits, DEADLINE).await;
    answer.expect("it can be confined")
}

fn made(answer: &'static str) -> Answer {
    Answer::Made(Bytes::from_static(answer.as_bytes()))
}

async fn a_job_answers() {
    assert_eq!(run(&["echo", "a", "b"], b"c", LIMITS).await, made("abc"));
    assert_eq!(run(&["fail"], b"", LIMITS).await, Answer::Refused("no".into()));
    let panicked = run(&["panic"], b"", LIMITS).await;
    assert!(matches!(panicked, Answer::Refused(why) if why.contains("a bug in a decoder")));
    assert_eq!(run(&["allocate"], b"", LIMITS).await, made("419430400"));
    let unknown = run_job(&["unknown"], Bytes::new(), LIMITS, DEADLINE).await;
    assert_eq!(unknown.unwrap_err().to_string(), "cannot confine a decoder: no job unknown");
}

async fn a_job_reaches_nothing() {
    let canary = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = canary.local_addr().unwrap().to_string();
    let file = std::env::temp_dir().join("openpan-job-was-here");
    let this = std::process::id().to_string();
    let attempts: [&[&str]; 8] = [
        &["open", "/etc/passwd"],
        &["open", "/proc/self/environ"],
        &["create", file.to_str().unwrap()],
        &["connect", &address],
        &["socket"],
        &["thread"],
        &["run", "/bin/true"],
        &["kill", &this],
    ];
    for attempt in attempts {
        let Answer::Made(said) = run(attempt, b"", LIMITS).await else {
            panic!("{attempt:?} does not answer");
        };
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("not implemented"), "{attempt:?}: {said}");
    }
    assert!(!file.exists());
}

async fn a_job_is_limited() {
    let small = Limits { memory_bytes: 256 << 20, ..LIMITS };
    let refused = run(&["allocate"], b"", small).await;
    assert!(matches!(refused, Answer::Refused(why) if why.contains("allocation")));
    assert!(matches!(run(&["flood"], b"", LIMITS).await, Answer::Refused(_)));

    let begun = Instant::now();
    let short = Limits { cpu: Duration::from_secs(1), ..LIMITS };
    assert_eq!(run(&["spin"], b"", short).await, Answer::Refused(String::new()));
    assert!(begun.elapsed() < DEADLINE / 2, "the limit of time did not hold");
}

async fn an_interrupted_job_has_refused_nothing() {
    assert_eq!(run(&["die"], b"", LIMITS).await, Answer::Interrupted);
    let deadline = Duration::from_millis(100);
    let late = run_job(&["spin"], Bytes::new(), LIMITS, deadline).await.unwrap();
    assert_eq!(late, Answer::Interrupted);
}
