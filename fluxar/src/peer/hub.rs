//! Topics of one node: who has subscribed, over all of its sessions, and the retained values.

use crate::broker::{Broker, Retained, RetainedLimits, TopicError};
use crate::engine::event::{Delivered, PublishOptions, SubscribeOptions, Text};
use crate::engine::message::user::UserMeta;
use crate::error::{Code, Status};
use crate::peer::node::NodeInner;
use crate::peer::queue::{Arrived, EventQueue};
use crate::peer::shared::Shared;
use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// The session key of subscriptions within the node itself.
const LOCAL: u64 = 0;

/// A session's key and a subscription's id in it.
type Subscriber = (u64, u64);

/// Topic, payload, and what is said with it.
pub(crate) type Published = (Text, Bytes, PublishOptions);

#[derive(Default)]
pub(crate) struct Hub {
    inner: Mutex<Inner>,
}

struct Inner {
    broker: Broker<Subscriber>,
    retained: Retained<UserMeta>,
    of_session: FxHashMap<u64, FxHashSet<u64>>,
    local: FxHashMap<u64, Arc<EventQueue>>,
    next_local: u64,
    /// It was told that no more values are kept.
    told_full: bool,
    /// No local subscriptions any more.
    is_closed: bool,
    /// Reused between publications.
    found: Vec<Subscriber>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            broker: Broker::default(),
            retained: Retained::new(RetainedLimits::default()),
            of_session: FxHashMap::default(),
            local: FxHashMap::default(),
            next_local: 0,
            told_full: false,
            is_closed: false,
            found: Vec::new(),
        }
    }
}

impl Inner {
    fn subscribe(
        &mut self,
        session: u64,
        id: u64,
        pattern: &str,
        group: Option<&str>,
    ) -> Result<Vec<Published>, Status> {
        self.broker.subscribe((session, id), pattern, group)?;
        self.of_session.entry(session).or_default().insert(id);
        let mut values = Vec::new();
        // A group shares the stream of events; a value that lasts belongs to nobody's turn.
        if group.is_none() {
            let found = |topic: &str, value: &Bytes, meta: &UserMeta| {
                let options = PublishOptions { retain: true, meta: meta.clone() };
                values.push((Text::from(topic), value.clone(), options));
            };
            self.retained.matching(pattern, found)?;
        }
        Ok(values)
    }

    /// Keeps a value, or tells that there is no room for it. `[L5.retain.3]` It is told again when half
    /// of the room was free: a peer that is at the limit must not fill the log.
    fn keep(&mut self, topic: &str, payload: &[u8], meta: &UserMeta) -> Result<(), TopicError> {
        let kept = self.retained.set(topic, payload, meta.clone(), meta.wire_len());
        if let Err(error) = &kept
            && !std::mem::replace(&mut self.told_full, true)
        {
            tracing::warn!(target: "fluxar", %topic, %error, "a value was delivered and not kept");
        }
        self.told_full &= self.retained.is_half_full();
        kept
    }
}

#[cfg(all(test, feature = "testing"))]
impl Hub {
    /// Subscriptions that live.
    pub(crate) fn subscriptions(&self) -> usize {
        self.lock().broker.len()
    }

    /// The log has it already that no more values are kept.
    pub(crate) fn told_full(&self) -> bool {
        self.lock().told_full
    }
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a subscription, and gives the retained values that it starts with.
    fn subscribe(
        &self,
        session: u64,
        id: u64,
        pattern: &str,
        group: Option<&str>,
    ) -> Result<Vec<Published>, Status> {
        self.lock().subscribe(session, id, pattern, group)
    }

    fn unsubscribe(&self, session: u64, id: u64) {
        let mut inner = self.lock();
        inner.broker.unsubscribe(&(session, id));
        if let Some(ids) = inner.of_session.get_mut(&session) {
            ids.remove(&id);
            if ids.is_empty() {
                inner.of_session.remove(&session);
            }
        }
        if session == LOCAL {
            inner.local.remove(&id);
        }
    }

    pub(crate) fn forget_session(&self, session: u64) {
        let mut inner = self.lock();
        for id in inner.of_session.remove(&session).unwrap_or_default() {
            inner.broker.unsubscribe(&(session, id));
        }
    }

    /// Subscribes within the node.
    pub(crate) fn subscribe_local(
        &self,
        pattern: &str,
        group: Option<&str>,
        bytes_max: u64,
    ) -> Result<(u64, Arc<EventQueue>), Status> {
        let queue = Arc::new(EventQueue::new(bytes_max));
        // One lock for all of it, so that what is published from here on comes after the retained
        // values. A queue's lock is always the inner one.
        let mut inner = self.lock();
        if inner.is_closed {
            return Err(Status::new(Code::Unavailable, "this peer was shut down: make another"));
        }
        inner.next_local += 1;
        let id = inner.next_local;
        for (topic, payload, options) in inner.subscribe(LOCAL, id, pattern, group)? {
            let (topic, meta) = (Some(topic), options.meta);
            let arrived = Arrived { topic, payload, dropped: 0, retained: true, meta };
            // Nobody polls it yet.
            let _waker = queue.push(arrived);
        }
        inner.local.insert(id, Arc::clone(&queue));
        drop(inner);
        Ok((id, queue))
    }

    /// Ends the subscriptions within the node, and takes no more of them.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.is_closed = true;
        let ended: Vec<_> = inner.local.values().filter_map(|queue| queue.end(None)).collect();
        drop(inner);
        ended.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn unsubscribe_local(&self, id: u64) {
        self.unsubscribe(LOCAL, id);
    }

    /// Finds where each event goes: `(session, subscription, index of the event)`, and the local
    /// queues. What is no topic is left out.
    fn route(
        &self,
        events: &[Published],
        remote: &mut Vec<(u64, u64, usize)>,
        local: &mut Vec<(Arc<EventQueue>, usize)>,
    ) -> Result<(), Status> {
        let mut inner = self.lock();
        let mut outcome = Ok(());
        let mut found = std::mem::take(&mut inner.found);
        for (index, (topic, payload, options)) in events.iter().enumerate() {
            found.clear();
            let kept = match options.retain {
                true => inner.keep(topic.as_str(), payload, &options.meta),
                false => Ok(()),
            };
            let routed = inner.broker.publish(topic.as_str(), &mut found);
            if let Err(error) = kept.and(routed) {
                outcome = Err(error.into());
            }
            for (session, id) in found.drain(..) {
                match session {
                    LOCAL => local.extend(inner.local.get(&id).map(|q| (Arc::clone(q), index))),
                    _ => remote.push((session, id, index)),
                }
            }
        }
        inner.found = found;
        outcome
    }
}

impl NodeInner {
    /// Brings events to everybody who subscribed. One lock at a time: the hub's, then each
    /// session's once for all events.
    ///
    /// # Errors
    /// The last event that could not be routed or retained; the others are.
    pub(crate) fn publish(&self, events: &[Published]) -> Result<(), Status> {
        let mut remote = Vec::new();
        let mut local = Vec::new();
        let outcome = self.hub.route(events, &mut remote, &mut local);
        for (queue, index) in local {
            let (topic, payload, options) = &events[index];
            let (topic, payload, meta) = (topic.clone(), payload.clone(), options.meta.clone());
            let topic = Some(topic);
            let waker = queue.push(Arrived { topic, payload, dropped: 0, retained: false, meta });
            waker.into_iter().for_each(Waker::wake);
        }
        if events.len() > 1 {
            // Stable, so that each subscription gets its events in their order.
            remote.sort_by_key(|(session, ..)| *session);
        }
        for group in remote.chunk_by(|a, b| a.0 == b.0) {
            let Some(shared) = self.session(group[0].0) else { continue };
            let gone: Vec<u64> = shared.with(|core, now| {
                let Some(engine) = core.engine.as_mut() else { return Vec::new() };
                let deliver = |(_, id, index): &(u64, u64, usize)| {
                    let (topic, payload, options) = &events[*index];
                    let options = options.clone().retain(false);
                    let delivered = engine.deliver(now, *id, topic.as_str(), payload, &options);
                    (delivered == Delivered::Gone).then_some(*id)
                };
                group.iter().filter_map(deliver).collect()
            });
            gone.into_iter().for_each(|id| self.hub.unsubscribe(group[0].0, id));
        }
        outcome
    }

    /// The peer of a session asks for topics of this node.
    pub(crate) fn subscribe_session(
        &self,
        shared: &Arc<Shared>,
        id: u64,
        pattern: &str,
        options: &SubscribeOptions,
    ) {
        shared.with(|core, now| {
            // After the end nobody would take the subscription back.
            let Some(engine) = core.engine.as_mut().filter(|_| !core.is_over) else { return };
            // Under the session's lock, so that an event published from here on comes after the
            // retained ones. The hub's lock is always the inner one.
            let group = options.group.as_deref();
            match self.hub.subscribe(shared.session, id, pattern, group) {
                Ok(values) => {
                    engine.grant(now, id);
                    for (topic, payload, options) in values {
                        engine.deliver(now, id, topic.as_str(), &payload, &options);
                    }
                }
                Err(status) => engine.refuse_subscription(now, id, &status),
            }
        });
    }

    pub(crate) fn unsubscribe_session(&self, session: u64, id: u64) {
        self.hub.unsubscribe(session, id);
    }
}
