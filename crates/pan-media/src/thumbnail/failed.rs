//! Sources that no thumbnail could be made of, for a while.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use pan_engine::{MediaError, SourceKey};

/// How many are remembered.
const COUNT_MAX: usize = 4096;

/// What was at fault when no thumbnail could be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The image, for ever.
    Content,
    /// The machine, which had too much to do; or the image, and it is known
    /// only later.
    Machine,
}

impl Cause {
    /// How long nobody tries again.
    fn kept(self) -> Duration {
        match self {
            Self::Content => Duration::from_secs(3600),
            Self::Machine => Duration::from_secs(10),
        }
    }

    /// What is said about it.
    pub(super) fn error(self) -> MediaError {
        match self {
            Self::Content => {
                MediaError::Unsuitable(String::from("this image is damaged or has too many pixels"))
            }
            Self::Machine => MediaError::Busy(String::from(
                "the thumbnail was not made in time; try again later",
            )),
        }
    }
}

/// What failed lately, so that a hostile source costs its time once.
#[derive(Default)]
pub(super) struct Failed {
    until: HashMap<SourceKey, (Instant, Cause)>,
    order: VecDeque<SourceKey>,
}

impl Failed {
    /// What was at fault, if that was a moment ago.
    pub(super) fn cause(&self, source: &SourceKey, now: Instant) -> Option<Cause> {
        let (until, cause) = self.until.get(source)?;
        (now < *until).then_some(*cause)
    }

    /// Remembers what was at fault.
    pub(super) fn insert(&mut self, source: SourceKey, cause: Cause, now: Instant) {
        if self.until.insert(source, (now + cause.kept(), cause)).is_some() {
            return;
        }
        self.order.push_back(source);
        if self.order.len() > COUNT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.until.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use pan_engine::SourceKey;
    use pan_model::{Blake3, ByteSize};

    use super::{Cause, Failed};

    #[test]
    fn a_machine_that_was_busy_is_forgiven_soon_and_a_bad_image_is_not() {
        let source = |number| SourceKey { blake3: Blake3([number; 32]), size: ByteSize(1) };
        let (mut failed, now) = (Failed::default(), Instant::now());
        failed.insert(source(1), Cause::Content, now);
        failed.insert(source(2), Cause::Machine, now);
        let causes = |failed: &Failed, at| [1, 2].map(|number| failed.cause(&source(number), at));
        assert_eq!(causes(&failed, now), [Some(Cause::Content), Some(Cause::Machine)]);
        let minute = now + Duration::from_secs(60);
        assert_eq!(causes(&failed, minute), [Some(Cause::Content), None]);
        failed.insert(source(2), Cause::Content, minute);
        assert_eq!(causes(&failed, minute), [Some(Cause::Content), Some(Cause::Content)]);
    }
}
