//! What comes from the peer: from bytes to the tables.

mod hello;
mod topics;
mod work;

use crate::engine::event::{Event, Text};
use crate::engine::frame::{self, CODEC, Frame, VOLATILE};
use crate::engine::items::share;
use crate::engine::message::Form;
use crate::engine::message::envelope::{Bare, Envelope, is_volatile};
use crate::engine::message::kind::Kind;
use crate::engine::message::meta::Meta;
use crate::engine::session::phase::Phase;
use crate::engine::session::receipts::Numbered;
use crate::engine::time::Time;
use crate::engine::violation::Violation;
use crate::engine::{Engine, Role};
use crate::error::Status;
use crate::id::Id;
use bytes::{Bytes, BytesMut};
use std::time::Duration;

/// One message and the bytes that its slices share.
pub(super) struct Received<'a> {
    owner: &'a Bytes,
    envelope: Envelope<'a>,
    /// It came in fragments, so others may have overtaken it.
    grouped: bool,
}

impl Received<'_> {
    pub(super) fn payload(&self) -> Option<Bytes> {
        self.envelope.payload.map(|payload| self.slice(payload))
    }

    fn slice(&self, part: &[u8]) -> Bytes {
        share(self.owner, part)
    }

    pub(super) fn target(&self) -> Text {
        let text = self.envelope.target.unwrap_or_default();
        Text::new(self.slice(text.as_bytes())).unwrap_or_else(|| Text::from(""))
    }

    pub(super) fn meta(&self) -> Meta {
        let view = &self.envelope.meta;
        let raw = if view.user.is_empty() { Bytes::new() } else { self.slice(view.raw) };
        Meta::new(raw, u32::try_from(view.hops).unwrap_or(u32::MAX), view.idempotency_key)
    }

    pub(super) fn error(&self) -> Option<Status> {
        self.envelope.error.map(|error| error.status())
    }
}

/// How much to handle before others get their turn.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// At most this many frames.
    pub frames: usize,
    /// No further frame behind this many bytes.
    pub bytes: usize,
}

impl Turn {
    fn is_over(self) -> bool {
        self.frames == 0 || self.bytes == 0
    }
}

impl Engine {
    /// Takes all whole frames from the front of `bytes`, and leaves the rest. A broken rule ends
    /// the session: the goodbye waits in the outbox, and `Closed` in the events.
    pub fn handle_bytes(&mut self, now: Time, bytes: &mut BytesMut) {
        self.handle_turn(now, bytes, Turn { frames: usize::MAX, bytes: usize::MAX });
    }

    /// As `handle_bytes`, but ends early with this many frames or bytes; true when there may be more.
    pub fn handle_turn(&mut self, now: Time, bytes: &mut BytesMut, mut left: Turn) -> bool {
        self.advance(now);
        if self.phase == Phase::Idle || !self.has_link() {
            bytes.clear();
            return false;
        }
        if !self.is_sealed() {
            self.heartbeat.heard(self.now);
        }
        let arrived = bytes.len().saturating_sub(self.partial_bytes);
        let continued = self.partial_bytes > 0;
        while self.phase != Phase::Closed && self.has_link() && !left.is_over() {
            let done = match self.next_frames(bytes, &mut left) {
                Ok(Some(frames)) => self.handle_frames(&frames),
                Ok(None) => break,
                Err(violation) => Err(violation),
            };
            if let Err(violation) = done {
                self.fail(violation);
            }
        }
        let is_done = self.phase == Phase::Closed || !self.has_link();
        if is_done && !self.handed_over {
            bytes.clear();
            self.opened = BytesMut::new();
        }
        self.partial_bytes = bytes.len();
        if continued || self.partial_bytes > 0 {
            // Only what is new: a drip behind half a frame does not count the half again.
            self.received_bytes += arrived as u64;
        }
        self.check_outbox();
        left.is_over() && (self.partial_bytes > 0 || !self.opened.is_empty())
    }

    /// Whole frames, from the front of `bytes` or of the record there.
    fn next_frames(
        &mut self,
        bytes: &mut BytesMut,
        left: &mut Turn,
    ) -> Result<Option<Bytes>, Violation> {
        if !self.is_sealed() {
            let whole = self.whole_frames(bytes, left)?;
            return Ok((whole > 0).then(|| bytes.split_to(whole).freeze()));
        }
        while self.opened.is_empty() {
            if !self.open_record(bytes)? {
                return Ok(None);
            }
        }
        let mut opened = std::mem::take(&mut self.opened);
        let whole = self.whole_frames(&opened, left)?;
        let frames = opened.split_to(whole).freeze();
        if !opened.is_empty() {
            // An empty one, too, would hold on to the reader's buffer.
            self.opened = opened;
        }
        Ok(Some(frames))
    }

    fn has_begun(&self) -> bool {
        matches!(self.phase, Phase::Ready | Phase::Draining)
    }

    /// The length of the frame at the front, if it is all there.
    pub(super) fn whole_frame(&self, bytes: &[u8]) -> Result<Option<usize>, Violation> {
        let limits = &self.config.limits;
        if self.has_begun() {
            return frame::whole_len(bytes, limits.frame_bytes_max);
        }
        let whole = frame::whole_len(bytes, limits.preauth_frame_bytes_max);
        whole.map_err(|violation| match violation {
            Violation::FrameTooLong => Violation::FrameTooEarly,
            violation => violation,
        })
    }

    /// Bytes of the whole frames at the front. Before the session is ready one frame at a time, since
    /// its limit changes with the handshake.
    ///
    /// # Errors
    /// The first frame breaks a rule. (A later one does when it is the first.)
    fn whole_frames(&self, bytes: &[u8], left: &mut Turn) -> Result<usize, Violation> {
        let mut whole = 0;
        loop {
            match self.whole_frame(&bytes[whole..]) {
                Ok(Some(len)) => {
                    whole += len;
                    left.frames -= 1;
                    left.bytes = left.bytes.saturating_sub(len);
                }
                Err(violation) if whole == 0 => return Err(violation),
                Ok(None) | Err(_) => return Ok(whole),
            }
            if !self.has_begun() || left.is_over() {
                return Ok(whole);
            }
        }
    }

    fn handle_frames(&mut self, frames: &Bytes) -> Result<(), Violation> {
        let mut rest = &frames[..];
        while let Some((len, after)) = rest.split_first_chunk::<{ frame::LEN_BYTES }>() {
            let (body, next) = after.split_at(u32::from_be_bytes(*len) as usize);
            rest = next;
            let frame = self.decode_frame(body)?;
            match frame.group {
                None => self.handle_whole(frames, frame.body, &frame)?,
                Some(_) if self.is_handshaking() => return Err(Violation::GroupEarly),
                Some(group) => {
                    self.received_bytes += frame.body.len() as u64;
                    if let Some(message) = self.assembler.take(&frame, group)? {
                        self.handle_whole(&message, &message, &frame)?;
                    }
                }
            }
            if self.phase == Phase::Closed || !self.has_link() {
                break;
            }
        }
        Ok(())
    }

    /// A message that is all there with this frame.
    fn handle_whole(
        &mut self,
        owner: &Bytes,
        body: &[u8],
        frame: &Frame<'_>,
    ) -> Result<(), Violation> {
        if frame.flags & VOLATILE == 0 && self.is_resumable() {
            if self.is_handshaking() {
                // Whoever says goodbye has not proved that the session is its own to end.
                let refusal = abort(body).ok_or(Violation::PhaseEarly)?;
                self.detach(refusal);
                return Ok(());
            }
            if self.receipts.is_fresh()
                && let Some(refusal) = abort(body)
                && self.is_refused_by(&refusal)
            {
                self.detach(refusal);
                return Ok(());
            }
            match self.receipts.take(self.now, frame.seq, body.len())? {
                Numbered::New if self.phase == Phase::Draining => self.receipts.hurry(),
                Numbered::New => {}
                // What is sent again is numbered: this is an abort in the middle of that.
                Numbered::Again if frame.seq.is_none() => {
                    abort(body).iter().for_each(|status| self.finish(Some(status)));
                    return Ok(());
                }
                Numbered::Again => return Ok(()),
                Numbered::Stale => return self.budget.charge(self.now),
            }
        }
        let grouped = frame.group.is_some();
        if frame.flags & CODEC == 0 {
            return self.handle_message(owner, body, frame.flags, grouped);
        }
        let message = Bytes::from(self.unpack(frame.flags, body)?);
        self.handle_message(&message, &message, frame.flags & !CODEC, grouped)
    }

    fn handle_message(
        &mut self,
        owner: &Bytes,
        body: &[u8],
        flags: u8,
        grouped: bool,
    ) -> Result<(), Violation> {
        if flags & VOLATILE == 0
            && !self.is_handshaking()
            && let Some(bare) = Bare::read(body)
            && self.handle_bare(owner, &bare)?
        {
            return Ok(());
        }
        let envelope = Envelope::decode(body)?;
        let (kind, has_reference) = (envelope.kind, envelope.reference.is_some());
        let delivers = kind == Kind::Event && has_reference && self.is_resumable();
        let volatile = is_volatile(kind, has_reference, envelope.meta.qos) && !delivers;
        if volatile != (flags & VOLATILE != 0) {
            return Err(Violation::FrameVolatile);
        }
        let form = Form::of(&envelope)?;
        let received = Received { owner, envelope, grouped };
        if self.is_handshaking() {
            return self.handle_hello(form, &received);
        }
        match form {
            Form::Request | Form::Notification => self.handle_request(&received),
            Form::Response => self.handle_response(&received),
            Form::Open => self.handle_open(&received),
            Form::Item | Form::End => self.handle_item(form, &received),
            Form::Ask => self.handle_ask(&received),
            Form::Granted | Form::Over => self.handle_granted(form, &received),
            Form::Publish => self.handle_publish(&received),
            Form::Deliver => self.handle_delivery(&received),
            Form::Heartbeat => self.handle_receipt(received.envelope.meta.receipt),
            Form::Ping => self.handle_ping(&received),
            Form::Pong => self.handle_pong(&received),
            Form::Credit => self.handle_credit(&received),
            Form::Goodbye => self.handle_goodbye(&received),
            Form::Cancel => self.handle_cancel(&received),
            Form::Offer | Form::Answer | Form::Confirm => self.handle_rehello(form, &received),
        }
    }

    /// A response or item with nothing but its payload: what most messages are. False when nothing
    /// of ours is meant, which the general way sorts out.
    fn handle_bare(&mut self, owner: &Bytes, bare: &Bare<'_>) -> Result<bool, Violation> {
        let id = bare.reference;
        match bare.kind {
            Kind::Call if self.calls.is_outbound(id) => {
                self.calls.answered(id, Ok(share(owner, bare.payload)), &mut self.fx);
                self.slot_freed();
                self.check_drained();
            }
            Kind::Stream if self.streams.is_ours(id).is_some() => {
                self.streams.item(id, owner, bare.payload, &mut self.fx)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    // ---- ids

    /// The id of a message that opens something: of the sender's parity, and new.
    pub(super) fn take_remote_id(&mut self, received: &Received<'_>) -> Result<u64, Violation> {
        let id = received.envelope.id.and_then(Id::session).ok_or(Violation::IdGlobal)?;
        if self.is_local(id) {
            return Err(Violation::IdParity);
        }
        // What came in fragments was minted before some that came whole.
        let live = self.calls.is_inbound(id)
            || self.streams.is_ours(id).is_some()
            || self.subscriptions.is_ours(id).is_some();
        if live || (id <= self.highest_remote_id && !received.grouped) {
            return Err(Violation::IdOrder);
        }
        self.highest_remote_id = self.highest_remote_id.max(id);
        Ok(id)
    }

    pub(super) fn is_local(&self, id: u64) -> bool {
        (id % 2 == 1) == (self.role == Role::Dialer)
    }

    /// A ref to nothing that is open: something that has ended, or that never was.
    pub(super) fn stray(&mut self, reference: Option<Id>) -> Result<(), Violation> {
        let existed = reference.and_then(Id::session).is_some_and(|id| {
            if self.is_local(id) { id < self.next_id } else { id <= self.highest_remote_id }
        });
        if existed {
            self.budget.charge(self.now)
        } else {
            self.budget.charge_unknown_ref(self.now)
        }
    }

    pub(super) fn reference(received: &Received<'_>) -> u64 {
        // Global ids name nothing in this version; 0 is never open.
        received.envelope.reference.and_then(Id::session).unwrap_or(0)
    }

    pub(super) fn deadline(&self, received: &Received<'_>) -> Option<Time> {
        let left = received.envelope.meta.deadline_ms?;
        Some(self.now + Duration::from_millis(left))
    }

    // ---- the session

    fn handle_ping(&mut self, received: &Received<'_>) -> Result<(), Violation> {
        let id = self.take_remote_id(received)?;
        self.heartbeat.pong_due = Some(id);
        self.budget.charge(self.now)
    }

    fn handle_pong(&mut self, received: &Received<'_>) -> Result<(), Violation> {
        let id = Self::reference(received);
        if self.heartbeat.ping == Some(id) {
            self.heartbeat.ping = None;
            self.fx.emit(Event::Pong { id });
            return Ok(());
        }
        self.not_open(id, received)
    }

    fn handle_goodbye(&mut self, received: &Received<'_>) -> Result<(), Violation> {
        if let Some(status) = received.error() {
            self.finish(Some(&status));
            return Ok(());
        }
        if self.phase == Phase::Handshaking {
            self.finish(None);
            return Ok(());
        }
        if std::mem::replace(&mut self.goodbye_heard, true) {
            return self.budget.charge(self.now);
        }
        self.goodbye();
        Ok(())
    }
}

/// The error of a message that is a goodbye with one.
pub(super) fn abort(body: &[u8]) -> Option<Status> {
    let envelope = Envelope::decode(body).ok()?;
    let is_goodbye = Form::of(&envelope) == Ok(Form::Goodbye);
    envelope.error.filter(|_| is_goodbye).map(|error| error.status())
}
