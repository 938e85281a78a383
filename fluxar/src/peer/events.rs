//! Subscriptions, from the subscriber's side.

use crate::engine::event::{Overflow, Refusal, SubscribeOptions};
use crate::engine::message::user::UserMeta;
use crate::engine::pattern::credit_cost;
use crate::error::{Code, Status};
use crate::payload;
use crate::peer::Peer;
use crate::peer::book::Subscription;
use crate::peer::node::{CreditLease, NodeInner};
use crate::peer::queue::{Arrived, EventQueue, cost};
use crate::peer::shared::{Attempt, Shared};
use bytes::Bytes;
use futures_core::Stream;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use tokio::sync::{oneshot, watch};

/// Consumed events are reported at the latest when they sum up to this share of the credit.
const REPORT_SHARE: u64 = 4;

/// One event.
#[derive(Clone)]
pub struct Message {
    topic: Topic,
    payload: Bytes,
    dropped: u64,
    retained: bool,
    meta: UserMeta,
}

#[derive(Clone)]
enum Topic {
    /// The pattern is the topic.
    Pattern(Arc<str>),
    Named(crate::engine::event::Text),
}

impl Message {
    /// Where it was published.
    #[must_use]
    pub fn topic(&self) -> &str {
        match &self.topic {
            Topic::Pattern(pattern) => pattern,
            Topic::Named(topic) => topic.as_str(),
        }
    }

    /// Decodes what was published.
    ///
    /// # Errors
    /// `invalid_argument`, naming the place of what did not fit.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, Status> {
        payload::decode(&self.payload)
    }

    /// What was published, undecoded.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.payload
    }

    /// Events dropped on this subscription since the message before, since nobody took them in
    /// time.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The publisher's meta entry with this key.
    #[must_use]
    pub fn meta(&self, key: &str) -> Option<&str> {
        self.meta.get(key)
    }

    /// True for the topic's last value at the time of subscribing, as against something new.
    #[must_use]
    pub fn retained(&self) -> bool {
        self.retained
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("topic", &self.topic())
            .field("bytes", &self.payload.len())
            .field("dropped", &self.dropped)
            .field("retained", &self.retained)
            .finish()
    }
}

/// How to subscribe, beside the pattern.
#[derive(Clone, Debug, Default)]
pub struct SubscribeWith {
    pub(crate) options: SubscribeOptions,
}

impl SubscribeWith {
    /// The defaults: no group, the oldest events make room.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Shares the events with the other subscribers of this group: each goes to one of them.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.options.group = Some(name.into());
        self
    }

    /// What happens when this subscriber is too slow.
    #[must_use]
    pub fn overflow(mut self, policy: Overflow) -> Self {
        self.options.overflow = policy;
        self
    }

    /// Bytes of events that may be under way to this subscriber.
    #[must_use]
    pub fn credit(mut self, bytes: u32) -> Self {
        self.options.credit = Some(bytes);
        self
    }
}

enum Source {
    /// At the peer; the handle keeps the session.
    Remote { peer: Peer, key: u64, credit: u64, _lease: CreditLease },
    /// Within the node.
    Local { node: Arc<NodeInner>, id: u64 },
}

/// The events of one subscription, in order. Dropping it unsubscribes.
///
/// Not reading holds the publisher's side back; what happens to events then is up to the
/// [`Overflow`] policy, and [`Message::dropped`] counts what is missing.
pub struct Events {
    source: Source,
    pattern: Arc<str>,
    queue: Arc<EventQueue>,
    taken: VecDeque<Arrived>,
    unreported: u64,
    end: Option<Option<Status>>,
}

impl Events {
    pub(crate) fn local(
        node: &Arc<NodeInner>,
        pattern: &str,
        with: &SubscribeWith,
    ) -> Result<Self, Status> {
        let bytes_max = u64::from(node.limits.subscription_bytes_max);
        let group = with.options.group.as_deref();
        let (id, queue) = node.hub.subscribe_local(pattern, group, bytes_max)?;
        let source = Source::Local { node: Arc::clone(node), id };
        Ok(Self::new(source, pattern.into(), queue))
    }

    /// Subscribes at the peer, and waits until it has granted that.
    pub(crate) async fn remote(
        peer: &Peer,
        pattern: &str,
        with: SubscribeWith,
    ) -> Result<Self, Status> {
        let options = with.options;
        let credit = options.credit.unwrap_or(peer.shared.limits.initial_credit);
        // Within one link the credit bounds the queue, and what it may be overdrawn by. Each new
        // link gives credit anew, whatever waits here from the one before.
        let most = credit_cost(peer.shared.limits.message_bytes_max as usize);
        let queue = Arc::new(EventQueue::new(u64::from(credit).saturating_add(most)));
        let pattern: Arc<str> = pattern.into();
        let lease = peer.shared.node.lease_credit(credit)?;
        loop {
            let (waiter, granted) = oneshot::channel();
            let key = peer.shared.key();
            let asked = peer.shared.attempt(|engine, book, now| {
                let id = engine.subscribe(now, &pattern, &options)?;
                book.subscription_keys.insert(id, key);
                let subscription = Subscription {
                    pattern: Arc::clone(&pattern),
                    options: options.clone(),
                    id: Some(id),
                    queue: Arc::clone(&queue),
                    granted: Some(waiter),
                };
                book.subscriptions.insert(key, subscription);
                Ok(())
            })?;
            if let Attempt::Blocked(writable) = asked {
                writable.await;
                continue;
            }
            let credit = u64::from(credit);
            let source = Source::Remote { peer: peer.clone(), key, credit, _lease: lease };
            // Made before waiting, so that dropping this future unsubscribes.
            let events = Self::new(source, pattern, queue);
            return match granted.await {
                Ok(outcome) => outcome.map(|()| events),
                Err(_) => Err(Status::new(Code::Unavailable, "the session ended: connect again")),
            };
        }
    }

    fn new(source: Source, pattern: Arc<str>, queue: Arc<EventQueue>) -> Self {
        Self { source, pattern, queue, taken: VecDeque::new(), unreported: 0, end: None }
    }

    /// The next event; `None` when the subscription is over ([`Events::status`] says why).
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Message> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    /// Why the subscription is over: `None` while it is not, and when nobody is to blame.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        self.end.as_ref().and_then(Option::as_ref)
    }

    /// What was subscribed to.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        loop {
            if let Some(arrived) = self.taken.pop_front() {
                self.took(cost(&arrived));
                return Poll::Ready(Some(self.message(arrived)));
            }
            if self.end.is_some() {
                return Poll::Ready(None);
            }
            // Whoever keeps up with a publisher on another thread must let others run, too.
            let turn = ready!(tokio::task::coop::poll_proceed(cx));
            self.report();
            self.end = ready!(self.queue.poll_take(cx, &mut self.taken));
            turn.made_progress();
        }
    }

    fn message(&self, arrived: Arrived) -> Message {
        let Arrived { topic, payload, dropped, retained, meta } = arrived;
        let topic = match topic {
            Some(topic) => Topic::Named(topic),
            None => Topic::Pattern(Arc::clone(&self.pattern)),
        };
        Message { topic, payload, dropped, retained, meta }
    }

    fn took(&mut self, cost: u64) {
        self.unreported += cost;
        if let Source::Remote { credit, .. } = &self.source
            && self.unreported >= credit / REPORT_SHARE
        {
            self.report();
        }
    }

    /// Lets the peer send as much again.
    fn report(&mut self) {
        let cost = std::mem::take(&mut self.unreported);
        let Source::Remote { peer, key, .. } = &self.source else { return };
        if cost == 0 {
            return;
        }
        peer.shared.with(|core, now| {
            let id = core.book.subscriptions.get(key).and_then(|sub| sub.id);
            if let (Some(engine), Some(id)) = (core.engine.as_mut(), id) {
                engine.consumed_cost(now, id, cost);
            }
        });
    }
}

impl Stream for Events {
    type Item = Message;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.get_mut().poll(cx)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        match &self.source {
            Source::Local { node, id } => node.hub.unsubscribe_local(*id),
            Source::Remote { peer, key, .. } => peer.shared.with(|core, now| {
                let gone = core.book.subscriptions.remove(key);
                let id = gone.and_then(|sub| sub.id);
                if let (Some(engine), Some(id)) = (core.engine.as_mut(), id) {
                    engine.unsubscribe(now, id);
                }
            }),
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("pattern", &self.pattern).finish_non_exhaustive()
    }
}

/// Asks a new link for the subscriptions that the one before had. One that it cannot have ends.
pub(crate) async fn resubscribe(shared: &Arc<Shared>) {
    loop {
        let mut refused = Vec::new();
        let asked = shared.attempt(|engine, book, now| {
            let lost = book.subscriptions.iter().filter(|(_, sub)| sub.id.is_none());
            for key in lost.map(|(key, _)| *key).collect::<Vec<u64>>() {
                let Some(sub) = book.subscriptions.get_mut(&key) else { continue };
                match engine.subscribe(now, &sub.pattern, &sub.options) {
                    Ok(id) => {
                        sub.id = Some(id);
                        book.subscription_keys.insert(id, key);
                    }
                    Err(Refusal::Status(status)) if status.code() != Code::Unavailable => {
                        refused.extend(book.subscriptions.remove(&key).map(|sub| (sub, status)));
                    }
                    // No room yet, or the link is lost again: then there will be a next one.
                    Err(refusal) => return Err(refusal),
                }
            }
            Ok(())
        });
        for (sub, status) in refused {
            sub.queue.end(Some(status)).into_iter().for_each(Waker::wake);
        }
        match asked {
            Ok(Attempt::Blocked(writable)) => writable.await,
            Ok(Attempt::Done(())) => return,
            Err(status) => {
                tracing::debug!(target: "fluxar", %status, "cannot subscribe again");
                return;
            }
        }
    }
}

/// A subscription whose events go to a handler. Dropping this does not unsubscribe.
#[derive(Clone, Debug)]
pub struct SubscriptionHandle {
    stop: watch::Sender<bool>,
    ended: watch::Receiver<Option<Option<Status>>>,
}

impl SubscriptionHandle {
    /// Runs `handler` for each event, one after the other, in a task.
    pub(crate) fn start<F, Fut>(
        mut events: Events,
        runtime: &tokio::runtime::Handle,
        mut handler: F,
    ) -> Self
    where
        F: FnMut(Message) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let stop = watch::Sender::new(false);
        let mut stopped = stop.subscribe();
        let (tell, ended) = watch::channel(None);
        runtime.spawn(async move {
            loop {
                let message = tokio::select! {
                    biased;
                    Ok(_) = stopped.wait_for(|stop| *stop) => break,
                    message = events.next() => message,
                };
                let Some(message) = message else { break };
                run_handler(&mut handler, message).await;
            }
            let status = events.end.take().flatten();
            drop(events);
            tell.send_replace(Some(status));
        });
        Self { stop, ended }
    }

    /// Unsubscribes. The handler finishes the event that it is at.
    pub fn unsubscribe(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until the subscription is over, and says why unless it was asked for. Cancel safe.
    pub async fn closed(&self) -> Option<Status> {
        let mut ended = self.ended.clone();
        // An error says that the task was dropped with its runtime.
        ended.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone().flatten())
    }
}

/// A handler that panics loses this event, and gets the next.
async fn run_handler<F, Fut>(handler: &mut F, message: Message)
where
    F: FnMut(Message) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let topic = message.topic.clone();
    let started = std::panic::catch_unwind(AssertUnwindSafe(|| handler(message)));
    let finished = match started {
        Ok(running) => {
            use futures_util::FutureExt;
            AssertUnwindSafe(running).catch_unwind().await
        }
        Err(panic) => Err(panic),
    };
    if finished.is_err() {
        let topic = match &topic {
            Topic::Pattern(pattern) => pattern,
            Topic::Named(topic) => topic.as_str(),
        };
        tracing::error!(target: "fluxar", ?topic, "event handler panicked");
    }
}
