//! curl with as many streams as `pan` has, each a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::process;
use crate::bench::target::percent_encoded;
use crate::server::Server;
use crate::workspace::find_program;

/// How many parts `pan` has on their way at once, unless it is told otherwise.
pub(super) const STREAMS: usize = 4;

/// curl, asking a PCS server for something: an object and its query, without the token.
pub(super) fn get(server: &Server, query: &str) -> Result<Command> {
    let mut command = curl()?;
    command.arg(url(server, query));
    Ok(command)
}

fn url(server: &Server, query: &str) -> String {
    format!("{}/rest/2.0/pcs/{query}&access_token={}", server.url(), server.token)
}

fn curl() -> Result<Command> {
    let mut command = Command::new(find_program("curl").context("curl is not installed")?);
    command.args(["--silent", "--show-error", "--fail"]);
    Ok(command)
}

/// Uploads parts that are files already, several at once, and merges them; the seconds.
pub(super) fn upload(server: &Server, dir: &Path, parts: &[PathBuf], to: &str) -> Result<f64> {
    let tmpfile = url(server, "file?method=upload&type=tmpfile");
    let mut commands = Vec::new();
    for stream in 0..STREAMS.min(parts.len()) {
        let config = dir.join(format!("curl-{stream}"));
        let mine = parts.iter().skip(stream).step_by(STREAMS);
        let sections = mine.map(|part| section(part, &tmpfile)).collect::<Vec<_>>();
        fs::write(&config, sections.join("next\n"))?;
        let mut command = curl()?;
        command.arg("--config").arg(config);
        commands.push(command);
    }
    let seconds = process::run_together(commands, &dir.join("curl-log"))?;
    let blocks = parts.iter().map(|part| md5_of_reply(part)).collect::<Result<Vec<_>>>()?;
    let param = serde_json::json!({ "block_list": blocks }).to_string();
    let query = format!("file?method=createsuperfile&path={to}");
    let mut merge = get(server, &query)?;
    merge.args(["--data", &format!("param={}", percent_encoded(&param))]);
    let merged = process::run(merge, &dir.join("curl-log"))?;
    Ok(seconds + merged.seconds)
}

/// A part in the words of a curl configuration. Without the empty `Expect` curl would wait
/// for the server's permission before each part.
fn section(part: &Path, url: &str) -> String {
    let part = part.display();
    format!(
        "url = \"{url}\"\nform = \"file=@{part};filename=part\"\nheader = \"Expect:\"\n\
         output = \"{part}.reply\"\nsilent\nshow-error\nfail\n"
    )
}

fn md5_of_reply(part: &Path) -> Result<String> {
    let reply = fs::read(format!("{}.reply", part.display()))?;
    let reply = serde_json::from_slice::<serde_json::Value>(&reply)?;
    Ok(reply["md5"].as_str().context("no md5 in the reply to a part")?.to_owned())
}

/// Downloads a file in as many ranges as there are streams, a file each; the seconds.
pub(super) fn download(server: &Server, from: &str, size_bytes: u64, to: &Path) -> Result<f64> {
    let mut commands = Vec::new();
    let mut ranges = Vec::new();
    let length = size_bytes.div_ceil(STREAMS as u64);
    for stream in 0..STREAMS as u64 {
        let (start, end) = (stream * length, ((stream + 1) * length).min(size_bytes));
        let place = to.with_extension(stream.to_string());
        let mut command = get(server, &format!("file?method=download&path={from}"))?;
        command.args(["--range", &format!("{start}-{}", end - 1)]).arg("--output").arg(&place);
        commands.push(command);
        ranges.push((place, end - start));
    }
    let seconds = process::run_together(commands, &to.with_extension("log"))?;
    for (place, expected) in ranges {
        let found = place.metadata()?.len();
        ensure!(found == expected, "{found} bytes of a range of {expected} came");
    }
    Ok(seconds)
}
