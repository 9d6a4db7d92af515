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
    /// At least this value.
    AtLeast(f64),
    /// At most this share of the reference, and at most this value.
    RatioAndValueAtMost(f64, f64),
}

use Asked::{AtLeast, AtMost, Nothing, RatioAndValueAtMost, RatioAtLeast, RatioAtMost};

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
    row("tree_move", "move a large directory", "ms", RatioAndValueAtMost(3.0, 10.0)),
    row("tree_rename", "rename a large directory", "ms", RatioAndValueAtMost(3.0, 10.0)),
    row("tree_delete", "delete a large directory", "ms", RatioAndValueAtMost(3.0, 10.0)),
    row("tree_restore", "restore a large directory", "ms", RatioAndValueAtMost(3.0, 10.0)),
    row("tree_copy", "copy a directory", "ms", AtMost(600.0)),
    row("tree_copy_wait", "longest wait of another user meanwhile", "ms", AtMost(50.0)),
    row("tree_transactions", "one-row transactions of SQLite, full sync", "/s", Nothing),
    row("tree_mkdir_64", "mkdir, 64 clients", "/s", RatioAtLeast(2.0)),
    row("tree_move_64", "move, 64 clients", "/s", RatioAtLeast(2.0)),
    row("tree_rapid_64", "rapid upload, 64 clients", "/s", RatioAtLeast(2.0)),
    row("tree_page_name", "page of 1,000 anywhere, by name", "ms", AtMost(10.0)),
    row("tree_page_time", "page of 1,000 anywhere, by time", "ms", AtMost(150.0)),
    row("tree_page_size", "page of 1,000 anywhere, by size", "ms", AtMost(150.0)),
    row("tree_page_default", "page of 1,000 anywhere, default order", "ms", AtMost(150.0)),
    row("tree_list_whole", "list the large directory", "ms", Nothing),
    row("tree_search_rare", "first 100 of a rare keyword, p99", "ms", AtMost(5.0)),
    row("tree_search_common", "first 100 of a common keyword, p99", "ms", AtMost(5.0)),
    row("tree_search_absent", "an absent keyword, p99", "ms", AtMost(5.0)),
    row("tree_search_woven", "an absent keyword of common pieces, p99", "ms", AtMost(5.0)),
    row("tree_search_two", "first 100 of a common 2-character keyword, p99", "ms", AtMost(5.0)),
    row("tree_search_two_rare", "a rare 2-character keyword, p99", "ms", AtMost(5.0)),
    row("tree_diff_first", "first page of diff", "ms", AtMost(20.0)),
    row("tree_diff_next", "next page of diff after a change", "ms", AtMost(20.0)),
    row("tree_diff_whole", "the whole first snapshot", "/s", AtLeast(200_000.0)),
    row("tree_media_first", "first page of 1,000 images", "ms", Nothing),
    row("tree_quota", "quota", "ms", Nothing),
    row("tree_memory", "RssAnon above idle, through all of it", "MB", AtMost(64.0)),
    row("tree_start", "start to first answer, with the whole tree", "ms", AtMost(100.0)),
    row("thumbnail_320", "one JPEG thumbnail, 320 x 320", "ms", RatioAtMost(1.3)),
    row("thumbnail_320_convert", "the same, and ImageMagick", "ms", RatioAtMost(1.0)),
    row("thumbnails_320", "JPEG thumbnails on all cores, 320 x 320", "/s", RatioAtLeast(0.77)),
    row("thumbnail_1600", "one JPEG thumbnail, 1600 x 1600", "ms", RatioAtMost(1.3)),
    row("thumbnail_1600_convert", "the same, and ImageMagick", "ms", RatioAtMost(1.0)),
    row("thumbnails_1600", "JPEG thumbnails on all cores, 1600 x 1600", "/s", RatioAtLeast(0.77)),
    row("thumbnail_cached", "a thumbnail that was made before", "ms", Nothing),
    row("thumbnail_memory", "RssAnon above idle, thumbnails at once", "MiB", AtMost(64.0)),
    row("thumbnail_memory_children", "RssAnon of the decoders meanwhile", "MiB", Nothing),
    row("video_playlist", "upload of a video to its playlist", "ms", AtMost(300.0)),
    row("video_first", "first segment", "ms", RatioAtMost(1.5)),
    row("video_seek", "segment after a seek", "ms", RatioAtMost(1.5)),
    row("client_start", "pan quota", "ms", Nothing),
    row("client_put_bypy", "pan put of small files, and bypy", "files/s", RatioAtLeast(20.0)),
    row("client_put_rclone", "pan put of small files, and rclone", "files/s", RatioAtLeast(3.0)),
    row("client_put_again", "pan put of small files that are there", "files/s", Nothing),
    row("client_get_rclone", "pan get of small files, and rclone", "files/s", Nothing),
    row("client_sync_up", "pan sync up, nothing changed", "ms", RatioAtMost(1.5)),
    row("client_sync_both", "pan sync both, nothing changed", "ms", RatioAtMost(1.5)),
    row("client_put_large", "pan put of a large file, four streams", "GB/s", RatioAtLeast(0.90)),
    row("client_get_large", "pan get of a large file, four streams", "GB/s", RatioAtLeast(0.90)),
    row("client_memory_put", "resident, pan put of small files", "MiB", AtMost(100.0)),
    row("client_memory_again", "resident, pan put of what is there", "MiB", AtMost(100.0)),
    row("client_memory_get", "resident, pan get of small files", "MiB", AtMost(100.0)),
    row("client_memory_ls", "resident, pan ls -R of small files", "MiB", AtMost(100.0)),
    row("client_memory_check", "resident, pan check of small files", "MiB", AtMost(100.0)),
    row("client_memory_sync_first", "resident, first pan sync", "MiB", AtMost(100.0)),
    row("client_memory_sync", "resident, pan sync, nothing changed", "MiB", AtMost(100.0)),
    row("client_memory_put_large", "resident, pan put of a large file", "MiB", AtMost(100.0)),
    row("client_memory_get_large", "resident, pan get of a large file", "MiB", AtMost(100.0)),
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
            AtLeast(limit) => Some(value >= limit),
            RatioAndValueAtMost(share, limit) => {
                ratio.map(|ratio| ratio <= share && value <= limit)
            }
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
            AtLeast(limit) => write!(f, ">= {limit}"),
            RatioAndValueAtMost(share, limit) => write!(f, "<= {share:.0} x, {limit}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Asked::{AtMost, Nothing, RatioAndValueAtMost, RatioAtLeast, RatioAtMost};

    #[test]
    fn reached_or_not_or_unknown() {
        assert_eq!(RatioAtLeast(0.8).reached(1.0, Some(0.8)), Some(true));
        assert_eq!(RatioAtLeast(0.8).reached(1.0, Some(0.79)), Some(false));
        assert_eq!(RatioAtMost(0.5).reached(1.0, Some(0.51)), Some(false));
        assert_eq!(RatioAtMost(0.5).reached(1.0, None), None);
        assert_eq!(AtMost(5.0).reached(4.9, None), Some(true));
        assert_eq!(RatioAndValueAtMost(3.0, 10.0).reached(9.0, Some(2.0)), Some(true));
        assert_eq!(RatioAndValueAtMost(3.0, 10.0).reached(11.0, Some(2.0)), Some(false));
        assert_eq!(RatioAndValueAtMost(3.0, 10.0).reached(9.0, Some(3.1)), Some(false));
        assert_eq!(Nothing.reached(1.0, Some(1.0)), None);
    }
}
