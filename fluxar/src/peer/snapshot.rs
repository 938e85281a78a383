//! Where a session stands, for a test that waits in vain.

use crate::engine::snapshot::Snapshot;
use crate::peer::core::Core;
use crate::peer::shared::Shared;
use std::fmt::Write;

impl Shared {
    /// Everything that somebody could wait for. Numbers and states, never what was sent.
    pub(crate) fn snapshot(&self) -> String {
        let mut text = format!("{:?}, {}\n", self.progress().borrow(), self.write_snapshot());
        // Of a string that grows, nothing fails.
        let _fits = write!(text, "{}", CoreSnapshot(&self.lock()));
        text
    }
}

struct CoreSnapshot<'a>(&'a Core);

impl std::fmt::Display for CoreSnapshot<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(core) = self;
        writeln!(
            f,
            "link {}, detached {}, over {}, closing {}, writer sleeps {}, armed {:?}",
            core.link,
            core.is_detached(),
            core.is_over,
            core.is_closing,
            core.writer_sleeps,
            core.armed,
        )?;
        let book = &core.book;
        writeln!(
            f,
            "waiting: calls {}, streams {}, subscriptions {}, jobs {}",
            book.calls.len(),
            book.streams.len(),
            book.subscriptions.len(),
            book.jobs.len(),
        )?;
        match &core.engine {
            Some(engine) => write!(f, "{}", Snapshot(engine)),
            None => f.write_str("no engine"),
        }
    }
}
