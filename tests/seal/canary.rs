//! Everything that is logged, at every level, and what must not be in it.

use std::fmt::Write as _;
use std::sync::{Mutex, OnceLock, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// A token that must never be seen.
pub(crate) const CANARY: &str = "canary-token-0123456789";

static LOG: Mutex<String> = Mutex::new(String::new());

/// Writes everything down.
struct Everything;

struct Writer<'a>(&'a mut String);

impl Visit for Writer<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _never = write!(self.0, " {field}={value:?}");
    }
}

fn log() -> std::sync::MutexGuard<'static, String> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Writer(&mut log()));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Writer(&mut log()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut log = log();
        let _never = write!(log, "\n{}", event.metadata().target());
        event.record(&mut Writer(&mut log));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

pub(crate) struct Log;

/// Everything is written down from here on, whichever test does it.
pub(crate) fn watch() -> Log {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| tracing::subscriber::set_global_default(Everything).unwrap());
    tracing::trace!(target: "fluxar_tests", "the log is watched");
    Log
}

impl Log {
    /// What was logged so far has none of it.
    pub(crate) fn must_not_show(&self, secrets: &[&str]) {
        let log = log();
        assert!(log.contains("the log is watched"), "nothing was written down");
        for secret in secrets {
            assert!(!log.contains(secret), "`{secret}` was logged");
        }
    }
}
