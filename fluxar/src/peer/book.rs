//! Who waits for what in one session: the counterpart of the engine's ids.

use crate::engine::event::SubscribeOptions;
use crate::engine::items::Items;
use crate::error::Status;
use crate::peer::context::ContextInner;
use crate::peer::queue::EventQueue;
use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Waker};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

/// Everything that waits. Each map holds at most what the engine admits, so the session's limits
/// bound them.
#[derive(Default)]
pub(crate) struct Book {
    /// Counts the engines of this session: ids of an earlier one mean nothing to the next.
    pub(crate) epoch: u32,
    /// Our calls.
    pub(crate) calls: FxHashMap<u64, oneshot::Sender<Result<Bytes, Status>>>,
    /// Open streams, whoever opened them.
    pub(crate) streams: FxHashMap<StreamId, StreamSlot>,
    /// Our subscriptions, by a key that outlives the link.
    pub(crate) subscriptions: FxHashMap<u64, Subscription>,
    /// The engine's ids of them.
    pub(crate) subscription_keys: FxHashMap<u64, u64>,
    /// Running tasks of this session.
    pub(crate) jobs: FxHashMap<u64, Job>,
    /// Of these the one that decides on an offer; the next offer ends it.
    pub(crate) deciding: Option<u64>,
    /// Cancelled before their handler was registered here.
    pub(crate) cancelled_early: FxHashMap<u64, Status>,
    /// Calls with keys that wait for an outcome. Their handlers are the node's, and no jobs here.
    pub(crate) keyed: FxHashSet<u64>,
    /// Who presents another credential.
    pub(crate) reauthenticating: Option<oneshot::Sender<Result<(), Status>>>,
    /// Our pings, oldest first.
    pub(crate) pings: Vec<(u64, oneshot::Sender<()>)>,
}

impl Book {
    /// Takes note of a call with a key; gives the session's epoch, and why it is not to be made.
    pub(crate) fn wait_with_key(&mut self, id: u64) -> (u32, Option<Status>) {
        let cancelled = self.cancelled_early.remove(&id);
        if cancelled.is_none() {
            self.keyed.insert(id);
        }
        (self.epoch, cancelled)
    }

    /// The stream of the present link with this id.
    pub(crate) fn stream_id(&self, id: u64) -> StreamId {
        StreamId { epoch: self.epoch, id }
    }

    /// The status that a stream ended with, until its reader takes it.
    pub(crate) fn ended(&self, stream: StreamId) -> Option<Status> {
        let end = self.streams.get(&stream)?.end.as_ref()?;
        end.as_ref().err().cloned()
    }
}

/// Names a stream for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StreamId {
    pub(crate) epoch: u32,
    pub(crate) id: u64,
}

/// A task of the session: a handler, or something that waits on its behalf.
pub(crate) struct Job {
    pub(crate) abort: AbortHandle,
    /// The handler's context, to be told of a cancellation.
    pub(crate) context: Option<Arc<ContextInner>>,
    /// Set under the session's lock: the task needs nobody to know of it any more.
    pub(crate) has_ended: Arc<AtomicBool>,
}

/// What has arrived on a stream and is not taken yet. The peer's credit bounds it.
#[derive(Default)]
pub(crate) struct StreamSlot {
    pub(crate) items: VecDeque<Items>,
    pub(crate) end: Option<Result<Option<Bytes>, Status>>,
    pub(crate) reader: Option<Waker>,
    writers: Vec<(u64, Waker)>,
    /// Nobody takes items any more.
    pub(crate) is_unread: bool,
}

impl StreamSlot {
    /// Wakes this task when the engine says that the stream is writable. `key` names whoever waits,
    /// since several may wait in one task.
    pub(crate) fn wait_writable(&mut self, key: u64, cx: &Context<'_>) {
        match self.writers.iter_mut().find(|(waiting, _)| *waiting == key) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => self.writers.push((key, cx.waker().clone())),
        }
    }

    /// Forgets one who waits no more.
    pub(crate) fn give_up_writing(&mut self, key: u64) -> Option<Waker> {
        let at = self.writers.iter().position(|(waiting, _)| *waiting == key)?;
        Some(self.writers.remove(at).1)
    }

    pub(crate) fn take_writers(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.writers).into_iter().map(|(_, waker)| waker).collect()
    }
}

#[cfg(all(test, feature = "testing"))]
impl StreamSlot {
    /// How many wait to send.
    pub(crate) fn waiting_writers(&self) -> usize {
        self.writers.len()
    }
}

/// A subscription of ours, alive over reconnects.
pub(crate) struct Subscription {
    pub(crate) pattern: Arc<str>,
    pub(crate) options: SubscribeOptions,
    /// The engine's id, while there is a link.
    pub(crate) id: Option<u64>,
    pub(crate) queue: Arc<EventQueue>,
    /// Told once: granted, or why not.
    pub(crate) granted: Option<oneshot::Sender<Result<(), Status>>>,
}
