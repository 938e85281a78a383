//! The accepting side.

use crate::config::Limits;
use crate::engine::event::{PublishOptions, Text};
use crate::engine::sealing::LinkSeal;
use crate::engine::session::auth::{Credential, Identity, Rights};
use crate::engine::session::handshake::PeerInfo;
use crate::engine::{Compression, Engine, EngineConfig, Role, WireConfig};
use crate::error::{Code, Status};
use crate::payload;
use crate::peer::dispatch::judge;
use crate::peer::driver::{self, Handover, Outcome, Start, say_and_close};
use crate::peer::events::{Events, Message, SubscribeWith, SubscriptionHandle};
use crate::peer::node::{AuthAttempt, Authenticator, NodeInner, NodeLimits};
use crate::peer::router::Routes;
use crate::peer::seal::{self, Seal};
use crate::peer::shared::Shared;
use crate::peer::{Handler, Peer, Service, StreamHandler, handler};
use crate::service::describe::Registry;
use crate::transport::{
    Address, AddressError, Incoming, Link, ListenOptions, Listener, TlsServer, TransportError,
    listen,
};
use bytes::Bytes;
use serde::Serialize;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// An address cannot be read.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The limits make no sense.
    #[error("limits: {0}")]
    Limits(String),
    /// There can be no seal.
    #[error("seal: {0}")]
    Seal(String),
    /// Certificates of clients are asked for, and nobody says what they are worth.
    #[error(
        "client certificates are asked for, and no authenticator says what their holders may do: \
         set one, such as AllowList::any_certificate"
    )]
    NoAuthenticator,
    /// An address cannot be listened at.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// The transport of addresses that do not name one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// `tcp://host:port`.
    #[default]
    Tcp,
    /// `ws://host:port/path`.
    Ws,
    /// `tls://host:port`.
    Tls,
    /// `wss://host:port/path`.
    Wss,
    /// `quic://host:port`.
    Quic,
    /// `unix:///path`.
    Unix,
    /// `mem://name`.
    Mem,
}

impl Transport {
    fn scheme(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Ws => "ws",
            Self::Tls => "tls",
            Self::Wss => "wss",
            Self::Quic => "quic",
            Self::Unix => "unix",
            Self::Mem => "mem",
        }
    }
}

/// A peer that accepts. Cheap to clone; dropping the last clone ends all sessions at once, see
/// [`Server::shutdown`] for the polite way. A handler that holds a clone keeps its server: only
/// `shutdown` ends that one.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

struct Inner {
    node: Arc<NodeInner>,
    /// Taken by `run`.
    listeners: Mutex<Vec<Listener>>,
    addresses: Vec<Address>,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Prepares to listen at `tcp://…`, `tls://…`, `ws://…`, `wss://…`, `quic://…`, `unix://…`, `mem://…` or `stdio:`.
    pub fn bind(address: impl Into<String>) -> ServerBuilder {
        Self::unbound().also(address)
    }

    /// Prepares a server that listens nowhere: links come by [`Server::accept_link`].
    pub fn unbound() -> ServerBuilder {
        ServerBuilder {
            addresses: Vec::new(),
            transport: Transport::default(),
            authenticator: None,
            limits: Limits::default(),
            node_limits: NodeLimits::default(),
            name: String::new(),
            roles: Vec::new(),
            listen: ListenOptions::default(),
            wire: WireConfig::default(),
            seal: None,
            resumes: true,
        }
    }

    /// Serves calls of `target`. The last handler of a target counts, also for sessions that
    /// live. The handler is `|request: T| async {..}` or `|ctx: Context, request: T| async {..}`,
    /// giving a `Result<U, E>`.
    pub fn handle<A, H: Handler<A>>(&self, target: &str, handler: H) {
        self.inner.node.routes.add(handler::single(target, handler));
    }

    /// Serves streams of `target`: `|ctx: Context, params: P, input: Streaming<In>, out:
    /// Sink<Out>| async {..}`, giving a `Result<U, E>`.
    pub fn handle_stream<A, H: StreamHandler<A>>(&self, target: &str, handler: H) {
        self.inner.node.routes.add(handler::single_stream(target, handler));
    }

    /// Serves a service.
    pub fn serve(&self, service: impl Service) {
        self.inner.node.routes.add(service.routes());
    }

    /// Says more of a contract than its services do: generated code does.
    pub fn describe(&self, describe: fn(&mut Registry)) {
        let mut routes = Routes::new();
        routes.describe(describe);
        self.serve(routes);
    }

    /// Where it listens, with the ports that were really taken.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.inner.addresses
    }

    /// The key that dialers may pin, if sessions are sealed here.
    #[cfg(feature = "seal")]
    #[must_use]
    pub fn seal_key(&self) -> Option<crate::SealPublicKey> {
        self.inner.node.wire.seal.as_ref()?.key.as_ref().map(crate::SealKey::public)
    }

    /// The sessions that are ready.
    #[must_use]
    pub fn peers(&self) -> Vec<Peer> {
        self.inner.node.all().iter().map(Peer::new).collect()
    }

    /// Accepts until [`Server::shutdown`], or until no listener is left. A failing accept is
    /// tried again after a pause; one bad peer never stops it.
    ///
    /// Dropping the future stops accepting for good, and leaves the sessions alone.
    pub async fn run(&self) {
        let listeners = std::mem::take(
            &mut *self.inner.listeners.lock().unwrap_or_else(PoisonError::into_inner),
        );
        let mut accepting = JoinSet::new();
        for listener in listeners {
            accepting.spawn(accept(Arc::clone(&self.inner.node), listener));
        }
        let mut stop = self.inner.stop.subscribe();
        tokio::select! {
            () = async { while accepting.join_next().await.is_some() {} } => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        if !*self.inner.stop.borrow() {
            // Links that were accepted go on, as with a server whose one client came by stdio.
            self.inner.node.wait_empty().await;
        }
    }

    /// Takes over a link that somebody else made.
    pub fn accept_link(&self, link: Link) {
        spawn_session(&self.inner.node, async move { Ok(link) });
    }

    /// Publishes to everybody who has subscribed here. Never waits: what happens to a subscriber
    /// that is too slow is up to its [`Overflow`](crate::Overflow) policy.
    ///
    /// # Errors
    /// The topic is none, or the value cannot be encoded.
    pub fn publish<T: Serialize + ?Sized>(&self, topic: &str, value: &T) -> Result<(), Status> {
        self.publish_with(topic, value, &PublishOptions::default())
    }

    /// Publishes with options, such as `retain`.
    ///
    /// # Errors
    /// As [`Server::publish`]; `resource_exhausted` when no more values can be retained.
    pub fn publish_with<T: Serialize + ?Sized>(
        &self,
        topic: &str,
        value: &T,
        options: &PublishOptions,
    ) -> Result<(), Status> {
        options.meta.check()?;
        let payload = Bytes::from(payload::encode(value)?);
        self.inner.node.publish(&[(Text::from(topic), payload, options.clone())])
    }

    /// Subscribes to what is published here, by peers or by this program. Dropping the [`Events`]
    /// unsubscribes. Returns at once.
    ///
    /// # Errors
    /// The pattern is none; `unavailable` after [`Server::shutdown`].
    pub fn events(&self, pattern: &str) -> Result<Events, Status> {
        self.events_with(pattern, &SubscribeWith::default())
    }

    /// Subscribes with options: a group, that is. The queue holds
    /// [`Limits::subscription_bytes_max`] and drops the oldest.
    ///
    /// # Errors
    /// As [`Server::events`].
    pub fn events_with(&self, pattern: &str, with: &SubscribeWith) -> Result<Events, Status> {
        Events::local(&self.inner.node, pattern, with)
    }

    /// Runs `handler` for each event that is published here, one after the other, in a task.
    ///
    /// # Errors
    /// As [`Server::events`].
    pub fn subscribe<F, Fut>(&self, pattern: &str, handler: F) -> Result<SubscriptionHandle, Status>
    where
        F: FnMut(Message) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let events = self.events(pattern)?;
        Ok(SubscriptionHandle::start(events, &tokio::runtime::Handle::current(), handler))
    }

    /// Stops accepting, says goodbye to everybody, and waits until what is open has finished, for
    /// [`Limits::drain_timeout`] at most. Then the subscriptions of this side end, and the handlers
    /// are dropped with whatever they hold. Dropping the future leaves the goodbyes to go on by
    /// themselves, and skips the rest.
    pub async fn shutdown(&self) {
        self.inner.stop.send_replace(true);
        self.inner.listeners.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.inner.node.stop();
        self.inner.node.wait_empty().await;
        self.inner.node.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.node.abort_all();
        self.node.close();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("addresses", &self.inner.addresses).finish_non_exhaustive()
    }
}

/// What a [`Server`] is made of.
#[must_use = "call build"]
pub struct ServerBuilder {
    addresses: Vec<String>,
    transport: Transport,
    authenticator: Option<Arc<dyn Authenticator>>,
    limits: Limits,
    node_limits: NodeLimits,
    name: String,
    roles: Vec<String>,
    listen: ListenOptions,
    wire: WireConfig,
    seal: Option<Seal>,
    resumes: bool,
}

impl ServerBuilder {
    /// Seals sessions, and takes no others unless it is [`Seal::allow`].
    #[cfg(feature = "seal")]
    pub fn seal(mut self, seal: Seal) -> Self {
        self.seal = Some(seal);
        self
    }

    /// Compresses messages for dialers that do.
    pub fn compress(mut self, compression: Compression) -> Self {
        self.wire.compression = compression;
        self
    }

    /// Listens at another address as well.
    pub fn also(mut self, address: impl Into<String>) -> Self {
        self.addresses.push(address.into());
        self
    }

    /// The transport of addresses that do not name one, such as `127.0.0.1:9000`.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Who decides what a credential is worth. Without one everybody is welcome, and may do
    /// everything; a server that asks for certificates must have one.
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.authenticator = Some(Arc::new(authenticator));
        self
    }

    /// Bounds of each session.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether records may travel with the numbers of their contract as keys, where the peer can
    /// read them too: see [`Limits::numbered_keys`].
    pub fn numbered_keys(mut self, may: bool) -> Self {
        self.limits.numbered_keys = may;
        self
    }

    /// Bounds of all sessions together.
    pub fn node_limits(mut self, limits: NodeLimits) -> Self {
        self.node_limits = limits;
        self
    }

    /// A name for people to know this peer by.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds a role that this peer offers.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Whether sessions outlive their links, where the dialer can dial again. On by default: what
    /// was sent is kept until the other side has taken it.
    pub fn resume(mut self, resumes: bool) -> Self {
        self.resumes = resumes;
        self
    }

    /// How to listen.
    pub fn listen_options(mut self, options: ListenOptions) -> Self {
        self.listen = options;
        self
    }

    /// What to show at `tls://`, `wss://` and `quic://` addresses, which need it.
    pub fn tls(mut self, settings: TlsServer) -> Self {
        self.listen.tls = Some(settings);
        self
    }

    /// Listens. Nobody is accepted before [`Server::run`].
    ///
    /// # Errors
    /// See [`BindError`]; nothing is listened at then.
    pub async fn build(mut self) -> Result<Server, BindError> {
        let settled = seal::settle_acceptor(self.seal.take());
        self.wire.seal = settled.map_err(BindError::Seal)?;
        self.limits.check().map_err(BindError::Limits)?;
        let asks = self.listen.tls.as_ref().is_some_and(TlsServer::asks_for_certificates);
        if asks && self.authenticator.is_none() {
            return Err(BindError::NoAuthenticator);
        }
        let mut listeners = Vec::new();
        for address in &self.addresses {
            let address = Address::parse_with(self.transport.scheme(), address)?;
            listeners.push(listen(&address, &self.listen).await?);
        }
        Ok(self.assemble(listeners))
    }

    fn assemble(self, listeners: Vec<Listener>) -> Server {
        let mut instance = [0; 16];
        // Only tells two processes of one name apart; zeros do no harm.
        let _none = getrandom::fill(&mut instance);
        let info = PeerInfo { instance, name: self.name, roles: self.roles };
        let settings = (self.resumes, self.wire);
        let node =
            NodeInner::new(self.limits, self.node_limits, info, self.authenticator, settings);
        let addresses = listeners.iter().map(|listener| listener.address().clone()).collect();
        let (stop, listeners) = (watch::Sender::new(false), Mutex::new(listeners));
        Server { inner: Arc::new(Inner { node, listeners, addresses, stop }) }
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// Accepts at one address for as long as its listener lives.
async fn accept(node: Arc<NodeInner>, mut listener: Listener) {
    loop {
        match listener.accept().await {
            Ok(incoming) => spawn_session(&node, Incoming::establish(incoming)),
            Err(error) => match error.pause() {
                Some(pause) => {
                    tracing::warn!(target: "fluxar", %error, "accepting again after a pause");
                    tokio::time::sleep(pause).await;
                }
                None => {
                    tracing::error!(target: "fluxar", %error, "the listener is dead");
                    return;
                }
            },
        }
    }
}

/// Runs one accepted link in a task, from the transport's handshake to the end.
fn spawn_session(
    node: &Arc<NodeInner>,
    establish: impl Future<Output = Result<Link, TransportError>> + Send + 'static,
) {
    let key = node.next_key();
    let running = Arc::clone(node);
    // Registered before its first poll can have ended it.
    let (go, gate) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let ended = Ended { node: running, key };
        if gate.await.is_err() {
            return;
        }
        match establish.await {
            Ok(link) => session(&ended.node, key, link).await,
            Err(error) => tracing::debug!(target: "fluxar", %error, "no link"),
        }
    });
    node.task_started(key, &task.abort_handle());
    // The task waits for this.
    let _gone = go.send(());
}

struct Ended {
    node: Arc<NodeInner>,
    key: u64,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.node.task_ended(self.key);
    }
}

async fn session(node: &Arc<NodeInner>, key: u64, link: Link) {
    let mut id = [0; 16];
    if getrandom::fill(&mut id).is_err() {
        // Two sessions of one name would be worse than one less.
        tracing::error!(target: "fluxar", "no randomness for a session's name");
        return;
    }
    let limits = node.limits.clone();
    let config = EngineConfig {
        limits: limits.clone(),
        peer: node.info.clone(),
        credential: Credential::None,
        peer_rights: Rights::none(),
        session: id,
        wire: node.wire.clone(),
    };
    let shared = Shared::new(node, key, limits, (false, node.resumes));
    let engine = Engine::new(config, Role::Acceptor, shared.now());
    let mut outcome = driver::run(&shared, link, Start::Fresh(Box::new(engine))).await;
    drop(shared);
    loop {
        match outcome {
            Outcome::Ended | Outcome::Superseded => return,
            Outcome::Detached(waiting) => return waiting.settled().await,
            Outcome::Handover(handover) => {
                let Some(session) = node.resumable(handover.attachment.session()) else { return };
                let attempt = presented(&session, &handover);
                let welcome = is_still_welcome(node, &session, attempt).await;
                let Handover { link, attachment, bytes, seal, judged } = *handover;
                let welcome = match welcome {
                    Err(status) if Engine::is_for_now(&status) => {
                        tracing::debug!(target: "fluxar", %status, "a session is not taken up");
                        return say_and_close(link, Engine::refusal(seal, &status)).await;
                    }
                    welcome => welcome.map(|identity| identity.or(judged)),
                };
                node.handshake_done(key);
                let start = Start::Adopt(Box::new((attachment, bytes, seal)), welcome);
                outcome = driver::run(&session, link, start).await;
            }
        }
    }
}

/// Behind a seal the dialer presents itself only when it has proved that the session is its own. It
/// must be the same identity as before: else the session is over, and it hears why.
async fn is_still_welcome(
    node: &NodeInner,
    session: &Shared,
    attempt: Option<AuthAttempt>,
) -> Result<Option<Identity>, Status> {
    let (Some(attempt), Some(authenticator)) = (attempt, &node.authenticator) else {
        return Ok(None);
    };
    let deciding = judge(Arc::clone(authenticator), attempt);
    let decided = tokio::time::timeout(node.limits.handshake_timeout, deciding).await;
    let identity = decided.unwrap_or_else(|_| {
        let text = "[L4.resume.8] nobody decided in time who this is: dial again later";
        Err(Status::new(Code::Unavailable, text))
    })?;
    match session.identity().is_the_same_as(&identity) {
        true => Ok(Some(identity)),
        false => Err(foreign_status()),
    }
}

/// `[L4.resume.5]`
pub(crate) fn foreign_status() -> Status {
    let text = "[L4.resume.5] the session is another identity's";
    Status::new(Code::PermissionDenied, text)
}

/// What was presented behind the seal of a link that is handed over.
fn presented(session: &Shared, handover: &Handover) -> Option<AuthAttempt> {
    Some(AuthAttempt::new(
        handover.attachment.credential()?.clone(),
        PeerInfo::clone(&session.peer_info()),
        Some(handover.link.info.clone()),
        handover.seal.as_ref().and_then(LinkSeal::remote),
    ))
}
