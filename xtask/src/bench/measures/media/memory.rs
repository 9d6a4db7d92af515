//! Memory while thumbnails of the largest pictures are made: of the server, which decodes
//! nothing itself, and of its children together.

use std::fs;
use std::path::Path;
use std::thread;

use anyhow::Result;

use super::photos::Photos;
use super::{Measured, Series};
use crate::bench::Bench;
use crate::bench::peers;
use crate::bench::report::Report;
use crate::memory::{Sampler, rss_anon_bytes};
use crate::server::Server;

/// Thumbnails at once.
const AT_ONCE: usize = 8;

/// Measures a fresh server in every round.
pub(super) fn measure(
    bench: &Bench,
    report: &mut Report,
    dir: &Path,
    photos: &Photos,
) -> Result<()> {
    let huge = fs::read(&photos.huge)?;
    let (mut growth, mut children) = (Series::default(), Series::default());
    for round in 0..bench.scale.rounds {
        let server = Server::start(&dir.join(format!("memory-{round}")))?;
        let target = peers::openpan(&server);
        let mut client = target.connect()?;
        for number in 0..AT_ONCE {
            // Behind its end a JPEG may have anything: another content, the same picture.
            client.upload_bytes(&place(number), &[&huge[..], &[number as u8]].concat())?;
        }
        let before = rss_anon_bytes(server.id())?;
        let samplers = (Sampler::start(server.id()), Sampler::of_descendants(server.id()));
        let made = at_once(&server);
        let peaks = (samplers.0.peak_bytes(), samplers.1.peak_bytes());
        made?;
        growth.push(peaks.0.saturating_sub(before) as f64 / f64::from(1 << 20));
        children.push(peaks.1 as f64 / f64::from(1 << 20));
        server.stop()?;
    }
    let note = Some(format!("{AT_ONCE} x 50 MP"));
    report.add("thumbnail_memory", Measured { note: note.clone(), ..Measured::of(growth) })?;
    report.add("thumbnail_memory_children", Measured { note, ..Measured::of(children) })
}

fn place(number: usize) -> String {
    format!("/huge/{number}.jpg")
}

/// Asks for all of them at once.
fn at_once(server: &Server) -> Result<()> {
    thread::scope(|scope| {
        let clients = (0..AT_ONCE).map(|number| {
            scope.spawn(move || -> Result<u64> {
                let query = format!(
                    "thumbnail?method=generate&path={}&width=1600&height=1600",
                    place(number)
                );
                peers::openpan(server).connect()?.ask(&query, &mut |_| ())
            })
        });
        let mut clients = clients.collect::<Vec<_>>().into_iter();
        clients.try_for_each(|client| client.join().expect("a client does not panic").map(drop))
    })
}
