//! Every measure in the order of the report, and what is asked of it.

use std::fmt;

/// A measure.
pub(crate) struct Figure {
    /// Its name in the JSON lines.
    pub(crate) name: &'static str,
    /// What it says, for people.
    pub(crate) title: &'static str,
    /// The unit of its value.
    pub(crate) unit: &'static str,
    /// What is asked of it.
    pub(crate) asked: Asked,
}

/// What is asked of a measure.
#[derive(Clone, Copy)]
pub(crate) enum Asked {
    /// Nothing: it is there to be known.
    Nothing,
    /// At least this share of the reference.
    RatioAtLeast(f64),
    /// At most this share of the reference.
    RatioAtMost(f64),
    /// At most this value.
    AtMost(f64),
}

use Asked::{AtMost, Nothing, RatioAtLeast, RatioAtMost};

/// All measures.
pub(crate) const FIGURES: &[Figure] = &[
    row("md5_one_core", "md5 of one stream, one core", "GB/s", Nothing),
    row("write_fsync", "sequential write and fsync", "GB/s", Nothing),
    row("fsyncs", "append of 4 KiB and fdatasync", "/s", Nothing),
    row("upload_1", "one large upload", "GB/s", RatioAtLeast(0.80)),
    row("upload_4", "four uploads at once", "GB/s", RatioAtLeast(0.85)),
    row("small_upload_1", "4 KiB uploads, 1 client", "/s", RatioAtLeast(0.25)),
    row("small_upload_16", "4 KiB uploads, 16 clients", "/s", RatioAtLeast(0.60)),
    row("small_upload_64", "4 KiB uploads, 64 clients", "/s", RatioAtLeast(1.00)),
    row("small_upload_64_purged", "the same after a purge", "/s", RatioAtLeast(0.80)),
    row("download_1", "large download, one stream", "GB/s", RatioAtLeast(1.00)),
    row("download_4", "large download, four streams", "GB/s", RatioAtLeast(0.70)),
    row("ranges_16", "64 KiB ranges, 16 clients", "/s", RatioAtLeast(0.40)),
    row("small_download_64", "4 KiB downloads, 64 clients", "/s", RatioAtLeast(0.40)),
    row("list_whole", "list a large directory", "ms", RatioAtMost(0.55)),
    row("list_first_page", "first page of 1,000", "ms", AtMost(5.0)),
    row("list_tenth", "list a smaller directory", "ms", Nothing),
    row("memory_idle", "RssAnon, idle", "MB", AtMost(30.0)),
    row("memory_upload_4", "RssAnon, four uploads at once", "MB", AtMost(96.0)),
    row("memory_upload_64", "RssAnon, 64 uploads at once", "MB", AtMost(128.0)),
    row("start", "start to first answer", "ms", AtMost(60.0)),
];

const fn row(name: &'static str, title: &'static str, unit: &'static str, asked: Asked) -> Figure {
    Figure { name, title, unit, asked }
}

impl Asked {
    /// Whether it is reached; nothing where it cannot be said.
    pub(crate) fn reached(self, value: f64, ratio: Option<f64>) -> Option<bool> {
        match self {
            Nothing => None,
            RatioAtLeast(share) => ratio.map(|ratio| ratio >= share),
            RatioAtMost(share) => ratio.map(|ratio| ratio <= share),
            AtMost(limit) => Some(value <= limit),
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Nothing => Ok(()),
            RatioAtLeast(share) => write!(f, ">= {share:.2} x"),
            RatioAtMost(share) => write!(f, "<= {share:.2} x"),
            AtMost(limit) => write!(f, "<= {limit}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Asked::{AtMost, Nothing, RatioAtLeast, RatioAtMost};

    #[test]
    fn reached_or_not_or_unknown() {
        assert_eq!(RatioAtLeast(0.8).reached(1.0, Some(0.8)), Some(true));
        assert_eq!(RatioAtLeast(0.8).reached(1.0, Some(0.79)), Some(false));
        assert_eq!(RatioAtMost(0.5).reached(1.0, Some(0.51)), Some(false));
        assert_eq!(RatioAtMost(0.5).reached(1.0, None), None);
        assert_eq!(AtMost(5.0).reached(4.9, None), Some(true));
        assert_eq!(Nothing.reached(1.0, Some(1.0)), None);
    }
}
