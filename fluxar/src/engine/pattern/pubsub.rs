//! Subscriptions: ours at the peer, and the peer's at us.

use crate::engine::event::{Delivered, Event, Overflow, PublishOptions, SubscribeOptions, Text};
use crate::engine::message::envelope::Outgoing;
use crate::engine::message::kind::Kind;
use crate::engine::message::user::UserMeta;
use crate::engine::outbox::Effects;
use crate::engine::pattern::stream::{add_credit, put_credit};
use crate::engine::pattern::window::Window;
use crate::engine::pattern::{credit_cost, lost_status};
use crate::engine::violation::Violation;
use crate::error::{Code, Status};
use bytes::Bytes;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// A subscription of ours.
#[derive(Debug)]
struct Outbound {
    exact: bool,
    granted: bool,
    window: Window,
    /// We unsubscribed: events still on their way are dropped.
    left: bool,
}

/// A subscription of the peer's.
#[derive(Debug)]
struct Inbound {
    exact: bool,
    granted: bool,
    overflow: Overflow,
    send_credit: i64,
    queue: VecDeque<Queued>,
    queue_bytes: usize,
    /// It stands in `waiting`.
    waits: bool,
    dropped: u64,
}

#[derive(Debug)]
struct Queued {
    topic: Text,
    payload: Bytes,
    options: PublishOptions,
}

/// What a delivery says beside its payload.
#[derive(Debug)]
pub(crate) struct Marks {
    /// Events dropped before it.
    pub(crate) dropped: u64,
    /// It is a topic's value.
    pub(crate) retained: bool,
    /// The publisher's entries.
    pub(crate) meta: UserMeta,
}

impl Inbound {
    fn can_send(&self) -> bool {
        self.granted && self.send_credit > 0
    }
}

impl Queued {
    /// What it holds: the bytes, and about what its bookkeeping takes.
    fn cost(&self) -> usize {
        self.payload.len() + self.options.meta.wire_len() + self.topic.as_str().len() + 64
    }
}

/// Subscriptions in both directions.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    outbound: FxHashMap<u64, Outbound>,
    inbound: FxHashMap<u64, Inbound>,
    wildcards: usize,
    /// Of the peer's, those with events and credit, each once.
    waiting: VecDeque<u64>,
    queue_bytes_max: usize,
    /// Bytes in all queues, and their bound.
    queued_bytes: usize,
    queued_bytes_max: usize,
}

impl Subscriptions {
    pub(crate) fn new(queue_bytes_max: u32, queued_bytes_max: u32) -> Self {
        Self {
            outbound: FxHashMap::default(),
            inbound: FxHashMap::default(),
            wildcards: 0,
            waiting: VecDeque::new(),
            queue_bytes_max: queue_bytes_max as usize,
            queued_bytes: 0,
            queued_bytes_max: queued_bytes_max as usize,
        }
    }

    pub(crate) fn outbound_len(&self) -> usize {
        self.outbound.len()
    }

    pub(crate) fn inbound_len(&self) -> usize {
        self.inbound.len()
    }

    /// Bytes of the longest queue.
    #[cfg(test)]
    pub(crate) fn longest_queue(&self) -> usize {
        self.inbound.values().map(|open| open.queue_bytes).max().unwrap_or(0)
    }

    pub(crate) fn wildcards(&self) -> usize {
        self.wildcards
    }

    /// Whether it is open, and whether it is ours.
    pub(crate) fn is_ours(&self, id: u64) -> Option<bool> {
        if self.outbound.contains_key(&id) {
            return Some(true);
        }
        self.inbound.contains_key(&id).then_some(false)
    }

    // ---- ours

    pub(crate) fn asked(&mut self, id: u64, pattern: &str, window: u64) {
        let subscription = Outbound {
            exact: !has_wildcard(pattern),
            granted: false,
            window: Window::new(window),
            left: false,
        };
        self.outbound.insert(id, subscription);
    }

    /// Granted, or over. False when it was granted before.
    pub(crate) fn answered(
        &mut self,
        id: u64,
        over: Option<Option<Status>>,
        fx: &mut Effects,
    ) -> bool {
        if let Some(status) = over {
            self.outbound.remove(&id);
            fx.emit(Event::SubscriptionEnd { id, status });
            return true;
        }
        let Some(subscription) = self.outbound.get_mut(&id) else { return false };
        let fresh = !std::mem::replace(&mut subscription.granted, true);
        if fresh {
            fx.emit(Event::Granted { id });
        }
        fresh
    }

    pub(crate) fn unsubscribe(&mut self, id: u64, fx: &mut Effects) -> bool {
        let Some(subscription) = self.outbound.get_mut(&id) else { return false };
        if !std::mem::replace(&mut subscription.left, true) {
            fx.out.put(id, &Outgoing::answering(Kind::Cancel, id));
        }
        true
    }

    pub(crate) fn delivered(
        &mut self,
        id: u64,
        topic: Option<Text>,
        payload: Bytes,
        Marks { dropped, retained, meta }: Marks,
        fx: &mut Effects,
    ) -> Result<(), Violation> {
        let Some(subscription) = self.outbound.get_mut(&id) else { return Ok(()) };
        subscription.window.take(payload.len() + meta.wire_len())?;
        if topic.is_none() && !subscription.exact {
            return Err(Violation::TopicMissing);
        }
        if !subscription.left {
            fx.emit(Event::Delivery { id, topic, payload, dropped, retained, meta });
        }
        Ok(())
    }

    /// The application took `cost` bytes of events.
    pub(crate) fn consumed(&mut self, id: u64, cost: u64, fx: &mut Effects) -> bool {
        let Some(subscription) = self.outbound.get_mut(&id) else { return false };
        // What we left is not granted again.
        if !subscription.left
            && let Some(grant) = subscription.window.consume(cost)
        {
            put_credit(id, grant, fx);
        }
        true
    }

    // ---- the peer's

    pub(crate) fn asks(&mut self, id: u64, pattern: &str, credit: u64, options: &SubscribeOptions) {
        let exact = !has_wildcard(pattern);
        self.wildcards += usize::from(!exact);
        let subscription = Inbound {
            exact,
            granted: false,
            overflow: options.overflow,
            send_credit: credit as i64,
            queue: VecDeque::new(),
            queue_bytes: 0,
            waits: false,
            dropped: 0,
        };
        self.inbound.insert(id, subscription);
    }

    fn remove_inbound(&mut self, id: u64) -> bool {
        let Some(subscription) = self.inbound.remove(&id) else { return false };
        self.wildcards -= usize::from(!subscription.exact);
        self.queued_bytes -= subscription.queue_bytes;
        // An id left in `waiting` is passed over.
        true
    }

    pub(crate) fn grant(&mut self, id: u64, fx: &mut Effects) {
        if let Some(subscription) = self.inbound.get_mut(&id)
            && !std::mem::replace(&mut subscription.granted, true)
        {
            fx.out.put(id, &Outgoing::answering(Kind::Subscribe, id));
            self.note_waiting(id);
        }
    }

    /// Puts a subscription that can send into `waiting`.
    fn note_waiting(&mut self, id: u64) {
        if let Some(subscription) = self.inbound.get_mut(&id)
            && subscription.can_send()
            && !subscription.queue.is_empty()
            && !std::mem::replace(&mut subscription.waits, true)
        {
            self.waiting.push_back(id);
        }
    }

    /// Refuses, or ends: to the peer it is the same.
    pub(crate) fn end(&mut self, id: u64, status: Option<&Status>, fx: &mut Effects) -> bool {
        if !self.remove_inbound(id) {
            return false;
        }
        let mut message = Outgoing::answering(Kind::Subscribe, id).with_error(status);
        message.meta.end = true;
        fx.out.put(id, &message);
        true
    }

    /// An event for a subscription of the peer's: sent, queued or dropped; and whether it was sent.
    pub(crate) fn deliver(
        &mut self,
        id: u64,
        topic: &str,
        event: (&Bytes, &PublishOptions),
        writable: bool,
        fx: &mut Effects,
    ) -> (Delivered, bool) {
        let (payload, options) = event;
        let Some(subscription) = self.inbound.get_mut(&id) else {
            return (Delivered::Gone, false);
        };
        if subscription.can_send() && writable && subscription.queue.is_empty() {
            put_event(id, subscription, topic, event, fx);
            return (Delivered::Queued, true);
        }
        let (topic, payload) = (Text::from(topic), payload.clone());
        let queued = Queued { topic, payload, options: options.clone() };
        (self.enqueue(id, queued, fx), false)
    }

    fn enqueue(&mut self, id: u64, queued: Queued, fx: &mut Effects) -> Delivered {
        let Some(subscription) = self.inbound.get_mut(&id) else { return Delivered::Gone };
        let before = subscription.dropped;
        let cost = queued.cost();
        let (own_max, all_max) = (self.queue_bytes_max, self.queued_bytes_max);
        let fits = |own: usize, all: usize| own + cost <= own_max && all + cost <= all_max;
        let makes_room = match subscription.overflow {
            Overflow::Latest => true,
            Overflow::DropOldest => !fits(subscription.queue_bytes, self.queued_bytes),
            Overflow::DropNewest | Overflow::Disconnect => false,
        };
        while makes_room
            && (subscription.overflow == Overflow::Latest
                || !fits(subscription.queue_bytes, self.queued_bytes))
        {
            let Some(oldest) = subscription.queue.pop_front() else { break };
            subscription.queue_bytes -= oldest.cost();
            self.queued_bytes -= oldest.cost();
            subscription.dropped += 1;
        }
        if fits(subscription.queue_bytes, self.queued_bytes) {
            subscription.queue_bytes += cost;
            self.queued_bytes += cost;
            subscription.queue.push_back(queued);
        } else if subscription.overflow == Overflow::Disconnect {
            let status = Status::new(
                Code::ResourceExhausted,
                "the subscriber is too slow for its overflow policy `disconnect`",
            );
            self.end(id, Some(&status), fx);
            fx.emit(Event::Unsubscribed { id });
            return Delivered::Gone;
        } else {
            subscription.dropped += 1;
        }
        let dropped = subscription.dropped > before;
        self.note_waiting(id);
        if dropped { Delivered::Dropped } else { Delivered::Queued }
    }

    /// The peer gives up a subscription of its own.
    pub(crate) fn cancelled(&mut self, id: u64, fx: &mut Effects) {
        if self.end(id, None, fx) {
            fx.emit(Event::Unsubscribed { id });
        }
    }

    /// The peer grants credit.
    pub(crate) fn granted(&mut self, id: u64, credit: u64) -> Result<(), Violation> {
        let Some(subscription) = self.inbound.get_mut(&id) else { return Ok(()) };
        subscription.send_credit = add_credit(subscription.send_credit, credit)?;
        self.note_waiting(id);
        Ok(())
    }

    /// Sends what waits, in turn, while there is credit and room; says how many events went, beside
    /// retained ones.
    pub(crate) fn flush(&mut self, soft_bytes: usize, fx: &mut Effects) -> u32 {
        let mut sent = 0;
        while let Some(id) = self.waiting.pop_front() {
            let Some(subscription) = self.inbound.get_mut(&id) else { continue };
            let next = subscription.queue.front().filter(|_| subscription.can_send());
            if next.is_some_and(|next| !fx.out.has_room(soft_bytes, id, next.cost() + 64)) {
                self.waiting.push_front(id);
                break;
            }
            subscription.waits = false;
            if !subscription.can_send() {
                continue;
            }
            let Some(queued) = subscription.queue.pop_front() else { continue };
            sent += u32::from(!queued.options.retain);
            subscription.queue_bytes -= queued.cost();
            self.queued_bytes -= queued.cost();
            let topic = queued.topic.as_str();
            put_event(id, subscription, topic, (&queued.payload, &queued.options), fx);
            self.note_waiting(id);
        }
        sent
    }

    /// What the peer may do has ended: so do its subscriptions.
    pub(crate) fn expire(&mut self, status: &Status, fx: &mut Effects) {
        let mut open: Vec<u64> = self.inbound.keys().copied().collect();
        open.sort_unstable();
        for id in open {
            self.end(id, Some(status), fx);
            fx.emit(Event::Unsubscribed { id });
        }
    }

    /// The session is over.
    pub(crate) fn close(&mut self, reason: Option<&Status>, fx: &mut Effects) {
        let mut open: Vec<u64> = self.outbound.drain().map(|(id, _)| id).collect();
        open.sort_unstable();
        for id in open {
            let status = reason.map(|reason| lost_status(true, reason));
            fx.emit(Event::SubscriptionEnd { id, status });
        }
        let mut open: Vec<u64> = self.inbound.drain().map(|(id, _)| id).collect();
        open.sort_unstable();
        for id in open {
            fx.emit(Event::Unsubscribed { id });
        }
        self.waiting.clear();
        self.wildcards = 0;
        self.queued_bytes = 0;
    }
}

fn put_event(
    id: u64,
    subscription: &mut Inbound,
    topic: &str,
    (payload, options): (&Bytes, &PublishOptions),
    fx: &mut Effects,
) {
    let mut message = Outgoing::answering(Kind::Event, id);
    if !subscription.exact {
        message.target = topic;
    }
    message.payload = Some(payload);
    message.meta.retain = options.retain;
    message.meta.carried = Some(&options.meta);
    message.meta.dropped = std::mem::take(&mut subscription.dropped);
    if !fx.out.fits(&message) {
        subscription.dropped = message.meta.dropped + 1;
        return;
    }
    subscription.send_credit -= credit_cost(payload.len() + options.meta.wire_len()) as i64;
    fx.out.put(id, &message);
}

/// Whether a pattern may match more than one topic.
pub(crate) fn has_wildcard(pattern: &str) -> bool {
    pattern.split('.').any(|segment| segment == "*" || segment == ">")
}

/// Segments of a target, topic or pattern, at most.
const SEGMENTS_MAX: u32 = 16;

/// 1 to 16 segments joined by dots, without spaces and control characters; `*` and `>` only as whole
/// segments where `wildcards` are allowed, `>` only at the end. Spec: `[L3.target.2]`.
pub(crate) fn is_well_formed(name: &str, wildcards: bool) -> bool {
    let bytes = name.as_bytes();
    let mut segments = 1;
    let mut start = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'.' => {
                if at == start {
                    return false;
                }
                segments += 1;
                start = at + 1;
            }
            b'*' | b'>' => {
                let alone = at == start && bytes.get(at + 1).is_none_or(|next| *next == b'.');
                let last = at + 1 == bytes.len();
                if !wildcards || !alone || (byte == b'>' && !last) {
                    return false;
                }
            }
            0..=b' ' | 0x7f => return false,
            _ => {}
        }
    }
    start < bytes.len() && segments <= SEGMENTS_MAX
}
