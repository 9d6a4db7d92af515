//! Pages of the large directory in every order, and all of it.

use anyhow::{Result, ensure};

use super::{Series, Site, count_entries, milliseconds, reply_to};
use crate::bench::report::{Measured, Report};

const PAGE: u64 = 1_000;
/// Places in the directory where a page begins, in tenths of it.
const PLACES: [u64; 4] = [0, 3, 6, 9];

/// The orders; the default one has no word.
const ORDERS: [(&str, &str); 4] = [
    ("tree_page_name", "&by=name&order=asc"),
    ("tree_page_time", "&by=time"),
    ("tree_page_size", "&by=size"),
    ("tree_page_default", ""),
];

pub(super) fn measure(site: &Site<'_>, report: &mut Report) -> Result<()> {
    let entries = site.plan.area("/many").entries();
    for (name, order) in ORDERS {
        // The slowest place counts.
        let mut slowest = Series::default();
        for place in PLACES {
            let first = place * entries / 10;
            let window = format!("{order}&limit={first}-{}", first + PAGE);
            let page = latencies(site, &window, PAGE)?;
            if page.median() > slowest.median() {
                slowest = page;
            }
        }
        let note = Some(format!("of {entries}"));
        report.add(name, Measured { note, ..Measured::of(slowest) })?;
    }
    let whole = latencies(site, "&by=name&order=asc", entries)?;
    report.add(
        "tree_list_whole",
        Measured { note: Some(entries.to_string()), ..Measured::of(whole) },
    )?;
    let mut quota = Series::default();
    let mut client = site.target.connect()?;
    for _ in 0..100 {
        quota.push(milliseconds(|| client.quota())?);
    }
    report.add("tree_quota", Measured::of(quota))
}

fn latencies(site: &Site<'_>, query: &str, entries: u64) -> Result<Series> {
    let query = format!("file?method=list&path=/many{query}");
    let mut client = site.target.connect()?;
    let listed = count_entries(&reply_to(&mut client, &query)?);
    ensure!(listed as u64 == entries, "{query} listed {listed} of {entries} entries");
    let mut value = Series::default();
    for _ in 0..5 {
        value.push(milliseconds(|| client.ask(&query, &mut |_| ()).map(drop))?);
    }
    Ok(value)
}
