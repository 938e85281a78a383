//! The engine, and what its events mean to those who wait.

use crate::engine::Engine;
use crate::engine::event::{Event, PublishOptions, SubscribeOptions, Text};
use crate::engine::message::meta::Meta;
use crate::engine::session::auth::{Credential, Identity};
use crate::engine::session::handshake::PeerInfo;
use crate::engine::session::phase::Phase;
use crate::engine::session::resume::Attachment;
use crate::engine::time::Time;
use crate::error::{Code, Origin, Status};
use crate::peer::book::{Book, Job, StreamId, StreamSlot, Subscription};
use crate::peer::context::ContextInner;
use crate::peer::job::Duty;
use crate::peer::queue::Arrived;
use crate::peer::router::Outcome;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;
use tokio::sync::oneshot;

/// Everything under a session's one lock.
#[derive(Default)]
pub(crate) struct Core {
    /// None between links.
    pub(crate) engine: Option<Engine>,
    pub(crate) book: Book,
    /// The engine has said `Closed`: only the writer still has work.
    pub(crate) is_over: bool,
    /// The writer sleeps, and wants to be rung.
    pub(crate) writer_sleeps: bool,
    /// The timeout that the timer waits for.
    pub(crate) armed: Option<Time>,
    /// A lost link is followed by another.
    pub(crate) reconnects: bool,
    /// No more links are wanted.
    pub(crate) is_closing: bool,
    /// The session was ready once, over whatever link.
    was_ready: bool,
    /// The present or last link came as far as that.
    pub(crate) link_was_ready: bool,
    /// Counts the links.
    pub(crate) link: u64,
    /// The engine has given up the present link, and waits for another.
    is_detached: bool,
    /// The present link belongs to another session.
    handover: Option<Attachment>,
    /// Who presents that link, as far as it was asked.
    pub(crate) judged: Option<Identity>,
}

/// How a link ended.
#[expect(clippy::large_enum_variant, reason = "one a link")]
pub(crate) enum LinkEnd {
    Over,
    Superseded,
    Detached,
    Handover(Attachment, Option<Identity>),
}

/// What an authenticator is asked about.
#[derive(Clone, Copy)]
pub(crate) enum Asks {
    /// A new session, or a live one that authenticates again.
    Session { offer: u64, seal_key: Option<[u8; 32]> },
    /// One that is to go on.
    Resume([u8; 16]),
}

/// What must be done after unlocking, in this order.
pub(crate) enum Later {
    Answer(oneshot::Sender<Result<Bytes, Status>>, Result<Bytes, Status>),
    Wake(Waker),
    Writable,
    Call(InboundCall),
    Stream(InboundStream),
    Cancel(Arc<ContextInner>, Status),
    /// A call that was cancelled before its handler started.
    Unstarted(u64, Status),
    Authenticate(Credential, PeerInfo, Asks),
    Subscribe(u64, Text, SubscribeOptions),
    Unsubscribed(u64),
    Publish(Text, Bytes, PublishOptions),
    Granted(oneshot::Sender<Result<(), Status>>, Result<(), Status>),
    Pong(oneshot::Sender<()>),
    Resume([u8; 16], Option<Credential>, PeerInfo),
    Ready(PeerInfo),
    Identified(Identity),
    Reauthenticated(oneshot::Sender<Result<(), Status>>, Result<(), Status>),
    Detached(Status),
    Resumed,
    Handover,
    Draining,
    /// Over, and whether another link is to follow.
    Closed(Option<Status>, bool),
    Abort(Vec<Job>),
}

/// A call or notification of the peer's.
pub(crate) struct InboundCall {
    pub(crate) id: Option<u64>,
    pub(crate) target: Text,
    pub(crate) payload: Option<Bytes>,
    pub(crate) meta: Meta,
    pub(crate) deadline: Option<Time>,
}

/// A stream that the peer opened.
pub(crate) struct InboundStream {
    pub(crate) id: StreamId,
    pub(crate) target: Text,
    pub(crate) payload: Option<Bytes>,
    pub(crate) meta: Meta,
    pub(crate) deadline: Option<Time>,
    pub(crate) half_closed: bool,
}

/// Who writes what a command put into the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ring {
    /// The writer's task, with whatever else is put there in this turn.
    Writer,
    /// Whoever runs the command will flush.
    No,
    /// Whoever runs the command if it was the only call in flight: there is nothing to share a
    /// write with. Else the writer's task.
    Alone,
}

/// So much is worth a write of its own: the other side works on it while this side makes more.
const FLUSH_BYTES: usize = 32 << 10;

/// Who has to be rung after unlocking.
#[derive(Default)]
pub(crate) struct Rings {
    pub(crate) writer: bool,
    /// Flush here and now.
    pub(crate) flush: bool,
    pub(crate) timer: bool,
}

impl Core {
    /// A new link's engine.
    pub(crate) fn start(&mut self, engine: Engine) {
        self.book.epoch = self.book.epoch.wrapping_add(1);
        self.engine = Some(engine);
        self.is_over = false;
        self.writer_sleeps = false;
        self.armed = None;
        self.link_was_ready = false;
    }

    /// Another link is there.
    pub(crate) fn relink(&mut self) -> u64 {
        self.link += 1;
        self.is_detached = false;
        self.writer_sleeps = false;
        self.link
    }

    /// The engine still cares for what this link brings.
    pub(crate) fn is_linked(&self, link: u64) -> bool {
        self.link == link && !self.is_detached && self.handover.is_none() && !self.has_ended()
    }

    /// Why it does not.
    pub(crate) fn link_end(&mut self, link: u64) -> LinkEnd {
        if self.link != link {
            return LinkEnd::Superseded;
        }
        match self.handover.take() {
            Some(attachment) => LinkEnd::Handover(attachment, self.judged.take()),
            None if self.is_detached && !self.has_ended() => LinkEnd::Detached,
            None => LinkEnd::Over,
        }
    }

    /// The session waits for another link.
    pub(crate) fn is_detached(&self) -> bool {
        self.is_detached && !self.has_ended()
    }

    /// No engine, or one that has said `Closed`.
    pub(crate) fn has_ended(&self) -> bool {
        self.is_over || self.engine.is_none()
    }

    /// Answers from the front of `answers`, and forgets what the answered held. True when the rest
    /// must wait for `Writable`.
    pub(crate) fn answer(
        &mut self,
        now: Time,
        answers: &mut Vec<(Duty, Outcome)>,
        later: &mut Vec<Later>,
    ) -> bool {
        let Some(engine) = self.engine.as_mut() else {
            answers.clear();
            return false;
        };
        let mut done = 0;
        for (duty, outcome) in answers.iter() {
            let has_room = match duty {
                Duty::Call(id) | Duty::Stream(id) => engine.want_room(*id, answer_bytes(outcome)),
                Duty::Notification => true,
            };
            if !has_room {
                break;
            }
            done += 1;
            match duty {
                Duty::Call(id) => {
                    let outcome =
                        outcome.as_ref().map(|bytes| bytes.as_deref().unwrap_or_default());
                    engine.respond(now, *id, outcome);
                }
                Duty::Stream(id) => {
                    // Either half may have outlived the handler, in a task of its own.
                    if let Some(mut slot) = self.book.streams.remove(&self.book.stream_id(*id)) {
                        later.extend(slot.reader.take().map(Later::Wake));
                        later.extend(slot.take_writers().into_iter().map(Later::Wake));
                    }
                    engine.end_stream(now, *id, outcome.as_ref().map(|bytes| bytes.as_deref()));
                }
                Duty::Notification => engine.notification_ended(now),
            }
            if let (Duty::Call(id) | Duty::Stream(id), false) =
                (duty, self.book.cancelled_early.is_empty() && self.book.keyed.is_empty())
            {
                self.book.cancelled_early.remove(id);
                self.book.keyed.remove(id);
            }
        }
        answers.drain(..done);
        !answers.is_empty()
    }

    /// Takes note of started tasks; gives back those whose session is over, to be ended.
    pub(crate) fn register(
        &mut self,
        epoch: u32,
        jobs: impl IntoIterator<Item = (u64, Job)>,
    ) -> Vec<Job> {
        let is_late = self.has_ended() || self.book.epoch != epoch;
        let mut late = Vec::new();
        for (key, job) in jobs {
            if is_late {
                late.push(job);
            } else if !job.has_ended.load(Ordering::Relaxed) {
                self.book.jobs.insert(key, job);
            }
        }
        late
    }

    /// As `settle`, after a command that sets no timer: with nothing to tell, nothing is looked at.
    pub(crate) fn settle_quickly(&mut self, later: &mut Vec<Later>) -> Rings {
        match &self.engine {
            Some(engine) if !engine.has_events() => {
                let flush = engine.ready_bytes() >= FLUSH_BYTES;
                let writer = !flush && self.writer_sleeps && engine.has_output();
                self.writer_sleeps &= !writer && !flush;
                Rings { writer, flush, ..Rings::default() }
            }
            _ => self.settle(later, Ring::Writer),
        }
    }

    /// Takes the engine's events, and says who has to be rung.
    pub(crate) fn settle(&mut self, later: &mut Vec<Later>, ring: Ring) -> Rings {
        let Some(engine) = self.engine.as_mut() else { return Rings::default() };
        while let Some(event) = engine.poll_event() {
            match &event {
                Event::Closed { .. } => self.is_over = true,
                Event::Ready { .. } => (self.was_ready, self.link_was_ready) = (true, true),
                Event::Detached { .. } => self.is_detached = true,
                Event::Handover { attachment } => self.handover = Some(attachment.clone()),
                _ => {}
            }
            // What a lost link ends waits for the next one, if there will be one.
            let is_lost = engine.phase() == Phase::Closed;
            let keeps = is_lost && self.reconnects && self.was_ready && !self.is_closing;
            self.book.on_event(event, keeps, later);
        }
        // Whoever takes a session up says so at once.
        self.link_was_ready |= engine.is_heard();
        let mut rings = Rings::default();
        if ring != Ring::No && self.writer_sleeps && (self.is_over || engine.has_output()) {
            self.writer_sleeps = false;
            rings.flush = ring == Ring::Alone && self.book.calls.len() == 1;
            rings.writer = !rings.flush;
        }
        if ring != Ring::No && engine.ready_bytes() >= FLUSH_BYTES {
            self.writer_sleeps = false;
            rings = Rings { flush: true, ..Rings::default() };
        }
        if let Some(next) = engine.poll_timeout()
            && self.armed.is_none_or(|armed| next < armed)
        {
            self.armed = Some(next);
            rings.timer = true;
        }
        rings
    }
}

impl Book {
    fn on_event(&mut self, event: Event, keeps_subscriptions: bool, later: &mut Vec<Later>) {
        match event {
            Event::Response { id, outcome } => {
                if let Some(waiter) = self.calls.remove(&id) {
                    later.push(Later::Answer(waiter, outcome));
                }
            }
            Event::Call { id, target, payload, meta, deadline } => {
                later.push(Later::Call(InboundCall { id, target, payload, meta, deadline }));
            }
            Event::Stream { id, target, payload, meta, deadline, half_closed } => {
                let id = self.stream_id(id);
                self.streams.insert(id, StreamSlot::default());
                let stream = InboundStream { id, target, payload, meta, deadline, half_closed };
                later.push(Later::Stream(stream));
            }
            Event::Cancelled { id, status } => self.on_cancelled(id, status, later),
            Event::Items { id, items } => {
                let stream = self.stream_id(id);
                if let Some(slot) = self.streams.get_mut(&stream).filter(|slot| !slot.is_unread) {
                    slot.items.push_back(items);
                    later.extend(slot.reader.take().map(Later::Wake));
                }
            }
            Event::StreamEnd { id, outcome } => self.on_stream_end(id, outcome, later),
            Event::StreamWritable { id } => {
                if let Some(slot) = self.streams.get_mut(&self.stream_id(id)) {
                    later.extend(slot.take_writers().into_iter().map(Later::Wake));
                }
            }
            Event::Subscribe { id, pattern, options } => {
                later.push(Later::Subscribe(id, pattern, options));
            }
            Event::Unsubscribed { id } => later.push(Later::Unsubscribed(id)),
            Event::Granted { id } => self.on_granted(id, later),
            Event::SubscriptionEnd { id, status } => {
                self.on_subscription_end(id, status, keeps_subscriptions, later);
            }
            Event::Delivery { id, topic, payload, dropped, retained, meta } => {
                let arrived = Arrived { topic, payload, dropped, retained, meta };
                self.on_delivery(id, arrived, later);
            }
            Event::Publish { topic, payload, options } => {
                later.push(Later::Publish(topic, payload, options));
            }
            Event::Pong { id } => self.on_pong(id, later),
            Event::Writable => later.push(Later::Writable),
            Event::Authenticate { offer, credential, peer, seal_key } => {
                let asks = Asks::Session { offer, seal_key };
                later.push(Later::Authenticate(credential, peer, asks));
            }
            Event::Resume { session, credential, peer, sealed } => {
                later.push(Later::Resume(session, (!sealed).then_some(credential), peer));
            }
            Event::Handover { .. } => later.push(Later::Handover),
            Event::Detached { reason } => {
                // Their answers went with the link.
                self.pings.clear();
                later.push(Later::Detached(reason));
            }
            Event::Resumed => later.push(Later::Resumed),
            Event::Ready { peer } => later.push(Later::Ready(peer)),
            Event::Identified { identity } => later.push(Later::Identified(identity)),
            Event::Reauthenticated { outcome } => {
                let waiter = self.reauthenticating.take();
                later.extend(waiter.map(|waiter| Later::Reauthenticated(waiter, outcome)));
            }
            Event::Draining => later.push(Later::Draining),
            Event::Closed { reason } => self.on_closed(reason, keeps_subscriptions, later),
        }
    }

    fn on_cancelled(&mut self, id: u64, status: Status, later: &mut Vec<Later>) {
        if let Some(context) = self.jobs.get(&id).and_then(|job| job.context.as_ref()) {
            later.push(Later::Cancel(Arc::clone(context), status));
            return;
        }
        if self.keyed.remove(&id) {
            // The handler runs on, for other attempts: this one waits no more.
            later.push(Later::Unstarted(id, status));
            return;
        }
        // Called and cancelled in one read: it need not start at all.
        let fresh = later
            .iter_mut()
            .rev()
            .find(|other| matches!(other, Later::Call(call) if call.id == Some(id)));
        match fresh {
            Some(call) => *call = Later::Unstarted(id, status),
            None => {
                self.cancelled_early.insert(id, status);
            }
        }
    }

    fn on_stream_end(
        &mut self,
        id: u64,
        outcome: Result<Option<Bytes>, Status>,
        later: &mut Vec<Later>,
    ) {
        let stream = self.stream_id(id);
        let Some(slot) = self.streams.get_mut(&stream) else { return };
        later.extend(slot.take_writers().into_iter().map(Later::Wake));
        later.extend(slot.reader.take().map(Later::Wake));
        slot.end = Some(outcome);
        if slot.is_unread {
            self.streams.remove(&stream);
        }
    }

    /// The newest ping is answered, and with it those before.
    fn on_pong(&mut self, id: u64, later: &mut Vec<Later>) {
        let (answered, rest) = self.pings.drain(..).partition(|(ping, _)| *ping <= id);
        self.pings = rest;
        let answered: Vec<(u64, oneshot::Sender<()>)> = answered;
        later.extend(answered.into_iter().map(|(_, waiter)| Later::Pong(waiter)));
    }

    fn on_granted(&mut self, id: u64, later: &mut Vec<Later>) {
        let key = self.subscription_keys.get(&id);
        if let Some(sub) = key.and_then(|key| self.subscriptions.get_mut(key)) {
            later.extend(sub.granted.take().map(|waiter| Later::Granted(waiter, Ok(()))));
        }
    }

    fn on_subscription_end(
        &mut self,
        id: u64,
        status: Option<Status>,
        keeps_subscriptions: bool,
        later: &mut Vec<Later>,
    ) {
        let Some(key) = self.subscription_keys.remove(&id) else { return };
        let Some(sub) = self.subscriptions.get_mut(&key) else { return };
        if keeps_subscriptions && sub.granted.is_none() {
            sub.id = None;
            return;
        }
        if let Some(sub) = self.subscriptions.remove(&key) {
            end_subscription(sub, status, later);
        }
    }

    fn on_delivery(&self, id: u64, arrived: Arrived, later: &mut Vec<Later>) {
        let key = self.subscription_keys.get(&id);
        if let Some(sub) = key.and_then(|key| self.subscriptions.get(key)) {
            later.extend(sub.queue.push(arrived).map(Later::Wake));
        }
    }

    /// The engine has ended everything it knew of by now; what is left never reached it.
    fn on_closed(
        &mut self,
        reason: Option<Status>,
        keeps_subscriptions: bool,
        later: &mut Vec<Later>,
    ) {
        let lost = || {
            let status = Status::new(Code::Unavailable, "the session is over: connect again");
            reason.clone().unwrap_or_else(|| status.with_origin(Origin::Link))
        };
        for (_, waiter) in self.calls.drain() {
            later.push(Later::Answer(waiter, Err(lost())));
        }
        // Whoever waits for it finds the link gone.
        self.reauthenticating = None;
        for slot in self.streams.values_mut() {
            slot.end.get_or_insert_with(|| Err(lost()));
            later.extend(slot.take_writers().into_iter().map(Later::Wake));
            later.extend(slot.reader.take().map(Later::Wake));
        }
        self.streams.retain(|_, slot| !slot.is_unread);
        self.subscription_keys.clear();
        if keeps_subscriptions {
            self.subscriptions.values_mut().for_each(|sub| sub.id = None);
        } else {
            for (_, sub) in self.subscriptions.drain() {
                end_subscription(sub, reason.clone(), later);
            }
        }
        self.pings.clear();
        self.cancelled_early.clear();
        self.keyed.clear();
        later.push(Later::Abort(self.jobs.drain().map(|(_, job)| job).collect()));
        later.push(Later::Closed(reason, keeps_subscriptions));
    }

    /// Ends what was kept for a link that will not come.
    pub(crate) fn end_subscriptions(&mut self, status: Option<&Status>, later: &mut Vec<Later>) {
        for (_, sub) in self.subscriptions.drain() {
            end_subscription(sub, status.cloned(), later);
        }
    }
}

/// About how large an answer is on the wire.
pub(crate) fn answer_bytes(outcome: &Outcome) -> usize {
    match outcome {
        Ok(payload) => payload.as_ref().map_or(0, Vec::len),
        Err(status) => status.message().len() + status.details().map_or(0, Bytes::len),
    }
}

fn end_subscription(sub: Subscription, status: Option<Status>, later: &mut Vec<Later>) {
    if let Some(waiter) = sub.granted {
        let message = "the subscription ended before it was granted";
        let status = status.clone().unwrap_or_else(|| Status::new(Code::Cancelled, message));
        later.push(Later::Granted(waiter, Err(status)));
    }
    later.extend(sub.queue.end(status).map(Later::Wake));
}
