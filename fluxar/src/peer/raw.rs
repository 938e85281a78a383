//! Both directions of a stream, before types: bytes, credit and waking.

use crate::engine::Engine;
use crate::engine::event::Refusal;
use crate::engine::items::Items;
use crate::engine::pattern::credit_cost;
use crate::engine::time::Time;
use crate::error::{Code, Origin, Status};
use crate::peer::book::{Book, StreamId};
use crate::peer::encoding::with_encoded;
use crate::peer::node::CreditLease;
use crate::peer::shared::Shared;
use crate::peer::sink::Sink;
use crate::peer::streaming::Streaming;
use bytes::Bytes;
use serde::Serialize;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::sync::Notify;

/// Taken items are reported as consumed at the latest when they sum up to this share of the
/// credit, so that the sender does not run dry while the application works.
const REPORT_SHARE: u32 = 4;

/// A stream that is open, or will be as soon as the session takes it.
pub(crate) struct Channel {
    pub(crate) shared: Arc<Shared>,
    opened: OnceLock<Result<StreamId, Status>>,
    told: Notify,
    /// What was said before the opening went through.
    early: Mutex<Early>,
    /// We opened it, so that dropping it means something to the callee.
    pub(crate) is_ours: bool,
}

#[derive(Default)]
struct Early {
    cancels: bool,
    end: Option<Result<(), Status>>,
}

impl Channel {
    pub(crate) fn open(shared: &Arc<Shared>, id: StreamId, is_ours: bool) -> Arc<Self> {
        let channel = Self::opening(shared, is_ours);
        channel.set_opened(Ok(id));
        channel
    }

    pub(crate) fn opening(shared: &Arc<Shared>, is_ours: bool) -> Arc<Self> {
        let shared = Arc::clone(shared);
        let (opened, told, early) = Default::default();
        Arc::new(Self { shared, opened, told, early, is_ours })
    }

    /// Tells both halves. When they are gone already, so is the stream.
    pub(crate) fn set_opened(&self, outcome: Result<StreamId, Status>) {
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(Ok(stream)) = self.opened.set(outcome) {
            drop(early);
            self.shared.with(|core, now| {
                core.book.streams.remove(&stream);
                core.engine.iter_mut().for_each(|engine| engine.abandon(now, stream.id));
            });
            return;
        }
        let Early { cancels, end } = std::mem::take(&mut *early);
        drop(early);
        self.told.notify_waiters();
        if let Some(outcome) = end {
            self.end(&outcome);
        }
        if cancels {
            self.command(|engine, id, now| engine.cancel(now, id));
        }
    }

    /// True once nothing is to be opened any more.
    pub(crate) fn is_settled(&self) -> bool {
        self.opened.get().is_some()
    }

    /// Ends our direction.
    fn end(&self, outcome: &Result<(), Status>) -> bool {
        let outcome = outcome.as_ref().map(|()| None);
        self.command(|engine, id, now| engine.end_stream(now, id, outcome))
    }

    /// Runs `note` while the opening is under way; false when it is not.
    fn note_early(&self, note: impl FnOnce(&mut Early)) -> bool {
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        let is_opening = !self.is_settled();
        if is_opening {
            note(&mut early);
        }
        is_opening
    }

    fn id(&self) -> Option<StreamId> {
        self.opened.get().and_then(|opened| opened.as_ref().ok()).copied()
    }

    /// Waits for the opening. Cancel safe.
    pub(crate) async fn ready(&self) -> Result<StreamId, Status> {
        loop {
            let told = self.told.notified();
            match self.opened.get() {
                Some(outcome) => return outcome.clone(),
                None => told.await,
            }
        }
    }

    /// Runs a command on the stream, if its link still lives.
    fn command(&self, run: impl FnOnce(&mut Engine, u64, Time)) -> bool {
        let Some(stream) = self.id() else { return false };
        self.shared.with(|core, now| {
            let lives = core.book.epoch == stream.epoch && !core.is_over;
            let alive = core.engine.as_mut().filter(|_| lives);
            alive.map(|engine| run(engine, stream.id, now)).is_some()
        })
    }
}

/// Items on their way in. The receiving half behind [`Streaming`].
pub struct RawStreaming {
    channel: Arc<Channel>,
    items: VecDeque<Items>,
    /// Where in the first of them the next item is.
    place: usize,
    /// Taken by the application, not reported to the engine yet.
    unreported: u64,
    end: Option<Result<Option<Bytes>, Status>>,
    wait: Option<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// What the other side may send counts for the node for as long as this may hold it.
    _lease: Option<CreditLease>,
}

impl RawStreaming {
    pub(crate) fn new(channel: Arc<Channel>, lease: Option<CreditLease>) -> Self {
        let items = VecDeque::new();
        Self { channel, items, place: 0, unreported: 0, end: None, wait: None, _lease: lease }
    }

    /// Gives the items a type.
    #[must_use]
    pub fn typed<T>(self) -> Streaming<T> {
        Streaming::new(self)
    }

    /// How it ended, once it has.
    pub(crate) fn end(&self) -> Option<&Result<Option<Bytes>, Status>> {
        self.end.as_ref()
    }

    /// Lends the next item to `take`; `None` when it has ended. Cancel safe.
    pub(crate) fn poll_item<R>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&[u8]) -> R,
    ) -> Poll<Option<R>> {
        loop {
            while let Some(items) = self.items.front() {
                let Some((item, next)) = items.at(self.place) else {
                    self.items.pop_front();
                    self.place = 0;
                    continue;
                };
                let (taken, cost) = (take(item), credit_cost(item.len()));
                self.place = next;
                self.took(cost);
                return Poll::Ready(Some(taken));
            }
            if self.end.is_some() {
                return Poll::Ready(None);
            }
            let Some(stream) = self.channel.id() else {
                std::task::ready!(self.poll_opening(cx));
                continue;
            };
            // Whoever keeps up with a sender on another thread must let others run, too.
            let turn = std::task::ready!(tokio::task::coop::poll_proceed(cx));
            std::task::ready!(self.poll_refill(stream, cx));
            turn.made_progress();
        }
    }

    fn poll_opening(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(Err(status)) = self.channel.opened.get() {
            self.end = Some(Err(status.clone()));
            return Poll::Ready(());
        }
        let channel = Arc::clone(&self.channel);
        let wait = self.wait.get_or_insert_with(|| {
            Box::pin(async move {
                let _outcome = channel.ready().await;
            })
        });
        std::task::ready!(wait.as_mut().poll(cx));
        self.wait = None;
        Poll::Ready(())
    }

    /// Takes everything that has arrived under one lock.
    fn poll_refill(&mut self, stream: StreamId, cx: &Context<'_>) -> Poll<()> {
        let unreported = std::mem::take(&mut self.unreported);
        let items = &mut self.items;
        let end = &mut self.end;
        self.channel.shared.with_quickly(|core, now| {
            if unreported > 0
                && let Some(engine) = core.engine.as_mut()
                && core.book.epoch == stream.epoch
            {
                engine.consumed_cost(now, stream.id, unreported);
            }
            let Some(slot) = core.book.streams.get_mut(&stream) else {
                let message = "the stream is over: its handler has returned";
                *end = Some(Err(Status::new(Code::Cancelled, message)));
                return Poll::Ready(());
            };
            if !slot.items.is_empty() {
                std::mem::swap(&mut slot.items, items);
                return Poll::Ready(());
            }
            if let Some(outcome) = slot.end.take() {
                *end = Some(outcome);
                core.book.streams.remove(&stream);
                return Poll::Ready(());
            }
            slot.reader = Some(cx.waker().clone());
            Poll::Pending
        })
    }

    /// Counts an item as consumed, and reports when it is worth a message.
    fn took(&mut self, cost: u64) {
        self.unreported += cost;
        let share = self.channel.shared.limits.initial_credit / REPORT_SHARE;
        if self.unreported >= u64::from(share) && !self.items.is_empty() {
            let unreported = std::mem::take(&mut self.unreported);
            self.channel.command(|engine, id, now| engine.consumed_cost(now, id, unreported));
        }
    }

    /// Asks the callee to come to an end; what it still sends arrives.
    pub(crate) fn cancel(&self) {
        if !self.channel.note_early(|early| early.cancels = true) {
            self.channel.command(|engine, id, now| engine.cancel(now, id));
        }
    }
}

impl Drop for RawStreaming {
    fn drop(&mut self) {
        let Some(stream) = self.channel.id() else {
            let message = "the stream was dropped before it was opened";
            self.channel.set_opened(Err(Status::new(Code::Cancelled, message)));
            return;
        };
        if self.end.is_some() {
            return;
        }
        let is_ours = self.channel.is_ours;
        let writers = self.channel.shared.with(|core, now| {
            let Some(slot) = core.book.streams.get_mut(&stream) else { return Vec::new() };
            if slot.end.is_none() && !is_ours {
                // The handler runs on, and has no use for items.
                slot.is_unread = true;
                slot.items = VecDeque::new();
                slot.reader = None;
                return Vec::new();
            }
            let writers = slot.take_writers();
            let is_open = slot.end.is_none();
            core.book.streams.remove(&stream);
            // An open slot belongs to this link, or `Closed` would have ended it.
            if let Some(engine) = core.engine.as_mut().filter(|_| is_open) {
                engine.abandon(now, stream.id);
            }
            writers
        });
        writers.into_iter().for_each(Waker::wake);
    }
}

impl fmt::Debug for RawStreaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming")
            .field("stream", &self.channel.opened.get())
            .field("ready", &self.items.len())
            .finish_non_exhaustive()
    }
}

/// Somebody who may be waiting to send. Dropped, nobody is to be woken any more.
struct Waiting<'a> {
    sink: &'a RawSink,
    stream: StreamId,
    key: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut core = self.sink.channel.shared.lock();
        let slot = core.book.streams.get_mut(&self.stream);
        let waker = slot.and_then(|slot| slot.give_up_writing(self.key));
        drop(core);
        drop(waker);
    }
}

/// Items on their way out. The sending half behind [`Sink`].
pub struct RawSink {
    channel: Arc<Channel>,
    is_finished: bool,
}

impl RawSink {
    pub(crate) fn new(channel: Arc<Channel>) -> Self {
        Self { channel, is_finished: false }
    }

    /// Gives the items a type.
    #[must_use]
    pub fn typed<T>(self) -> Sink<T> {
        Sink::new(self)
    }

    /// Sends an item, waiting for credit. Cancel safe: an item is sent whole or not at all.
    pub(crate) async fn send<T: Serialize>(&self, item: T) -> Result<(), Status> {
        let stream = match self.channel.id() {
            Some(stream) => stream,
            None => self.channel.ready().await?,
        };
        // The fast path encodes into scratch space; only a blocked item is kept.
        let sent = with_encoded(&item, |bytes| match self.try_send(stream, bytes, None) {
            Poll::Ready(outcome) => Ok(outcome),
            Poll::Pending => Err(bytes.to_vec()),
        })?;
        drop(item);
        match sent {
            Ok(outcome) => outcome,
            Err(bytes) => {
                let waiting = Waiting { sink: self, stream, key: self.waiter_key() };
                let key = waiting.key;
                std::future::poll_fn(|cx| self.try_send(stream, &bytes, Some((key, cx)))).await
            }
        }
    }

    fn try_send(
        &self,
        stream: StreamId,
        bytes: &[u8],
        waiter: Option<(u64, &mut Context<'_>)>,
    ) -> Poll<Result<(), Status>> {
        self.poll_send_all(stream, waiter, std::iter::once(bytes)).map_ok(|_| ())
    }

    /// Sends items under one lock until one is blocked, and says how many went. Pending when not
    /// even the first did; then the waiter, by its key, will be woken.
    pub(crate) fn poll_send_all<'a>(
        &self,
        stream: StreamId,
        waiter: Option<(u64, &mut Context<'_>)>,
        items: impl Iterator<Item = &'a [u8]>,
    ) -> Poll<Result<usize, Status>> {
        self.channel.shared.with_quickly(|core, now| {
            let alive = core.engine.as_mut().filter(|_| core.book.epoch == stream.epoch);
            let Some(engine) = alive else {
                return Poll::Ready(Err(self
                    .over(&core.book, stream)
                    .unwrap_or_else(|| self.lost())));
            };
            let mut sent = 0;
            for item in items {
                match engine.send_item(now, stream.id, item) {
                    Ok(()) => sent += 1,
                    Err(Refusal::Status(status)) if status.code() == Code::Cancelled => {
                        let over = self.over(&core.book, stream);
                        return Poll::Ready(Err(over.unwrap_or(status)));
                    }
                    Err(Refusal::Status(status)) => return Poll::Ready(Err(status)),
                    Err(Refusal::Blocked) if sent > 0 => break,
                    Err(Refusal::Blocked) => {
                        let Some((key, cx)) = waiter else { return Poll::Pending };
                        return match core.book.streams.get_mut(&stream) {
                            Some(slot) => {
                                slot.wait_writable(key, cx);
                                Poll::Pending
                            }
                            None => Poll::Ready(Err(self.lost())),
                        };
                    }
                }
            }
            Poll::Ready(Ok(sent))
        })
    }

    /// A name for somebody who may have to wait for credit.
    pub(crate) fn waiter_key(&self) -> u64 {
        self.channel.shared.key()
    }

    /// Waits until the stream is open.
    pub(crate) async fn ready(&self) -> Result<StreamId, Status> {
        self.channel.ready().await
    }

    /// What ended a stream of ours, until its reader takes that: says more than that it is over.
    fn over(&self, book: &Book, stream: StreamId) -> Option<Status> {
        book.ended(stream).filter(|_| self.channel.is_ours)
    }

    fn lost(&self) -> Status {
        let message = "the stream is over: nobody takes items any more";
        // Of ours some items may have been handled: to send them all again is not safe.
        let (code, origin) = match self.channel.is_ours {
            true => (Code::Indeterminate, Origin::Link),
            false => (Code::Unavailable, Origin::Local),
        };
        Status::new(code, message).with_origin(origin)
    }

    /// Ends this direction well, or with a status.
    pub(crate) fn finish(&mut self, outcome: Result<(), Status>) -> Result<(), Status> {
        if std::mem::replace(&mut self.is_finished, true) || !self.channel.is_ours {
            return Ok(());
        }
        let is_early = self.channel.note_early(|early| early.end = Some(outcome.clone()));
        if is_early || self.channel.end(&outcome) { Ok(()) } else { Err(self.lost()) }
    }
}

impl Drop for RawSink {
    fn drop(&mut self) {
        if self.channel.is_ours && !self.is_finished {
            let message = "the sender gave up before its last item";
            // Nobody is left to hear that the link is gone.
            let _lost = self.finish(Err(Status::new(Code::Cancelled, message)));
        }
    }
}

impl fmt::Debug for RawSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("stream", &self.channel.opened.get()).finish_non_exhaustive()
    }
}
