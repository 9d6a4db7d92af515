//! The figures of several rounds and their median.

use serde::Serialize;

/// One figure per round.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    /// Adds the figure of a round.
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Adds the figures of other rounds.
    pub(crate) fn extend(&mut self, others: &Self) {
        self.0.extend(&others.0);
    }

    /// The figure in the middle, or between the two in the middle; 0 without any round.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let half = sorted.len() / 2;
        match sorted.len() {
            0 => 0.0,
            length if length % 2 == 1 => sorted[half],
            _ => f64::midpoint(sorted[half - 1], sorted[half]),
        }
    }
}

impl FromIterator<f64> for Series {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Series;

    #[test]
    fn medians() {
        for (values, median) in
            [(&[][..], 0.0), (&[3.0], 3.0), (&[9.0, 1.0, 2.0], 2.0), (&[4.0, 1.0, 2.0, 9.0], 3.0)]
        {
            assert!((values.iter().copied().collect::<Series>().median() - median).abs() < 1e-9);
        }
    }
}
