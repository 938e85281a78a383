//! One direction of the link, and a listener on the wire who trusts neither side.

use super::rng::Rng;
use crate::engine::frame;
use crate::engine::message::Form;
use crate::engine::message::envelope::Envelope;
use crate::engine::time::Time;
use crate::engine::wire::compress::{Codec, Contexts};
use crate::id::Id;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Bytes under way, in pieces that have nothing to do with frames.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    pieces: VecDeque<(Time, Vec<u8>)>,
    last_arrival: Time,
    stalled_until: Time,
    room: usize,
    latency_micros: u64,
    /// The sender has closed: when the pieces are through, the link is down.
    pub(super) closed: bool,
}

impl Pipe {
    /// Of a link that takes little at once, or much.
    pub(super) fn new(rng: &mut Rng) -> Self {
        let room_max = if rng.chance(40) { 3_000 } else { 200_000 };
        let room = rng.range(1_000, room_max) as usize;
        Self { room, latency_micros: rng.range(2, 20_000), ..Self::default() }
    }

    /// Takes all that a side may have to say.
    pub(super) fn widen(&mut self) {
        self.room = 1 << 20;
    }

    pub(super) fn bytes(&self) -> usize {
        self.pieces.iter().map(|(_, piece)| piece.len()).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        self.bytes() < self.room
    }

    /// Cuts the bytes anywhere and sends the pieces on their way.
    pub(super) fn send(&mut self, now: Time, mut bytes: &[u8], rng: &mut Rng) {
        let cuts = rng.below(4);
        for left in (0..=cuts).rev() {
            let cut =
                if left == 0 { bytes.len() } else { rng.below(bytes.len() as u64 + 1) as usize };
            let (piece, rest) = bytes.split_at(cut);
            bytes = rest;
            if piece.is_empty() {
                continue;
            }
            let delay = Duration::from_micros(rng.range(1, self.latency_micros));
            self.last_arrival = self.last_arrival.max(now + delay).max(self.stalled_until);
            self.pieces.push_back((self.last_arrival, piece.to_vec()));
        }
    }

    /// Nothing arrives until then.
    pub(super) fn stall(&mut self, until: Time) {
        self.stalled_until = until;
        for (arrival, _) in &mut self.pieces {
            *arrival = (*arrival).max(until);
        }
        self.last_arrival = self.last_arrival.max(until);
    }

    /// What is under way takes its time, in small pieces.
    pub(super) fn drag(&mut self, now: Time, rng: &mut Rng) {
        let longest = if rng.chance(70) { 12_000 } else { 60_000 };
        let pause_max = rng.range(1, longest);
        self.last_arrival = self.last_arrival.max(now);
        for (_, piece) in std::mem::take(&mut self.pieces) {
            for part in piece.chunks(rng.range(400, 9_000) as usize) {
                self.last_arrival =
                    self.last_arrival + Duration::from_micros(rng.range(1, pause_max));
                self.pieces.push_back((self.last_arrival, part.to_vec()));
            }
        }
    }

    /// All that is under way is there.
    pub(super) fn hasten(&mut self, now: Time) {
        self.pieces.iter_mut().for_each(|(arrival, _)| *arrival = now);
        self.last_arrival = now;
    }

    pub(super) fn next_arrival(&self) -> Option<Time> {
        self.pieces.front().map(|(arrival, _)| *arrival)
    }

    /// Some of what has arrived, in one.
    pub(super) fn receive(&mut self, now: Time, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.next_arrival().is_some_and(|arrival| arrival <= now) {
            bytes.extend(self.pieces.pop_front().expect("there is a front").1);
            if rng.chance(30) {
                break;
            }
        }
        bytes
    }

    /// The link breaks: what is under way is lost, but for a piece that the system had taken.
    pub(super) fn cut(&mut self, rng: &mut Rng) -> Vec<u8> {
        let mut kept = Vec::new();
        while rng.chance(40)
            && let Some((_, piece)) = self.pieces.pop_front()
        {
            kept.extend(piece);
        }
        self.pieces.clear();
        kept
    }
}

/// Aborts come when they like, and nothing comes after them.
fn is_abort(body: &[u8]) -> bool {
    let envelope = Envelope::decode(body).expect("a well-formed envelope");
    Form::of(&envelope) == Ok(Form::Goodbye) && envelope.error.is_some()
}

/// Reads along on one direction and checks what holds for every sender.
#[derive(Debug, Default)]
pub(super) struct Sniffer {
    groups: BTreeMap<u64, Vec<u8>>,
    last_group: u64,
    /// What was opened here, completely.
    pub(super) opened: BTreeSet<u64>,
    /// Directions of streams that were ended here.
    ended: BTreeSet<u64>,
    answered: BTreeSet<u64>,
    said_goodbye: bool,
    /// Credit that was granted since somebody looked.
    pub(super) grants: Vec<(u64, u64)>,
    pub(super) hash: u64,
    /// Messages of the sequence, each by its hash, and the number of the next on this link.
    sequence: Vec<u64>,
    position: usize,
    /// The session can be resumed.
    pub(super) is_numbered: bool,
    /// Messages that were sent again.
    pub(super) again: u64,
}

impl Sniffer {
    /// What the link carries, sealed or not.
    pub(super) fn count(&mut self, mut bytes: &[u8], max: u32) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        while !bytes.is_empty() {
            let whole = frame::whole_len(bytes, max).expect("the sender keeps to the limit");
            bytes = &bytes[whole.expect("a batch holds whole frames")..];
        }
    }

    /// `max` is the receiver's limit of a frame, `groups_max` that of open groups.
    pub(super) fn read(&mut self, mut bytes: &[u8], max: u32, groups_max: u32) {
        while !bytes.is_empty() {
            let whole = frame::whole_len(bytes, max)
                .expect("the sender keeps to the frame limit")
                .expect("a batch holds whole frames");
            let (frame, rest) = bytes.split_at(whole);
            bytes = rest;
            let numbered = if self.is_numbered { frame::SEQ } else { 0 };
            let allowed = numbered | frame::CODEC;
            let frame = frame::decode_with(&frame[frame::LEN_BYTES..], allowed)
                .expect("a well-formed frame");
            let Some(group) = frame.group else {
                self.whole(frame.body, frame.flags, frame.seq);
                continue;
            };
            if !self.groups.contains_key(&group) {
                assert!(group > self.last_group, "group ids rise");
                self.last_group = group;
            }
            let message = self.groups.entry(group).or_default();
            message.extend_from_slice(frame.body);
            if frame.flags & frame::MORE == 0 {
                let message = self.groups.remove(&group).expect("it was filled just now");
                self.whole(&message, frame.flags, frame.seq);
            }
            assert!(self.groups.len() <= groups_max as usize, "too many groups are open");
        }
    }

    /// Another link: what follows is numbered, or comes behind everything.
    pub(super) fn relink(&mut self) {
        self.groups.clear();
        self.last_group = 0;
        self.position = self.sequence.len();
    }

    /// What is sent again is the same, byte for byte, and was counted before.
    fn whole(&mut self, body: &[u8], flags: u8, seq: Option<u64>) {
        if flags & frame::VOLATILE != 0 || !self.is_numbered {
            return self.packed(flags, body);
        }
        let hash = body.iter().fold(u64::from(flags & frame::CODEC), |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let at = seq.map_or(self.position, |seq| seq as usize - 1);
        assert!(at <= self.sequence.len(), "a number was left out");
        self.position = at + 1;
        if let Some(sent) = self.sequence.get(at) {
            if seq.is_none() && is_abort(body) {
                return;
            }
            assert!(seq.is_some(), "sent again without its number");
            assert_eq!(*sent, hash, "message {} was another the first time", at + 1);
            self.again += 1;
            return;
        }
        self.sequence.push(hash);
        self.packed(flags, body);
    }

    fn packed(&mut self, flags: u8, body: &[u8]) {
        match Codec::from_number(u64::from(flags & frame::CODEC)) {
            None => self.message(body),
            Some(codec) => {
                let message = Contexts::default().decompress(codec, body, 1 << 20);
                self.message(&message.expect("a message"));
            }
        }
    }

    fn message(&mut self, body: &[u8]) {
        let envelope = Envelope::decode(body).expect("a well-formed envelope");
        let form = Form::of(&envelope).expect("the fields of its form");
        let id = envelope.id.and_then(Id::session).unwrap_or(0);
        let reference = envelope.reference.and_then(Id::session).unwrap_or(0);
        match form {
            Form::Request | Form::Open | Form::Ask => {
                assert!(!self.said_goodbye, "{id} is opened after the goodbye");
                assert!(self.opened.insert(id), "{id} is opened twice");
                if form == Form::Open && envelope.meta.end {
                    self.ended.insert(id);
                }
            }
            Form::Cancel => assert!(
                self.opened.contains(&reference),
                "the CANCEL of {reference} comes before what it cancels"
            ),
            Form::Response => {
                assert!(self.answered.insert(reference), "{reference} is answered twice");
            }
            Form::Item => {
                assert!(!self.ended.contains(&reference), "an item of {reference} after its end");
            }
            Form::End => assert!(self.ended.insert(reference), "{reference} ended twice"),
            Form::Credit => {
                self.grants.push((reference, envelope.meta.credit.expect("credit has bytes")));
            }
            Form::Goodbye => self.said_goodbye = true,
            _ => {}
        }
    }
}
