//! Waiting for room, or for a place among the calls or streams that the peer takes.
//!
//! Room comes for many at once, so all who wait for it are woken. A place is for one: those who
//! wait for places are woken one after the other and in order, each by the one before. Else every
//! answer would wake a thousand callers for one of them.

use crate::engine::Engine;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// What the peer takes a limited number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Call,
    Stream,
}

impl Place {
    pub(crate) fn is_free(self, engine: &Engine) -> bool {
        match self {
            Self::Call => engine.has_call_place(),
            Self::Stream => engine.has_stream_place(),
        }
    }
}

/// Everybody who waits in one session.
#[derive(Default)]
pub(crate) struct Queues {
    room: Arc<Notify>,
    calls: Arc<Queue>,
    streams: Arc<Queue>,
}

#[derive(Default)]
struct Queue {
    notify: Arc<Notify>,
    waiting: AtomicUsize,
}

impl Queues {
    /// Resolves when there may be room. To be made under the session's lock, as all of these.
    pub(crate) fn room(&self) -> Turn {
        let notified = Box::pin(Arc::clone(&self.room).notified_owned());
        Turn { notified, queue: None }
    }

    /// Resolves when it is our turn to try for a place.
    pub(crate) fn place(&self, place: Place, engine: &mut Engine) -> Turn {
        // The command may have been blocked for want of room before it came to the place.
        engine.want_place();
        let queue = Arc::clone(self.queue(place));
        queue.waiting.fetch_add(1, Ordering::Relaxed);
        let notified = Box::pin(Arc::clone(&queue.notify).notified_owned());
        Turn { notified, queue: Some(queue) }
    }

    fn queue(&self, place: Place) -> &Arc<Queue> {
        match place {
            Place::Call => &self.calls,
            Place::Stream => &self.streams,
        }
    }

    /// Somebody has taken a place or wants none: whose turn is it? Nobody's, while there is none.
    pub(crate) fn pass_on(&self, place: Place, engine: &mut Engine) {
        let queue = self.queue(place);
        if queue.waiting.load(Ordering::Relaxed) == 0 {
            return;
        }
        if place.is_free(engine) {
            queue.notify.notify_one();
        } else {
            engine.want_place();
        }
    }

    /// The engine has said `Writable`.
    pub(crate) fn ring(&self, engine: Option<&mut Engine>) {
        self.room.notify_waiters();
        if let Some(engine) = engine {
            self.pass_on(Place::Call, engine);
            self.pass_on(Place::Stream, engine);
        }
    }

    /// Nobody need wait any more.
    pub(crate) fn ring_all(&self) {
        self.room.notify_waiters();
        self.calls.notify.notify_waiters();
        self.streams.notify.notify_waiters();
    }
}

/// Resolves when a blocked command may be tried again. Who tries for a place must go through
/// [`Queues::pass_on`] afterwards; a turn that is dropped goes to the next by itself.
pub(crate) struct Turn {
    notified: Pin<Box<OwnedNotified>>,
    queue: Option<Arc<Queue>>,
}

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.notified.as_mut().poll(cx)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(queue) = &self.queue {
            queue.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
