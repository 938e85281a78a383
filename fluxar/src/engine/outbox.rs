//! What waits for the link: whole small frames, and large messages that are cut on the way out.
//!
//! Small messages go first; large ones take turns, a fragment each, so that one of 16 MiB delays
//! nobody. Messages of one flow (an id, or all publications) keep their order.

use crate::engine::event::Event;
use crate::engine::frame::{self, FRAGMENT_HEAD_BYTES, MORE, VOLATILE};
use crate::engine::message::envelope::Outgoing;
use crate::engine::wire::compress::{Codec, Contexts};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// Bytes handed to the link at once when fragments wait: small enough for a small message to
/// slip in between, large enough for one system call each to be cheap.
const TRANSMIT_BYTES: usize = 64 << 10;
/// A buffer above this is given back after a burst.
const KEEP_BYTES: usize = 1 << 20;

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

    /// Gives back what a burst left behind.
    pub(crate) fn shrink(&mut self) {
        self.events.shrink_to(IDLE_EVENTS);
        self.out.small.shrink_to(IDLE_BYTES);
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
    /// It opens the item of its flow.
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
    small: Vec<u8>,
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
    pub(crate) fn new(fragment_bytes: u32) -> Self {
        Self {
            small: Vec::new(),
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

    /// Bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.small.len() + self.waiting_bytes
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
        self.small.len()
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
        let flags = if message.is_volatile() { VOLATILE } else { 0 };
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
        let opens = message.id != 0;
        let entry = self.flows.entry(flow).or_insert_with(|| {
            self.turns.push_back(flow);
            Flow::default()
        });
        entry.messages.push_back(Waiting { bytes, flags, opens });
        Mark::Flow
    }

    /// Puts a small message that belongs to no flow.
    pub(crate) fn put_now(&mut self, message: &Outgoing<'_>) -> Mark {
        let flags = if message.is_volatile() { VOLATILE } else { 0 };
        self.put_whole(flags, |out| message.put(out))
    }

    fn put_whole(&mut self, flags: u8, body: impl FnOnce(&mut Vec<u8>)) -> Mark {
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
        std::mem::swap(out, &mut self.small);
        self.taken = self.appended;
        while out.len() < TRANSMIT_BYTES {
            let Some(key) = self.turns.pop_front() else { break };
            match self.send_fragment(key, out) {
                Turn::Sent => self.turns.push_back(key),
                Turn::Waits => self.parked.push_back(key),
                Turn::Done => {
                    self.flows.remove(&key);
                }
            }
        }
        self.moved += out.len() as u64;
        self.transmitted |= !out.is_empty();
        !out.is_empty()
    }

    fn send_fragment(&mut self, key: u64, out: &mut Vec<u8>) -> Turn {
        let Some(flow) = self.flows.get_mut(&key) else { return Turn::Done };
        let Some(front) = flow.messages.front() else { return Turn::Done };
        let len = front.bytes.len();
        if flow.group.is_none() && len <= self.fragment_bytes {
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
        flow.messages.pop_front();
        if flow.messages.is_empty() { Turn::Done } else { Turn::Sent }
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
        self.small = Vec::new();
        self.appended = self.taken;
    }
}

#[cfg(test)]
impl Outbox {
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
