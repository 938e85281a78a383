//! Signs of life. Any frame is one; a heartbeat is sent only into silence.

use crate::engine::time::Time;
use crate::engine::violation::Violation;
use std::time::Duration;

/// What the tick asks the engine to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tick {
    Quiet,
    Send,
    Lost(Violation),
}

/// Watches both directions, twice per heartbeat interval.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    interval: Duration,
    silence: Duration,
    stall: Duration,
    next: Option<Time>,
    heard_at: Time,
    /// How much had left when the outbox last moved or was empty, and when that was.
    moved: u64,
    moved_at: Time,
    /// The same for what comes in pieces.
    received: u64,
    received_at: Time,
    /// The newest ping of ours, and the newest of the peer's that has no answer yet.
    pub(crate) ping: Option<u64>,
    pub(crate) pong_due: Option<u64>,
}

impl Heartbeat {
    pub(crate) fn new(interval: Duration, silence_tenths: u32, stall: Duration, now: Time) -> Self {
        Self {
            interval,
            silence: interval * silence_tenths / 10,
            stall,
            next: None,
            heard_at: now,
            moved: 0,
            moved_at: now,
            received: 0,
            received_at: now,
            ping: None,
            pong_due: None,
        }
    }

    /// Starts with the interval that both sides can live with.
    pub(crate) fn start(&mut self, peer_interval: Duration, silence_tenths: u32, now: Time) {
        self.interval = self.interval.min(peer_interval).max(INTERVAL_MIN);
        self.silence = self.interval * silence_tenths / 10;
        self.heard_at = now;
        self.moved_at = now;
        // A session may have been without a link for longer than anything may take.
        self.received_at = now;
        self.next = Some(now + self.interval / 2);
    }

    pub(crate) fn stop(&mut self) {
        self.next = None;
    }

    pub(crate) fn heard(&mut self, now: Time) {
        self.heard_at = now;
    }

    pub(crate) fn timeout(&self) -> Option<Time> {
        self.next
    }

    /// Called at `timeout`.
    pub(crate) fn tick(&mut self, now: Time, link: &LinkUse) -> Tick {
        self.next = Some(now + self.interval / 2);
        if now.since(self.heard_at) >= self.silence {
            return Tick::Lost(Violation::Silent);
        }
        if !link.waiting || link.moved != self.moved {
            self.moved = link.moved;
            self.moved_at = now;
        } else if now.since(self.moved_at) >= self.stall {
            return Tick::Lost(Violation::Stalled);
        }
        let waited = now.since(self.received_at);
        if !link.incomplete || waited >= self.stall {
            let due = waited.as_secs() * BYTES_PER_SECOND_MIN;
            if link.incomplete && link.received - self.received < due {
                return Tick::Lost(Violation::TooSlow);
            }
            self.received = link.received;
            self.received_at = now;
        }
        if link.transmitted || link.waiting { Tick::Quiet } else { Tick::Send }
    }
}

/// Whatever a peer asks for, not more often than this.
const INTERVAL_MIN: Duration = Duration::from_secs(1);
/// What comes in pieces comes at least so fast.
const BYTES_PER_SECOND_MIN: u64 = 1024;

/// What the link did since the last tick.
#[derive(Debug)]
pub(crate) struct LinkUse {
    /// Something was handed to it.
    pub(crate) transmitted: bool,
    /// Something waits for it.
    pub(crate) waiting: bool,
    /// Bytes ever handed to it.
    pub(crate) moved: u64,
    /// A frame or message is not all there.
    pub(crate) incomplete: bool,
    /// Bytes that ever came in pieces.
    pub(crate) received: u64,
}
