//! What waits for the link: whole small frames, and large messages that are cut on the way out.
//!
//! Small messages go first; large ones take turns, a fragment each, so that one of 16 MiB delays
//! nobody. Messages of one flow (an id, or all publications) keep their order.

use crate::engine::event::Event;
use crate::engine::frame::{self, FRAGMENT_HEAD_BYTES, LEN_BYTES, MORE, VOLATILE, frame_len};
use crate::engine::items::Items;
use crate::engine::message::envelope::{Bare, Outgoing};
use crate::engine::message::kind::Kind;
use crate::engine::replay::{Cut, Replay};
use crate::engine::wire::compress::{Codec, Contexts};
use bytes::Bytes;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// Bytes handed to the link at once when fragments wait: small enough for a small message to
/// slip in between, large enough for one system call each to be cheap.
const TRANSMIT_BYTES: usize = 64 << 10;
/// A buffer above this is given back after a burst.
pub(super) const KEEP_BYTES: usize = 1 << 20;

/// What an idle session keeps.
const IDLE_BYTES: usize = 4 << 10;
const IDLE_EVENTS: usize = 16;

/// The flow of everything published.
pub(crate) const PUBLISH_FLOW: u64 = 0;

/// What the parts of the engine have to say: to the link and to the application.
#[derive(Debug)]
pub(crate) struct Effects {
    pub(crate) out: Outbox,
    pub(crate) events: VecDeque<Event>,
}

impl Effects {
    pub(crate) fn emit(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// An item of a stream, `part` of what was received with `owner`: behind those before it in one
    /// event, when nothing came between.
    pub(crate) fn emit_item(&mut self, stream: u64, owner: &Bytes, part: &[u8]) {
        if let Some(Event::Items { id, items }) = self.events.back_mut()
            && *id == stream
            && items.push(part)
        {
            return;
        }
        self.events.push_back(Event::Items { id: stream, items: Items::new(owner, part) });
    }

    /// Gives back what a burst left behind.
    pub(crate) fn shrink(&mut self) {
        self.events.shrink_to(IDLE_EVENTS);
        self.out.small.shrink_to(IDLE_BYTES);
        self.out.front.shrink_to(IDLE_BYTES);
        self.out.replay.shrink();
        self.out.packing.iter_mut().for_each(|packing| packing.contexts.forget());
    }
}

/// How messages are compressed.
#[derive(Debug)]
struct Packing {
    codec: Codec,
    threshold_bytes: usize,
    contexts: Contexts,
}

impl Packing {
    /// The message as it is sent, and the codec's bits.
    fn pack(&mut self, message: &[u8]) -> Option<(Vec<u8>, u8)> {
        let packed = self.contexts.compress(self.codec, message)?;
        Some((packed, self.codec.number()))
    }
}

#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    flags: u8,
    /// It opens the item of its flow, or is all of it: a notification, a publication.
    opens: bool,
}

#[derive(Debug, Default)]
struct Flow {
    messages: VecDeque<Waiting>,
    /// The group of the front message, once its first fragment has gone, and how much has.
    group: Option<u64>,
    sent: usize,
}

/// Bytes on their way to the link.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// What belongs to the link and not to the session, and dies with it: HELLOs and last words,
    /// which go before everything else, and receipts, which go behind a batch, so that it need not
    /// be copied to make room.
    front: Vec<u8>,
    /// Bytes of `front` that leave as they are, though the link is sealed by now.
    clear_bytes: usize,
    tail: Vec<u8>,
    small: Vec<u8>,
    /// Messages in `small`, by whether they belong to the sequence.
    sequenced: u64,
    volatile: u64,
    pub(crate) replay: Replay,
    /// There is no link that could take more than `front`.
    is_detached: bool,
    /// Bytes ever put into `small`, and ever taken from it.
    appended: u64,
    taken: u64,
    flows: FxHashMap<u64, Flow>,
    turns: VecDeque<u64>,
    /// Flows that may not open a group before another closes.
    parked: VecDeque<u64>,
    waiting_bytes: usize,
    next_group: u64,
    open_groups: usize,
    open_bytes: usize,
    fragment_bytes: usize,
    /// [`TRANSMIT_BYTES`], but in tests.
    batch_bytes: usize,
    groups_max: usize,
    group_bytes_max: usize,
    message_bytes_max: usize,
    /// Bytes ever handed to the link, fragments included.
    moved: u64,
    packing: Option<Packing>,
    /// Something was handed to the link since the last tick.
    pub(crate) transmitted: bool,
}

/// Where in the outbox an opening message ended: tells later whether it left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// After so many bytes.
    At(u64),
    /// It waits in its flow.
    Flow,
}

impl Outbox {
    pub(crate) fn new(fragment_bytes: u32, replay: Replay) -> Self {
        Self {
            front: Vec::new(),
            clear_bytes: 0,
            tail: Vec::new(),
            small: Vec::new(),
            sequenced: 0,
            volatile: 0,
            replay,
            is_detached: false,
            appended: 0,
            taken: 0,
            flows: FxHashMap::default(),
            turns: VecDeque::new(),
            parked: VecDeque::new(),
            waiting_bytes: 0,
            moved: 0,
            packing: None,
            next_group: 0,
            open_groups: 0,
            open_bytes: 0,
            fragment_bytes: fragment_bytes as usize,
            batch_bytes: TRANSMIT_BYTES,
            groups_max: 1,
            group_bytes_max: usize::MAX,
            message_bytes_max: usize::MAX,
            transmitted: false,
        }
    }

    /// Keeps to what the peer declared.
    pub(crate) fn set_peer_limits(
        &mut self,
        frame_bytes_max: u32,
        message_bytes_max: u32,
        groups: (u32, u32),
    ) {
        let room = frame_bytes_max as usize - FRAGMENT_HEAD_BYTES;
        self.fragment_bytes = self.fragment_bytes.min(room);
        self.message_bytes_max = message_bytes_max as usize;
        self.groups_max = groups.0 as usize;
        self.group_bytes_max = groups.1 as usize;
    }

    /// Compresses messages from this size on.
    pub(crate) fn compress(&mut self, codec: Codec, threshold_bytes: u32) {
        let threshold_bytes = threshold_bytes as usize;
        self.packing = Some(Packing { codec, threshold_bytes, contexts: Contexts::default() });
    }

    /// What waits in front is not sealed; all that comes behind it is.
    pub(crate) fn seal_from_here(&mut self) {
        self.clear_bytes = self.front.len();
    }

    /// Bytes at the front of the next batch that are not sealed.
    pub(crate) fn take_clear(&mut self) -> usize {
        std::mem::take(&mut self.clear_bytes)
    }

    /// Bytes that wait, beside those that are sent again.
    pub(crate) fn bytes(&self) -> usize {
        self.front.len() + self.tail.len() + self.small.len() + self.waiting_bytes
    }

    /// Whether [`Outbox::take`] may have something to give.
    pub(crate) fn has_output(&self) -> bool {
        // Large messages have their turn when no small one waits. A part of one that has begun may
        // go, and so may a publication, however much is kept.
        let may_go = match self.small.is_empty() {
            true => !self.turns.is_empty(),
            false => self.replay.fits(0, 1) || self.volatile > 0,
        };
        let of_link = !self.front.is_empty() || !self.tail.is_empty();
        of_link || (!self.is_detached && (self.replay.is_behind() || may_go))
    }

    /// Whether a producer may add a message of about `size` to `flow`: while less than `soft` waits,
    /// or, when it is small and nothing of its flow waits, while less than `soft` of small messages
    /// does. So a large message holds back what comes behind it in its flow, and nothing else.
    pub(crate) fn has_room(&self, soft: usize, flow: u64, size: usize) -> bool {
        self.bytes() < soft || (self.small.len() < soft && self.is_small(flow, size))
    }

    /// Whether such a message goes out with the next batch.
    pub(crate) fn is_small(&self, flow: u64, size: usize) -> bool {
        size <= self.fragment_bytes && !self.flows.contains_key(&flow)
    }

    /// Bytes that the link took so far.
    pub(crate) fn moved(&self) -> u64 {
        self.moved
    }

    /// Bytes of whole frames.
    pub(crate) fn ready_bytes(&self) -> usize {
        if self.is_detached { self.front.len() } else { self.small.len() }
    }

    /// Whether a message of the sequence waits to be sent, or for its receipt.
    pub(crate) fn owes(&self) -> bool {
        let mut waiting = self.flows.values().flat_map(|flow| &flow.messages);
        let large = waiting.any(|message| message.flags & VOLATILE == 0);
        large || self.sequenced > 0 || !self.replay.is_empty()
    }

    /// Whether large messages wait.
    pub(crate) fn has_flows(&self) -> bool {
        !self.flows.is_empty()
    }

    /// Whether the peer takes a message of this size.
    pub(crate) fn fits(&self, message: &Outgoing<'_>) -> bool {
        message.size_hint() <= self.message_bytes_max
    }

    pub(crate) fn message_bytes_max(&self) -> usize {
        self.message_bytes_max
    }

    /// Puts a message behind all others of its flow.
    pub(crate) fn put(&mut self, flow: u64, message: &Outgoing<'_>) -> Mark {
        let flags = self.flags(message);
        let size_hint = message.size_hint();
        let is_first = self.flows.is_empty() || !self.flows.contains_key(&flow);
        let packing = self.packing.as_mut().filter(|packing| size_hint >= packing.threshold_bytes);
        if is_first && size_hint <= self.fragment_bytes && packing.is_none() {
            return self.put_now(message);
        }
        let mut bytes = Vec::with_capacity(size_hint);
        message.put(&mut bytes);
        let packed = packing.and_then(|packing| packing.pack(&bytes));
        let flags = match packed {
            Some((packed, codec)) => {
                bytes = packed;
                flags | codec
            }
            None => flags,
        };
        if is_first && bytes.len() <= self.fragment_bytes {
            // It became small, or the hint was too high. It must go now: an id that comes whole
            // must be the highest.
            return self.put_whole(flags, |out| out.extend_from_slice(&bytes));
        }
        self.waiting_bytes += bytes.len();
        let opens = message.id != 0 || message.reference == 0;
        let entry = self.flows.entry(flow).or_insert_with(|| {
            self.turns.push_back(flow);
            Flow::default()
        });
        entry.messages.push_back(Waiting { bytes, flags, opens });
        Mark::Flow
    }

    /// Puts a response or an item with nothing but its payload, if it is small and nothing of its
    /// flow waits; false when it has to go the general way. What most messages are.
    pub(crate) fn put_bare(&mut self, message: &Bare<'_>) -> bool {
        let bytes = message.payload.len() + Bare::HEAD_BYTES_MAX;
        let threshold = self.packing.as_ref().map_or(usize::MAX, |packing| packing.threshold_bytes);
        let is_small =
            bytes <= self.fragment_bytes.min(self.message_bytes_max) && bytes < threshold;
        let is_first = self.flows.is_empty() || !self.flows.contains_key(&message.reference);
        if is_small && is_first {
            self.put_whole(0, |out| message.put(out));
        }
        is_small && is_first
    }

    /// Puts a small message that belongs to no flow.
    pub(crate) fn put_now(&mut self, message: &Outgoing<'_>) -> Mark {
        let flags = self.flags(message);
        self.put_whole(flags, |out| message.put(out))
    }

    /// Puts what belongs to the link before everything that belongs to the session.
    pub(crate) fn put_front(&mut self, message: &Outgoing<'_>) {
        let flags = self.flags(message);
        frame::put_whole(&mut self.front, flags, |out| message.put(out));
    }

    /// Puts a receipt behind the next batch.
    pub(crate) fn put_receipt(&mut self, message: &Outgoing<'_>) {
        frame::put_whole(&mut self.tail, VOLATILE, |out| message.put(out));
    }

    /// A delivery costs credit, so on a session that can be resumed it must not be lost either.
    fn flags(&self, message: &Outgoing<'_>) -> u8 {
        let delivers = message.kind == Kind::Event && message.reference != 0;
        let volatile = message.is_volatile() && !(delivers && self.replay.is_on());
        if volatile { VOLATILE } else { 0 }
    }

    fn put_whole(&mut self, flags: u8, body: impl FnOnce(&mut Vec<u8>)) -> Mark {
        if flags & VOLATILE == 0 {
            self.sequenced += 1;
        } else {
            self.volatile += 1;
        }
        let before = self.small.len();
        frame::put_whole(&mut self.small, flags, body);
        self.appended += (self.small.len() - before) as u64;
        Mark::At(self.appended)
    }

    /// Whether nothing of the opening message of `flow` can have been acted on by the peer.
    pub(crate) fn is_unsent(&self, flow: u64, mark: Mark) -> bool {
        match mark {
            Mark::At(end) => end > self.taken,
            Mark::Flow => self
                .flows
                .get(&flow)
                .is_some_and(|flow| flow.messages.iter().any(|message| message.opens)),
        }
    }

    /// Whether a large message that waits opens something.
    pub(crate) fn has_opening(&self) -> bool {
        self.flows.values().any(|flow| flow.messages.iter().any(|message| message.opens))
    }

    /// Moves what may be written now into `out`, which must be empty. False when nothing waits.
    pub(crate) fn take(&mut self, out: &mut Vec<u8>) -> bool {
        debug_assert!(out.is_empty(), "the last batch is written before the next is taken");
        if out.capacity() > KEEP_BYTES {
            *out = Vec::new();
        }
        if !self.front.is_empty() {
            std::mem::swap(out, &mut self.front);
        }
        if !self.is_detached {
            let cut = Cut { fragment_bytes: self.fragment_bytes, batch_bytes: self.batch_bytes };
            self.replay.put_again(out, cut, &mut self.next_group);
            if !self.replay.is_behind() {
                self.take_new(out);
            }
        }
        out.append(&mut self.tail);
        self.moved += out.len() as u64;
        self.transmitted |= !out.is_empty();
        !out.is_empty()
    }

    fn take_new(&mut self, out: &mut Vec<u8>) {
        if !self.take_small(out) {
            return;
        }
        while out.len() < self.batch_bytes {
            let Some(key) = self.turns.pop_front() else { break };
            match self.send_fragment(key, out) {
                Turn::Sent => self.turns.push_back(key),
                Turn::Waits => self.parked.push_back(key),
                Turn::Done => {
                    self.flows.remove(&key);
                }
            }
        }
    }

    /// Takes the small messages, all of them or as many as can be kept for a replay. False when
    /// some must wait for receipts, and so must all that would come behind them.
    fn take_small(&mut self, out: &mut Vec<u8>) -> bool {
        let fits = self.replay.fits(self.small.len(), self.sequenced);
        if fits && self.volatile == 0 && self.sequenced > 0 && self.replay.is_on() {
            self.replay.push_frames(&self.small, self.sequenced);
        } else if self.replay.is_on() && !self.small.is_empty() {
            return self.take_some(out);
        }
        if out.is_empty() {
            std::mem::swap(out, &mut self.small);
        } else {
            out.append(&mut self.small);
        }
        (self.sequenced, self.volatile) = (0, 0);
        self.taken = self.appended;
        true
    }

    /// As `take_small`, one frame after the other.
    fn take_some(&mut self, out: &mut Vec<u8>) -> bool {
        let mut at = 0;
        while at < self.small.len() {
            let frame = &self.small[at..at + frame_len(&self.small[at..])];
            if frame[LEN_BYTES] & VOLATILE != 0 {
                self.volatile -= 1;
            } else if self.replay.fits(frame.len(), 1) {
                self.replay.push_frames(frame, 1);
                self.sequenced -= 1;
            } else {
                break;
            }
            at += frame.len();
        }
        out.extend_from_slice(&self.small[..at]);
        self.small.drain(..at);
        self.taken += at as u64;
        self.small.is_empty()
    }

    fn send_fragment(&mut self, key: u64, out: &mut Vec<u8>) -> Turn {
        let Some(flow) = self.flows.get_mut(&key) else { return Turn::Done };
        let Some(front) = flow.messages.front() else { return Turn::Done };
        let len = front.bytes.len();
        let is_volatile = front.flags & VOLATILE != 0;
        let begins = flow.group.is_none();
        if begins && len <= self.fragment_bytes {
            if !is_volatile && !self.replay.reserve(len) {
                return Turn::Waits;
            }
            frame::put_whole(out, front.flags, |out| out.extend_from_slice(&front.bytes));
        } else {
            let group = match flow.group {
                Some(group) => group,
                None if self.open_groups > 0
                    && (self.open_groups >= self.groups_max
                        || self.open_bytes + len > self.group_bytes_max) =>
                {
                    return Turn::Waits;
                }
                None if !is_volatile && !self.replay.reserve(len) => return Turn::Waits,
                None => {
                    self.open_groups += 1;
                    self.open_bytes += len;
                    self.next_group += 1;
                    flow.group = Some(self.next_group);
                    self.next_group
                }
            };
            let end = len.min(flow.sent + self.fragment_bytes);
            let more = if end < len { MORE } else { 0 };
            frame::put_fragment(out, front.flags | more, group, &front.bytes[flow.sent..end]);
            flow.sent = end;
            if end < len {
                return Turn::Sent;
            }
            self.open_groups -= 1;
            self.open_bytes -= len;
            self.turns.append(&mut self.parked);
            flow.group = None;
            flow.sent = 0;
        }
        self.waiting_bytes -= len;
        let is_last = flow.messages.len() == 1;
        if let Some(Waiting { bytes, flags, .. }) = flow.messages.pop_front()
            && !is_volatile
        {
            self.replay.push_message(flags, bytes);
        }
        if is_last { Turn::Done } else { Turn::Sent }
    }

    /// The peer has taken everything up to this number: what waits for that may leave. `None` when
    /// it cannot have; else whether that is news.
    pub(crate) fn receipt(&mut self, upto: u64) -> Option<bool> {
        let is_news = self.replay.receipt(upto)?;
        self.turns.append(&mut self.parked);
        Some(is_news)
    }

    /// The link is gone, the session is not. Half-sent messages begin anew.
    pub(crate) fn detach(&mut self) {
        self.is_detached = true;
        self.front.clear();
        self.clear_bytes = 0;
        self.tail.clear();
        self.replay.rewind();
        for flow in self.flows.values_mut() {
            (flow.group, flow.sent) = (None, 0);
        }
        self.turns.append(&mut self.parked);
        (self.open_groups, self.open_bytes, self.next_group) = (0, 0, 0);
    }

    /// Another link is there, over which the peer expects this number first.
    pub(crate) fn attach(&mut self, rx_next: u64) {
        self.replay.begin(rx_next);
        self.turns.append(&mut self.parked);
        self.is_detached = false;
    }

    /// Drops what waits in flows, when the session is over.
    pub(crate) fn clear_flows(&mut self) {
        self.flows = FxHashMap::default();
        self.turns = VecDeque::new();
        self.parked = VecDeque::new();
        self.waiting_bytes = 0;
    }

    /// Drops everything, when the link is gone.
    pub(crate) fn clear(&mut self) {
        self.clear_flows();
        (self.front, self.clear_bytes) = (Vec::new(), 0);
        self.tail = Vec::new();
        self.small = Vec::new();
        (self.sequenced, self.volatile) = (0, 0);
        self.replay.stop();
        self.is_detached = false;
        self.appended = self.taken;
    }
}

#[cfg(test)]
impl Outbox {
    /// Hands less to the link at once, so that a few messages are many batches.
    pub(crate) fn cut_batches(&mut self, batch_bytes: usize) {
        self.batch_bytes = batch_bytes;
    }

    /// Groups under way, and their bytes.
    pub(crate) fn open_groups(&self) -> (usize, usize) {
        (self.open_groups, self.open_bytes)
    }
}

enum Turn {
    Sent,
    Waits,
    Done,
}
