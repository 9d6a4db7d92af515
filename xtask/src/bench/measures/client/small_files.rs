//! Thousands of files of 4 KiB: up, up again, down; and what `pan` needs of memory for them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::bypy::Bypy;
use super::pan::Pan;
use super::process::end_of;
use super::rclone::{Rclone, Rclones};
use super::{Peaks, trees};
use crate::bench::Bench;
use crate::bench::measures::{Series, settle};
use crate::bench::peers::Site;
use crate::bench::report::{Measured, Report};

const SIZE_BYTES: u64 = 4096;

/// Who takes part in a round.
enum Contender {
    Pan(Pan),
    Bypy(Bypy),
    Rclone(Rclone),
}

/// The figures of one contender, in files per second.
#[derive(Default)]
struct Rates {
    up: Series,
    again: Series,
    down: Series,
}

/// What a round works with.
struct Round<'a> {
    bench: &'a Bench,
    dir: &'a Path,
    number: usize,
    /// The tree that `pan` gets.
    tree: PathBuf,
    /// What the others get, for whom so many files would take hours: a tenth or less of it,
    /// of contents of its own, because bypy has the server of `pan`.
    part: PathBuf,
}

/// Lets everybody do the same in every round, one after the other.
pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let dir = bench.scratch.path().join("client-small");
    let site = Site::start(&dir)?;
    let rclones = Rclones::start(&dir, &site)?;
    let pan = Pan::new(&dir, site.server.url(), &site.server.token)?;
    let mut contenders = vec![Contender::Pan(pan)];
    contenders.extend(Bypy::new(&dir, &site.server)?.map(Contender::Bypy));
    contenders.extend(rclones.all.into_iter().map(Contender::Rclone));
    let (mut rates, mut peaks) = (BTreeMap::<_, Rates>::new(), Peaks::default());
    for number in 0..bench.scale.rounds {
        let tree = dir.join(format!("tree-{number}"));
        trees::make(bench, &tree, bench.scale.client_files[0], SIZE_BYTES, 2 * number as u64)?;
        let part = dir.join(format!("part-{number}"));
        trees::make(bench, &part, bench.scale.client_files[1], SIZE_BYTES, 2 * number as u64 + 1)?;
        let round = Round { bench, dir: &dir, number, tree, part };
        let mut order = contenders.iter().collect::<Vec<_>>();
        order.rotate_left(number % contenders.len());
        for contender in order {
            let rates = rates.entry(contender.name()).or_default();
            match contender {
                Contender::Pan(pan) => round.pan(pan, rates, &mut peaks)?,
                Contender::Bypy(bypy) => round.bypy(bypy, &contenders, rates)?,
                Contender::Rclone(rclone) => round.rclone(rclone, rates)?,
            }
        }
    }
    add_to_report(bench, report, rates)?;
    peaks.report(report)?;
    site.server.stop()
}

impl Contender {
    fn name(&self) -> &'static str {
        match self {
            Self::Pan(_) => "pan",
            Self::Bypy(_) => "bypy",
            Self::Rclone(rclone) => rclone.name,
        }
    }
}

impl Round<'_> {
    fn files(&self) -> usize {
        self.bench.scale.client_files[0]
    }

    fn few_files(&self) -> usize {
        self.bench.scale.client_files[1]
    }

    fn pan(&self, pan: &Pan, rates: &mut Rates, peaks: &mut Peaks) -> Result<()> {
        // What is in the directory, and not the directory itself.
        let tree = format!("{}/", self.tree.display());
        let remote = format!("/round-{}/", self.number);
        let back = format!("{}/", self.dir.join(format!("pan-back-{}", self.number)).display());
        settle();
        let up = pan.run(&["put", &tree, &remote])?;
        rates.up.push(up.per_second(self.files()));
        peaks.push("client_memory_put", &up);
        pan.expect_files(&remote, self.files())?;
        settle();
        let again = match pan.knows("put", "--checksum") {
            true => pan.run(&["put", "--checksum", &tree, &remote])?,
            false => pan.run(&["put", &tree, &remote])?,
        };
        rates.again.push(again.per_second(self.files()));
        peaks.push("client_memory_again", &again);
        settle();
        let down = pan.run(&["get", &remote, &back])?;
        rates.down.push(down.per_second(self.files()));
        peaks.push("client_memory_get", &down);
        trees::expect(back.as_ref(), self.files(), SIZE_BYTES)?;
        peaks.push("client_memory_ls", &pan.run(&["ls", "-R", &remote])?);
        if pan.knows("check", "--help") {
            peaks.push("client_memory_check", &pan.run(&["check", &tree, &remote])?);
        }
        Ok(())
    }

    fn bypy(&self, bypy: &Bypy, contenders: &[Contender], rates: &mut Rates) -> Result<()> {
        let remote = format!("round-{}", self.number);
        settle();
        let up = bypy.upload(&self.part, &remote)?;
        rates.up.push(up.per_second(self.few_files()));
        let pan = contenders.iter().find_map(|contender| match contender {
            Contender::Pan(pan) => Some(pan),
            _ => None,
        });
        let remote = format!("/apps/bypy/{remote}");
        let arrived = pan.context("no pan")?.expect_files(&remote, self.few_files());
        arrived.with_context(|| end_of(&bypy.output()).unwrap_or_default())
    }

    fn rclone(&self, rclone: &Rclone, rates: &mut Rates) -> Result<()> {
        let remote = format!("round-{}-{}", self.number, rclone.name.replace([' ', ','], "-"));
        let back = self.dir.join(format!("back-{remote}"));
        settle();
        let up = rclone.up(&self.part, &remote)?;
        rates.up.push(up.per_second(self.few_files()));
        settle();
        let again = rclone.up(&self.part, &remote)?;
        rates.again.push(again.per_second(self.few_files()));
        settle();
        let down = rclone.down(&remote, &back)?;
        rates.down.push(down.per_second(self.few_files()));
        trees::expect(&back, self.few_files(), SIZE_BYTES)
    }
}

fn add_to_report(
    bench: &Bench,
    report: &mut Report,
    mut rates: BTreeMap<&'static str, Rates>,
) -> Result<()> {
    let pan = rates.remove("pan").unwrap_or_default();
    let [files, few] = bench.scale.client_files;
    let note = Some(format!("{files} of 4 KiB, others {few}"));
    if let Some(bypy) = rates.remove("bypy") {
        let measured = Measured {
            reference: Some(("bypy", bypy.up)),
            note: note.clone(),
            ..Measured::of(pan.up.clone())
        };
        report.add("client_put_bypy", measured)?;
    }
    for (figure, value, of) in [
        ("client_put_rclone", pan.up, (|rates| &rates.up) as fn(&Rates) -> &Series),
        ("client_put_again", pan.again, |rates| &rates.again),
        ("client_get_rclone", pan.down, |rates| &rates.down),
    ] {
        let mut peers = rates.iter().map(|(name, rates)| (*name, of(rates).clone())).collect();
        let measured = Measured {
            reference: fastest(&mut peers),
            peers,
            note: note.clone(),
            ..Measured::of(value)
        };
        report.add(figure, measured)?;
    }
    Ok(())
}

/// Takes out the one with the best median.
fn fastest(peers: &mut BTreeMap<&'static str, Series>) -> Option<(&'static str, Series)> {
    let best =
        peers.iter().max_by(|(_, one), (_, other)| one.median().total_cmp(&other.median()))?;
    let name = *best.0;
    peers.remove_entry(name)
}
