use std::time::Duration;

use pan_model::Timestamp;

/// A moment on the wall of the server's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// Year, such as 2026.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 60.
    pub second: u8,
}

/// The time, handed to the rules so that a test can hold it in its hand.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock. It may jump in either direction: order never depends on it.
    fn now(&self) -> Timestamp;

    /// How long the process has been up. Never goes back.
    fn uptime(&self) -> Duration;

    /// A moment in the server's time zone, for the names of new copies.
    fn local(&self, at: Timestamp) -> LocalTime;
}

/// Randomness, handed to the rules for the same reason.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes` from a source that nobody can predict.
    fn fill(&self, bytes: &mut [u8]);
}
