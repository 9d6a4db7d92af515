use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Told how many bytes have moved, as they move.
///
/// The numbers are increments and add up to the size of what was transferred:
/// bytes that are sent again after a failure are not counted again.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<dyn Fn(u64) + Send + Sync>>);

impl Progress {
    /// Calls `report` with every increment. It is called often and must be quick.
    pub fn new(report: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(report)))
    }

    /// The same, which is told of no more than so many bytes in all, however
    /// often and in how many ways they are sent.
    pub(crate) fn up_to(&self, total: u64) -> Self {
        let Some(report) = self.0.clone() else { return Self(None) };
        let told = AtomicU64::new(0);
        Self::new(move |bytes| {
            let before = told.fetch_add(bytes, Ordering::Relaxed);
            let new = bytes.min(total.saturating_sub(before));
            if new > 0 {
                report(new);
            }
        })
    }

    /// Told only what goes beyond so many bytes, which have been told already.
    pub(crate) fn beyond(&self, told: u64) -> Self {
        let Some(report) = self.0.clone() else { return Self::default() };
        let left = AtomicU64::new(told);
        Self::new(move |bytes| {
            let spend = |left: u64| Some(left.saturating_sub(bytes));
            let (Ok(before) | Err(before)) =
                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend);
            if bytes > before {
                report(bytes - before);
            }
        })
    }

    /// The meter of one transfer, at zero.
    pub(crate) fn meter(&self) -> Meter {
        Meter { progress: self.clone(), highest: Arc::new(AtomicU64::new(0)) }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_some() { "Progress(…)" } else { "Progress(none)" })
    }
}

/// Turns the positions of one transfer, whose tries begin anew, into increments.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    progress: Progress,
    highest: Arc<AtomicU64>,
}

impl Meter {
    /// The most that any try has moved.
    pub(crate) fn reached(&self) -> u64 {
        self.highest.load(Ordering::Relaxed)
    }

    /// So many bytes of this try have moved.
    pub(crate) fn reach(&self, position: u64) {
        let before = self.highest.fetch_max(position, Ordering::Relaxed);
        if let Some(report) = &self.progress.0
            && position > before
        {
            report(position - before);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::Progress;

    #[test]
    fn no_more_is_told_than_there_is() {
        let sum = Arc::new(AtomicU64::new(0));
        let total = Arc::clone(&sum);
        let progress = Progress::new(move |bytes| {
            total.fetch_add(bytes, Ordering::Relaxed);
        })
        .up_to(100);
        for (position, expected) in [(30, 30), (60, 90), (100, 100), (7, 100)] {
            progress.meter().reach(position);
            assert_eq!(sum.load(Ordering::Relaxed), expected);
        }
    }

    #[test]
    fn what_was_told_is_not_told_again() {
        let sum = Arc::new(AtomicU64::new(0));
        let total = Arc::clone(&sum);
        let progress = Progress::new(move |bytes| {
            total.fetch_add(bytes, Ordering::Relaxed);
        });
        let rest = progress.beyond(25);
        for file in [10, 10, 10, 10] {
            rest.meter().reach(file);
        }
        assert_eq!(sum.load(Ordering::Relaxed), 15);
    }

    #[test]
    fn a_second_try_is_not_counted_twice() {
        let sum = Arc::new(AtomicU64::new(0));
        let total = Arc::clone(&sum);
        let meter = Progress::new(move |bytes| {
            total.fetch_add(bytes, Ordering::Relaxed);
        })
        .meter();
        for position in [10, 20, 5, 15, 25] {
            meter.reach(position);
        }
        assert_eq!(sum.load(Ordering::Relaxed), 25);
    }
}
