//! The one form of `Range` that a demuxer sends.

use std::ops::Range;

/// What `bytes=N-` or `bytes=N-M` names of a source of `size` bytes; `None` when
/// it is outside or another form.
pub(crate) fn of(header: &[u8], size: u64) -> Option<Range<u64>> {
    let text = std::str::from_utf8(header).ok()?.strip_prefix("bytes=")?;
    let (first, last) = text.split_once('-')?;
    let start: u64 = first.parse().ok()?;
    let end = match last {
        "" => size,
        last => last.parse::<u64>().ok()?.saturating_add(1).min(size),
    };
    (start < end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn ranges_are_within_the_source() {
        let table = [
            ("bytes=0-", Some(0..10)),
            ("bytes=9-", Some(9..10)),
            ("bytes=2-4", Some(2..5)),
            ("bytes=2-99", Some(2..10)),
            ("bytes=2-18446744073709551615", Some(2..10)),
            ("bytes=10-", None),
            ("bytes=4-2", None),
            ("bytes=-5", None),
            ("bytes=0-1,3-4", None),
            ("lines=0-", None),
        ];
        for (header, range) in table {
            assert_eq!(of(header.as_bytes(), 10), range, "{header}");
        }
    }
}
