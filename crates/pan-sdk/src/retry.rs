//! Whether, and when, a call is tried again.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tracing::{debug, info};

use crate::Error;

/// How patiently a call that failed in passing is tried again.
///
/// Only [retryable](Error::is_retryable) failures are, and only where a
/// repetition cannot change the outcome. Reading, uploading a tmpfile and
/// everything with [`Ondup::Overwrite`](crate::Ondup::Overwrite) is repeated;
/// moving, copying, deleting, making a directory and uploading with another
/// `ondup` only when the service certainly did nothing: no connection, or
/// refused as overloaded.
///
/// The pauses grow by half to double each time, with jitter; `Retry-After` of
/// the service is honoured when it is longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The first pause.
    pub first_pause: Duration,
    /// The longest pause between two tries, unless the service asks for more.
    pub longest_pause: Duration,
    /// The most that is waited in all, for one call. A download that goes on
    /// after a failure begins to count anew.
    pub patience: Duration,
}

impl Default for RetryPolicy {
    /// Patient enough to live through the restart of a server: a minute.
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(10),
            patience: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// No call is ever repeated.
    pub fn never() -> Self {
        Self { patience: Duration::ZERO, ..Self::default() }
    }

    /// For somebody who is waiting for the answer: three seconds.
    pub fn brief() -> Self {
        Self { patience: Duration::from_secs(3), ..Self::default() }
    }

    /// Whether anything is ever repeated.
    pub(crate) fn repeats(&self) -> bool {
        !self.patience.is_zero()
    }

    /// The pauses of one call.
    pub(crate) fn pauses(&self) -> Pauses {
        let steps = ExponentialBuilder::default()
            .with_min_delay(self.first_pause)
            .with_max_delay(self.longest_pause)
            .with_factor(2.0)
            .with_jitter()
            .without_max_times()
            .build();
        Pauses { steps, left: self.patience }
    }
}

/// What repeating a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Nothing more than the first time.
    Harmless,
    /// It may do it twice, or report a failure for what was done.
    Harmful,
}

/// The pauses that are left for one call.
pub(crate) struct Pauses {
    steps: ExponentialBackoff,
    left: Duration,
}

impl Pauses {
    /// The pause before the next try; `None` when there is to be none.
    fn after(&mut self, error: &Error, repeat: Repeat) -> Option<Duration> {
        if !error.is_retryable() || (repeat == Repeat::Harmful && !error.is_unexecuted()) {
            return None;
        }
        self.next(error)
    }

    fn next(&mut self, error: &Error) -> Option<Duration> {
        let pause = self.steps.next()?.max(error.retry_after().unwrap_or_default());
        self.left = self.left.checked_sub(pause)?;
        Some(pause)
    }

    /// Waits for the next try, or hands the error back when there is to be none.
    pub(crate) async fn wait(&mut self, error: Error, repeat: Repeat) -> Result<(), Error> {
        let pause = self.after(&error, repeat);
        sit_out(pause, error).await
    }

    /// The same for an error that is known to pass and to have changed nothing.
    pub(crate) async fn wait_in_any_case(&mut self, error: Error) -> Result<(), Error> {
        let pause = self.next(&error);
        sit_out(pause, error).await
    }
}

async fn sit_out(pause: Option<Duration>, error: Error) -> Result<(), Error> {
    let Some(pause) = pause else { return Err(error) };
    // What somebody waits for is worth telling.
    if pause >= Duration::from_secs(1) {
        info!("trying again in {} s: {error}", pause.as_secs());
    } else {
        debug!("trying again in {} ms: {error}", pause.as_millis());
    }
    tokio::time::sleep(pause).await;
    Ok(())
}

/// Reads `Retry-After`: seconds, or an HTTP date.
pub(crate) fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value.trim()).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Repeat, RetryPolicy, parse_retry_after};
    use crate::{Error, Refusal};

    fn refused(status: u16, retry_after: Option<u64>) -> Error {
        Error::Refused(Box::new(Refusal {
            code: None,
            status,
            message: String::new(),
            request_id: None,
            retry_after: retry_after.map(Duration::from_secs),
            extra: None,
        }))
    }

    fn unreachable(passing: bool) -> Error {
        Error::Connect { host: "h".into(), reason: "r".into(), passing }
    }

    fn broken() -> Error {
        Error::Broken { host: "h".into(), reason: "r".into() }
    }

    #[test]
    fn what_is_tried_again() {
        use Repeat::{Harmful, Harmless};
        for (error, repeat, again) in [
            (broken(), Harmless, true),
            (broken(), Harmful, false),
            (unreachable(true), Harmful, true),
            (unreachable(false), Harmless, false),
            (refused(503, None), Harmless, true),
            (refused(503, None), Harmful, false),
            (refused(429, None), Harmful, true),
            (refused(404, None), Harmless, false),
            (Error::Input("x".into()), Harmless, false),
        ] {
            let pause = RetryPolicy::default().pauses().after(&error, repeat);
            assert_eq!(pause.is_some(), again, "{error:?} {repeat:?}");
        }
    }

    #[test]
    fn patience_ends() {
        let mut pauses = RetryPolicy::default().pauses();
        let mut waited = Duration::ZERO;
        let mut tries = 0;
        while let Some(pause) = pauses.after(&broken(), Repeat::Harmless) {
            waited += pause;
            tries += 1;
        }
        assert!(waited <= Duration::from_secs(60), "{waited:?}");
        assert!((5..=15).contains(&tries), "{tries}");
        assert!(RetryPolicy::never().pauses().after(&broken(), Repeat::Harmless).is_none());
    }

    #[test]
    fn the_service_may_ask_for_a_longer_pause() {
        let pause = |error| RetryPolicy::default().pauses().after(&error, Repeat::Harmless);
        assert_eq!(pause(refused(503, Some(30))), Some(Duration::from_secs(30)));
        assert_eq!(pause(refused(503, Some(3600))), None);
        assert!(pause(refused(503, Some(0))) >= Some(Duration::from_millis(200)));
    }

    #[test]
    fn retry_after_has_two_spellings() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(parse_retry_after(value, now), expected, "{value}");
        }
    }
}
