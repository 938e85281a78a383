//! The receiving side of the sequence: which message is due, and when the peer is told how far it
//! came. Spec: `[L4.seq.1]` to `[L4.seq.3]`, `[L4.receipt.1]`.

use crate::engine::time::Time;
use crate::engine::violation::Violation;
use std::time::Duration;

/// After so many messages a receipt goes with whatever goes next.
const MESSAGES_ALONG: u64 = 128;
/// After so many messages, so many bytes, or so long it goes alone: a write of its own costs both
/// sides more than the messages that it is about.
const MESSAGES: u64 = 512;
const BYTES: usize = 256 << 10;
const DELAY: Duration = Duration::from_millis(25);

/// What became of a numbered message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbered {
    /// It is the next one.
    New,
    /// It was taken over an earlier link.
    Again,
    /// The peer numbers one that it must know to be taken.
    Stale,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Receipts {
    /// The number of the next message on the present link, and of the next that is new: below it
    /// everything was taken.
    position: u64,
    next: u64,
    /// What the peer was told last.
    told: u64,
    bytes: usize,
    due_at: Option<Time>,
    goes_along: bool,
    is_due: bool,
    /// Where the peer began on the present link, if that took the session over.
    begun: Option<u64>,
    /// The peer has said something on it.
    is_heard: bool,
}

impl Default for Receipts {
    fn default() -> Self {
        Self {
            position: 1,
            next: 1,
            told: 0,
            bytes: 0,
            due_at: None,
            goes_along: false,
            is_due: false,
            begun: None,
            is_heard: false,
        }
    }
}

impl Receipts {
    /// The number of the next message that is new.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// A whole message of the sequence came, perhaps with its number.
    pub(crate) fn take(
        &mut self,
        now: Time,
        seq: Option<u64>,
        bytes: usize,
    ) -> Result<Numbered, Violation> {
        let number = seq.unwrap_or(self.position);
        if number > self.position {
            return Err(Violation::SeqGap);
        }
        if number < self.position {
            return Ok(Numbered::Stale);
        }
        self.position += 1;
        self.is_heard = true;
        self.bytes += bytes;
        self.due_at.get_or_insert(now + DELAY);
        let untold = self.position - self.told - 1;
        self.goes_along |= untold >= MESSAGES_ALONG;
        self.is_due |= untold >= MESSAGES || self.bytes >= BYTES;
        if number < self.next {
            return Ok(Numbered::Again);
        }
        self.next = self.position;
        Ok(Numbered::New)
    }

    /// Another link: the peer begins with the message `position`, which may have been taken. An
    /// acceptor says at once how far it came: that tells the dialer that it is the session's.
    pub(crate) fn attach(&mut self, position: u64, is_acceptor: bool) {
        self.position = position;
        self.told = position - 1;
        self.stop();
        self.is_due = is_acceptor;
        (self.begun, self.is_heard) = (Some(position), false);
    }

    /// On a link that took over: the peer has not said anything yet.
    pub(crate) fn is_fresh(&self) -> bool {
        self.begun == Some(self.position) && !self.is_heard
    }

    /// The peer says how far it came; gives whether that was the first that it said on a link that
    /// took over.
    pub(crate) fn hear(&mut self) -> bool {
        !std::mem::replace(&mut self.is_heard, true) && self.begun.is_some()
    }

    /// The peer has said something on the present link, that is more than HELLO.
    pub(crate) fn is_heard(&self) -> bool {
        self.is_heard
    }

    /// There is no link to tell anything over.
    pub(crate) fn stop(&mut self) {
        self.bytes = 0;
        self.due_at = None;
        self.goes_along = false;
        self.is_due = false;
    }

    /// Nothing is to be waited for any more: whoever waits for the last receipt gets it now.
    pub(crate) fn hurry(&mut self) {
        self.is_due |= self.due_at.is_some();
    }

    pub(crate) fn timeout(&self) -> Option<Time> {
        self.due_at.filter(|_| !self.is_due)
    }

    pub(crate) fn tick(&mut self, now: Time) {
        self.is_due |= self.due_at.is_some_and(|due_at| due_at <= now);
    }

    /// Whether a receipt leaves, though nothing else may.
    pub(crate) fn is_due(&self) -> bool {
        self.is_due
    }

    /// Whether one leaves when anything else does.
    pub(crate) fn goes_along(&self) -> bool {
        self.goes_along
    }

    /// The highest number taken, for a receipt that leaves now.
    pub(crate) fn tell(&mut self) -> u64 {
        self.stop();
        self.told = self.position - 1;
        self.next - 1
    }
}
