//! What the SDK says about its tries, for a person who is waiting.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::stderr::Stderr;

/// Shows what the SDK logs: its long pauses, or everything when `verbose`.
pub(crate) fn install(stderr: Stderr, verbose: bool) {
    let level = if verbose { Level::DEBUG } else { Level::INFO };
    let filter = Targets::new().with_target("pan_sdk", level);
    // A second subscriber could only come from a test.
    let _ = tracing_subscriber::registry().with(Notes(stderr).with_filter(filter)).try_init();
}

struct Notes(Stderr);

impl<S: Subscriber> Layer<S> for Notes {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        self.0.note(&text.0);
    }
}

/// The message of an event, and its fields behind it.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let piece = match field.name() {
            "message" => format!("{value:?}"),
            name => format!("{name}={value:?}"),
        };
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(&piece);
    }
}
