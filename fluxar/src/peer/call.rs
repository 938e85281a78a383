//! Calls, notifications and the opening of streams: the caller's side.

use crate::engine::event::{Refusal, Request as EngineRequest};
use crate::engine::time::Time;
use crate::error::{Code, Origin, Status};
use crate::payload::{self, Encode, Mode};
use crate::peer::Peer;
use crate::peer::core::Ring;
use crate::peer::encoding::{decode_answer, present};
use crate::peer::queueing::{Place, Turn};
use crate::peer::shared::{Attempt, Shared};
use crate::peer::state::State;
use crate::service::Failure;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::oneshot;

/// A call that is on its way. Dropping it cancels the call.
pub(crate) struct Pending {
    shared: Arc<Shared>,
    epoch: u32,
    id: u64,
    answer: oneshot::Receiver<Result<Bytes, Status>>,
    is_done: bool,
}

impl Future for Pending {
    type Output = Result<Bytes, Status>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.answer).poll(cx));
        self.is_done = true;
        Poll::Ready(answer.unwrap_or_else(|_| {
            Err(Status::new(Code::Indeterminate, "the session ended without an answer"))
        }))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        self.shared.with(|core, now| {
            let is_waited_for =
                core.book.epoch == self.epoch && core.book.calls.remove(&self.id).is_some();
            if let Some(engine) = core.engine.as_mut().filter(|_| is_waited_for) {
                engine.abandon(now, self.id);
            }
        });
    }
}

/// What a caller may say beside target and payload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) timeout: Option<Duration>,
    /// Counted from the first attempt to send; the surrounding call's deadline, when that is nearer.
    deadline: Option<Time>,
    pub(crate) meta: Vec<(String, String)>,
    /// Names the attempts at one thing.
    key: Option<[u8; 16]>,
}

impl Options {
    /// Lets the timeout run from now on, unless it does already.
    pub(crate) fn start_clock(&mut self, now: Time, outer: Option<Time>) {
        if let (Some(timeout), None) = (self.timeout, self.deadline) {
            let own = now + timeout;
            self.deadline = Some(outer.map_or(own, |outer| outer.min(own)));
        }
    }
}

impl Peer {
    /// Builds the engine's request.
    pub(crate) fn outbound<'a>(
        &self,
        target: &'a str,
        payload: Option<&'a [u8]>,
        options: &'a Options,
    ) -> EngineRequest<'a> {
        let deadline = options.deadline.or(self.scope.deadline);
        EngineRequest {
            target,
            payload,
            deadline,
            hops: self.scope.hops,
            idempotency_key: options.key,
            user_meta: &options.meta,
        }
    }

    /// Waits until a blocked command may be tried again, or its deadline has come: the engine then
    /// says so.
    pub(crate) fn room(
        &self,
        turn: Turn,
        options: &Options,
    ) -> impl Future<Output = ()> + Send + use<> {
        let deadline = options.deadline.or(self.scope.deadline);
        let deadline = deadline.map(|deadline| self.shared.instant(deadline));
        async move {
            match deadline {
                None => turn.await,
                Some(deadline) => drop(tokio::time::timeout_at(deadline, turn).await),
            }
        }
    }

    /// When an attempt at a keyed call failed with its session: resolves when there may be another,
    /// or the deadline has come. `None` when there is nothing to wait for.
    fn another_attempt(
        &self,
        status: &Status,
        options: &Options,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        options.key?;
        let is_lost = matches!(status.code(), Code::Unavailable | Code::Indeterminate);
        let mut progress = self.shared.progress();
        let is_over = progress.borrow().state == State::Closed;
        let deadline = options.deadline.or(self.scope.deadline);
        let is_late = deadline.is_some_and(|deadline| deadline <= self.shared.now());
        if !is_lost || status.origin() != Origin::Link || is_over || is_late {
            return None;
        }
        let deadline = deadline.map(|deadline| self.shared.instant(deadline));
        Some(async move {
            let settled =
                progress.wait_for(|now| matches!(now.state, State::Ready | State::Closed));
            match deadline {
                None => drop(settled.await),
                Some(deadline) => drop(tokio::time::timeout_at(deadline, settled).await),
            }
            // A session that was just lost may seem ready for a moment more.
            tokio::task::yield_now().await;
        })
    }

    /// A command that was blocked, other than for want of room, waits for a place among the calls
    /// or streams that the peer takes. The chain we are in may hold one of these places: to wait
    /// could be for ever.
    pub(crate) fn must_not_wait(&self, has_place: bool, refusal: &Refusal) -> bool {
        *refusal == Refusal::Blocked && self.scope.hops > 0 && !has_place
    }

    pub(crate) fn begin_call(
        &self,
        target: &str,
        payload: Option<&[u8]>,
        options: &mut Options,
    ) -> Result<Attempt<Pending>, Status> {
        let (waiter, answer) = oneshot::channel();
        let begun =
            self.shared.attempt_ring(Ring::Alone, Some(Place::Call), |engine, book, now| {
                options.start_clock(now, self.scope.deadline);
                let id = match engine.call(now, &self.outbound(target, payload, options)) {
                    Err(refusal) if self.must_not_wait(engine.has_call_place(), &refusal) => {
                        return Err(chain_status().into());
                    }
                    outcome => outcome?,
                };
                book.calls.insert(id, waiter);
                Ok((id, book.epoch))
            })?;
        Ok(match begun {
            Attempt::Blocked(writable) => Attempt::Blocked(writable),
            Attempt::Done((id, epoch)) => {
                let shared = Arc::clone(&self.shared);
                Attempt::Done(Pending { shared, epoch, id, answer, is_done: false })
            }
        })
    }

    pub(crate) fn begin_notify(
        &self,
        target: &str,
        payload: Option<&[u8]>,
        options: &Options,
    ) -> Result<Attempt<()>, Status> {
        self.shared
            .attempt(|engine, _, now| engine.notify(now, &self.outbound(target, payload, options)))
    }
}

pub(crate) fn chain_status() -> Status {
    let text = "the peer takes no more at once, and what a handler calls must not wait for a place";
    Status::new(Code::ResourceExhausted, text)
}

/// The encoded payload of a request: null is sent as absence.
fn encoded<P: Serialize + ?Sized>(
    peer: &Peer,
    params: Option<&P>,
) -> Result<Option<Vec<u8>>, Status> {
    let Some(params) = params else { return Ok(None) };
    let bytes = payload::encode_with(params, Mode::checked(peer.shared.keys()))?;
    Ok(present(&bytes).is_some().then_some(bytes))
}

/// What is to be called, before it is sent.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) peer: Peer,
    pub(crate) target: Cow<'static, str>,
    pub(crate) payload: Result<Option<Vec<u8>>, Status>,
    pub(crate) options: Options,
}

impl Outgoing {
    pub(crate) fn new<P: Serialize + ?Sized>(
        peer: &Peer,
        target: impl Into<Cow<'static, str>>,
        params: Option<&P>,
    ) -> Self {
        let (peer, options) = (peer.clone(), Options::default());
        let payload = encoded(&peer, params);
        Self { peer, target: target.into(), payload, options }
    }

    /// Of a generated method, whose parameters write themselves.
    pub(crate) fn named<P: Encode>(peer: &Peer, target: &'static str, params: Option<&P>) -> Self {
        let mode = Mode::checked(peer.shared.keys());
        let payload = params.map(|params| payload::encode_native(params, mode)).transpose();
        let (peer, options) = (peer.clone(), Options::default());
        Self { peer, target: target.into(), payload, options }
    }

    /// The payload, or why it could not be encoded.
    pub(crate) fn bytes(&self) -> Result<Option<&[u8]>, Status> {
        self.payload.as_ref().map(Option::as_deref).map_err(Clone::clone)
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("target", &self.target)
            .field("timeout", &self.options.timeout)
            .finish_non_exhaustive()
    }
}

/// A call that is ready to be sent: await it. Nothing is sent before.
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<T, E = Infallible> {
    outgoing: Outgoing,
    types: PhantomData<fn() -> (T, E)>,
}

impl<T, E> Call<T, E> {
    pub(crate) fn new(outgoing: Outgoing) -> Self {
        Self { outgoing, types: PhantomData }
    }

    /// Gives up after this long, with `deadline_exceeded`. The callee knows, and so do those it
    /// calls in turn.
    pub fn timeout(mut self, after: Duration) -> Self {
        self.outgoing.options.timeout = Some(after);
        self
    }

    /// Adds a meta entry, for the callee's `Context::meta`.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.outgoing.options.meta.push((key.into(), value.into()));
        self
    }

    /// The callee may be asked twice and does it once: should the session be lost, the call is
    /// sent again over the next one, with the same key. Its handler runs to its end, even when
    /// nobody waits any more.
    pub fn idempotent(self) -> Self {
        let mut key = [0; 16];
        match getrandom::fill(&mut key) {
            Ok(()) => self.idempotency_key(key),
            // A key that is not unique would be worse than one attempt only.
            Err(_) => self,
        }
    }

    /// As [`Call::idempotent`], with a key of the caller's own: one that it kept over a restart,
    /// say. It names one intention; with other parameters the callee refuses it.
    pub fn idempotency_key(mut self, key: [u8; 16]) -> Self {
        self.outgoing.options.key = Some(key);
        self
    }
}

impl<T: DeserializeOwned, E: Failure> Call<T, E> {
    /// Sends the call; the same as awaiting it.
    pub fn send(self) -> CallFuture<T, E> {
        self.into_future()
    }
}

impl<T: DeserializeOwned, E: Failure> IntoFuture for Call<T, E> {
    type Output = Result<T, E::Error>;
    type IntoFuture = CallFuture<T, E>;

    fn into_future(self) -> Self::IntoFuture {
        CallFuture { outgoing: self.outgoing, step: Step::Unsent, sent: None, types: PhantomData }
    }
}

impl<T, E> fmt::Debug for Call<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.outgoing.fmt(f)
    }
}

enum Step {
    Unsent,
    Blocked(Pin<Box<dyn Future<Output = ()> + Send>>),
    Sent(Pending),
}

/// A call under way. Dropping it cancels the call; cancel safe in that sense only.
#[must_use = "futures do nothing until polled"]
pub struct CallFuture<T, E = Infallible> {
    outgoing: Outgoing,
    step: Step,
    /// Of a keyed call: how the last attempt ended that was sent.
    sent: Option<Status>,
    types: PhantomData<fn() -> (T, E)>,
}

impl<T, E> CallFuture<T, E> {
    /// What follows from an attempt that failed: another one, or the end. What an attempt came to
    /// that was sent stays unknown when the last one never left, or found nobody who would run it.
    /// An error with a type is the application's answer, whatever its code.
    fn try_again(&mut self, failed: Status) -> Result<Step, Status> {
        let Outgoing { peer, options, .. } = &self.outgoing;
        let Some(again) = peer.another_attempt(&failed, options) else {
            let is_undone = failed.code() == Code::Unavailable && failed.type_name().is_none();
            return Err(self.sent.take().filter(|_| is_undone).unwrap_or(failed));
        };
        if failed.code() == Code::Indeterminate {
            self.sent = Some(failed);
        }
        Ok(Step::Blocked(Box::pin(again)))
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Status>> {
        loop {
            match &mut self.step {
                Step::Sent(pending) => match ready!(Pin::new(pending).poll(cx)) {
                    Ok(answer) => return Poll::Ready(Ok(answer)),
                    Err(status) => self.step = self.try_again(status)?,
                },
                Step::Blocked(writable) => {
                    ready!(writable.as_mut().poll(cx));
                    self.step = Step::Unsent;
                }
                Step::Unsent => {
                    let Outgoing { peer, target, payload, options } = &mut self.outgoing;
                    let bytes = payload.as_ref().map(Option::as_deref).map_err(|s| s.clone())?;
                    self.step = match peer.begin_call(target, bytes, options) {
                        Ok(Attempt::Done(pending)) => Step::Sent(pending),
                        Ok(Attempt::Blocked(writable)) => {
                            Step::Blocked(Box::pin(peer.room(writable, options)))
                        }
                        Err(status) => self.try_again(status)?,
                    };
                }
            }
        }
    }
}

impl<T: DeserializeOwned, E: Failure> Future for CallFuture<T, E> {
    type Output = Result<T, E::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(self.get_mut().poll_answer(cx));
        Poll::Ready(answer.and_then(|bytes| decode_answer(&bytes)).map_err(E::from_status))
    }
}

impl<T, E> Unpin for CallFuture<T, E> {}

impl<T, E> fmt::Debug for CallFuture<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.outgoing.fmt(f)
    }
}

/// A notification that is ready to be sent: await it. Nobody answers; `Ok` says that the session
/// has taken it.
#[must_use = "a notification does nothing until it is awaited"]
#[derive(Debug)]
pub struct Notification {
    outgoing: Outgoing,
}

impl Notification {
    pub(crate) fn new(outgoing: Outgoing) -> Self {
        Self { outgoing }
    }

    /// Adds a meta entry, for the callee's `Context::meta`.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.outgoing.options.meta.push((key.into(), value.into()));
        self
    }
}

impl IntoFuture for Notification {
    type Output = Result<(), Status>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<(), Status>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Outgoing { peer, target, options, .. } = &self.outgoing;
            loop {
                match peer.begin_notify(target, self.outgoing.bytes()?, options)? {
                    Attempt::Done(()) => return Ok(()),
                    Attempt::Blocked(writable) => peer.room(writable, options).await,
                }
            }
        })
    }
}
