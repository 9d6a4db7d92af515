//! The change feed: the first page, the whole snapshot, and what comes after it.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::HashMap;

use super::{Series, Site, milliseconds, reply_to};
use crate::bench::report::{Measured, Report};
use crate::bench::target::Client;

/// A page, as far as its reader follows it.
#[derive(Deserialize)]
struct Page {
    entries: HashMap<String, IgnoredAny>,
    has_more: bool,
    cursor: String,
}

pub(super) fn measure(site: &Site<'_>, report: &mut Report) -> Result<()> {
    let mut client = site.target.connect()?;
    let mut first = Series::default();
    for _ in 0..5 {
        first.push(page(&mut client, "null")?.1);
    }
    report.add("tree_diff_first", Measured::of(first))?;
    let (cursor, rate) = whole(site, &mut client)?;
    report.add("tree_diff_whole", rate)?;
    let mut next = Series::default();
    for number in 0..20 {
        client.call("mkdir", &format!("path=/news/n{number}"))?;
        let (page, time) = page(&mut client, &cursor)?;
        ensure!(page.entries.len() == number + 2, "the feed lost a change");
        next.push(time);
    }
    report.add("tree_diff_next", Measured::of(next))
}

/// A page and the milliseconds it took to arrive.
fn page(client: &mut Client<'_>, cursor: &str) -> Result<(Page, f64)> {
    let mut reply = Vec::new();
    let time = milliseconds(|| {
        reply = reply_to(client, &format!("file?method=diff&cursor={cursor}"))?;
        Ok(())
    })?;
    Ok((serde_json::from_slice(&reply).context("a page of diff")?, time))
}

/// Follows the feed to its end. What the reader does with a page is not counted.
fn whole(site: &Site<'_>, client: &mut Client<'_>) -> Result<(String, Measured)> {
    let (mut cursor, mut entries, mut milliseconds) = ("null".to_owned(), 0, 0.0);
    let mut pages = 0;
    loop {
        let (page, time) = page(client, &cursor)?;
        entries += page.entries.len();
        milliseconds += time;
        pages += 1;
        cursor = page.cursor;
        if !page.has_more {
            break;
        }
    }
    ensure!(entries as u64 > site.bench.scale.tree * 9 / 10, "only {entries} entries in the feed");
    let value = [entries as f64 / milliseconds * 1e3].into_iter().collect();
    let note = Some(format!("{entries} entries in {pages} pages"));
    Ok((cursor, Measured { note, ..Measured::of(value) }))
}
