//! One directory moved, renamed, deleted and restored: half of the tree beside ten files.

use anyhow::Result;

use super::{Series, Site, fs_id, milliseconds};
use crate::bench::report::{Measured, Report};
use crate::bench::target::Client;

/// How often each is done.
const TIMES: usize = 20;

/// What is done to a directory, and whether it is undone by it.
const ACTIONS: [&str; 4] = ["tree_move", "tree_rename", "tree_delete", "tree_restore"];

pub(super) fn measure(site: &Site<'_>, report: &mut Report) -> Result<()> {
    let mut client = site.target.connect()?;
    client.call("mkdir", "path=/elsewhere")?;
    let mut series: [[Series; 2]; 4] = Default::default();
    for _ in 0..TIMES {
        for (which, top) in ["/half", "/ten"].into_iter().enumerate() {
            let times = go_round(&mut client, top)?;
            for (action, time) in times.into_iter().enumerate() {
                series[action][which].push(time);
            }
        }
    }
    let note = format!("{} entries in it", site.plan.area("/half").entries());
    for (name, [half, ten]) in ACTIONS.into_iter().zip(series) {
        report.add(
            name,
            Measured {
                reference: Some(("ten files", ten)),
                note: Some(note.clone()),
                ..Measured::of(half)
            },
        )?;
    }
    Ok(())
}

/// Does everything once to a directory; it is where it was afterwards.
fn go_round(client: &mut Client<'_>, top: &str) -> Result<[f64; 4]> {
    let (elsewhere, renamed) = (format!("/elsewhere{top}"), format!("{top}-renamed"));
    let id = fs_id(client, top)?;
    let mut change = |method: &str, form: String| milliseconds(|| client.call(method, &form));
    let moved = change("move", format!("from={top}&to={elsewhere}"))?;
    change("move", format!("from={elsewhere}&to={top}"))?;
    let named = change("move", format!("from={top}&to={renamed}"))?;
    change("move", format!("from={renamed}&to={top}"))?;
    let deleted = change("delete", format!("path={top}"))?;
    let restored = change("restore", format!("fs_id={id}"))?;
    Ok([moved, named, deleted, restored])
}
