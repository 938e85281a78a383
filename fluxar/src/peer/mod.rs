//! The asynchronous peer: one session, equal sides, on tokio.
//!
//! A [`Peer`] is one end of a session. A [`Client`] dials and a [`Server`] accepts, and both end
//! up with the same handle: whatever one side can do, the other can. Handlers run where they are
//! registered; a call that comes in gets one look from the session's reader and, if it is not done
//! by then, a task of its own.

mod about;
mod ahead;
mod allow;
mod auth;
mod book;
mod call;
mod client;
mod context;
mod core;
mod dispatch;
mod driver;
mod encoding;
mod events;
mod handler;
mod hub;
mod idempotency;
mod job;
#[cfg(feature = "jwt")]
mod jwt;
mod node;
mod opening;
mod queue;
mod queueing;
mod raw;
mod reconnect;
mod router;
#[doc(hidden)]
pub mod rt;
#[cfg(feature = "seal")]
mod seal;
#[cfg(not(feature = "seal"))]
#[path = "seal_absent.rs"]
mod seal;
mod server;
mod shared;
mod sink;
#[cfg(feature = "testing")]
mod snapshot;
mod state;
mod streaming;
#[cfg(all(test, feature = "testing"))]
mod tests;
mod topics;

pub use allow::AllowList;
pub use auth::Auth;
pub use call::{Call, CallFuture, Notification};
pub use client::{Client, ClientBuilder, ConnectError};
pub use context::Context;
pub use events::{Events, Message, SubscribeWith, SubscriptionHandle};
pub use handler::{Handler, StreamHandler};
#[cfg(feature = "jwt")]
pub use jwt::{JwtAuth, JwtClaims};
pub use node::{AuthAttempt, Authenticator, NodeLimits};
pub use opening::{Duplex, DuplexCall, StreamCall};
pub use raw::{RawSink, RawStreaming};
pub use reconnect::Backoff;
pub use router::{Params, Routes, Service};
#[cfg(feature = "seal")]
pub use seal::{KeyError, Seal};
pub use server::{BindError, Server, ServerBuilder, Transport};
pub use sink::Sink;
pub use state::State;
pub use streaming::Streaming;
pub use topics::{Publisher, TopicEvents};

use crate::engine::Engine;
use crate::engine::event::PublishOptions;
use crate::engine::session::auth::Identity;
use crate::engine::session::handshake::PeerInfo;
use crate::engine::session::limits::PeerLimits;
use crate::engine::session::phase::Phase;
use crate::engine::time::Time;
use crate::error::{Code, Origin, Status};
use crate::payload::{Keys, Mode};
use crate::peer::call::{Options, Outgoing};
use crate::peer::encoding::{decode_answer, present, with_encoded};
use crate::peer::shared::{Attempt, Shared};
use crate::service::Failure;
use crate::transport::LinkInfo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Pings of one session that wait for their answer.
const PINGS_MAX: usize = 1000;

/// One end of a session. Cheap to clone; all clones mean the same session.
///
/// When the last handle of a session that we dialed is dropped, the session says goodbye: what is
/// open may still finish. A session that we accepted lives as long as its link. A handler of the
/// session that holds a `Peer` of it is such a handle, too: then [`Peer::close`] it.
pub struct Peer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) scope: Scope,
}

/// What calls inherit from the call in whose handler they are made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scope {
    pub(crate) hops: u32,
    pub(crate) deadline: Option<Time>,
}

impl Peer {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self::scoped(shared, Scope::default())
    }

    pub(crate) fn scoped(shared: &Arc<Shared>, scope: Scope) -> Self {
        shared.retain_handle();
        Self { shared: Arc::clone(shared), scope }
    }

    /// How requests are written.
    fn mode(&self) -> Mode {
        Mode::checked(self.shared.keys())
    }

    // ---- calls

    /// Calls `target` and waits for the answer. Dropping the future cancels the call at the other
    /// end.
    ///
    /// Waits its turn while too much waits for the link, or the peer has as many calls as it
    /// takes.
    ///
    /// # Errors
    /// What the callee answered; `unavailable` when it was not sent, `indeterminate` when it was
    /// and the session ended before the answer.
    pub async fn call<Req, Res>(&self, target: &str, request: &Req) -> Result<Res, Status>
    where
        Req: Serialize + ?Sized,
        Res: DeserializeOwned,
    {
        let mut options = Options::default();
        let pending = loop {
            let begin = |bytes: &[u8]| self.begin_call(target, present(bytes), &mut options);
            match with_encoded(request, self.mode(), begin)?? {
                Attempt::Done(pending) => break pending,
                Attempt::Blocked(writable) => self.room(writable, &options).await,
            }
        };
        decode_answer(&pending.await?)
    }

    /// A call with a timeout or meta entries: `peer.request("users.get", &id).timeout(d).send()`.
    pub fn request<Req, Res>(&self, target: &str, request: &Req) -> Call<Res>
    where
        Req: Serialize + ?Sized,
    {
        Call::new(Outgoing::new(self, target.to_owned(), Some(request)))
    }

    /// Tells `target` something that nobody answers. `Ok` says that the session has taken it: it
    /// arrives once or not at all.
    ///
    /// Waits while too much waits for the link. Cancel safe.
    ///
    /// # Errors
    /// The session is not open, or the request cannot be encoded.
    pub async fn notify<Req>(&self, target: &str, request: &Req) -> Result<(), Status>
    where
        Req: Serialize + ?Sized,
    {
        let options = Options::default();
        loop {
            let begin = |bytes: &[u8]| self.begin_notify(target, present(bytes), &options);
            match with_encoded(request, self.mode(), begin)?? {
                Attempt::Done(()) => return Ok(()),
                Attempt::Blocked(writable) => writable.await,
            }
        }
    }

    // ---- streams

    /// Opens a stream of items of type `T` from the callee, then perhaps a result of type `U`.
    /// Returns at once.
    ///
    /// # Errors
    /// The request cannot be encoded, the session is not open, or a limit is reached. What the
    /// callee thinks of it comes as the stream's end.
    pub fn stream<Req, T, U, E>(
        &self,
        target: &str,
        request: &Req,
    ) -> Result<Streaming<T, U, E>, Status>
    where
        Req: Serialize + ?Sized,
        E: Failure,
    {
        self.stream_request(target, request).open()
    }

    /// A stream with a timeout or meta entries.
    pub fn stream_request<Req, T, U, E>(&self, target: &str, request: &Req) -> StreamCall<T, U, E>
    where
        Req: Serialize + ?Sized,
        E: Failure,
    {
        StreamCall::new(Outgoing::new(self, target.to_owned(), Some(request)))
    }

    /// Opens a stream both ways. Returns at once.
    ///
    /// # Errors
    /// As [`Peer::stream`].
    pub fn open<Req, I, T, U, E>(
        &self,
        target: &str,
        request: &Req,
    ) -> Result<Duplex<I, T, U, E>, Status>
    where
        Req: Serialize + ?Sized,
        E: Failure,
    {
        self.duplex_request(target, request).open()
    }

    /// A stream both ways with a timeout or meta entries.
    pub fn duplex_request<Req, I, T, U, E>(
        &self,
        target: &str,
        request: &Req,
    ) -> DuplexCall<I, T, U, E>
    where
        Req: Serialize + ?Sized,
        E: Failure,
    {
        DuplexCall::new(Outgoing::new(self, target.to_owned(), Some(request)))
    }

    // ---- topics

    /// Publishes at the peer, at most once.
    ///
    /// Waits while too much waits for the link. Cancel safe.
    ///
    /// # Errors
    /// The session is not open, the topic is none, or the value cannot be encoded.
    pub async fn publish<T>(&self, topic: &str, value: &T) -> Result<(), Status>
    where
        T: Serialize + ?Sized,
    {
        self.publish_with(topic, value, &PublishOptions::default()).await
    }

    /// Publishes with options, such as `retain`.
    ///
    /// # Errors
    /// As [`Peer::publish`].
    pub async fn publish_with<T>(
        &self,
        topic: &str,
        value: &T,
        options: &PublishOptions,
    ) -> Result<(), Status>
    where
        T: Serialize + ?Sized,
    {
        loop {
            let publish = |bytes: &[u8]| {
                self.shared.attempt(|engine, _, now| engine.publish(now, topic, bytes, options))
            };
            match with_encoded(value, Mode::checked(Keys::Names), publish)?? {
                Attempt::Done(()) => return Ok(()),
                Attempt::Blocked(writable) => writable.await,
            }
        }
    }

    /// Clears the retained value of a topic at the peer.
    ///
    /// # Errors
    /// As [`Peer::publish`].
    pub async fn clear_retained(&self, topic: &str) -> Result<(), Status> {
        let options = PublishOptions::new().retain(true);
        loop {
            let publish =
                self.shared.attempt(|engine, _, now| engine.publish(now, topic, &[], &options));
            match publish? {
                Attempt::Done(()) => return Ok(()),
                Attempt::Blocked(writable) => writable.await,
            }
        }
    }

    /// Subscribes at the peer and runs `handler` for each event, one after the other. Returns when
    /// the peer has granted it. The subscription lives on when the handle is dropped, and over
    /// reconnects; it keeps the session.
    ///
    /// # Errors
    /// The peer refused, or the session is not open.
    pub async fn subscribe<F, Fut>(
        &self,
        pattern: &str,
        handler: F,
    ) -> Result<SubscriptionHandle, Status>
    where
        F: FnMut(Message) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let events = self.events(pattern).await?;
        Ok(SubscriptionHandle::start(events, &self.shared.runtime, handler))
    }

    /// Subscribes at the peer; dropping the [`Events`] unsubscribes. Lives on over reconnects.
    ///
    /// # Errors
    /// As [`Peer::subscribe`].
    pub async fn events(&self, pattern: &str) -> Result<Events, Status> {
        self.events_with(pattern, SubscribeWith::default()).await
    }

    /// Subscribes with options.
    ///
    /// # Errors
    /// As [`Peer::subscribe`].
    pub async fn events_with(&self, pattern: &str, with: SubscribeWith) -> Result<Events, Status> {
        Events::remote(self, pattern, with).await
    }

    // ---- serving

    /// Serves calls of `target` that come over this session; the last handler of a target counts,
    /// and a session's own go before its node's. The handler is `|request: T| async {..}` or
    /// `|ctx: Context, request: T| async {..}`, giving a `Result<U, E>`.
    pub fn handle<A, H: Handler<A>>(&self, target: &str, handler: H) {
        self.shared.routes.add(handler::single(target, handler));
    }

    /// Serves streams of `target` that come over this session: `|ctx: Context, params: P, input:
    /// Streaming<In>, out: Sink<Out>| async {..}`, giving a `Result<U, E>`.
    pub fn handle_stream<A, H: StreamHandler<A>>(&self, target: &str, handler: H) {
        self.shared.routes.add(handler::single_stream(target, handler));
    }

    /// Serves a service to this session's peer.
    pub fn serve(&self, service: impl Service) {
        self.shared.routes.add(service.routes());
    }

    // ---- the session

    /// Asks the peer for a sign of life and says how long that took. Cancel safe.
    ///
    /// # Errors
    /// `unavailable` when the session is not open, or ends before the answer; `resource_exhausted`
    /// with a thousand pings unanswered.
    pub async fn ping(&self) -> Result<Duration, Status> {
        let closed = || {
            let text = "the session is not open: connect, then ping";
            Status::new(Code::Unavailable, text).with_origin(Origin::Link)
        };
        let sent = tokio::time::Instant::now();
        let (waiter, answered) = oneshot::channel();
        self.shared.with(|core, now| {
            let engine = core.engine.as_mut().filter(|engine| engine.phase() == Phase::Ready);
            let engine = engine.ok_or_else(closed)?;
            // Those who gave up waiting are forgotten on the way.
            core.book.pings.retain(|(_, waiter)| !waiter.is_closed());
            if core.book.pings.len() >= PINGS_MAX {
                let text = "too many pings wait for their answer: wait for it, too";
                return Err(Status::new(Code::ResourceExhausted, text));
            }
            core.book.pings.push((engine.ping(now), waiter));
            Ok::<_, Status>(())
        })?;
        answered.await.map_err(|_| closed())?;
        Ok(sent.elapsed())
    }

    /// Who the other side is, as far as this side checked: an acceptor's authenticator says so.
    #[must_use]
    pub fn identity(&self) -> Arc<Identity> {
        self.shared.identity()
    }

    /// Who the other side says it is.
    #[must_use]
    pub fn info(&self) -> Arc<PeerInfo> {
        self.shared.peer_info()
    }

    /// What the other side takes, as it declared when the session began; `None` without a link.
    #[must_use]
    pub fn peer_limits(&self) -> Option<PeerLimits> {
        self.shared.with(|core, _| core.engine.as_ref().map(|engine| *engine.peer_limits()))
    }

    /// Where the present or last link leads.
    #[must_use]
    pub fn link(&self) -> Option<LinkInfo> {
        self.shared.link_info()
    }

    /// Whether the present link is sealed.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.shared.with(|core, _| core.engine.as_ref().is_some_and(Engine::is_sealed))
    }

    /// The key that the other side has proved to have, if the link is sealed and it has one.
    #[cfg(feature = "seal")]
    #[must_use]
    pub fn seal_key(&self) -> Option<crate::SealPublicKey> {
        let key = self.shared.with(|core, _| core.engine.as_ref().and_then(Engine::seal_key));
        key.map(crate::SealPublicKey::from_bytes)
    }

    /// How often another link took over this session: how many links it has lost.
    #[must_use]
    pub fn resumes(&self) -> u64 {
        self.shared.lock().engine.as_ref().map_or(0, Engine::epoch)
    }

    /// How many messages of this side had to be sent again since a link was lost before the peer
    /// had taken them. The peer takes each once.
    #[must_use]
    pub fn resent(&self) -> u64 {
        self.shared.lock().engine.as_ref().map_or(0, Engine::resent)
    }

    /// Where the session is in its life.
    #[must_use]
    pub fn state(&self) -> State {
        self.shared.progress().borrow().state
    }

    /// Waits for the next change of [`Peer::state`]. Changes that follow each other at once may be
    /// seen as one. Cancel safe.
    pub async fn state_changed(&self, from: State) -> State {
        let mut progress = self.shared.progress();
        match progress.wait_for(|progress| progress.state != from).await {
            Ok(progress) => progress.state,
            Err(_) => State::Closed,
        }
    }

    /// Calls `handler` with each new state, until the session is closed for good.
    pub fn on_state(&self, mut handler: impl FnMut(State) + Send + 'static) {
        let mut progress = self.shared.progress();
        self.shared.runtime.spawn(async move {
            while progress.changed().await.is_ok() {
                let state = progress.borrow_and_update().state;
                handler(state);
                if state == State::Closed {
                    return;
                }
            }
        });
    }

    /// Says goodbye, lets what is open finish (for
    /// [`Limits::drain_timeout`](crate::Limits::drain_timeout) at most), and waits for the end.
    /// Dropping the future does not take the goodbye back.
    pub async fn close(&self) {
        self.shared.close(None);
        self.closed().await;
    }

    /// Ends the session now, telling the peer why.
    pub fn abort(&self, status: &Status) {
        self.shared.close(Some(status));
    }

    /// Waits until the session is over for good, and says why unless it was a goodbye. Cancel
    /// safe.
    pub async fn closed(&self) -> Option<Status> {
        let mut progress = self.shared.progress();
        let closed = progress.wait_for(|progress| progress.state == State::Closed).await;
        closed.ok().and_then(|progress| progress.reason.clone())
    }
}

impl Clone for Peer {
    fn clone(&self) -> Self {
        Self::scoped(&self.shared, self.scope)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.shared.release_handle();
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("name", &self.info().name)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
