use std::time::Duration;

use pan_model::ByteSize;

/// A limit of bytes a second that transfers share. Clones are the same limit.
#[derive(Debug, Clone, Default)]
pub struct Throttle(Option<ByteSize>);

impl Throttle {
    /// At most so many bytes a second, in all directions together.
    pub fn bytes_per_second(rate: ByteSize) -> Self {
        Self(Some(rate))
    }

    /// How long to wait before so many more bytes may move.
    pub(crate) fn wait_for(&self, bytes: u64) -> Duration {
        let Some(rate) = self.0 else { return Duration::ZERO };
        Duration::from_secs_f64(bytes as f64 / rate.0.max(1) as f64)
    }
}
