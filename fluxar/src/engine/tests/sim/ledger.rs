//! What really happened, as both applications see it: the model that the engines are held against.

use super::rng::fill;
use crate::engine::event::Overflow;
use crate::engine::pattern::credit_cost;
use crate::engine::time::Time;
use crate::error::{Code, Status};
use std::collections::VecDeque;

/// A payload, by what makes it: its tag and its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) tag: u64,
    pub(super) len: usize,
}

impl Stamp {
    pub(super) fn bytes(self) -> Vec<u8> {
        fill(self.tag, self.len)
    }

    pub(super) fn is(self, bytes: &[u8]) -> bool {
        bytes.len() == self.len && bytes == self.bytes()
    }

    pub(super) fn cost(self) -> u64 {
        credit_cost(self.len)
    }
}

/// What an answer or an end carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Payload(Stamp),
    Nothing,
    Failed(Code),
}

impl Outcome {
    pub(super) fn check(self, heard: Result<Option<&[u8]>, &Status>, what: u64) {
        match (self, heard) {
            (Self::Payload(stamp), Ok(Some(bytes))) => {
                assert!(stamp.is(bytes), "{what}: another payload than was sent");
            }
            (Self::Nothing, Ok(None)) => {}
            (Self::Failed(code), Err(status)) if status.code() == code => {}
            (sent, heard) => panic!("{what}: sent {sent:?}, heard {heard:?}"),
        }
    }
}

/// What the caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    Waits,
    Abandoned,
    Ended,
}

/// A call, on both sides.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) by: usize,
    pub(super) id: u64,
    pub(super) request: Stamp,
    pub(super) made: Time,
    pub(super) deadline: Option<Time>,
    pub(super) asker: Asker,
    pub(super) cancelled: bool,
    pub(super) executed: bool,
    /// The caller was told that it never reached the callee.
    pub(super) never: bool,
    pub(super) told_cancel: Option<Code>,
    pub(super) callee_deadline: Option<Time>,
    pub(super) answered: Option<Outcome>,
}

/// One direction of a stream.
#[derive(Debug, Default)]
pub(super) struct Direction {
    pub(super) window: u64,
    pub(super) flying: VecDeque<Stamp>,
    pub(super) unconsumed: VecDeque<usize>,
    /// Sent and not consumed.
    pub(super) outstanding: u64,
    /// The sender may not send until it is told.
    pub(super) waiting: bool,
    /// What the end carried, once it was sent.
    pub(super) ended: Option<Outcome>,
    /// The receiver was told of the end.
    pub(super) heard: bool,
    /// The receiver hears no more: it gave up, or its handler has returned.
    pub(super) muted: bool,
}

impl Direction {
    pub(super) fn sent(&mut self, stamp: Stamp, id: u64) {
        assert!(
            self.muted || self.outstanding < self.window,
            "{id}: sent with {} of {} outstanding",
            self.outstanding,
            self.window
        );
        self.outstanding += stamp.cost();
        self.flying.push_back(stamp);
    }

    pub(super) fn received(&mut self, payload: &[u8], id: u64) {
        assert!(!self.muted, "{id}: an item for somebody who is gone");
        assert!(!self.heard, "{id}: an item after the end");
        let stamp = self.flying.pop_front().expect("an item that nobody sent");
        assert!(stamp.is(payload), "{id}: another item than the next one");
        self.unconsumed.push_back(payload.len());
    }

    pub(super) fn end_heard(&mut self, heard: Result<Option<&[u8]>, &Status>, id: u64) {
        assert!(!self.muted && !self.heard, "{id}: ended twice");
        self.heard = true;
        let sent = self.ended.expect("an end that nobody sent");
        sent.check(heard, id);
        assert!(self.flying.is_empty(), "{id}: the end came before {:?}", self.flying);
    }

    pub(super) fn consume(&mut self) -> Option<usize> {
        let len = self.unconsumed.pop_front()?;
        self.outstanding = self.outstanding.saturating_sub(credit_cost(len));
        Some(len)
    }
}

/// Index of the opener's direction in [`Stream::ways`]; the callee's is the other.
pub(super) const OPENER: usize = 0;
/// See [`OPENER`].
pub(super) const CALLEE: usize = 1;

/// A stream, on both sides.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) by: usize,
    pub(super) id: u64,
    pub(super) request: Stamp,
    pub(super) deadline: Option<Time>,
    pub(super) half_closed: bool,
    pub(super) executed: bool,
    pub(super) never: bool,
    pub(super) cancelled: bool,
    pub(super) told_cancel: Option<Code>,
    pub(super) callee_deadline: Option<Time>,
    /// The callee's session is gone.
    pub(super) orphaned: bool,
    pub(super) ways: [Direction; 2],
}

impl Stream {
    /// The direction in which `side` sends.
    pub(super) fn out_of(&self, side: usize) -> usize {
        if side == self.by { OPENER } else { CALLEE }
    }

    /// Nothing more is to come for the opener.
    pub(super) fn over_for_opener(&self) -> bool {
        self.ways[CALLEE].heard || self.ways[CALLEE].muted
    }

    /// The callee's handler runs.
    pub(super) fn is_served(&self) -> bool {
        self.executed && !self.orphaned && self.ways[CALLEE].ended.is_none()
    }
}

/// An event offered to one subscription.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) stamp: Stamp,
    pub(super) topic: String,
    pub(super) retained: bool,
}

/// A subscription, on both sides.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) by: usize,
    pub(super) id: u64,
    pub(super) pattern: String,
    pub(super) overflow: Overflow,
    pub(super) window: u64,
    /// The publisher's side has it: granted (true) or undecided.
    pub(super) asked: Option<bool>,
    /// The publisher's side ended or lost it.
    pub(super) over: bool,
    /// The subscriber gave up.
    pub(super) left: bool,
    pub(super) granted: bool,
    pub(super) end_heard: bool,
    pub(super) offers: VecDeque<Offer>,
    pub(super) offered: u64,
    pub(super) received: u64,
    pub(super) dropped: u64,
    pub(super) outstanding: u64,
    pub(super) unconsumed: VecDeque<usize>,
}

impl Subscription {
    pub(super) fn is_exact(&self) -> bool {
        !self.pattern.contains(['*', '>'])
    }

    pub(super) fn delivered(
        &mut self,
        topic: Option<&str>,
        payload: &[u8],
        dropped: u64,
        retained: bool,
    ) {
        let id = self.id;
        assert!(self.granted && !self.end_heard && !self.left, "{id}: not the time for an event");
        assert_eq!(topic.is_none(), self.is_exact(), "{id}: the topic is there when it must");
        let matches = |offer: &Offer| {
            let topic = topic.is_none_or(|topic| topic == offer.topic);
            topic && offer.retained == retained && offer.stamp.is(payload)
        };
        // What was skipped was dropped, and is counted now or later.
        while !matches(self.offers.front().expect("an event that was not offered, or came late")) {
            self.offers.pop_front();
        }
        self.offers.pop_front();
        self.received += 1;
        self.dropped += dropped;
        assert!(self.received + self.dropped <= self.offered, "{id}: counts more than was offered");
        assert!(self.outstanding < self.window, "{id}: an event without credit");
        self.outstanding += credit_cost(payload.len());
        self.unconsumed.push_back(payload.len());
    }
}

/// Something that nobody answers.
#[derive(Debug)]
pub(super) enum OneWay {
    Notification { target: String, stamp: Stamp },
    Publication { topic: String, stamp: Stamp, retain: bool },
}

/// Everything that was ever opened in one run.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) calls: Vec<Call>,
    pub(super) streams: Vec<Stream>,
    pub(super) subscriptions: Vec<Subscription>,
    /// Sent by either side, not seen by the other yet.
    pub(super) oneways: [VecDeque<OneWay>; 2],
    pub(super) skipped: [u64; 2],
    pub(super) tags: u64,
}

impl Ledger {
    pub(super) fn stamp(&mut self, len: usize) -> Stamp {
        self.tags += 1;
        Stamp { tag: self.tags, len }
    }

    pub(super) fn call(&mut self, id: u64) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.id == id)
    }

    pub(super) fn stream(&mut self, id: u64) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.id == id)
    }

    pub(super) fn subscription(&mut self, id: u64) -> Option<&mut Subscription> {
        self.subscriptions.iter_mut().find(|open| open.id == id)
    }
}
