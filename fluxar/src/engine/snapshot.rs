//! Where an engine stands, for a test that waits in vain: numbers, and never what was sent.

use crate::engine::Engine;
use std::fmt;

/// See the module.
pub(crate) struct Snapshot<'a>(pub(crate) &'a Engine);

impl fmt::Display for Snapshot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(engine) = self;
        let out = &engine.fx.out;
        let replay = &out.replay;
        writeln!(f, "phase {:?}, epoch {}, now {:?}", engine.phase, engine.epoch(), engine.now)?;
        writeln!(f, "timeout {:?}, link {}", engine.poll_timeout(), engine.has_link())?;
        writeln!(
            f,
            "open: calls {} out {} in, streams {} out {} in, subscriptions {} out {} in",
            engine.calls.outbound_len(),
            engine.calls.inbound_len(),
            engine.streams.outbound_len(),
            engine.streams.inbound_len(),
            engine.subscriptions.outbound_len(),
            engine.subscriptions.inbound_len(),
        )?;
        writeln!(
            f,
            "outbox: {} bytes, {} ready, has output {}, flows {}; wants room {} small {} slot {}",
            out.bytes(),
            out.ready_bytes(),
            engine.has_output(),
            out.has_flows(),
            engine.wants_room,
            engine.wants_small_room,
            engine.wants_slot,
        )?;
        writeln!(
            f,
            "replay: {} to {}, {} bytes, behind {}; moved {}",
            replay.oldest(),
            replay.next(),
            replay.bytes(),
            replay.is_behind(),
            out.moved(),
        )?;
        writeln!(f, "{:?}", engine.receipts)?;
        write!(f, "{:?}", engine.heartbeat)
    }
}
