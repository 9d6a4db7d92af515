//! What ffprobe sees in a piece.

use std::io::Write;
use std::process::{Command, Stdio};

/// The stream, time and flags of every packet.
pub(crate) fn times(piece: &[u8]) -> String {
    let entries = "packet=stream_index,pts,dts,flags";
    let mut probe = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", entries, "-of", "csv=p=0", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, piece) = (probe.stdin.take().unwrap(), piece.to_vec());
    let writer = std::thread::spawn(move || stdin.write_all(&piece));
    let output = probe.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}
