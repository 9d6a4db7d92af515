//! Sets of bytes.

use std::collections::BTreeMap;
use std::ops::Range;

/// Ranges of a file that do not touch one another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    /// Adds a range.
    pub(super) fn insert(&mut self, range: Range<u64>) {
        let (mut start, mut end) = (range.start, range.end);
        if start >= end {
            return;
        }
        while let Some((&first, &last)) = self.0.range(..=end).next_back()
            && last >= start
        {
            (start, end) = (start.min(first), end.max(last));
            self.0.remove(&first);
        }
        self.0.insert(start, end);
    }

    /// The ranges, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Range<u64>> {
        self.0.iter().map(|(&start, &end)| start..end)
    }

    /// What is missing of the first `length` bytes, in order.
    pub(super) fn gaps(&self, length: u64) -> Vec<Range<u64>> {
        let starts = std::iter::once(0).chain(self.0.values().copied());
        let ends = self.0.keys().copied().chain(std::iter::once(length));
        starts
            .zip(ends)
            .map(|(start, end)| start..end.min(length))
            .filter(|gap| !gap.is_empty())
            .collect()
    }

    /// How many bytes there are.
    pub(super) fn total(&self) -> u64 {
        self.iter().map(|range| range.end - range.start).sum()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The end of the last one.
    pub(super) fn end(&self) -> u64 {
        self.0.last_key_value().map_or(0, |(_, &end)| end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Ranges;

    proptest! {
        #[test]
        fn a_set_of_ranges_is_a_set_of_bytes(
            ranges in prop::collection::vec((0u64..60, 0u64..12), 0..20),
        ) {
            let mut set = Ranges::default();
            let mut bytes = [false; 80];
            for (start, length) in ranges {
                set.insert(start..start + length);
                bytes[start as usize..(start + length) as usize].fill(true);
            }
            let mut covered = [false; 80];
            for range in set.iter() {
                covered[range.start as usize..range.end as usize].fill(true);
            }
            prop_assert_eq!(bytes, covered);
            prop_assert_eq!(set.total(), bytes.iter().filter(|byte| **byte).count() as u64);
            prop_assert_eq!(set.end(), bytes.iter().rposition(|byte| *byte).map_or(0, |i| i as u64 + 1));
            let mut both: Vec<_> = set.iter().chain(set.gaps(80)).collect();
            both.sort_by_key(|range| range.start);
            let ends = both.iter().map(|range| range.end);
            prop_assert!(both.iter().map(|range| range.start).skip(1).eq(ends.take(both.len() - 1)));
            prop_assert_eq!((both[0].start, both[both.len() - 1].end), (0, 80));
        }
    }
}
