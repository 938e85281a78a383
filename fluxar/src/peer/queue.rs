//! Events on their way to one subscriber.

use crate::engine::event::Text;
use crate::engine::message::user::UserMeta;
use crate::engine::pattern::credit_cost;
use crate::error::Status;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// One event as it arrived.
pub(crate) struct Arrived {
    /// Absent when the pattern is the topic.
    pub(crate) topic: Option<Text>,
    pub(crate) payload: Bytes,
    pub(crate) dropped: u64,
    pub(crate) retained: bool,
    pub(crate) meta: UserMeta,
}

/// A queue between one producer and one subscriber. For a remote subscription the credit bounds
/// it; for a local one `bytes_max` does, and the oldest make room.
pub(crate) struct EventQueue {
    bytes_max: u64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    events: VecDeque<Arrived>,
    bytes: u64,
    waker: Option<Waker>,
    end: Option<Option<Status>>,
}

impl EventQueue {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event; the subscriber's waker is for the caller to wake.
    pub(crate) fn push(&self, mut arrived: Arrived) -> Option<Waker> {
        let mut inner = self.lock();
        if inner.end.is_some() {
            return None;
        }
        inner.bytes += cost(&arrived);
        let mut dropped = 0;
        while inner.bytes > self.bytes_max {
            let Some(oldest) = inner.events.pop_front() else { break };
            inner.bytes -= cost(&oldest);
            dropped += 1 + oldest.dropped;
        }
        // The gap is before the oldest that is left.
        match inner.events.front_mut() {
            Some(oldest) => oldest.dropped += dropped,
            None => arrived.dropped += dropped,
        }
        inner.events.push_back(arrived);
        inner.waker.take()
    }

    /// Nothing follows.
    pub(crate) fn end(&self, status: Option<Status>) -> Option<Waker> {
        let mut inner = self.lock();
        inner.end.get_or_insert(status);
        inner.waker.take()
    }

    /// Takes all that is there, into the empty `into`. `Ready(Some(status))` is the end.
    pub(crate) fn poll_take(
        &self,
        cx: &Context<'_>,
        into: &mut VecDeque<Arrived>,
    ) -> Poll<Option<Option<Status>>> {
        let mut inner = self.lock();
        if !inner.events.is_empty() {
            std::mem::swap(&mut inner.events, into);
            inner.bytes = 0;
            return Poll::Ready(None);
        }
        if let Some(status) = &inner.end {
            return Poll::Ready(Some(status.clone()));
        }
        inner.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// What an event costs against credit and bounds: the same as in the engine, or the subscriber
/// would give back less than the publisher's side took, and starve.
pub(crate) fn cost(arrived: &Arrived) -> u64 {
    credit_cost(arrived.payload.len() + arrived.meta.wire_len())
}
