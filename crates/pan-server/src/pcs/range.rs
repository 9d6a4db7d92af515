//! `Range` (RFC 9110 14), as downloads need it.

use std::ops::Range;

/// More ranges than this are an attack, not a player.
const RANGES_MAX: usize = 8;

/// What a `Range` header asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Everything: there is no header, or none that makes sense.
    Whole,
    /// These ranges, in this order; none is empty and none overlaps another.
    Ranges(Vec<Range<u64>>),
    /// Nothing that there is: 416.
    Unsatisfiable,
}

/// Reads a `Range` header for a content of `length` bytes. What is malformed
/// is ignored (pcs-rest 12.7); an empty content has no ranges.
pub(super) fn parse(header: Option<&str>, length: u64) -> Wanted {
    let Some(set) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    if length == 0 {
        return Wanted::Whole;
    }
    let mut ranges = Vec::new();
    let mut asked = 0;
    for spec in set.split(',').map(str::trim).filter(|spec| !spec.is_empty()) {
        asked += 1;
        let Some(range) = parse_one(spec, length) else { return Wanted::Whole };
        if !range.is_empty() {
            ranges.push(range);
        }
    }
    match () {
        () if asked == 0 || asked > RANGES_MAX || overlap(&ranges) => Wanted::Whole,
        () if ranges.is_empty() => Wanted::Unsatisfiable,
        () => Wanted::Ranges(ranges),
    }
}

/// One range, empty when it lies beyond the end; `None` when it is malformed.
fn parse_one(spec: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = spec.split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    if first.is_empty() {
        let suffix: u64 = number(last)?;
        return Some(length.saturating_sub(suffix)..length);
    }
    let first: u64 = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    Some(first.min(length)..last.saturating_add(1).min(length))
}

fn overlap(ranges: &[Range<u64>]) -> bool {
    let mut sorted: Vec<_> = ranges.iter().collect();
    sorted.sort_by_key(|range| range.start);
    sorted.windows(2).any(|pair| pair[0].end > pair[1].start)
}

#[cfg(test)]
mod tests {
    use super::{Wanted, parse};

    #[test]
    fn ranges_as_clients_write_them() {
        let ranges = |header: &str| -> Vec<(u64, u64)> {
            match parse(Some(header), 100) {
                Wanted::Ranges(ranges) => {
                    ranges.iter().map(|range| (range.start, range.end)).collect()
                }
                other => panic!("{header}: {other:?}"),
            }
        };
        let cases: &[(&str, Vec<(u64, u64)>)] = &[
            ("bytes=0-99", vec![(0, 100)]),
            ("bytes=0-0", vec![(0, 1)]),
            ("bytes=50-", vec![(50, 100)]),
            ("bytes=-10", vec![(90, 100)]),
            ("bytes=-1000", vec![(0, 100)]),
            ("bytes=90-1000", vec![(90, 100)]),
            ("bytes=0-99999999999999999999", vec![(0, 100)]),
            ("bytes=0-1, 4-5 ,8-", vec![(0, 2), (4, 6), (8, 100)]),
            ("bytes=0-1,200-300", vec![(0, 2)]),
        ];
        for (header, wanted) in cases {
            assert_eq!(&ranges(header), wanted, "{header}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_the_whole() {
        for header in [
            "bytes=",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=1",
            "items=0-1",
            "bytes=--1",
            "bytes=1-2-3",
            "bytes=0-5,3-8",
            "bytes=0-,0-",
            "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16",
        ] {
            assert_eq!(parse(Some(header), 100), Wanted::Whole, "{header}");
        }
        assert_eq!(parse(None, 100), Wanted::Whole);
        assert_eq!(parse(Some("bytes=0-1"), 0), Wanted::Whole);
    }

    #[test]
    fn what_lies_beyond_cannot_be_had() {
        for header in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=500-,600-"] {
            assert_eq!(parse(Some(header), 100), Wanted::Unsatisfiable, "{header}");
        }
    }
}
