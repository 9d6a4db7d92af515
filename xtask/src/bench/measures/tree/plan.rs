//! Which files there are. Everything follows from a file's number.

use crate::bench::target::percent_encoded;
use crate::payload::scatter;

/// Files of one directory, and directories of the one above it.
const FILES: u64 = 50;
const DIRECTORIES: u64 = 20;

/// A keyword that a few names have, and one of two characters.
pub(super) const RARE: &str = "zanzibar";
pub(super) const RARE_TWO: &str = "黄山";
/// A keyword that half of the names have.
pub(super) const COMMON: &str = "img";
/// A keyword of two characters that an eighth of the names have.
pub(super) const COMMON_TWO: &str = "纪要";
/// A keyword that no name has, and none of its pieces either.
pub(super) const ABSENT: &str = "qqzxv";
/// A keyword that no name has, but each of its pieces is common.
pub(super) const WOVEN: &str = "img_2099_img";

/// The directories of the account.
pub(super) struct Plan {
    areas: Vec<Area>,
}

/// A directory and the files below it.
pub(super) struct Area {
    pub(super) top: &'static str,
    pub(super) files: u64,
    /// All files lie in the directory itself.
    flat: bool,
}

impl Plan {
    /// About so many entries: half of them below one directory, a tenth in one directory.
    pub(super) fn of(entries: u64) -> Self {
        // 50 files come with 1.05 directories.
        let files = |entries: u64| entries * 1000 / 1021 / 1000 * 1000;
        let nested = |top, entries| Area { top, files: files(entries), flat: false };
        let flat = |top, files| Area { top, files, flat: true };
        let copied = 11_000.min(entries / 10);
        let rest = entries - entries / 2 - entries / 10 - copied;
        Self {
            areas: vec![
                nested("/half", entries / 2),
                nested("/rest", rest),
                nested("/copied", copied),
                flat("/many", entries / 10),
                flat("/ten", 10),
            ],
        }
    }

    /// The directory with this path.
    pub(super) fn area(&self, top: &str) -> &Area {
        self.areas.iter().find(|area| area.top == top).expect("the plan has this directory")
    }

    /// Files of all directories.
    pub(super) fn files(&self) -> u64 {
        self.areas.iter().map(|area| area.files).sum()
    }

    /// Where a file is, as it stands in a URL.
    pub(super) fn path(&self, number: u64) -> String {
        let mut within = number;
        for area in &self.areas {
            if within < area.files {
                return area.path(within, &name(number));
            }
            within -= area.files;
        }
        unreachable!("the plan has fewer files")
    }
}

impl Area {
    /// Files and directories below it.
    pub(super) fn entries(&self) -> u64 {
        if self.flat {
            return self.files;
        }
        self.files + self.files.div_ceil(FILES) + self.files.div_ceil(FILES * DIRECTORIES)
    }

    fn path(&self, number: u64, name: &str) -> String {
        let (top, name) = (self.top, percent_encoded(name));
        if self.flat {
            return format!("{top}/{name}");
        }
        let (outer, inner) = (number / FILES / DIRECTORIES, number / FILES % DIRECTORIES);
        format!("{top}/d{outer:03}/e{inner:02}/{name}")
    }
}

/// Names as cameras and people give them.
fn name(number: u64) -> String {
    let chance = scatter(number);
    if number % 50_000 == 7 {
        return format!("{RARE_TWO} {RARE} {number}.jpg");
    }
    let (year, day) = (2010 + chance / 8 % 15, chance / 128 % 28 + 1);
    match chance % 8 {
        0..4 => format!("IMG_{year}01{day:02}_{number:07}.jpg"),
        4 => format!("会议{COMMON_TWO}-{number}.docx"),
        5 => format!("report-{year}-{number}.pdf"),
        6 => format!("mov_{number:07}.mp4"),
        _ => format!("notes {number}.txt"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Area, Plan};

    #[test]
    fn a_plan_has_about_the_entries_it_was_asked_for() {
        let plan = Plan::of(1_000_000);
        let entries = plan.areas.iter().map(Area::entries).sum::<u64>();
        assert!((990_000..1_010_000).contains(&entries), "{entries}");
        assert!((495_000..505_000).contains(&plan.area("/half").entries()));
        assert_eq!(plan.path(plan.files() - 1).split('/').nth(1), Some("ten"));
    }
}
