//! Search in all names, and the newest images.

use anyhow::{Result, ensure};

use super::plan::{ABSENT, COMMON, COMMON_TWO, RARE, RARE_TWO, WOVEN};
use super::{Series, Site, count_entries, milliseconds, reply_to};
use crate::bench::load::{Stop, drive};
use crate::bench::report::{Measured, Report};
use crate::bench::target::percent_encoded;

/// How often each is asked for: enough for a 99th percentile.
const TIMES: u64 = 300;

pub(super) fn measure(site: &Site<'_>, report: &mut Report) -> Result<()> {
    for (name, keyword, hits) in [
        ("tree_search_rare", RARE, 1..=100),
        ("tree_search_common", COMMON, 100..=100),
        ("tree_search_absent", ABSENT, 0..=0),
        ("tree_search_woven", WOVEN, 0..=0),
        ("tree_search_two", COMMON_TWO, 100..=100),
        ("tree_search_two_rare", RARE_TWO, 1..=100),
    ] {
        let keyword = percent_encoded(keyword);
        let query = format!("file?method=search&path=/&re=1&wd={keyword}&limit=0-100");
        let found = count_entries(&reply_to(&mut site.target.connect()?, &query)?);
        ensure!(hits.contains(&found), "{query} found {found}");
        let outcome = drive(&site.target, 1, Stop::AfterRequests(TIMES), |client, _| {
            client.ask(&query, &mut |_| ())
        })?;
        let p99 = outcome.percentile_ms(0.99);
        report.add(
            name,
            Measured {
                latencies_ms: Some([outcome.percentile_ms(0.5), p99]),
                note: Some(format!("{found} hits, p50 {:.2}", outcome.percentile_ms(0.5))),
                ..Measured::of([p99].into_iter().collect())
            },
        )?;
    }
    let mut client = site.target.connect()?;
    let mut images = Series::default();
    for _ in 0..5 {
        let page = "stream?method=list&type=image&start=0&limit=1000";
        images.push(milliseconds(|| client.ask(page, &mut |_| ()).map(drop))?);
    }
    report.add("tree_media_first", Measured::of(images))
}
