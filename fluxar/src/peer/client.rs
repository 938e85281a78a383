//! The dialing side.

use crate::config::Limits;
use crate::engine::event::{PublishOptions, Text};
use crate::engine::session::auth::Rights;
use crate::engine::session::handshake::PeerInfo;
use crate::engine::{Compression, Engine, EngineConfig, Role, WireConfig};
use crate::error::{Code, Status};
use crate::payload;
use crate::peer::auth::Auth;
use crate::peer::driver::{self, Outcome, Start, Waiting};
use crate::peer::node::{NodeInner, NodeLimits};
use crate::peer::reconnect::{Backoff, dice};
use crate::peer::router::BoxFuture;
use crate::peer::seal::{self, Seal};
use crate::peer::shared::Shared;
use crate::peer::state::{Progress, State};
use crate::peer::{Handler, Peer, Service, StreamHandler, handler};
use crate::service::describe::Registry;
use crate::transport::{Address, AddressError, DialOptions, Link, TlsClient, TransportError, dial};
use bytes::Bytes;
use serde::Serialize;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address cannot be read.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The limits make no sense.
    #[error("limits: {0}")]
    Limits(String),
    /// There is no link.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// There can be no seal: a fingerprint that is none, or two of them.
    #[error("seal: {0}")]
    Seal(String),
    /// There was a link, and no session came of it: a refused credential, a peer that speaks
    /// something else, a full server.
    #[error("no session: {0}")]
    Refused(Status),
}

impl ConnectError {
    /// The peer's or the engine's reason, if it came that far.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Refused(status) => Some(status),
            _ => None,
        }
    }
}

/// A peer that dialed. Everything but the making is [`Peer`]'s.
#[derive(Clone, Debug)]
pub struct Client {
    peer: Peer,
    /// What the links to come will present.
    auth: Arc<Mutex<Auth>>,
}

impl Client {
    /// Prepares to dial `ws://…`, `wss://…`, `tcp://…`, `tls://…`, `quic://…`, `unix://…`, `mem://…` or `exec:…`.
    pub fn connect(address: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(address.into())
    }

    /// Publishes to what the acceptor has subscribed to at this side, as against
    /// [`Peer::publish`], which publishes at the acceptor.
    ///
    /// # Errors
    /// The topic is none, or the value cannot be encoded.
    pub fn publish_local<T: Serialize + ?Sized>(
        &self,
        topic: &str,
        value: &T,
    ) -> Result<(), Status> {
        let payload = Bytes::from(payload::encode(value)?);
        let options = PublishOptions::default();
        self.peer.shared.node.publish(&[(Text::from(topic), payload, options)])
    }

    /// Presents another credential on the live session: a token that was refreshed, say. Nothing
    /// that is open is dropped, whatever the answer; who the acceptor takes this side for, and
    /// what it may do, changes when this returns. Links made anew present it, too.
    ///
    /// Dropping the future leaves the attempt to go on by itself.
    ///
    /// # Errors
    /// `unauthenticated` and whatever else the acceptor refuses with: the old credential then
    /// counts on. `unavailable` without a link: the next one will present the new credential.
    pub async fn reauthenticate(&self, auth: Auth) -> Result<(), Status> {
        let outcome = self.peer.shared.reauthenticate(auth.credential()).await;
        let counts = match &outcome {
            Ok(()) => true,
            Err(status) => status.code() == Code::Unavailable,
        };
        if counts {
            *self.auth.lock().unwrap_or_else(PoisonError::into_inner) = auth;
        }
        outcome
    }

    /// The handle, to be given away.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.peer
    }
}

impl Deref for Client {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peer
    }
}

/// What a [`Client`] is made of.
#[derive(Clone, Debug)]
#[must_use = "call build"]
pub struct ClientBuilder {
    addresses: Vec<String>,
    resumes: bool,
    auth: Auth,
    auth_source: Option<AuthSource>,
    name: String,
    roles: Vec<String>,
    limits: Limits,
    backoff: Option<Backoff>,
    dial: DialOptions,
    peer_rights: Rights,
    routes: crate::peer::Routes,
    wire: WireConfig,
    seal: Option<Seal>,
}

impl ClientBuilder {
    pub(crate) fn new(address: String) -> Self {
        Self {
            addresses: vec![address],
            resumes: true,
            auth: Auth::none(),
            auth_source: None,
            name: String::new(),
            roles: Vec::new(),
            limits: Limits::default(),
            backoff: Some(Backoff::default()),
            dial: DialOptions::default(),
            peer_rights: Rights::all(),
            routes: crate::peer::Routes::new(),
            wire: WireConfig::default(),
            seal: None,
        }
    }

    /// Seals the session, and takes none that is not. An address with a fingerprint,
    /// `tcp://host:9000#fp=…`, does so too.
    #[cfg(feature = "seal")]
    pub fn seal(mut self, seal: Seal) -> Self {
        self.seal = Some(seal);
        self
    }

    /// Compresses messages, if the acceptor does.
    pub fn compress(mut self, compression: Compression) -> Self {
        self.wire.compression = compression;
        self
    }

    /// Another address of the same acceptor, over whatever transport. A lost link is made anew over
    /// each of them in turn.
    pub fn or(mut self, address: impl Into<String>) -> Self {
        self.addresses.push(address.into());
        self
    }

    /// Whether the session outlives its link, where the acceptor agrees and this side reconnects.
    /// On by default: what was sent is kept until the other side has taken it.
    pub fn resume(mut self, resumes: bool) -> Self {
        self.resumes = resumes;
        self
    }

    /// What to present. Nothing by default.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// What to present on each link that is made anew: a token from a file that others renew, say.
    /// `None` presents what was presented last. Asked in the task that dials, so it must not take long.
    pub fn renew_auth(mut self, source: impl Fn() -> Option<Auth> + Send + Sync + 'static) -> Self {
        self.auth_source = Some(AuthSource(Arc::new(source)));
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

    /// Bounds of the session.
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

    /// When a lost link is made anew. On by default, with [`Backoff::default`].
    pub fn reconnect(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// A lost link ends the session.
    pub fn no_reconnect(mut self) -> Self {
        self.backoff = None;
        self
    }

    /// How to dial.
    pub fn dial_options(mut self, options: DialOptions) -> Self {
        self.dial = options;
        self
    }

    /// Whom to trust at a `tls://`, `wss://` or `quic://` address, and what to show there. The
    /// platform's authorities by default.
    pub fn tls(mut self, settings: TlsClient) -> Self {
        self.dial.tls = Some(settings);
        self
    }

    /// What the acceptor may do at this side. Everything by default.
    pub fn peer_rights(mut self, rights: Rights) -> Self {
        self.peer_rights = rights;
        self
    }

    /// Serves calls from the acceptor from the first moment on; see [`Peer::handle`].
    pub fn handle<A, H: Handler<A>>(mut self, target: &str, handler: H) -> Self {
        self.routes.merge(handler::single(target, handler));
        self
    }

    /// Serves streams from the acceptor from the first moment on; see [`Peer::handle_stream`].
    pub fn handle_stream<A, H: StreamHandler<A>>(mut self, target: &str, handler: H) -> Self {
        self.routes.merge(handler::single_stream(target, handler));
        self
    }

    /// Serves a service to the acceptor from the first moment on.
    pub fn serve(mut self, service: impl Service) -> Self {
        self.routes.merge(service.routes());
        self
    }

    /// Says more of a contract than its services do: generated code does.
    pub fn describe(mut self, describe: fn(&mut Registry)) -> Self {
        self.routes.describe(describe);
        self
    }

    /// Dials, and waits until the session is ready.
    ///
    /// Dropping the future gives up and leaves nothing behind.
    ///
    /// # Errors
    /// See [`ConnectError`]. Each address is tried once, the next one when the one before is not
    /// there or takes no more (`unavailable`, `resource_exhausted`); only a session that was ready
    /// is kept up by reconnecting.
    pub async fn build(mut self) -> Result<Client, ConnectError> {
        self.settle_seal()?;
        let addresses: Vec<Address> =
            self.addresses.iter().map(|address| address.parse()).collect::<Result<_, _>>()?;
        self.limits.check().map_err(ConnectError::Limits)?;
        let options = self.dial.clone();
        let dialer: Dial = Arc::new(move |attempt| {
            let address = addresses[attempt % addresses.len()].clone();
            let options = options.clone();
            Box::pin(async move { dial(&address, &options).await })
        });
        let last = self.addresses.len() - 1;
        for attempt in 0..last {
            let Ok(link) = dialer(attempt).await else { continue };
            match self.clone().start(Some(Arc::clone(&dialer)), link).await {
                Err(ConnectError::Refused(status)) if is_elsewhere(&status) => {}
                outcome => return outcome,
            }
        }
        let link = dialer(last).await?;
        self.start(Some(dialer), link).await
    }

    /// Makes the session over links that somebody else makes, one after the other: `dial` is asked
    /// for the first, and for another whenever one is lost. It is given the number of the attempt.
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub async fn build_with<F, Fut>(mut self, dial: F) -> Result<Client, ConnectError>
    where
        F: Fn(usize) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Link, TransportError>> + Send + 'static,
    {
        self.settle_seal()?;
        let dialer: Dial = Arc::new(move |attempt| Box::pin(dial(attempt)));
        let first = dialer(0).await?;
        self.start(Some(dialer), first).await
    }

    /// Makes the session over a link that is there already; it cannot be made anew.
    ///
    /// # Errors
    /// [`ConnectError::Refused`].
    pub async fn build_on(mut self, link: Link) -> Result<Client, ConnectError> {
        self.settle_seal()?;
        self.start(None, link).await
    }

    /// What pins the acceptor in the addresses goes into the seal.
    fn settle_seal(&mut self) -> Result<(), ConnectError> {
        let settled = seal::settle(self.seal.take(), &mut self.addresses);
        self.wire.seal = settled.map_err(ConnectError::Seal)?;
        Ok(())
    }

    async fn start(self, dial: Option<Dial>, link: Link) -> Result<Client, ConnectError> {
        self.limits.check().map_err(ConnectError::Limits)?;
        let mut instance = [0; 16];
        // Only tells two processes of one name apart; zeros do no harm.
        let _none = getrandom::fill(&mut instance);
        let info = PeerInfo { instance, name: self.name, roles: self.roles };
        let wire = self.wire;
        let limits = NodeLimits::default();
        let node = NodeInner::new(self.limits.clone(), limits, info, None, (false, wire));
        let backoff = self.backoff.filter(|_| dial.is_some());
        // Nobody would take a session up again that has nowhere to dial.
        let resumes = self.resumes && backoff.is_some();
        let shared = Shared::new(&node, node.next_key(), self.limits, (true, resumes));
        shared.routes.add(self.routes);
        let peer = Peer::new(&shared);
        let mut progress = shared.progress();
        let auth = Arc::new(Mutex::new(self.auth));
        let dialer = Dialer {
            shared,
            dial,
            backoff,
            auth: Arc::clone(&auth),
            auth_source: self.auth_source,
            peer_rights: self.peer_rights,
        };
        // Until the session is ready, it is this future's to give up.
        let mut keeper = AbortOnDrop(Some(tokio::spawn(dialer.keep(link)).abort_handle()));
        let settled = |progress: &Progress| {
            matches!(progress.state, State::Ready | State::Closed | State::Disconnected)
        };
        let outcome = match progress.wait_for(settled).await {
            Ok(progress) if progress.state == State::Ready => Ok(()),
            Ok(progress) => Err(progress.reason.clone()),
            Err(_) => Err(None),
        };
        match outcome {
            Ok(()) => {
                keeper.0 = None;
                Ok(Client { peer, auth })
            }
            Err(reason) => Err(refused(reason)),
        }
    }
}

fn refused(reason: Option<Status>) -> ConnectError {
    ConnectError::Refused(reason.unwrap_or_else(|| {
        let text = "the session ended before it began";
        Status::new(Code::Unavailable, text)
    }))
}

/// Whether another address may take what this one has refused.
fn is_elsewhere(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::ResourceExhausted)
}

struct AbortOnDrop(Option<tokio::task::AbortHandle>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// See [`ClientBuilder::renew_auth`].
#[derive(Clone)]
struct AuthSource(Arc<dyn Fn() -> Option<Auth> + Send + Sync>);

impl std::fmt::Debug for AuthSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthSource")
    }
}

/// Makes a link; by the number of the attempt, to go round several addresses.
type Dial = Arc<dyn Fn(usize) -> BoxFuture<Result<Link, TransportError>> + Send + Sync>;

/// Keeps a session linked.
struct Dialer {
    shared: Arc<Shared>,
    dial: Option<Dial>,
    backoff: Option<Backoff>,
    auth: Arc<Mutex<Auth>>,
    auth_source: Option<AuthSource>,
    peer_rights: Rights,
}

impl Dialer {
    /// Another link is there: what to present on it may be newer.
    fn renew_auth(&self) {
        if let Some(auth) = self.auth_source.as_ref().and_then(|source| (source.0)()) {
            *self.auth.lock().unwrap_or_else(PoisonError::into_inner) = auth;
        }
    }

    fn credential(&self) -> crate::engine::session::auth::Credential {
        self.auth.lock().unwrap_or_else(PoisonError::into_inner).credential()
    }

    fn engine(&self) -> Engine {
        let config = EngineConfig {
            limits: self.shared.limits.clone(),
            peer: self.shared.node.info.clone(),
            credential: self.credential(),
            peer_rights: self.peer_rights.clone(),
            session: [0; 16],
            wire: self.shared.node.wire.clone(),
        };
        Engine::new(config, Role::Dialer, self.shared.now())
    }

    /// One link after the other, until the session is closed or gives up.
    async fn keep(self, first: Link) {
        self.shared.set_reconnects(self.backoff.is_some());
        let (mut link, mut start) = (first, Start::Fresh(Box::new(self.engine())));
        // In a row without success, and all.
        let (mut attempt, mut dialed) = (0, 1);
        let mut previous: Option<Waiting> = None;
        loop {
            let outcome = driver::run(&self.shared, link, start).await;
            // Its session has had the next link by now, or is over.
            drop(previous.take());
            let Progress { state, reason } = self.shared.progress().borrow().clone();
            let is_refused = reason.as_ref().is_some_and(|r| r.code() == Code::Unauthenticated);
            if state == State::Closed || is_refused {
                return self.shared.end(reason);
            }
            // At once after a link that worked: the network may have changed under it. Then with
            // pauses.
            if self.shared.link_was_ready() {
                attempt = 0;
            }
            let waiting = match outcome {
                Outcome::Detached(waiting) => Some(waiting),
                _ => None,
            };
            let at_once = waiting.is_some() && attempt == 0;
            match self.relink(&mut attempt, &mut dialed, at_once).await {
                Some(fresh) => {
                    self.renew_auth();
                    link = fresh;
                }
                None => return self.shared.end(reason),
            }
            start = if self.shared.lock().is_detached() {
                // It may have been refreshed.
                let credential = self.credential();
                self.shared.with(|core, _| {
                    core.engine.iter_mut().for_each(|engine| engine.present(credential.clone()));
                });
                Start::Resume
            } else {
                self.shared.advance(State::Connecting, None);
                Start::Fresh(Box::new(self.engine()))
            };
            previous = waiting;
        }
    }

    /// Dials until there is a link; `None` when it gives up or the session is closed meanwhile.
    async fn relink(
        &self,
        attempt: &mut u32,
        dialed: &mut usize,
        mut at_once: bool,
    ) -> Option<Link> {
        let (backoff, dial) = (self.backoff.as_ref()?, self.dial.as_ref()?);
        loop {
            let pause = match std::mem::take(&mut at_once) {
                true => Duration::ZERO,
                false => backoff.pause(*attempt, dice())?,
            };
            *attempt = attempt.saturating_add(1);
            let number = *dialed;
            *dialed += 1;
            // A link that is made before its time may be given up before it is used.
            let dialing = async {
                tokio::time::sleep(pause).await;
                dial(number).await
            };
            let mut progress = self.shared.progress();
            tokio::select! {
                _ = progress.wait_for(|progress| progress.state == State::Closed) => return None,
                dialed = dialing => match dialed {
                    Ok(link) => return Some(link),
                    Err(error) => tracing::debug!(target: "fluxar", %error, "no link yet"),
                },
            }
        }
    }
}
