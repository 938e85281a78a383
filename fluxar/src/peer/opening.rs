//! Opening streams: the handles are there at once, whatever the session's queues look like.

use crate::error::{Code, Status};
use crate::payload;
use crate::peer::book::{StreamId, StreamSlot};
use crate::peer::call::{Outgoing, chain_status};
use crate::peer::core::Ring;
use crate::peer::node::CreditLease;
use crate::peer::queueing::{Place, Turn};
use crate::peer::raw::{Channel, RawSink, RawStreaming};
use crate::peer::shared::Attempt;
use crate::peer::sink::{self, Sink};
use crate::peer::streaming::{Marker, Streaming};
use crate::service::Failure;
use futures_core::Stream;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// Both halves of a stream that the opener sends items on.
pub type Duplex<I, T, U, E> = (Sink<I>, Streaming<T, U, E>);

impl Outgoing {
    /// Opens the stream now, or in a task as soon as the session takes it.
    fn open_channel(mut self, half_closed: bool) -> Result<(Arc<Channel>, CreditLease), Status> {
        let shared = Arc::clone(&self.peer.shared);
        let lease = shared.lease_credit()?;
        self.options.start_clock(shared.now(), self.peer.scope.deadline);
        let channel = match self.try_open(half_closed)? {
            Attempt::Done(stream) => Channel::open(&shared, stream, true),
            Attempt::Blocked(writable) => {
                let place = shared.opening_place().ok_or_else(|| {
                    let text = "too many streams wait to be opened: wait for some of them";
                    Status::new(Code::ResourceExhausted, text)
                })?;
                let channel = Channel::opening(&shared, true);
                let opening = Arc::clone(&channel);
                shared.runtime.spawn(async move {
                    self.open_later(&opening, writable, half_closed).await;
                    drop(place);
                });
                channel
            }
        };
        Ok((channel, lease))
    }

    fn try_open(&self, half_closed: bool) -> Result<Attempt<StreamId>, Status> {
        let payload = self.bytes()?;
        self.peer.shared.attempt_ring(Ring::Writer, Some(Place::Stream), |engine, book, now| {
            let request = self.peer.outbound(&self.target, payload, &self.options);
            let id = match engine.open_stream(now, &request, half_closed, None) {
                Err(refusal) if self.peer.must_not_wait(engine.has_stream_place(), &refusal) => {
                    return Err(chain_status().into());
                }
                outcome => outcome?,
            };
            let stream = book.stream_id(id);
            book.streams.insert(stream, StreamSlot::default());
            Ok(stream)
        })
    }

    /// Tries again whenever there may be room, until somebody has settled it.
    async fn open_later(&self, channel: &Channel, turn: Turn, half_closed: bool) {
        let mut turn = turn;
        while !channel.is_settled() {
            tokio::select! {
                () = self.peer.room(turn, &self.options) => {}
                // Dropped before it was opened: nobody waits any more.
                _ = channel.ready() => return,
            }
            turn = match self.try_open(half_closed) {
                Ok(Attempt::Blocked(writable)) => writable,
                Ok(Attempt::Done(stream)) => return channel.set_opened(Ok(stream)),
                Err(status) => return channel.set_opened(Err(status)),
            };
        }
    }
}

macro_rules! options {
    () => {
        /// Ends the stream after this long, with `deadline_exceeded`.
        pub fn timeout(mut self, after: Duration) -> Self {
            self.outgoing.options.timeout = Some(after);
            self
        }

        /// Adds a meta entry, for the callee's `Context::meta`.
        pub fn meta(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
            self.outgoing.options.meta.push((key.into(), value.into()));
            self
        }
    };
}

/// A stream that is ready to be opened; the opener sends nothing but the parameters.
#[must_use = "a stream does nothing until it is opened"]
pub struct StreamCall<T, U = (), E = Infallible> {
    outgoing: Outgoing,
    types: Marker<(T, U, E)>,
}

impl<T, U, E> StreamCall<T, U, E> {
    pub(crate) fn new(outgoing: Outgoing) -> Self {
        Self { outgoing, types: PhantomData }
    }

    options!();

    /// Opens it. Returns at once, before the callee knows of it.
    ///
    /// # Errors
    /// The parameters cannot be encoded, the session is not connected, or a limit is reached.
    /// What the callee thinks of it comes as the stream's end.
    pub fn open(self) -> Result<Streaming<T, U, E>, Status> {
        let (channel, lease) = self.outgoing.open_channel(true)?;
        Ok(Streaming::new(RawStreaming::new(channel, Some(lease))))
    }
}

impl<T, U, E> fmt::Debug for StreamCall<T, U, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.outgoing.fmt(f)
    }
}

/// A stream that is ready to be opened, with items of type `I` from the opener.
#[must_use = "a stream does nothing until it is opened"]
pub struct DuplexCall<I, T = Infallible, U = (), E = Infallible> {
    outgoing: Outgoing,
    types: Marker<(I, T, U, E)>,
}

impl<I, T, U, E> DuplexCall<I, T, U, E> {
    pub(crate) fn new(outgoing: Outgoing) -> Self {
        Self { outgoing, types: PhantomData }
    }

    options!();

    /// Opens it. Returns at once, before the callee knows of it.
    ///
    /// # Errors
    /// As [`StreamCall::open`].
    pub fn open(self) -> Result<Duplex<I, T, U, E>, Status> {
        let (channel, lease) = self.outgoing.open_channel(false)?;
        let sink = Sink::new(RawSink::new(Arc::clone(&channel)));
        Ok((sink, Streaming::new(RawStreaming::new(channel, Some(lease)))))
    }
}

impl<I: Serialize, T, U: DeserializeOwned, E: Failure> DuplexCall<I, T, U, E> {
    /// Sends all items, says that nothing follows, and waits for the result. Items of the callee
    /// are skipped; its result may come before all items are sent. Dropping the future cancels
    /// the stream.
    ///
    /// # Errors
    /// How the callee failed, or why its answer is not known.
    pub async fn send_all<S: Stream<Item = I>>(self, items: S) -> Result<U, E::Error> {
        let (channel, lease) = self.outgoing.open_channel(false).map_err(E::from_status)?;
        let mut out = RawSink::new(Arc::clone(&channel));
        let answer = Streaming::<T, U, E>::new(RawStreaming::new(channel, Some(lease))).finish();
        let sending = async move {
            let encode = |item, bytes: &mut Vec<u8>| payload::encode_into(bytes, &item);
            let sent = sink::drain(items, &out, encode).await;
            // When it cannot be said any more, the answer tells why.
            let _lost = out.finish(sent);
        };
        let (mut answer, mut sending) = (pin!(answer), pin!(sending));
        let mut is_sent = false;
        poll_fn(|cx| {
            is_sent = is_sent || sending.as_mut().poll(cx).is_ready();
            answer.as_mut().poll(cx)
        })
        .await
    }
}

impl<I, T, U, E> fmt::Debug for DuplexCall<I, T, U, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.outgoing.fmt(f)
    }
}
