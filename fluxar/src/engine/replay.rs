//! What was handed to a link and is not receipted yet: it is sent again when another link takes
//! over. Spec: `[L4.replay.1]` to `[L4.replay.3]`.
//!
//! Small messages are kept as the frames that they left in, one copy a batch; a large message is
//! kept as its one buffer, moved out of its flow. Whatever transforms a body (compression, a seal)
//! does so before it comes here, once.

use crate::engine::frame::{self, LEN_BYTES, MORE, SEQ, frame_len};
use std::collections::VecDeque;

/// Frames in one buffer, before the next is begun.
const RUN_BYTES: usize = 64 << 10;
/// Trimmed bytes that may stay in front of a buffer.
const SLACK_BYTES: usize = 8 << 10;

#[derive(Debug)]
enum Entry {
    /// Whole frames as they left, from `head` on.
    Frames { bytes: Vec<u8>, head: usize, count: u64 },
    /// A message that leaves in fragments, or in one frame.
    Message { flags: u8, bytes: Vec<u8> },
}

impl Entry {
    fn count(&self) -> u64 {
        match self {
            Self::Frames { count, .. } => *count,
            Self::Message { .. } => 1,
        }
    }
}

/// How messages are cut on the present link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub(crate) fragment_bytes: usize,
    pub(crate) batch_bytes: usize,
}

/// The sending side of the sequence.
#[derive(Debug)]
pub(crate) struct Replay {
    is_on: bool,
    bytes_max: usize,
    messages_max: u64,
    /// The number of the oldest message kept, and the one that the next will get.
    oldest: u64,
    next: u64,
    /// Everything before this number has its receipt, though some of it may have to be sent again.
    unheard: u64,
    kept: VecDeque<Entry>,
    /// Not sent on the present link yet, though on an earlier one; newer than all of `kept`.
    again: VecDeque<Entry>,
    /// How much of the front of `again` has left, and in which group.
    sent: usize,
    group: u64,
    frame_bytes: usize,
    message_bytes: usize,
    /// Of large messages that are on their way out, and will be kept.
    reserved_bytes: usize,
    /// Messages that were sent more than once, counted each time.
    resent: u64,
}

impl Replay {
    pub(crate) fn new(bytes_max: u32, messages_max: u32) -> Self {
        Self {
            is_on: false,
            bytes_max: bytes_max as usize,
            messages_max: u64::from(messages_max),
            oldest: 1,
            next: 1,
            unheard: 1,
            kept: VecDeque::new(),
            again: VecDeque::new(),
            sent: 0,
            group: 0,
            frame_bytes: 0,
            message_bytes: 0,
            reserved_bytes: 0,
            resent: 0,
        }
    }

    pub(crate) fn start(&mut self) {
        self.is_on = true;
    }

    /// The session is over: nothing will be sent again.
    pub(crate) fn stop(&mut self) {
        *self = Self { resent: self.resent, ..Self::new(0, 0) };
    }

    /// Messages that were sent more than once, counted each time.
    pub(crate) fn resent(&self) -> u64 {
        self.resent
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// The number of the oldest message that can be sent again.
    pub(crate) fn oldest(&self) -> u64 {
        self.oldest
    }

    /// The number that the next message will get.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Everything has its receipt.
    pub(crate) fn is_empty(&self) -> bool {
        self.oldest == self.next
    }

    /// Bytes of what is kept.
    pub(crate) fn bytes(&self) -> usize {
        self.frame_bytes + self.message_bytes
    }

    /// An earlier link's messages have to leave before anything new.
    pub(crate) fn is_behind(&self) -> bool {
        !self.again.is_empty()
    }

    fn has_place(&self, count: u64) -> bool {
        self.next - self.oldest + count <= self.messages_max
    }

    /// Whether so many small messages may leave. Large ones do not count against them: small
    /// messages must not wait for the receipt of a large one.
    pub(crate) fn fits(&self, bytes: usize, count: u64) -> bool {
        !self.is_on || (self.frame_bytes + bytes <= self.bytes_max && self.has_place(count))
    }

    /// Takes room for a large message that begins to leave. One above the bound goes alone.
    pub(crate) fn reserve(&mut self, bytes: usize) -> bool {
        let held = self.message_bytes + self.reserved_bytes;
        let fits = held == 0 || held + bytes <= self.bytes_max;
        if self.is_on && !(fits && self.has_place(1)) {
            return false;
        }
        self.reserved_bytes += bytes;
        true
    }

    /// Keeps `count` whole frames.
    pub(crate) fn push_frames(&mut self, frames: &[u8], count: u64) {
        self.next += count;
        self.frame_bytes += frames.len();
        append(&mut self.kept, frames, count);
    }

    /// Keeps a large message that has left, for which room was reserved.
    pub(crate) fn push_message(&mut self, flags: u8, bytes: Vec<u8>) {
        self.reserved_bytes -= bytes.len().min(self.reserved_bytes);
        if !self.is_on {
            return;
        }
        self.next += 1;
        self.message_bytes += bytes.len();
        self.kept.push_back(Entry::Message { flags, bytes });
    }

    /// The peer has taken everything up to this number. `None` when it cannot have; else whether
    /// that is news: it says more than before, or frees what was kept. What is still to be sent
    /// again stays, though the peer may have had it over an earlier link: it counts what comes over
    /// this one, and a gap would give all that follows another's number.
    pub(crate) fn receipt(&mut self, upto: u64) -> Option<bool> {
        if upto >= self.next {
            return None;
        }
        let (is_more, oldest) = (upto >= self.unheard, self.oldest);
        self.unheard = self.unheard.max(upto + 1);
        while self.oldest <= upto && self.drop_oldest(upto, false) {}
        Some(is_more || self.oldest > oldest)
    }

    /// Another link is there, and its peer counts from this number on: nothing before it is sent.
    pub(crate) fn begin(&mut self, rx_next: u64) {
        debug_assert!(self.sent == 0, "nothing has left over this link");
        while self.oldest < rx_next && self.drop_oldest(rx_next - 1, true) {}
    }

    /// Drops from the oldest entry that was sent over the present link, or that is to be, what has
    /// its receipt. False when there is none.
    fn drop_oldest(&mut self, upto: u64, is_unsent: bool) -> bool {
        let queue = if is_unsent { &mut self.again } else { &mut self.kept };
        if queue.iter().all(|entry| entry.count() == 0) {
            return false;
        }
        let is_last = queue.len() == 1;
        let Some(entry) = queue.front_mut() else { return false };
        let count = entry.count().min(upto + 1 - self.oldest);
        self.oldest += count;
        match entry {
            Entry::Message { bytes, .. } => self.message_bytes -= bytes.len(),
            Entry::Frames { bytes, head, count: held } => {
                let from = *head;
                if count == *held {
                    *head = bytes.len();
                } else {
                    (0..count).for_each(|_| *head += frame_len(&bytes[*head..]));
                }
                *held -= count;
                self.frame_bytes -= *head - from;
                if *held > 0 {
                    if *head > SLACK_BYTES && *head * 2 > bytes.len() {
                        bytes.drain(..*head);
                        *head = 0;
                    }
                    return true;
                }
                if is_last && !is_unsent {
                    // The buffer serves the next batch.
                    bytes.clear();
                    *head = 0;
                    return true;
                }
            }
        }
        queue.pop_front();
        true
    }

    /// The link is gone: everything that has no receipt will be sent again, half-sent messages
    /// whole.
    pub(crate) fn rewind(&mut self) {
        self.kept.append(&mut self.again);
        std::mem::swap(&mut self.kept, &mut self.again);
        self.again.retain(|entry| entry.count() > 0);
        self.sent = 0;
        self.reserved_bytes = 0;
    }

    /// Appends what is to be sent again, in order and with its numbers, for one batch.
    pub(crate) fn put_again(&mut self, out: &mut Vec<u8>, cut: Cut, groups: &mut u64) {
        let mut seq = self.next - self.again.iter().map(Entry::count).sum::<u64>();
        while out.len() < cut.batch_bytes {
            match self.again.front_mut() {
                None => return,
                Some(Entry::Frames { bytes, head, count }) => {
                    let from = *head;
                    let mut done = 0;
                    while done < *count && out.len() < cut.batch_bytes {
                        let len = frame_len(&bytes[*head..]);
                        let frame = &bytes[*head + LEN_BYTES..*head + len];
                        frame::put_numbered(out, frame[0], seq + done, &frame[1..]);
                        *head += len;
                        done += 1;
                    }
                    append(&mut self.kept, &bytes[from..*head], done);
                    seq += done;
                    self.resent += done;
                    *count -= done;
                    if *count == 0 {
                        self.again.pop_front();
                    }
                }
                Some(Entry::Message { flags, bytes }) => {
                    if bytes.len() <= cut.fragment_bytes {
                        frame::put_numbered(out, *flags, seq, bytes);
                    } else {
                        if self.sent == 0 {
                            *groups += 1;
                            self.group = *groups;
                        }
                        let end = bytes.len().min(self.sent + cut.fragment_bytes);
                        let part = &bytes[self.sent..end];
                        if end < bytes.len() {
                            frame::put_fragment(out, *flags | MORE, self.group, part);
                            self.sent = end;
                            continue;
                        }
                        frame::put_last_fragment(out, *flags | SEQ, (seq, self.group), part);
                        self.sent = 0;
                    }
                    self.kept.extend(self.again.pop_front());
                    self.resent += 1;
                    seq += 1;
                }
            }
        }
    }

    /// Gives back what a burst left behind.
    pub(crate) fn shrink(&mut self) {
        if self.is_empty() {
            self.kept = VecDeque::new();
        }
    }
}

/// Keeps `more` whole frames behind those that are kept.
fn append(kept: &mut VecDeque<Entry>, frames: &[u8], more: u64) {
    if let Some(Entry::Frames { bytes, count, .. }) = kept.back_mut()
        && bytes.len() < RUN_BYTES
    {
        bytes.extend_from_slice(frames);
        *count += more;
        return;
    }
    kept.push_back(Entry::Frames { bytes: frames.to_vec(), head: 0, count: more });
}

#[cfg(test)]
mod tests {
    use super::Replay;

    /// `[L4.calm.1]`: a peer that says again what it has said is charged for it, also while that is
    /// still to be sent again.
    #[test]
    fn a_receipt_is_news_once() {
        let mut replay = Replay::new(1 << 20, 100);
        replay.start();
        replay.push_frames(&[0, 0, 0, 1, 0].repeat(3), 3);
        replay.rewind();
        replay.begin(1);
        assert_eq!(replay.receipt(2), Some(true));
        assert_eq!(replay.receipt(2), Some(false));
        assert_eq!(replay.receipt(3), Some(true));
        assert_eq!(replay.receipt(3), Some(false));
        assert_eq!(replay.receipt(4), None, "it was never sent");
        assert!(replay.is_behind());
    }
}
