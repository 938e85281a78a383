//! What the application wants. Commands never block: what cannot be done now is
//! [`Refusal::Blocked`], and [`Event::Writable`](crate::engine::event::Event::Writable) (for items
//! of a stream, `StreamWritable`) says when to try again.

use crate::engine::Engine;
use crate::engine::event::{Delivered, PublishOptions, Refusal, Request, SubscribeOptions};
use crate::engine::message::envelope::{Outgoing, TARGET_BYTES_MAX};
use crate::engine::message::kind::Kind;
use crate::engine::message::meta::MetaOut;
use crate::engine::message::user::user_status;
use crate::engine::outbox::PUBLISH_FLOW;
use crate::engine::pattern::pubsub::is_well_formed;
use crate::engine::pattern::rpc::too_large_status;
use crate::engine::pattern::stream::Opening;
use crate::engine::pattern::{credit_cost, deadline_status};
use crate::engine::session::auth::{Credential, Identity};
use crate::engine::session::handshake::HelloBody;
use crate::engine::session::phase::Phase;
use crate::engine::time::Time;
use crate::engine::{Handshake, Role};
use crate::error::{Code, Status};
use bytes::Bytes;

/// The flow of what gets its id only after it was admitted: nothing waits in it, unless the peer
/// made that id up, to its own harm.
const NEW_FLOW: u64 = u64::MAX;
/// An envelope without target, meta of the user and payload, generously.
const HEAD_BYTES: usize = 128;

impl Engine {
    // ---- the handshake

    /// Whether this offer still waits for its decision. A link that is lost, or time that is over,
    /// ends that; and what was decided about one offer must not welcome the next.
    pub fn is_asking(&self, offer: u64) -> bool {
        matches!(self.handshake, Handshake::AwaitDecision { offer: asked, .. } if asked == offer)
    }

    /// Answers [`Event::Authenticate`](crate::engine::event::Event::Authenticate): welcome.
    pub fn accept(&mut self, now: Time, identity: Identity) {
        self.advance(now);
        if let Handshake::AwaitDecision { .. } = self.handshake
            && let Handshake::AwaitDecision { offer, body } =
                std::mem::replace(&mut self.handshake, Handshake::Done)
        {
            self.next_identity = Some(identity);
            if self.phase != Phase::Handshaking {
                return self.answer_again(offer, body);
            }
            if self.is_sealed() {
                self.take_identity();
                self.put_hello_bytes(0, offer, None);
                return self.ready(&body);
            }
            let (id, mut answer, body) = self.answer(body);
            answer.resume = self.agree_on_resume(&body);
            self.put_answer((offer, body), id, answer);
        }
    }

    /// The answer to a dialer that authenticates again: nothing but who it is changes.
    fn answer_again(&mut self, offer: u64, body: Box<HelloBody>) {
        let mut answer = HelloBody::of(&self.config.limits, self.config.peer.clone());
        answer.session = Some(self.session);
        answer.numbered_keys &= body.numbered_keys;
        let id = self.mint();
        self.put_answer((offer, body), id, answer);
        self.handshake_deadline = None;
    }

    fn put_answer(&mut self, asked: (u64, Box<HelloBody>), id: u64, mut answer: HelloBody) {
        let (offer, body) = asked;
        answer.nonce = if body.nonce.is_some() { self.transcript.draw() } else { None };
        self.put_answered(id, offer, &answer);
        self.handshake = Handshake::AwaitConfirm { offer, answer: id, body };
    }

    /// Answers [`Event::Authenticate`](crate::engine::event::Event::Authenticate): no. A session
    /// that was not ready is over; one that was goes on as it is.
    pub fn refuse(&mut self, now: Time, status: &Status) {
        self.advance(now);
        if let Handshake::AwaitDecision { offer, .. } = self.handshake {
            self.put_refusal(offer, status);
            if self.phase == Phase::Handshaking {
                return self.finish(Some(status));
            }
            self.handshake = Handshake::Done;
            self.handshake_deadline = None;
        }
    }

    /// As a dialer: presents another credential, and drops nothing.
    /// [`Event::Reauthenticated`](crate::engine::event::Event::Reauthenticated) says what came of
    /// it.
    ///
    /// # Errors
    /// The session is not ready, is not ours to authenticate, or an offer has no answer yet.
    pub fn reauthenticate(&mut self, now: Time, credential: Credential) -> Result<(), Status> {
        self.advance(now);
        if self.role != Role::Dialer {
            let text = "only the side that dialed presents credentials";
            return Err(Status::new(Code::FailedPrecondition, text));
        }
        if self.phase != Phase::Ready {
            let text = "the session is not open: reconnect with the new credential";
            return Err(Status::new(Code::Unavailable, text));
        }
        if !matches!(self.handshake, Handshake::Done) {
            let text = "an earlier credential has no answer yet: wait for it";
            return Err(Status::new(Code::FailedPrecondition, text));
        }
        self.config.credential = credential;
        self.offer_again();
        Ok(())
    }

    // ---- calls

    /// Calls the peer; [`Event::Response`](crate::engine::event::Event::Response) brings the
    /// outcome, once.
    ///
    /// # Errors
    /// `Blocked` when the outbox is full or the peer's `calls_max` is reached.
    pub fn call(&mut self, now: Time, request: &Request<'_>) -> Result<u64, Refusal> {
        self.advance(now);
        self.admit(NEW_FLOW, request)?;
        if !self.has_call_place() {
            return self.wait_for_slot();
        }
        let id = self.mint();
        let message = self.request(Kind::Call, id, request)?;
        let mark = self.fx.out.put(id, &message);
        self.calls.opened(id, request.deadline, mark);
        Ok(id)
    }

    /// Tells the peer something that nobody answers: at most once, and dropped by a peer that has
    /// too many handlers running.
    ///
    /// # Errors
    /// `Blocked` when the outbox is full.
    pub fn notify(&mut self, now: Time, request: &Request<'_>) -> Result<(), Refusal> {
        self.advance(now);
        self.admit(PUBLISH_FLOW, request)?;
        let message = self.request(Kind::Call, 0, request)?;
        self.fx.out.put(PUBLISH_FLOW, &message);
        Ok(())
    }

    /// Answers a call. Ignored when the call is gone.
    pub fn respond(&mut self, now: Time, id: u64, outcome: Result<&[u8], &Status>) {
        self.advance(now);
        if self.calls.respond(id, outcome, &mut self.fx) {
            self.budget.earn();
        }
        self.check_outbox();
        self.check_drained();
    }

    /// The handler of a notification ended.
    pub fn notification_ended(&mut self, now: Time) {
        self.advance(now);
        self.calls.notification_ended();
        self.check_drained();
    }

    /// Asks the callee of a call or stream of ours to stop; the outcome still comes, and may be a
    /// result.
    pub fn cancel(&mut self, now: Time, id: u64) {
        self.advance(now);
        if !self.calls.cancel(id, false, &mut self.fx) {
            self.streams.cancel(id, false, &mut self.fx);
        }
    }

    /// Like `cancel`, but the application hears no more of it: its future was dropped.
    pub fn abandon(&mut self, now: Time, id: u64) {
        self.advance(now);
        if !self.calls.cancel(id, true, &mut self.fx) {
            self.streams.cancel(id, true, &mut self.fx);
        }
        self.check_drained();
    }

    // ---- streams

    /// Opens a stream. With `half_closed` we send no items. `credit` is what the callee may send
    /// ahead of consumption, the session's initial credit by default.
    ///
    /// # Errors
    /// `Blocked` when the outbox is full or the peer's `streams_max` is reached.
    pub fn open_stream(
        &mut self,
        now: Time,
        request: &Request<'_>,
        half_closed: bool,
        credit: Option<u32>,
    ) -> Result<u64, Refusal> {
        self.advance(now);
        self.admit(NEW_FLOW, request)?;
        let window = u64::from(credit.unwrap_or(self.config.limits.initial_credit).max(1));
        if !self.has_stream_place() {
            return self.wait_for_slot();
        }
        if self.streams.committed(true) + window > self.config.limits.session_credit_max {
            return Err(credit_status().into());
        }
        let id = self.mint();
        let mut message = self.request(Kind::Stream, id, request)?;
        message.meta.end = half_closed;
        message.meta.credit = Some(window);
        let mark = self.fx.out.put(id, &message);
        let opening = Opening {
            ours: true,
            mark,
            deadline: request.deadline,
            opener_ended: half_closed,
            send_credit: u64::from(self.peer_limits.initial_credit),
            window,
            refused: false,
        };
        self.streams.opened(id, &opening);
        Ok(id)
    }

    /// Sends an item.
    ///
    /// # Errors
    /// `Blocked` without credit or room: `StreamWritable` follows. A status when our direction has
    /// ended or the opener cancelled.
    pub fn send_item(&mut self, now: Time, id: u64, payload: &[u8]) -> Result<(), Refusal> {
        self.advance(now);
        let size = payload.len() + HEAD_BYTES;
        let writable = self.has_room(id, size);
        let sent = self.streams.send_item(id, payload, writable, &mut self.fx);
        match &sent {
            Ok(()) => self.budget.earn(),
            Err(Refusal::Blocked) if !writable => self.want(id, size),
            Err(_) => {}
        }
        sent
    }

    /// Ends our direction. As the callee it is final, and may carry the result.
    pub fn end_stream(&mut self, now: Time, id: u64, outcome: Result<Option<&[u8]>, &Status>) {
        self.advance(now);
        if self.streams.end(id, outcome, &mut self.fx) {
            self.budget.earn();
        }
        self.slot_freed();
        self.check_outbox();
        self.check_drained();
    }

    /// The application took an item or event of `bytes` payload bytes of a stream or of a
    /// subscription of ours; the peer may send as much again.
    pub fn consumed(&mut self, now: Time, id: u64, bytes: usize) {
        self.consumed_cost(now, id, credit_cost(bytes));
    }

    /// Like `consumed`, for several at once: the sum of their
    /// [`credit_cost`].
    pub fn consumed_cost(&mut self, now: Time, id: u64, cost: u64) {
        self.advance(now);
        if !self.streams.consumed(id, cost, &mut self.fx) {
            self.subscriptions.consumed(id, cost, &mut self.fx);
        }
    }

    // ---- topics

    /// Asks for the events of a pattern; `Granted` or `SubscriptionEnd` answers.
    ///
    /// # Errors
    /// `Blocked` when the outbox is full; a status for a malformed pattern.
    pub fn subscribe(
        &mut self,
        now: Time,
        pattern: &str,
        options: &SubscribeOptions,
    ) -> Result<u64, Refusal> {
        self.advance(now);
        if !is_well_formed(pattern, true) || pattern.len() > TARGET_BYTES_MAX {
            return Err(pattern_status(pattern).into());
        }
        let group = options.group.as_deref();
        if group.is_some_and(|group| group.is_empty() || group.len() > TARGET_BYTES_MAX)
            || options.credit.is_some_and(|credit| credit > i32::MAX as u32)
        {
            let text = "a group is 1 to 512 bytes, and credit at most 2^31";
            return Err(Status::new(Code::InvalidArgument, text).into());
        }
        self.admit_new(NEW_FLOW, HEAD_BYTES + 2 * TARGET_BYTES_MAX)?;
        if self.subscriptions.outbound_len() >= self.peer_limits.subscriptions_max as usize {
            let text = "the peer takes no more subscriptions: end one, or use a wildcard";
            return Err(Status::new(Code::ResourceExhausted, text).into());
        }
        let window = u64::from(options.credit.unwrap_or(self.config.limits.initial_credit).max(1));
        let id = self.mint();
        let mut message = Outgoing::new(Kind::Subscribe);
        message.id = id;
        message.target = pattern;
        message.meta.credit = Some(window);
        message.meta.group = group;
        message.meta.overflow = options.overflow as u8;
        self.fx.out.put(id, &message);
        self.subscriptions.asked(id, pattern, window);
        Ok(id)
    }

    /// Gives up a subscription of ours; `SubscriptionEnd` follows.
    pub fn unsubscribe(&mut self, now: Time, id: u64) {
        self.advance(now);
        self.subscriptions.unsubscribe(id, &mut self.fx);
    }

    /// Grants a subscription of the peer's.
    pub fn grant(&mut self, now: Time, id: u64) {
        self.advance(now);
        self.subscriptions.grant(id, &mut self.fx);
        self.flush_subscriptions();
    }

    /// Refuses a subscription of the peer's.
    pub fn refuse_subscription(&mut self, now: Time, id: u64, status: &Status) {
        self.end_subscription(now, id, status);
    }

    /// Ends a subscription of the peer's.
    pub fn end_subscription(&mut self, now: Time, id: u64, status: &Status) {
        self.advance(now);
        self.subscriptions.end(id, Some(status), &mut self.fx);
    }

    /// Publishes at the peer, at most once.
    ///
    /// # Errors
    /// `Blocked` when the outbox is full; a status for a malformed topic.
    pub fn publish(
        &mut self,
        now: Time,
        topic: &str,
        payload: &[u8],
        options: &PublishOptions,
    ) -> Result<(), Refusal> {
        self.advance(now);
        if !is_well_formed(topic, false) || topic.len() > TARGET_BYTES_MAX {
            return Err(topic_status(topic).into());
        }
        options.meta.check()?;
        let size = HEAD_BYTES + topic.len() + payload.len() + options.meta.wire_len();
        self.admit_new(PUBLISH_FLOW, size)?;
        let mut message = Outgoing::new(Kind::Event);
        message.target = topic;
        message.payload = Some(payload);
        message.meta.retain = options.retain;
        message.meta.carried = Some(&options.meta);
        self.check_size(&message)?;
        self.fx.out.put(PUBLISH_FLOW, &message);
        Ok(())
    }

    /// Brings an event to a subscription of the peer's, by its rights, its credit and its policy.
    /// One with `retain` is a topic's value.
    pub fn deliver(
        &mut self,
        now: Time,
        id: u64,
        topic: &str,
        payload: &Bytes,
        options: &PublishOptions,
    ) -> Delivered {
        self.advance(now);
        if !self.identity.rights.may_subscribe(topic) {
            return Delivered::Dropped;
        }
        let size = HEAD_BYTES + topic.len() + payload.len() + options.meta.wire_len();
        let writable = self.has_room(id, size);
        let event = (payload, options);
        let (delivered, sent) =
            self.subscriptions.deliver(id, topic, event, writable, &mut self.fx);
        if sent && !options.retain {
            self.budget.earn();
        }
        delivered
    }

    // ---- the session

    /// Asks for a sign of life; `Pong` brings the same number. A newer ping replaces an older one.
    pub fn ping(&mut self, now: Time) -> u64 {
        self.advance(now);
        let id = self.mint();
        if self.phase == Phase::Ready {
            let mut message = Outgoing::new(Kind::Ack);
            message.id = id;
            // In its turn: its id must not come before smaller ones.
            self.fx.out.put_now(&message);
            self.heartbeat.ping = Some(id);
        }
        id
    }

    /// Says goodbye. Without a status what is open may finish, for `drain_timeout`; with one
    /// everything ends now.
    pub fn close(&mut self, now: Time, status: Option<&Status>) {
        self.advance(now);
        match (self.phase, status) {
            (Phase::Closed, _) => {}
            (_, Some(status)) => self.abort(status),
            (Phase::Ready | Phase::Draining, None) => self.goodbye(),
            (Phase::Detached, None) => self.leave_detached(),
            (_, None) => self.finish(None),
        }
    }

    pub(super) fn goodbye(&mut self) {
        if self.phase == Phase::Ready {
            self.phase = Phase::Draining;
            self.drain_deadline = Some(self.now + self.config.limits.drain_timeout);
            self.fx.emit(crate::engine::event::Event::Draining);
        }
        self.goodbye_due = !self.goodbye_sent;
        self.say_goodbye();
        self.check_drained();
    }

    /// Whether an answer of so many bytes to the call or stream `id` may be given now; if not,
    /// [`Event::Writable`](crate::engine::event::Event::Writable) says when to ask again.
    pub fn want_room(&mut self, id: u64, bytes: usize) -> bool {
        let has_room = self.has_room(id, bytes + HEAD_BYTES);
        if !has_room {
            self.want(id, bytes + HEAD_BYTES);
        }
        has_room
    }

    /// Whether the peer takes another call of ours.
    #[must_use]
    pub fn has_call_place(&self) -> bool {
        self.calls.outbound_len() < self.peer_limits.calls_max as usize
    }

    /// Whether the peer takes another stream of ours.
    #[must_use]
    pub fn has_stream_place(&self) -> bool {
        self.streams.outbound_len() < self.peer_limits.streams_max as usize
    }

    /// Asks for [`Event::Writable`](crate::engine::event::Event::Writable) when a place of either
    /// kind becomes free.
    pub fn want_place(&mut self) {
        self.wants_slot = true;
    }

    // ---- inside

    pub(super) fn has_room(&self, flow: u64, size: usize) -> bool {
        self.fx.out.has_room(self.config.limits.outbox_soft_bytes as usize, flow, size)
    }

    /// `Writable` is to follow when such a message has room.
    fn want(&mut self, flow: u64, size: usize) {
        if self.fx.out.is_small(flow, size) {
            self.wants_small_room = true;
        } else {
            self.wants_room = true;
        }
    }

    fn admit_new(&mut self, flow: u64, size: usize) -> Result<(), Refusal> {
        let is_open =
            self.phase == Phase::Ready || (self.phase == Phase::Detached && !self.is_draining());
        if !is_open {
            let text = "the session is not open: reconnect, then send it again";
            return Err(Status::new(Code::Unavailable, text).into());
        }
        if self.has_room(flow, size) {
            return Ok(());
        }
        self.want(flow, size);
        Err(Refusal::Blocked)
    }

    fn admit(&mut self, flow: u64, request: &Request<'_>) -> Result<(), Refusal> {
        let target = request.target;
        if target.is_empty() || target.len() > TARGET_BYTES_MAX {
            let text = format!("the target `{target}` must be 1 to {TARGET_BYTES_MAX} bytes");
            return Err(Status::new(Code::InvalidArgument, text).into());
        }
        let is_known = matches!(self.phase, Phase::Ready | Phase::Detached);
        if !self.identity.rights.may_serve(target) && is_known {
            let text = format!("[L4.rights.4] the peer's identity may not serve `{target}`");
            return Err(Status::new(Code::PermissionDenied, text).into());
        }
        if request.deadline.is_some_and(|deadline| deadline <= self.now) {
            return Err(deadline_status().into());
        }
        if !MetaOut::user_is_valid(request.user_meta) {
            return Err(user_status().into());
        }
        let meta: usize =
            request.user_meta.iter().map(|(key, value)| key.len() + value.len() + 10).sum();
        let size = HEAD_BYTES + target.len() + request.payload.map_or(0, <[u8]>::len) + meta;
        self.admit_new(flow, size)
    }

    fn wait_for_slot<T>(&mut self) -> Result<T, Refusal> {
        self.wants_slot = true;
        Err(Refusal::Blocked)
    }

    fn request<'a>(
        &self,
        kind: Kind,
        id: u64,
        request: &Request<'a>,
    ) -> Result<Outgoing<'a>, Refusal> {
        let mut message = Outgoing::new(kind);
        message.id = id;
        message.target = request.target;
        message.payload = request.payload;
        message.meta.hops = request.hops;
        message.meta.idempotency_key = request.idempotency_key;
        message.meta.user = request.user_meta;
        message.meta.deadline_ms = request.deadline.map(|deadline| {
            let left = deadline.since(self.now).as_millis();
            // Rounded down, so that it shrinks over hops; a deadline that has not passed must not
            // read as passed.
            u64::try_from(left).unwrap_or(u64::MAX).max(1)
        });
        self.check_size(&message)?;
        Ok(message)
    }

    fn check_size(&self, message: &Outgoing<'_>) -> Result<(), Refusal> {
        if self.fx.out.fits(message) {
            return Ok(());
        }
        Err(too_large_status(self.fx.out.message_bytes_max()).into())
    }

    /// A call or stream of ours ended: whoever waits for its place may try.
    pub(super) fn slot_freed(&mut self) {
        if std::mem::take(&mut self.wants_slot) {
            self.fx.emit(crate::engine::event::Event::Writable);
        }
    }

    pub(super) fn check_outbox(&mut self) {
        let max = self.config.limits.outbox_bytes_max as usize;
        if self.fx.out.bytes() > max && self.phase != Phase::Closed {
            self.fail(crate::engine::violation::Violation::OutboxFull);
        }
    }

    /// The role of this engine.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }
}

pub(super) fn credit_status() -> Status {
    let text = "[L4.bound.1] open streams hold all credit of the session: end some, or open with less credit";
    Status::new(Code::ResourceExhausted, text)
}

fn pattern_status(pattern: &str) -> Status {
    let text = format!(
        "[L3.target.2] `{pattern}` is no topic pattern: use 1 to 16 segments joined by dots, `*` for \
         one segment, `>` last for the rest"
    );
    Status::new(Code::InvalidArgument, text)
}

fn topic_status(topic: &str) -> Status {
    let text = format!(
        "[L3.target.2] `{topic}` is no topic: use 1 to 16 segments joined by dots, without * or >"
    );
    Status::new(Code::InvalidArgument, text)
}
