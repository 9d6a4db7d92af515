//! Thumbnails of photos: one after the other, as many at once as there are cores, and out of
//! the cache.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::Instant;

use anyhow::{Result, ensure};

use super::photos::Photos;
use super::programs::{Maker, Wanted, time};
use super::{Measured, Series};
use crate::bench::Bench;
use crate::bench::peers;
use crate::bench::report::Report;
use crate::bench::target::Client;
use crate::server::Server;

/// Qualities from here up, another one in every round: nothing is in the cache.
const QUALITY: u32 = 70;

/// The measures of one size.
const SIZES: [(u32, [&str; 3]); 2] = [
    (320, ["thumbnail_320", "thumbnail_320_convert", "thumbnails_320"]),
    (1600, ["thumbnail_1600", "thumbnail_1600_convert", "thumbnails_1600"]),
];

/// Figures by who reached them.
type Figures = BTreeMap<&'static str, Series>;

struct Stage<'a> {
    server: &'a Server,
    photos: &'a Photos,
    makers: Vec<Maker>,
    dir: &'a Path,
}

/// Measures both sizes against each program that is there.
pub(super) fn measure(
    bench: &Bench,
    report: &mut Report,
    dir: &Path,
    photos: &Photos,
) -> Result<()> {
    let server = Server::start(&dir.join("thumbnails"))?;
    let target = peers::openpan(&server);
    let mut client = target.connect()?;
    for number in 0..photos.files.len() {
        client.upload_bytes(&place(number), &photos.bytes(number)?)?;
    }
    let stage = Stage { server: &server, photos, makers: Maker::installed(), dir };
    for (side, [alone, convert, together]) in SIZES {
        let (mut ms, mut rates) = (Figures::new(), Figures::new());
        for round in 0..bench.scale.rounds {
            let wanted = Wanted { side, quality: QUALITY + round as u32 };
            stage.one_after_the_other(&mut client, wanted, round, &mut ms)?;
            stage.at_once(Wanted { quality: wanted.quality - 30, ..wanted }, round, &mut rates)?;
        }
        let note = photos.note()?;
        report.add(alone, against("vipsthumbnail", &ms, &note))?;
        report.add(convert, against("convert", &ms, &note))?;
        report.add(together, against("vipsthumbnail", &rates, &note))?;
    }
    let mut cached = Series::default();
    for _ in 0..bench.scale.rounds * 100 {
        cached.push(ask(&mut client, 0, Wanted { side: 320, quality: QUALITY })? * 1e3);
    }
    report.add("thumbnail_cached", Measured::of(cached))?;
    server.stop()
}

fn place(number: usize) -> String {
    format!("/photos/{number}.jpg")
}

/// Asks for a thumbnail; the seconds.
fn ask(client: &mut Client<'_>, number: usize, wanted: Wanted) -> Result<f64> {
    let Wanted { side, quality } = wanted;
    let query = format!(
        "thumbnail?method=generate&path={}&width={side}&height={side}&quality={quality}",
        place(number)
    );
    let started = Instant::now();
    let bytes = client.ask(&query, &mut |_| ())?;
    ensure!(bytes > 1_000, "a thumbnail of {bytes} bytes");
    Ok(started.elapsed().as_secs_f64())
}

impl Stage<'_> {
    /// Every picture by everybody, in turn; milliseconds for one.
    fn one_after_the_other(
        &self,
        client: &mut Client<'_>,
        wanted: Wanted,
        round: usize,
        ms: &mut Figures,
    ) -> Result<()> {
        for (number, file) in self.photos.files.iter().enumerate() {
            for turn in 0..=self.makers.len() {
                // Who goes first changes, in case it matters.
                let turn = (turn + round + number) % (self.makers.len() + 1);
                let (name, seconds) = match self.makers.get(turn) {
                    None => ("openpan", ask(client, number, wanted)?),
                    Some(maker) => {
                        let to = self.dir.join(format!("{}.jpg", maker.name));
                        (maker.name, time(maker.command(file, wanted, &to))?)
                    }
                };
                ms.entry(name).or_default().push(seconds * 1e3);
            }
        }
        Ok(())
    }

    /// Every picture twice, as many at once as there are cores; pictures per second.
    fn at_once(&self, wanted: Wanted, round: usize, rates: &mut Figures) -> Result<()> {
        let jobs = (0..2 * self.photos.files.len()).collect::<Vec<_>>();
        let workers = thread::available_parallelism()?.get();
        for turn in 0..=self.makers.len() {
            let maker = self.makers.get((turn + round) % (self.makers.len() + 1));
            let started = Instant::now();
            thread::scope(|scope| -> Result<()> {
                let workers = (0..workers).map(|worker| {
                    let mine = jobs.iter().copied().skip(worker).step_by(workers);
                    scope.spawn(move || self.work(maker, mine, wanted))
                });
                let mut workers = workers.collect::<Vec<_>>().into_iter();
                workers.try_for_each(|worker| worker.join().expect("a worker does not panic"))
            })?;
            let rate = jobs.len() as f64 / started.elapsed().as_secs_f64();
            rates.entry(maker.map_or("openpan", |maker| maker.name)).or_default().push(rate);
        }
        Ok(())
    }

    fn work(
        &self,
        maker: Option<&Maker>,
        jobs: impl Iterator<Item = usize>,
        wanted: Wanted,
    ) -> Result<()> {
        let target = peers::openpan(self.server);
        let mut client = target.connect()?;
        let count = self.photos.files.len();
        for job in jobs {
            // The second time in another quality.
            let quality = wanted.quality - 10 * (job / count) as u32;
            let (number, wanted) = (job % count, Wanted { quality, ..wanted });
            match maker {
                None => ask(&mut client, number, wanted)?,
                Some(maker) => {
                    let to = self.dir.join(format!("{}-{job}.jpg", maker.name));
                    time(maker.command(&self.photos.files[number], wanted, &to))?
                }
            };
        }
        Ok(())
    }
}

fn against(name: &'static str, figures: &Figures, note: &str) -> Measured {
    let series = |name: &str| figures.get(name).cloned();
    Measured {
        value: series("openpan").unwrap_or_default(),
        reference: series(name).map(|reference| (name, reference)),
        note: Some(note.to_owned()),
        ..Measured::default()
    }
}
