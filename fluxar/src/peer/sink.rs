//! A stream's sending side, with types, and the pump that drains a handler's stream into it.

use crate::error::Status;
use crate::payload;
use crate::peer::raw::RawSink;
use crate::peer::router::Outcome;
use crate::service::Failure;
use futures_core::Stream;
use serde::Serialize;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Items that one lock of the session takes together.
const PUMP_ITEMS: usize = 16;
/// Batches that a pump sends before it lets other tasks run.
const PUMP_BATCHES: usize = 16;

/// Sends items of type `T`.
///
/// The caller's side: end with [`Sink::finish`]; dropping it without ends the stream with
/// `cancelled`, so that a callee never takes half an upload for a whole one. The callee's side:
/// the stream ends when the handler returns.
pub struct Sink<T> {
    raw: RawSink,
    types: PhantomData<fn(T)>,
}

impl<T> Sink<T> {
    pub(crate) fn new(raw: RawSink) -> Self {
        Self { raw, types: PhantomData }
    }

    /// Says that nothing follows.
    ///
    /// # Errors
    /// `indeterminate` when the stream's link is lost: the items before may or may not have arrived.
    pub fn finish(mut self) -> Result<(), Status> {
        self.raw.finish(Ok(()))
    }
}

impl<T: Serialize> Sink<T> {
    /// Sends one item, waiting while the receiver has given no credit.
    ///
    /// Cancel safe: the item is sent whole, or not at all.
    ///
    /// # Errors
    /// The stream is over: `cancelled`, `deadline_exceeded`, `indeterminate` when the link is lost
    /// (in a handler: `unavailable`), or what the callee ended it with.
    pub async fn send(&self, item: T) -> Result<(), Status> {
        self.raw.send(item).await
    }
}

impl<T> fmt::Debug for Sink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

/// Sends all items of a stream of results; its first error ends the stream.
///
/// # Errors
/// The stream's own, or why nothing can be sent any more.
pub async fn pump<S, T, E>(items: S, out: RawSink) -> Outcome
where
    S: Stream<Item = Result<T, E>>,
    T: Serialize,
    E: Failure,
{
    let mode = out.mode();
    drain(items, &out, |item, bytes| match item {
        Ok(item) => payload::encode_into(bytes, &item, mode),
        Err(error) => Err(error.into_status()),
    })
    .await?;
    Ok(None)
}

/// Sends all items of a stream.
///
/// # Errors
/// Why nothing can be sent any more.
pub async fn pump_all<S, T>(items: S, out: RawSink) -> Outcome
where
    S: Stream<Item = T>,
    T: Serialize,
{
    let mode = out.mode();
    drain(items, &out, |item, bytes| payload::encode_into(bytes, &item, mode)).await?;
    Ok(None)
}

/// Items that are encoded and not sent, back to back in one buffer.
#[derive(Default)]
struct Ready {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    sent: usize,
}

impl Ready {
    fn items(&self) -> impl Iterator<Item = &[u8]> {
        (self.sent..self.ends.len()).map(|index| {
            let from = if index == 0 { 0 } else { self.ends[index - 1] };
            &self.bytes[from..self.ends[index]]
        })
    }

    fn is_empty(&self) -> bool {
        self.sent == self.ends.len()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.sent = 0;
    }
}

/// Takes what the stream has ready, up to [`PUMP_ITEMS`], and sends it under one lock.
pub(crate) async fn drain<S: Stream>(
    items: S,
    out: &RawSink,
    mut encode: impl FnMut(S::Item, &mut Vec<u8>) -> Result<(), Status>,
) -> Result<(), Status> {
    let stream = out.ready().await?;
    let key = out.waiter_key();
    let mut items = std::pin::pin!(items);
    let mut ready = Ready::default();
    let mut last: Option<Result<(), Status>> = None;
    let mut batches = 0;
    std::future::poll_fn(move |cx| {
        loop {
            if ready.is_empty() {
                if let Some(outcome) = last.take() {
                    return Poll::Ready(outcome);
                }
                ready.clear();
                last = fill(items.as_mut(), cx, &mut ready, &mut encode);
                if ready.is_empty() {
                    match last.take() {
                        Some(outcome) => return Poll::Ready(outcome),
                        None => return Poll::Pending,
                    }
                }
            }
            match out.poll_send_all(stream, Some((key, cx)), ready.items()) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(status)) => return Poll::Ready(Err(status)),
                Poll::Ready(Ok(sent)) => ready.sent += sent,
            }
            batches += 1;
            if batches % PUMP_BATCHES == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    })
    .await
}

/// Encodes what is ready. `Some` says that the stream has come to its end.
fn fill<S: Stream>(
    mut items: Pin<&mut S>,
    cx: &mut Context<'_>,
    ready: &mut Ready,
    encode: &mut impl FnMut(S::Item, &mut Vec<u8>) -> Result<(), Status>,
) -> Option<Result<(), Status>> {
    while ready.ends.len() < PUMP_ITEMS {
        match items.as_mut().poll_next(cx) {
            Poll::Pending => return None,
            Poll::Ready(None) => return Some(Ok(())),
            Poll::Ready(Some(item)) => {
                let before = ready.bytes.len();
                if let Err(status) = encode(item, &mut ready.bytes) {
                    ready.bytes.truncate(before);
                    return Some(Err(status));
                }
                ready.ends.push(ready.bytes.len());
            }
        }
    }
    None
}
